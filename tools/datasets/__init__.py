"""Reading gait data sets in the formats their makers gave them: KGBD, BIWI, IAS-Lab, KS20, packed .npz."""

from __future__ import annotations

from tools.datasets.catalogue import FORMATS, Format, detect, find_walks, read_walks
from tools.datasets.walk import Walk, WalkRef

__all__ = ["FORMATS", "Format", "Walk", "WalkRef", "detect", "find_walks", "read_walks"]
