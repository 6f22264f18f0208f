"""Methods `raw` and `bones`: joint coordinates and bone lengths, without training."""

from __future__ import annotations

import numpy as np

from stream.body import FloatArray
from stream.skeleton import BONES
from tools.evaluation.methods.method import Description, FixedMethod
from tools.evaluation.methods.named_joints import adapt_to_layout

__all__ = ["bone_lengths", "bones_method", "joint_distances", "raw_features", "raw_method"]


def joint_distances(skeletons: FloatArray, pairs: tuple[tuple[int, int], ...]) -> FloatArray:
    """Returns the distances (..., P) between P pairs of joints of skeletons (..., 20, 3)."""
    first, second = np.array(pairs).T
    distances: FloatArray = np.linalg.norm(skeletons[..., first, :] - skeletons[..., second, :], axis=-1)
    return distances


def raw_features(windows: FloatArray) -> FloatArray:
    """Returns the hip-centred coordinates, (n, f * J * 3)."""
    return windows.reshape(len(windows), -1)


def bone_lengths(windows: FloatArray) -> FloatArray:
    """Returns the median length of each bone over the window, (n, 19), metres."""
    medians: FloatArray = np.median(joint_distances(windows, BONES), axis=1)
    return medians


def raw_method(f: int) -> FixedMethod:
    """Returns the method `raw`; each skeleton is a part."""
    return FixedMethod((Description("raw", raw_features, parts=f),))


def bones_method(layout: str) -> FixedMethod:
    """Returns the method `bones` for windows in a joint layout."""
    return FixedMethod((Description("bones", adapt_to_layout(bone_lengths, layout)),))
