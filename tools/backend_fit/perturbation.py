"""Walks as a camera might have misjudged them, to learn from for sensors of which nothing is known.

An estimate from one camera errs most along the line of sight: depths are stretched or squeezed, the whole
body leans, single joints lie too near or too far, and all of it depends on how the walker faces the camera.
The sizes of these errors were set once, by what is commonly said of such estimates; no data set was asked.
"""

from __future__ import annotations

import numpy as np

from encoder.pose import JOINTS, POSE, pose_numbers
from gallery.scoring.segments import describe_windows
from stream.body import FloatArray
from tools.backend_fit.fusion_fit import DescribedWalk
from tools.backend_fit.offline_pipeline import WalkCages

__all__ = ["misjudge", "misjudged_walk"]

_DEPTH = 0.15
"""Deviation of the logarithm of how far depths are stretched."""
_LEAN_DEG = 6.0
_SIZE = 0.02
"""Deviation of the logarithm of how much too large all is."""
_JOINT_M = (0.01, 0.01, 0.03)
"""By how much single joints lie beside where they are: across, up, in depth."""


def misjudge(windows: FloatArray, random: np.random.Generator) -> FloatArray:
    """The windows of one walk before a camera that stands anywhere, all with the same errors.

    Args:
        windows: (n, f, 20, 3) float32, hip-centred, metres, Y up.
        random: draws the errors.
    """
    turn, lean = random.uniform(0, 2 * np.pi), np.radians(random.normal(0, _LEAN_DEG))
    beside = random.normal(0, 1, (windows.shape[2], 3)) * _JOINT_M
    beside[0] = 0
    x, y, z = (windows[..., axis].astype(np.float64) for axis in range(3))
    across, depth = np.cos(turn) * x + np.sin(turn) * z, np.cos(turn) * z - np.sin(turn) * x
    depth *= np.exp(random.normal(0, _DEPTH))
    up, depth = np.cos(lean) * y - np.sin(lean) * depth, np.sin(lean) * y + np.cos(lean) * depth
    seen = np.exp(random.normal(0, _SIZE)) * (np.stack((across, up, depth), axis=-1) + beside)
    misjudged: FloatArray = seen.astype(np.float32)
    return misjudged


def misjudged_walk(walk: WalkCages, every: int, random: np.random.Generator) -> DescribedWalk:
    """A walk's poses alone, of one window in so many, with errors of their own."""
    joints = walk.cages[::every, :, -POSE:][:, :, JOINTS]
    limbs = joints.reshape(*joints.shape[:2], -1, 3)
    windows = np.concatenate((np.zeros_like(limbs[:, :, :1]), limbs), axis=2)
    return DescribedWalk(walk.person, walk.walk, describe_windows(pose_numbers(misjudge(windows, random))))
