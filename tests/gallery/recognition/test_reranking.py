"""Re-ranking of accepted people by f_RN: the literal definition; acceptance does not change."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import TrackDecision
from gallery.recognition.reranking import Reranking
from gallery.scoring.backend import Backend
from gallery.scoring.ranking import CandidateScore
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import AveragePrediction
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from stream.bus.messages import Tick, WindowRow
from tests.gallery.flat_visits import flat_visits

F, D, WINDOWS = 6, 4, 14
SENSOR = "kinect-v1"
# Thresholds fall with the number of windows, so people compared over fewer windows have higher ones.
BACKEND = Backend(visits={SENSOR: flat_visits(0.1, boundary=1.0)})


@dataclass(frozen=True, slots=True)
class ConstantPredictor:
    """A network with the same prediction for every window."""

    people: tuple[int, ...]
    probabilities: tuple[float, ...]

    def predict(self, cages: FloatArray, sensor: str) -> FloatArray:
        assert (cages.shape[1:], sensor) == ((F, D), SENSOR)
        return np.tile(np.array(self.probabilities, np.float32), (len(cages), 1))


def index(people: int, seed: int) -> TemplateIndex:
    random = np.random.default_rng(seed)
    templates = [
        PersonTemplates(number, f"p{number}", SENSOR, random.standard_normal((2, F, D)).astype("f4"))
        for number in range(1, people + 1)
    ]
    return TemplateIndex(templates, BACKEND, [SENSOR])


def matcher(
    gallery: TemplateIndex, fpir: float | None, predictor: ConstantPredictor | None = None
) -> Matcher:
    subject = Matcher((SourceCard("a", SENSOR, False),), F, fpir, gallery, Reranking())
    if predictor is not None:
        subject.use_predictor(predictor)
    return subject


def nearest(gallery: TemplateIndex, fpir: float | None) -> Matcher:
    return Matcher((SourceCard("a", SENSOR, False),), F, fpir, gallery)


def observe_walk(subject: Matcher, cages: FloatArray) -> list[TrackDecision]:
    decisions: list[TrackDecision] = []
    for n, window in enumerate(cages):
        row = WindowRow(1, n * 10**8, n * 10**8 + 1, 0, 1.0)
        decisions += subject.observe(Tick(0, 0, n, "c", (1, F, D), (row,)), window[None])
    return decisions


def without_tracks(decisions: list[TrackDecision]) -> list[TrackDecision]:
    """Returns decisions without their tracks, which differ between matchers."""
    placeholder = matcher(index(1, 0), None)._track(0, 1, 0)
    return [replace(decision, track=placeholder) for decision in decisions]


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0])), min_size=1, max_size=6),
    st.integers(1, 5),
    st.integers(1, 5),
)
def test_the_accepted_person_with_the_highest_prediction_is_chosen(
    people: list[tuple[float, float]], windows: int, min_windows: int
) -> None:
    accepted = [CandidateScore(n, score, 10) for n, (score, _) in enumerate(sorted(people, reverse=True))]
    probabilities = [probability for _, probability in sorted(people, reverse=True)]
    predicted = AveragePrediction()
    for _ in range(windows):
        predicted.add(tuple(range(len(people))), np.array(probabilities, np.float32))
    predictor = ConstantPredictor(tuple(range(len(people))), tuple(probabilities))
    chosen, how = Reranking(predictor).choose(accepted, predicted, min_windows)
    if len(people) == 1:
        assert (chosen, how) == (accepted[0], "")
    elif windows < min_windows:
        assert (chosen, how) == (accepted[0], "f_RN has too few windows")
    else:
        # On equal predictions the better score is chosen; it is first.
        assert chosen == accepted[probabilities.index(max(probabilities))]
        assert how == f"chosen by f_RN among {len(people)}"
    untrained, reason = Reranking().choose(accepted, predicted, min_windows)
    assert untrained == accepted[0]
    assert reason == ("f_RN is in training" if len(people) > 1 else "")


@settings(max_examples=40)
@given(st.integers(1, 5), st.integers(0, 30), st.sampled_from([None, 0.01, 0.2, 0.6]), st.data())
def test_acceptance_is_unchanged_and_the_highest_prediction_is_named(
    people: int, seed: int, fpir: float | None, data: st.DataObject
) -> None:
    gallery = index(people, seed)
    weights = data.draw(st.lists(st.floats(0.01, 1), min_size=people, max_size=people))
    cages = np.random.default_rng(seed + 100).standard_normal((WINDOWS, F, D)).astype("f4")
    plain = observe_walk(nearest(gallery, fpir), cages)
    subject = matcher(
        gallery, fpir, ConstantPredictor(gallery.people, tuple(np.array(weights, np.float32).tolist()))
    )
    reranked = observe_walk(subject, cages)
    assert [decision.state for decision in reranked] == [decision.state for decision in plain]
    windows_seen = [gallery.scores(gallery.describe(cages[: n + 1], SENSOR), SENSOR) for n in range(WINDOWS)]
    for before, after, scores in zip(plain, reranked, windows_seen, strict=True):
        means = dict(zip(gallery.people, scores.mean(axis=0).tolist(), strict=True))
        passing = [
            person
            for person in gallery.people
            if fpir is None or means[person] >= 0.1 + 1 / np.sqrt(len(scores))
        ]
        if after.state != "person" or len(passing) < 2:
            assert without_tracks([after]) == without_tracks([before])
            continue
        likely = max(passing, key=lambda p: (np.float32(weights[p - 1]), means[p]))
        assert after.candidate == f"p{likely}"
        assert after.score == pytest.approx(means[likely])
        assert after.threshold == before.threshold
        margin = means[likely] - max(means[p] for p in means if p != likely)
        assert after.margin == pytest.approx(margin, abs=1e-6)  # single precision
        assert after.reason == f"{before.reason}; chosen by f_RN among {len(passing)}"


def test_during_training_the_score_decides_and_the_reason_states_it() -> None:
    gallery = index(3, seed=1)
    cages = np.random.default_rng(5).standard_normal((WINDOWS, F, D)).astype("f4")
    plain, waiting = observe_walk(nearest(gallery, None), cages), observe_walk(matcher(gallery, None), cages)
    assert {decision.reason for decision in waiting if decision.state == "person"} == {
        "best candidate; strangers are not rejected; f_RN is in training"
    }
    same = [replace(after, reason=before.reason) for after, before in zip(waiting, plain, strict=True)]
    assert without_tracks(same) == without_tracks(plain)


def test_a_changed_gallery_drops_the_network_and_its_predictions() -> None:
    gallery, smaller = index(3, seed=1), index(2, seed=1)
    cages = np.random.default_rng(5).standard_normal((WINDOWS, F, D)).astype("f4")
    subject, plain = (
        matcher(gallery, None, ConstantPredictor((1, 2, 3), (0.0, 0.0, 1.0))),
        nearest(gallery, None),
    )
    assert observe_walk(subject, cages)[-1].candidate == "p3"
    observe_walk(plain, cages)
    for each in (subject, plain):
        each.replace_index(smaller)
    assert subject.tracks[1].scores.predicted == AveragePrediction()
    (after,), (before,) = observe_walk(subject, cages[:1]), observe_walk(plain, cages[:1])
    assert after.candidate == before.candidate
    assert after.reason.endswith("f_RN is in training")
    with pytest.raises(ValueError, match="people of this gallery"):
        subject.use_predictor(ConstantPredictor((1, 2, 3), (0.0, 0.0, 1.0)))
    best = [decision.candidate for decision in observe_walk(plain, cages[:10])]
    other = 2 if best[-1] == "p1" else 1
    subject.use_predictor(ConstantPredictor((1, 2), (float(other == 1), float(other == 2))))
    later = observe_walk(subject, cages[:10])
    assert [decision.candidate for decision in later] == [*best[:9], f"p{other}"]
    assert later[8].reason.endswith("f_RN has too few windows")
    assert later[9].reason.endswith("chosen by f_RN among 2")


def test_a_matcher_without_reranking_refuses_a_network() -> None:
    gallery = index(2, seed=1)
    with pytest.raises(ValueError, match="for a matcher that re-ranks"):
        nearest(gallery, None).use_predictor(ConstantPredictor((1, 2), (0.5, 0.5)))
