"""Reading gait data sets in the formats their makers gave them, and in those that others share them in.

KGBD, BIWI, IAS-Lab, KS20, CASIA-B (skeletons estimated from its videos), packed .npz, preprocessed .npy.
"""

from __future__ import annotations

from tools.datasets.dataset import DATASETS, About, Dataset, open_dataset
from tools.datasets.formats import FORMATS, Format, detect, find_walks, read_walks
from tools.datasets.npy import Prepared, PreparedRef
from tools.datasets.recorded_walk import Walk, WalkRef

__all__ = [
    "DATASETS",
    "FORMATS",
    "About",
    "Dataset",
    "Format",
    "Prepared",
    "PreparedRef",
    "Walk",
    "WalkRef",
    "detect",
    "find_walks",
    "open_dataset",
    "read_walks",
]
