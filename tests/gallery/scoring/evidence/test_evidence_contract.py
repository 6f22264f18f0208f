"""Contract of `gallery.scoring.evidence.protocol`: every registered kind of evidence must pass.

Another test adds a kind with one class and one entry in the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pytest

import gallery.scoring.evidence.registry
import gallery.scoring.fusion
import gallery.scoring.track_statistics
import tools.backend_fit.fusion_fit
from encoder.pose import BONE_COLUMNS, DEVIATION_COLUMNS, JOINT_COLUMNS, POSE_WIDTH
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.evidence.coordination import Coordination
from gallery.scoring.evidence.protocol import (
    Arrays,
    Counts,
    DiscriminantFitter,
    Evidence,
    EvidenceKind,
    Floats,
    WindowsOnly,
)
from gallery.scoring.evidence.registry import (
    EVIDENCE,
    STATISTICS,
    segment_statistics,
    statistics_slice,
)
from gallery.scoring.evidence.swing import Swing
from gallery.scoring.fusion import EnrolledWalk, FusionModel, fusion_weights
from gallery.scoring.segments import segments_of
from gallery.scoring.track_scores import TrackScores
from gallery.scoring.track_statistics import TrackStatistics, stack_states
from gallery.scoring.window_comparison import ProjectedWindows, WindowComparison
from stream.body import FloatArray
from tools.backend_fit.fusion_fit import MIN_PEOPLE, DescribedWalk, fit_fusion

F, CAGE = 6, 8
COUNTS = np.array([1, 2, 9, 10, 11, 49, 50, 51, 99, 100, 101, 5000])


def windows(person: int, walk: int, count: int = 60) -> FloatArray:
    """Returns encoded windows (count, F, D) of a walk of a synthetic person."""
    own, random = np.random.default_rng([person]), np.random.default_rng([person, walk])
    rows = own.standard_normal((1, 1, CAGE + POSE_WIDTH)) + np.zeros((count, F, 1))
    phases = own.uniform(0, 1, JOINT_COLUMNS.stop - JOINT_COLUMNS.start)
    seconds = random.uniform() + np.arange(count)[:, None, None] / 10
    rows += 0.4 * random.standard_normal(rows.shape)
    rows[:, :, CAGE:][:, :, JOINT_COLUMNS] += np.cos(2 * np.pi * (seconds + phases))
    rows[:, :, CAGE:][:, :, DEVIATION_COLUMNS] **= 2
    found: FloatArray = rows.astype(np.float32)
    return found


def fit_on(people: range) -> FusionModel:
    walks = [
        DescribedWalk(person, str(walk), describe_windows(windows(person, walk)))
        for person in people
        for walk in (1, 2)
    ]
    silent = {kind.name: 0.2 for kind in EVIDENCE if not kind.default_weight}
    return fit_fusion(walks, fusion_weights(steadiness=0.15, usual=4.3, **silent))


@pytest.fixture(scope="module")
def model() -> FusionModel:
    return fit_on(range(MIN_PEOPLE))


def gather_states(
    model: FusionModel, kind: EvidenceKind, rows: FloatArray, copied: int | None = None
) -> list[Arrays]:
    """Returns the state after each window; from the window `copied` on, that of a copy."""
    evidence = model.evidence[EVIDENCE.index(kind)]
    accumulator, states = evidence.gather(), []
    described = describe_windows(rows)
    gathered = evidence.prepare(model.windows.prepare(described))
    for n in range(1, len(described) + 1):
        window = tuple(numbers[n - 1] for numbers in gathered)
        segment = segment_statistics(described[max(0, n - 50) : n])[statistics_slice(kind)]
        if n == copied:
            accumulator, left = accumulator.copy(), accumulator
            left.add(tuple(numbers + 1 for numbers in window), segment if kind.numbers else None)
        accumulator.add(window, segment if kind.numbers and n % 10 == 0 else None)
        states.append(accumulator.state)
    return states


def enrol_walks(model: FusionModel, kind: EvidenceKind, person: int, *walks: int) -> list[FloatArray]:
    """Returns the numbers of some enrolled walks of a person."""
    evidence, found = model.evidence[EVIDENCE.index(kind)], []
    for walk in walks:
        described = describe_windows(windows(person, walk))
        segment = segments_of(described).mean(axis=0)[statistics_slice(kind)] if kind.numbers else None
        found.append(evidence.enrol(model.windows.prepare(described), segment))
    return found


@pytest.mark.parametrize("kind", EVIDENCE, ids=lambda kind: kind.name)
class TestEveryKind:
    def own(self, model: FusionModel, kind: EvidenceKind) -> Evidence:
        return model.evidence[EVIDENCE.index(kind)]

    def test_name_is_unique_and_has_a_default_weight(self, kind: EvidenceKind) -> None:
        assert [each.name for each in EVIDENCE].count(kind.name) == 1
        assert fusion_weights()[kind.name] == kind.default_weight

    def test_number_of_statistics_is_numbers(self, kind: EvidenceKind) -> None:
        for count in (1, 3, 50):
            found = kind.statistics(describe_windows(windows(1, 1, count))[:, :POSE_WIDTH])
            assert found.shape == (kind.numbers,)
            assert found.dtype == np.float32
            assert np.isfinite(found).all()

    def test_share_is_between_0_and_1(self, model: FusionModel, kind: EvidenceKind) -> None:
        share = self.own(model, kind).share(COUNTS)
        assert share.shape == COUNTS.shape
        assert ((share >= 0) & (share <= 1)).all()
        assert share.max() > 0.9

    def test_states_keep_their_shape_and_later_windows_do_not_change_them(
        self, model: FusionModel, kind: EvidenceKind
    ) -> None:
        states = gather_states(model, kind, windows(1, 1, 70))
        first = gather_states(model, kind, windows(1, 1, 30))
        for state, again in zip(states[:30], first, strict=True):
            for one, other in zip(state, again, strict=True):
                np.testing.assert_allclose(one, other, atol=1e-6)
        assert len({tuple(array.shape for array in state) for state in states}) == 1

    @pytest.mark.parametrize("copied", [1, 30, 66])
    def test_a_copy_grows_by_itself(self, model: FusionModel, kind: EvidenceKind, copied: int) -> None:
        expected = gather_states(model, kind, windows(1, 1, 70))
        for state, other in zip(gather_states(model, kind, windows(1, 1, 70), copied), expected, strict=True):
            for one, same in zip(state, other, strict=True):
                np.testing.assert_array_equal(one, same)

    def test_stacked_states_have_the_similarity_of_single_states(
        self, model: FusionModel, kind: EvidenceKind
    ) -> None:
        evidence = self.own(model, kind)
        reference = evidence.reference([enrol_walks(model, kind, person, 1, 2) for person in (1, 2, 3)])
        states = [[state] for state in gather_states(model, kind, windows(2, 3, 70))]
        (together,) = stack_states(states)
        found = evidence.similarity(together, reference)
        assert found.shape == (70, 3)
        for n in (0, 9, 35, 69):
            (alone,) = stack_states([states[n]])
            np.testing.assert_allclose(evidence.similarity(alone, reference)[0], found[n], atol=1e-4)

    def test_reference_statistics_of_a_person_do_not_depend_on_other_people(
        self, model: FusionModel, kind: EvidenceKind
    ) -> None:
        evidence = self.own(model, kind)
        people = [enrol_walks(model, kind, person, 1, 2) for person in (1, 2, 3)]
        together = evidence.reference(people)
        for place, own in enumerate(people):
            for whole, alone in zip(together, evidence.reference([own]), strict=True):
                np.testing.assert_allclose(whole[place], alone[0], atol=1e-5)

    def test_identifies_the_right_person(self, kind: EvidenceKind, model: FusionModel) -> None:
        evidence = self.own(model, kind)
        people = range(100, 110)
        reference = evidence.reference([enrol_walks(model, kind, person, 1, 2) for person in people])
        last = [[gather_states(model, kind, windows(person, 3))[-1]] for person in people]
        (states,) = stack_states(last)
        right = evidence.similarity(states, reference).argmax(axis=1) == np.arange(len(people))
        assert right.mean() >= 0.9

    def test_an_enrolled_walk_can_be_compared_as_a_track(
        self, model: FusionModel, kind: EvidenceKind
    ) -> None:
        evidence = self.own(model, kind)
        reference = evidence.reference([enrol_walks(model, kind, person, 1) for person in (1, 2, 3)])
        (walk,) = enrol_walks(model, kind, 2, 2)
        found = evidence.similarity(evidence.as_track(walk), reference)
        assert found.shape == (1, 3)
        assert found[0].argmax() == 1

    def test_a_walk_without_segment_statistics_can_be_enrolled(
        self, model: FusionModel, kind: EvidenceKind
    ) -> None:
        evidence = self.own(model, kind)
        walk = evidence.enrol(model.windows.prepare(describe_windows(windows(1, 1))), None)
        (states,) = stack_states([[gather_states(model, kind, windows(1, 2))[-1]]])
        assert np.isfinite(evidence.similarity(states, evidence.reference([[walk]]))).all()

    def test_a_site_like_that_of_the_fit_changes_nothing(
        self, model: FusionModel, kind: EvidenceKind
    ) -> None:
        evidence = self.own(model, kind)
        moved = evidence.at_site(model.windows, np.zeros_like(model.windows.directions.mean))
        people = [enrol_walks(model, kind, person, 1) for person in (1, 2)]
        (states,) = stack_states([[gather_states(model, kind, windows(1, 2))[-1]]])
        np.testing.assert_array_equal(
            moved.similarity(states, moved.reference(people)),
            evidence.similarity(states, evidence.reference(people)),
        )

    def test_arrays_are_read_back(self, model: FusionModel, kind: EvidenceKind) -> None:
        evidence = self.own(model, kind)
        arrays = evidence.arrays()

        def read(name: str, axes: int) -> FloatArray:
            assert arrays[name].ndim == axes
            return arrays[name]

        again = kind.read(read, model.windows)
        assert again.arrays().keys() == arrays.keys()
        people = [enrol_walks(model, kind, person, 1) for person in (1, 2)]
        (states,) = stack_states([[gather_states(model, kind, windows(1, 2))[-1]]])
        np.testing.assert_array_equal(
            again.similarity(states, again.reference(people)),
            evidence.similarity(states, evidence.reference(people)),
        )

    def test_a_kind_newer_than_the_back_end_adds_nothing(
        self, model: FusionModel, kind: EvidenceKind
    ) -> None:
        weights = {name: weight for name, weight in model.weights.items() if name != kind.name}
        arrays = {n: a for n, a in model.arrays().items() if not n.startswith(f"{kind.name}.")}

        def read(name: str, axes: int) -> FloatArray:
            if name not in arrays:
                raise ValueError(f"expected {name}")
            return arrays[name]

        older = FusionModel.read(read, weights)
        assert older.weights[kind.name] == 0
        people = [[windows(person, walk) for walk in (1, 2)] for person in (1, 2)]
        with_it, without = (track_evidence(each, people, windows(1, 3)) for each in (model, older))
        silenced = FusionModel(model.windows, model.evidence, {**model.weights, kind.name: 0.0})
        np.testing.assert_allclose(without, track_evidence(silenced, people, windows(1, 3)), atol=1e-6)
        if self.own(model, kind).share(np.array([60]))[0]:
            assert np.abs(with_it - without).max() > 1e-6


def track_evidence(model: FusionModel, people: Sequence[Sequence[FloatArray]], probe: FloatArray) -> Floats:
    """Returns the weighted evidence of a track for each person."""
    own = [
        [
            model.enrol(describe_windows(rows), segments_of(describe_windows(rows)).mean(axis=0))
            for rows in walks
        ]
        for walks in people
    ]
    track = TrackStatistics(model)
    for window in probe:
        track.add(window)
    found = track.scores(model.reference(own))
    assert found is not None
    return found


def test_the_statistics_of_a_segment_are_those_of_all_kinds_concatenated() -> None:
    described = describe_windows(windows(1, 1, 50))
    found = segment_statistics(described)
    assert found.shape == (STATISTICS,)
    stop = 0
    for kind in EVIDENCE:
        place = statistics_slice(kind)
        assert (place.start, place.stop) == (stop, stop + kind.numbers)
        stop = place.stop
        np.testing.assert_array_equal(found[place], kind.statistics(described[:, :POSE_WIDTH]))


def test_unknown_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"weights: expected .*swing.*, got stature"):
        fusion_weights(stature=1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Stature(WindowsOnly):
    """An additional kind of evidence: the mean length of all bones."""

    scale: FloatArray

    name: ClassVar[str] = "stature"
    default_weight: ClassVar[float] = 2.0

    @classmethod
    def empty(cls, windows: WindowComparison) -> Self:
        return cls(np.ones(1, np.float32))

    @classmethod
    def read(cls, arrays: object, windows: WindowComparison) -> Self:
        return cls(np.ones(1, np.float32))

    @classmethod
    def fit(
        cls, walks: Sequence[FloatArray], windows: WindowComparison, discriminants: DiscriminantFitter
    ) -> Self:
        means = [own[:, BONE_COLUMNS].mean() for own in walks]
        return cls(np.array([np.std(means)], np.float32))

    def at_site(self, windows: WindowComparison, moved: FloatArray) -> Self:
        return self

    def prepare(self, windows: ProjectedWindows) -> Arrays:
        return (windows.described[:, BONE_COLUMNS],)

    def gather(self) -> _Mean:
        return _Mean([])

    def enrol(self, windows: ProjectedWindows, segment: FloatArray | None) -> FloatArray:
        found: FloatArray = windows.described[:, BONE_COLUMNS].mean(keepdims=True)[0]
        return found

    def as_track(self, enrolled: FloatArray) -> Arrays:
        return (enrolled[None],)

    def reference(self, people: Sequence[Sequence[FloatArray]]) -> Arrays:
        return (np.stack([np.mean(own, axis=0) for own in people]),)

    def similarity(self, states: Arrays, reference: Arrays) -> Floats:
        found: Floats = -np.abs(states[0] - reference[0][:, 0]).astype(np.float64) / self.scale
        return found

    def weight(self, weights: Mapping[str, float]) -> float:
        return weights[self.name]

    def share(self, windows: Counts) -> Floats:
        return np.ones(len(windows))

    def arrays(self) -> Mapping[str, FloatArray]:
        return {"scale": self.scale}


@dataclass
class _Mean:
    _lengths: list[float]

    def add(self, window: Arrays, segment: FloatArray | None) -> None:
        self._lengths.append(float(window[0].mean()))

    def copy(self) -> _Mean:
        return _Mean(self._lengths.copy())

    @property
    def state(self) -> Arrays:
        return (np.array([np.mean(self._lengths)], np.float32),)


def register(kind: EvidenceKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Adds an entry to the registry."""
    for module in (
        gallery.scoring.evidence.registry,
        gallery.scoring.fusion,
        gallery.scoring.track_statistics,
        tools.backend_fit.fusion_fit,
    ):
        monkeypatch.setattr(module, "EVIDENCE", (*EVIDENCE, kind))


