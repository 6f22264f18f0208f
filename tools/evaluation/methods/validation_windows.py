"""The windows by which whatever is learned chooses among its settings and epochs: never those of the test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gallery.recognition.network_training import hold_out_ends
from stream.errors import DataError
from tools.evaluation.splits.walk_split import WindowSet

__all__ = ["BoolArray", "held_out"]

BoolArray = NDArray[np.bool_]


def held_out(train: WindowSet) -> tuple[BoolArray, BoolArray]:
    """Mark the windows to learn from, and those at the end of each training walk, to choose by.

    Args:
        train: windows that start every f // 2 skeletons.

    Returns:
        Two (n,) bool.

    Raises:
        DataError: no walk is long enough to hold a window out.
    """
    learned, held = hold_out_ends(train.walks)
    if not held.any():
        raise DataError(
            "expected a training walk of at least four windows, to choose settings by its end, got "
            f"{len(train)} windows of shorter ones; give longer recordings"
        )
    return learned, held
