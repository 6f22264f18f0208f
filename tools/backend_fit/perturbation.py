"""Walks with the errors of a camera's pose estimates, for fitting to sensors without known people.

Estimates from one camera are least accurate along the line of sight: depth is scaled, the whole body leans,
single joints are too near or too far, and all of it depends on the walker's orientation to the camera. The
sizes of these errors were set once, from common knowledge of such estimates, not fitted to any data set.
"""

from __future__ import annotations

import numpy as np

from encoder.pose import JOINT_COLUMNS, POSE_WIDTH, pose_features
from gallery.scoring.descriptions import describe_windows
from stream.body import FloatArray
from tools.backend_fit.fusion_fit import DescribedWalk
from tools.backend_fit.offline_pipeline import WalkCages

__all__ = ["perturb", "perturbed_walk"]

_DEPTH = 0.15
"""Standard deviation of the logarithm of the depth scale."""
_LEAN_DEG = 6.0
_SIZE = 0.02
"""Standard deviation of the logarithm of the overall scale."""
_JOINT_M = (0.01, 0.01, 0.03)
"""Standard deviation of the offsets of single joints: across, up, in depth."""


def perturb(windows: FloatArray, random: np.random.Generator) -> FloatArray:
    """Perturbs the windows of one walk in front of a randomly placed camera, all with the same errors.

    Args:
        windows: (n, f, 20, 3) float32, hip-centred, metres, Y up.
        random: draws the errors.
    """
    turn, lean = random.uniform(0, 2 * np.pi), np.radians(random.normal(0, _LEAN_DEG))
    offsets = random.normal(0, 1, (windows.shape[2], 3)) * _JOINT_M
    offsets[0] = 0
    x, y, z = (windows[..., axis].astype(np.float64) for axis in range(3))
    across, depth = np.cos(turn) * x + np.sin(turn) * z, np.cos(turn) * z - np.sin(turn) * x
    depth *= np.exp(random.normal(0, _DEPTH))
    up, depth = np.cos(lean) * y - np.sin(lean) * depth, np.sin(lean) * y + np.cos(lean) * depth
    perturbed = np.exp(random.normal(0, _SIZE)) * (np.stack((across, up, depth), axis=-1) + offsets)
    single: FloatArray = perturbed.astype(np.float32)
    return single


def perturbed_walk(walk: WalkCages, every: int, random: np.random.Generator) -> DescribedWalk:
    """Returns the poses of every n-th window of a walk, with errors drawn for this walk."""
    joints = walk.cages[::every, :, -POSE_WIDTH:][:, :, JOINT_COLUMNS]
    limbs = joints.reshape(*joints.shape[:2], -1, 3)
    windows = np.concatenate((np.zeros_like(limbs[:, :, :1]), limbs), axis=2)
    return DescribedWalk(walk.person, walk.walk, describe_windows(pose_features(perturb(windows, random))))
