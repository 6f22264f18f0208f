"""Readers of gait data sets, in their original formats and in derived ones.

Supported: KGBD, BIWI, IAS-Lab, KS20, CASIA-B (skeletons estimated from its videos), packed .npz files, and
.npy arrays of precut windows. `tools.datasets.dataset_registry` says how to add a data set,
`tools.datasets.formats` how to add a file format.
"""

from __future__ import annotations

from tools.datasets.dataset_registry import DATASETS, Dataset, DatasetInfo, open_dataset
from tools.datasets.formats import FORMATS, Format, detect, find_walks, read_walks
from tools.datasets.npy import PrecutWindows, PrecutWindowsRef
from tools.datasets.recorded_walk import Walk, WalkRef

__all__ = [
    "DATASETS",
    "FORMATS",
    "Dataset",
    "DatasetInfo",
    "Format",
    "PrecutWindows",
    "PrecutWindowsRef",
    "Walk",
    "WalkRef",
    "detect",
    "find_walks",
    "open_dataset",
    "read_walks",
]
