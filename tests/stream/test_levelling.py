"""Tests of the turn that makes skeletons level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.levelling import levelling_turn

SLOPES = st.floats(-5, 5)


@given(SLOPES, SLOPES, st.floats(0.1, 10))
def test_it_is_a_rotation_that_turns_up_to_y(x: float, z: float, length: float) -> None:
    up = length * np.array([x, 1.0, z]) / np.linalg.norm([x, 1.0, z])
    turn = levelling_turn(up)
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-5) and np.linalg.det(turn) > 0
    assert np.allclose(turn @ up, [0, length, 0], atol=1e-5 * length)


@given(SLOPES, SLOPES)
def test_it_is_the_smallest_rotation(x: float, z: float) -> None:
    angle = np.arctan(np.hypot(x, z))
    assert np.trace(levelling_turn((x, 1.0, z))) == pytest.approx(1 + 2 * np.cos(angle), abs=1e-5)


def test_level_skeletons_stay_exactly_as_they_are() -> None:
    joints = np.random.default_rng(1).normal(size=(20, 3)).astype(np.float32)
    assert (joints @ levelling_turn((0.0, 2.0, 0.0)).T == joints).all()


@pytest.mark.parametrize("up", [(0.0, -1.0, 0.0), (1.0, 0.0, 0.0)])
def test_what_does_not_point_up_is_refused(up: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="Y above 0"):
        levelling_turn(up)
