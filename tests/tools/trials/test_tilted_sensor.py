"""The trial of tilted sensors: walks as a tilted sensor sees them, and their levelling."""

from __future__ import annotations

import numpy as np
import pytest

from stream.capture.levelling import Levelling
from tools.backend_fit.offline_pipeline import simulated_walks, walk_windows
from tools.trials.tilted_sensor import pass_by, tilt_walk


def test_a_sensor_that_looks_down_sees_the_floor_rise_with_the_distance() -> None:
    (walk,) = simulated_walks(1, 3, 1, 4)
    seen = tilt_walk(walk, -20)
    height, distance = seen.joints[:, 0, 1], walk.joints[:, 0, 2]
    assert np.polyfit(distance, height, 1)[0] == pytest.approx(np.sin(np.radians(20)), abs=0.05)


def test_a_walk_that_is_not_levelled_gives_the_windows_of_the_fit() -> None:
    (walk,) = simulated_walks(1, 3, 1, 4)
    passage, expected = pass_by(walk, None), walk_windows(walk, 6)
    assert passage.up.tolist() == [0, 1, 0] and passage.waited_s == 0
    pairs = zip(passage.windows, expected, strict=True)
    assert all((own.joints == other.joints).all() for own, other in pairs)


@pytest.mark.parametrize(("pitch", "roll"), [(-20, 0), (0, 20)])
def test_the_estimated_up_is_that_of_the_tilt(pitch: float, roll: float) -> None:
    (walk,) = simulated_walks(1, 3, 1, 4)
    passage = pass_by(tilt_walk(walk, pitch, roll), Levelling())
    angle = np.radians(pitch or roll)
    expected = [0, np.cos(angle), np.sin(angle)] if pitch else [-np.sin(angle), np.cos(angle), 0]
    assert np.degrees(np.arccos(passage.up @ expected)) < 8
    assert 0 < passage.waited_s <= 3
