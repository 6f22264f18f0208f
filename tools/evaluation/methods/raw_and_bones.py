"""The simplest descriptions: the coordinates themselves, and the lengths of the bones."""

from __future__ import annotations

import numpy as np

from stream.body import FloatArray
from stream.skeleton import BONES
from tools.evaluation.methods.method import Description, Fixed
from tools.evaluation.methods.named_joints import through_canonical

__all__ = ["bone_lengths", "bones", "lengths", "raw", "raw_window"]


def lengths(skeletons: FloatArray, pairs: tuple[tuple[int, int], ...]) -> FloatArray:
    """Distances (..., P) between P pairs of joints of skeletons (..., 20, 3)."""
    first, second = np.array(pairs).T
    found: FloatArray = np.linalg.norm(skeletons[..., first, :] - skeletons[..., second, :], axis=-1)
    return found


def raw_window(windows: FloatArray) -> FloatArray:
    """The hip-centred coordinates themselves, (n, f * 60)."""
    return windows.reshape(len(windows), -1)


def bone_lengths(windows: FloatArray) -> FloatArray:
    """The median over the window's skeletons of each bone's length, (n, 19), metres."""
    medians: FloatArray = np.median(lengths(windows, BONES), axis=1)
    return medians


def raw(f: int) -> Fixed:
    """The window's coordinates; a part a skeleton."""
    return Fixed((Description("raw", raw_window, parts=f),))


def bones(layout: str) -> Fixed:
    """The window's bone lengths; of windows in that layout."""
    return Fixed((Description("bones", through_canonical(bone_lengths, layout)),))
