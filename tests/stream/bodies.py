"""Synthetic test body that walks on the spot; its limbs swing like pendulums."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.skeleton import CANONICAL

STANDING = {
    "HipCenter": (0, 0.95), "Spine": (0, 1.1), "ShoulderCenter": (0, 1.45), "Head": (0, 1.65),
    "Shoulder": (0.18, 1.38), "Elbow": (0.22, 1.1), "Wrist": (0.22, 0.85), "Hand": (0.22, 0.77),
    "Hip": (0.08, 0.9), "Knee": (0.08, 0.48), "Ankle": (0.08, 0.08), "Foot": (0.08, 0.0),
}  # fmt: skip
"""Sideways position and height of each joint, metres; X is positive on the left side."""

SWING = {"Knee": 0.42, "Ankle": 0.82, "Foot": 0.9, "Elbow": -0.28, "Wrist": -0.53, "Hand": -0.61}
"""Distance of a joint below its hip or shoulder, metres; negative for arms, which swing against the legs."""


def at_rate(rate: float, seconds: float = 3.0) -> NDArray[np.int64]:
    """Returns frame times at a frame rate, nanoseconds."""
    return np.round(np.arange(int(seconds * rate)) * 1e9 / rate).astype(np.int64)


def walking(times_ns: NDArray[np.int64], *, swing: float = 0.4, distance: float = 3.0) -> FloatArray:
    """Returns joints (T, 20, 3), metres; legs and arms swing by `swing` radians at 0.9 Hz."""
    joints = np.zeros((len(times_ns), len(CANONICAL), 3))
    angle = swing * np.sin(2 * np.pi * 0.9 * np.asarray(times_ns) / 1e9)
    for n, name in enumerate(CANONICAL):
        part = name.removesuffix("Left").removesuffix("Right")
        side = 1 if name.endswith("Left") else -1
        x, y = STANDING[part]
        length = SWING.get(part, 0.0)
        joints[:, n, 0] = side * x
        joints[:, n, 1] = y + abs(length) * (1 - np.cos(angle)) - 0.95
        joints[:, n, 2] = distance - side * length * np.sin(angle)
    return joints.astype(np.float32)
