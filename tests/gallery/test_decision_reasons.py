"""Codes of the reasons of decisions: each cause has its own, and the list is closed."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from gallery.decision_reasons import NOBODY, no_windows_code
from gallery.matcher import Matcher
from gallery.open_set_decision import TrackDecision
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from stream.bus.messages import Tick, TrackNote
from stream.decision import ReasonCode
from stream.windows.walk_detection import WalkProblem
from tests.gallery.test_matcher import ADA, BACKEND, BEN, EVE, SOURCES, F, matcher, observe_walk, row

NO_WINDOWS = np.zeros((0, F, 16), np.float32)


def code_of(decisions: list[TrackDecision]) -> str:
    return decisions[-1].reason_code


def problems() -> list[str]:
    """Returns every problem of walk detection."""
    return [text for part in get_args(WalkProblem) for text in (get_args(part) or (part,))]


def test_each_state_has_codes_of_its_own() -> None:
    both = matcher(ada=ADA, ben=BEN)
    assert code_of(observe_walk(both, ADA, 3)) == "too-little-walking"
    assert code_of(observe_walk(both, ADA, 9)) == "accepted"
    assert code_of(observe_walk(both, EVE, 12, track=2)) == "stranger"
    assert code_of(observe_walk(matcher(None, ada=ADA), EVE, 12)) == "strangers-not-rejected"
    assert code_of(observe_walk(matcher(None, ada=ADA, ben=ADA), ADA, 12)) == "ambiguous"


def test_a_track_that_is_compared_with_nobody_says_why() -> None:
    assert code_of(observe_walk(matcher(), ADA, 12)) == "nobody-enrolled"
    assert code_of(observe_walk(matcher(ada=ADA), ADA, 12, source=1)) == "other-sensor"
    for cause in ("gallery-gone", "other-encoder"):
        index = TemplateIndex([], BACKEND, ["kinect-v1", "rgb"], cause)
        last = observe_walk(Matcher(SOURCES, F, 0.01, index), ADA, 12)[-1]
        assert (last.reason_code, last.reason) == (cause, NOBODY[cause])
    rgb = TemplateIndex([PersonTemplates(1, "ada", "rgb", ADA[None])], BACKEND, ["kinect-v1", "rgb"])
    assert code_of(observe_walk(Matcher(SOURCES, F, 0.01, rgb), ADA, 12, source=1)) == "uncalibrated"


@pytest.mark.parametrize("problem", [*problems(), "implausible jump", "tracking gap"])
def test_every_cause_of_no_windows_has_a_code(problem: str) -> None:
    subject = matcher(ada=ADA)
    decisions = subject.observe(Tick(0, 0, 0, notes=(TrackNote(1, 9, problem),)), NO_WINDOWS)
    assert code_of(decisions) == no_windows_code(problem) != "too-little-walking"
    assert code_of(decisions) in get_args(ReasonCode)


def test_few_frames_have_a_code_whatever_their_rate() -> None:
    assert no_windows_code("too few frames: 4.0 a second, at least 5 are needed") == "few-frames"


def test_a_track_whose_windows_were_lost_is_overloaded_not_short() -> None:
    subject = matcher(ada=ADA)
    rows = tuple(row(1, number) for number in range(3))
    few = Tick(0, 0, 0, "c", (3, F, 16), rows, open=(1,), cut={1: 12})
    assert code_of(subject.observe(few, np.stack([ADA] * 3))) == "overloaded"


def test_the_runner_up_is_the_next_best_person() -> None:
    last = observe_walk(matcher(ada=ADA, ben=BEN, eve=EVE), ADA, 12)[-1]
    assert last.runner_up in ("ben", "eve")
    assert last.score is not None
    assert last.margin is not None
    assert last.runner_up_score == pytest.approx(last.score - last.margin)
    alone = observe_walk(matcher(ada=ADA), ADA, 12)[-1]
    assert (alone.runner_up, alone.runner_up_score) == (None, None)
