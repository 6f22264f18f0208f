"""The trial of joints that a source never has: the proportions of hands and feet."""

from __future__ import annotations

import numpy as np
import pytest

from stream.skeleton import CANONICAL
from tests.stream.bodies import at_rate, walking
from tools.datasets import Walk
from tools.trials.absent_joints import measure_proportions

TIMES = at_rate(30, 2)


def test_proportions_are_those_of_the_body() -> None:
    joints = walking(TIMES, swing=0.0)
    for side in ("Left", "Right"):
        knee, ankle, foot = (joints[:, CANONICAL.index(part + side)] for part in ("Knee", "Ankle", "Foot"))
        shank = np.linalg.norm(ankle - knee, axis=1)[:, None]
        foot[:] = ankle + shank * np.array([0, -0.1, 0])
        foot[:, 2] -= 0.3 * shank[:, 0]
    confidence = np.ones(joints.shape[:2], np.float32)
    walk = Walk("1", "1", "kinect-v1", "kinect-v1", TIMES, joints, confidence, "test/1/1")
    found = measure_proportions([walk])
    assert found.hand_reach == pytest.approx(0.08 / 0.25, abs=0.01)
    assert abs(found.foot_forward) == pytest.approx(0.3, abs=0.01)
    assert found.foot_down == pytest.approx(0.1, abs=0.01)
    assert found.least_hand_m == pytest.approx(0.08, abs=0.001)
