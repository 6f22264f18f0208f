"""Validation windows, taken from the training walks, to choose hyperparameters and epochs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gallery.recognition.network_training import split_walk_ends
from stream.errors import DataError
from tools.evaluation.splits.window_set import WindowSet

__all__ = ["BoolArray", "split_validation_windows"]

BoolArray = NDArray[np.bool_]


def split_validation_windows(train: WindowSet) -> tuple[BoolArray, BoolArray]:
    """Splits the training windows; validation windows are those at the end of each training walk.

    Args:
        train: training windows, one every f // 2 skeletons.

    Returns:
        (n,) bool, training windows; (n,) bool, validation windows.

    Raises:
        DataError: no walk is long enough for a validation window.
    """
    training, validation = split_walk_ends(train.walks)
    if not validation.any():
        raise DataError(
            "expected a training walk of at least four windows, for validation at its end, got "
            f"{len(train)} windows of shorter walks; use longer recordings"
        )
    return training, validation