@pytest.mark.slow
def test_an_additional_kind_is_fitted_stored_and_used_for_scores(monkeypatch: pytest.MonkeyPatch) -> None:
    register(Stature, monkeypatch)
    model = fit_on(range(MIN_PEOPLE))
    assert model.weights["stature"] == 2.0
    assert "stature.scale" in model.arrays()
    people = [[windows(person, walk) for walk in (1, 2)] for person in (1, 2)]
    probe = windows(1, 3)
    silenced = FusionModel(
        model.windows, model.evidence, {**model.weights, "stature": 0.0, "steadiness": 0.0}
    )
    plain = FusionModel(model.windows, model.evidence, {**model.weights, "steadiness": 0.0})
    lengths = [describe_windows(np.concatenate(walks))[:, BONE_COLUMNS].mean() for walks in people]
    own = describe_windows(probe)[:, BONE_COLUMNS].mean()
    added = track_evidence(plain, people, probe) - track_evidence(silenced, people, probe)
    expected = [
        -2.0 * abs(own - length) / float(model.evidence[-1].arrays()["scale"][0]) for length in lengths
    ]
    np.testing.assert_allclose(added, expected, rtol=1e-3)


def test_an_additional_kind_does_not_change_the_scores_of_an_older_back_end(
    model: FusionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [[windows(person, walk) for walk in (1, 2)] for person in (1, 2)]
    expected = track_evidence(model, people, windows(1, 3))
    register(Stature, monkeypatch)
    arrays = model.arrays()
    older = FusionModel.read(lambda name, axes: arrays[name], model.weights)
    assert [evidence.name for evidence in older.evidence][-1] == "stature"
    np.testing.assert_allclose(track_evidence(older, people, windows(1, 3)), expected, atol=1e-6)


def test_the_repr_of_track_scores_shows_no_template_values() -> None:
    track = TrackScores(F, TrackStatistics(None))
    track.add(0.5, np.full((F, 4), 0.123456, np.float32), (), np.zeros(0))
    assert "0.1234" not in repr(track)


def test_segments_are_compared_once_a_second_and_count_as_if_compared_at_every_window(
    model: FusionModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = windows(1, 3, 70)
    enrolled = [enrolled_walk(model, person) for person in (1, 2)]
    people = model.reference([[each] for each in enrolled])
    expected = []
    for n in range(1, len(rows) + 1):
        fresh = TrackStatistics(model)
        for window in rows[:n]:
            fresh.add(window)
        expected.append(fresh.scores(people))
    compared = dict.fromkeys(("swing", "coordination"), 0)
    for kind in (Swing, Coordination):

        def count(
            self: Evidence, states: Arrays, reference: Arrays, own: Callable[..., Floats] = kind.similarity
        ) -> Floats:
            compared[self.name] += 1
            return own(self, states, reference)

        monkeypatch.setattr(kind, "similarity", count)
    track = TrackStatistics(model)
    for window, scores in zip(rows, expected, strict=True):
        track.add(window)
        np.testing.assert_array_equal(track.scores(people), scores)
    assert compared == {"swing": 7, "coordination": 7}


def enrolled_walk(model: FusionModel, person: int) -> EnrolledWalk:
    described = describe_windows(windows(person, 1))
    return model.enrol(described, segments_of(described).mean(axis=0))


@pytest.mark.parametrize("count", [1, 2, 3, 10, 37, 50])
def test_the_quartiles_of_a_segment_are_those_of_numpy(count: int) -> None:
    pose = describe_windows(windows(1, 1, count))[:, :POSE_WIDTH]
    low, middle, high = np.percentile(pose, (25, 50, 75), axis=0).astype(np.float32)
    found = Swing.statistics(pose)
    np.testing.assert_array_equal(found[:POSE_WIDTH], middle)
    np.testing.assert_allclose(found[POSE_WIDTH : 2 * POSE_WIDTH], high - low, atol=1e-6)
