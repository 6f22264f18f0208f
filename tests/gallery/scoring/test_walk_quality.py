"""Quality of an enrolled walk: what lowers it, what does not, and its rank correlation with later scores."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.pose import pose_features
from gallery.scoring.track_scores import TrackScores
from gallery.scoring.walk_quality import FAIR_QUALITY, WalkQuality, assess_quality, assess_together
from stream.body import FloatArray
from stream.skeleton import CANONICAL
from stream.windows.cutting import cut_windows
from tests.stream.bodies import at_rate, walking

HIP = CANONICAL.index("HipCenter")
LEFT = [n for n, name in enumerate(CANONICAL) if name.endswith("Left")]


def quality_of(joints: FloatArray, confidence: FloatArray | None = None) -> WalkQuality:
    """Returns the quality of a track with these skeletons (T, 20, 3), as the matcher computes it."""
    times = at_rate(30, len(joints) / 30)
    windows = cut_windows(times, joints, confidence, walking_only=True)
    track = TrackScores(6)
    rows = np.concatenate(
        (np.zeros((len(windows), 6, 4), np.float32), pose_features(np.stack([w.joints for w in windows]))),
        axis=2,
    )
    for window, row in zip(windows, rows, strict=True):
        track.add(window.quality, row, (), np.zeros(0))
    return track.quality


def breathing(joints: FloatArray, share: float) -> FloatArray:
    """Scales the body by +-`share`, slowly, as a sensor does that misjudges it in turn."""
    scale = 1 + share * np.sin(2 * np.pi * np.arange(len(joints)) / 90)
    hip = joints[:, HIP : HIP + 1]
    return (hip + scale[:, None, None] * (joints - hip)).astype(np.float32)


def test_a_long_steady_walk_has_full_quality_and_no_cause() -> None:
    assert quality_of(walking(at_rate(30, 17))) == WalkQuality(1.0, "")


def test_a_short_walk_states_its_seconds_and_what_to_do() -> None:
    found = quality_of(walking(at_rate(30, 3.4)))
    assert found.value < FAIR_QUALITY
    assert re.fullmatch(r"only 3\.\d s of walking; let the person walk 15 s, or add walks", found.cause)


def test_bone_lengths_that_vary_lower_the_quality_and_are_its_cause() -> None:
    values = []
    for share in (0.0, 0.15, 0.2):
        found = quality_of(breathing(walking(at_rate(30, 20)), share))
        values.append(found.value)
    assert values == sorted(values, reverse=True)
    assert values[0] == 1
    assert re.match(r"the skeleton's bone lengths vary by 1\d%", found.cause)


@pytest.mark.parametrize("seconds", [16.0, 20.0])
def test_neither_a_treadmill_nor_travel_nor_a_side_view_lowers_the_quality(seconds: float) -> None:
    times = at_rate(30, seconds)
    joints, confidence = walking(times), np.ones((len(times), 20), np.float32)
    travelling = joints + np.linspace(0, 8, len(times))[:, None, None] * np.array([1.0, 0, 0])
    confidence[:, LEFT] = 0.5
    side = joints[..., [2, 1, 0]] * np.array([1, 1, -1]) + np.array([0, 0, 6])
    assert quality_of(joints).value == 1
    assert quality_of(travelling.astype(np.float32)).value == 1
    assert quality_of(side.astype(np.float32), confidence).value == 1


@given(st.floats(0.2, 60), st.floats(0.2, 60), st.one_of(st.none(), st.floats(0, 1)), st.floats(0, 1))
def test_quality_is_a_share_that_more_walking_never_lowers(
    seconds: float, more: float, variation: float | None, worse: float
) -> None:
    found = assess_quality(seconds, variation)
    assert 0 <= found.value <= 1
    assert assess_quality(seconds + more, variation).value >= found.value
    assert assess_quality(seconds, (variation or 0.0) + worse).value <= found.value
    assert bool(found.cause) or found.value > 0.99
    assert (";" in found.cause) == (found.value < FAIR_QUALITY)


def test_walks_of_one_enrolment_count_together() -> None:
    assert assess_together([(8.0, 0.05), (8.0, 0.05)]) == WalkQuality(1.0, "")
    assert assess_together([(4.0, None)]) == assess_quality(4.0, None)
    unsteady = assess_together([(10.0, 0.05), (10.0, 0.35)])
    assert unsteady.value == pytest.approx(assess_quality(20.0, 0.2).value)
    assert "vary by 20%" in unsteady.cause
