"""The turn that makes a tilted sensor's skeletons level."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stream.body import FloatArray

__all__ = ["levelling_turn"]


def levelling_turn(up: ArrayLike) -> FloatArray:
    """Returns the smallest rotation (3, 3) that turns a direction to the Y axis: `joints @ turn.T` are level.

    Args:
        up: (3,) the direction that is up, of any length, in the sensor's axes; Y is positive.

    Raises:
        ValueError: it does not point up.
    """
    x, y, z = np.asarray(up, np.float64) / np.linalg.norm(up)
    if not y > 0:
        raise ValueError(f"expected a direction with Y above 0, got {np.asarray(up).tolist()}")
    # Rodrigues' formula: the axis is up x Y = (-z, 0, x), whose length is the sine, and y is the cosine.
    cross = np.array([[0, -x, 0], [x, 0, z], [0, -z, 0]])
    turn: FloatArray = (np.eye(3) + cross + cross @ cross / (1 + y)).astype(np.float32)
    return turn
