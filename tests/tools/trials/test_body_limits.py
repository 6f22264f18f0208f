"""The trial of the limits of a track's body: it counts what the limits refuse, and only that."""

from __future__ import annotations

import numpy as np
import pytest

from stream.body import FloatArray
from stream.skeleton import CANONICAL
from tests.stream.bodies import at_rate, walking
from tools.datasets import Walk
from tools.trials.body_limits import refused

TIMES = at_rate(30, 8)
HIP = CANONICAL.index("HipCenter")


def walk(joints: FloatArray) -> Walk:
    confidence = np.ones(joints.shape[:2], np.float32)
    return Walk("1", "1", "kinect-v1", "kinect-v1", TIMES, joints.astype(np.float32), confidence, "test/1/1")


def test_windows_of_a_walk_are_counted_and_none_is_refused() -> None:
    assert refused([walk(walking(TIMES))] * 2) == (2 * 79, 0, 0, 0)


@pytest.mark.parametrize("column", ["proportions", "size"])
def test_windows_of_other_bodies_count_as_refused(column: str) -> None:
    joints = walking(TIMES)
    if column == "size":
        factor = np.where(np.arange(len(TIMES)) // 60 % 2, 0.63, 1.0)[:, None, None]
        joints = joints[:, HIP : HIP + 1] + factor * (joints - joints[:, HIP : HIP + 1])
    else:
        for part in ("Elbow", "Wrist", "Hand"):
            for side in ("Left", "Right"):
                shoulder = joints[:, CANONICAL.index("Shoulder" + side)]
                joints[:, CANONICAL.index(part + side)] += 0.9 * (
                    joints[:, CANONICAL.index(part + side)] - shoulder
                )
    found = refused([walk(joints)])
    assert getattr(found, column) > 30
    assert getattr(found, {"size": "proportions", "proportions": "size"}[column]) == 0
