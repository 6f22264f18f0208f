"""The protocol `live`: people unknown to the encoder, some of them enrolled, the others strangers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.track_scores import TrackScores
from stream.body import FloatArray
from stream.errors import UserError
from tools.backend_fit.offline_pipeline import walk_windows
from tools.datasets import Walk
from tools.evaluation.live.comparison_methods import (
    ComparisonMethod,
    Shipped,
    method_of_description,
    shipped_method,
)
from tools.evaluation.live.live_result import LiveResult, LiveRow
from tools.evaluation.live.scenarios import (
    SCENARIOS,
    Choice,
    Draw,
    Recording,
    Scenario,
    draw_splits,
    name_order,
)
from tools.evaluation.live.search_figures import search_figures, thresholds_of
from tools.evaluation.live.searches import Searches, search
from tools.evaluation.live.split_comparisons import Track
from tools.evaluation.methods import Description, Method, TrainingInput, refuse_overlap
from tools.evaluation.protocols.measure import MethodProgress, no_progress
from tools.evaluation.splits.walk_split import drop_duplicates

__all__ = ["CALIBRATION_PEOPLE", "live_trial"]

CALIBRATION_PEOPLE = "61-100"
"""People of KGBD whose searches set the thresholds of methods without their own; never those of a trial."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Recordings:
    """People and their recordings, cut into windows."""

    people: tuple[str, ...]
    names: tuple[str, ...]
    recordings: tuple[Recording, ...]
    tracks: tuple[Track, ...]
    sensor: str
    copies: tuple[str, ...]


def live_trial(
    walks: Iterable[Walk],
    scenario: Scenario,
    methods: Sequence[Method] = (),
    *,
    shipped: Shipped | None = None,
    splits: int = 20,
    seed: int = 0,
    enrol: int = 2,
    enrolled: int | None = None,
    choice: Choice = "drawn",
    calibration: Iterable[Walk] = (),
    training_input: TrainingInput | None = None,
    f: int = 6,
    shuffle: bool = False,
    compared_by: ComparisonMethod | None = None,
    progress: MethodProgress = no_progress,
) -> LiveResult:
    """Enrols people, searches with all probes, and computes the figures.

    In each split the seed draws the takes that enrol each person and the half of the people enrolled in the
    open set; all recordings of other takes are probes. Windows and templates are those of the live path.

    Args:
        walks: of all people of the trial.
        scenario: which recordings enrol, and which are probes.
        methods: measured beside the shipped system; not those that only classify.
        shipped: the live system's encoder and back-end; None leaves them out.
        splits: number of draws of the roles.
        seed: of all draws and of the bootstrap.
        enrol: takes (walks) of each person that enrol.
        enrolled: people enrolled in the open set; None for half of them.
        choice: `first` always uses the first of them.
        calibration: KGBD walks of other people, whose searches set the thresholds of the methods; without
            any, or where one of them takes part, the methods have no thresholds.
        training_input: training data for methods that need any.
        f: skeletons a window.
        shuffle: shuffle the labels of the probes, to check for leaks.
        compared_by: the live system's method; None for that of `shipped`.
        progress: called with the progress of each method.

    Raises:
        UserError: there are too few people or walks, a method cannot take part, or an encoder was trained on
            the people.
        DataError: a walk cannot be read.
    """
    recorded = _gather(walks, scenario, f)
    if shipped is not None and shipped.encoder.contract.f != f:
        raise UserError(f"the encoder reads windows of {shipped.encoder.contract.f} skeletons, not of {f}")
    refuse_overlap(
        [shipped, *methods] if shipped else methods,
        [f"{scenario.data_set}/{person}" for person in recorded.people],
    )
    count = len(recorded.people)
    inside = count // 2 if enrolled is None else enrolled
    roles = partial(draw_splits, splits=splits, seed=seed, enrol=enrol, choice=choice)
    drawn = roles(recorded.recordings, recorded.people, scenario, enrolled=inside)
    searcher = _Searcher(recorded, drawn, f, progress)
    names = [_names(count, [seed, split], shuffle=shuffle) for split in range(splits)]
    calibrator = _calibrator(calibration, searcher, scenario, roles)

    def row(method: ComparisonMethod, fixed: Floats | None) -> LiveRow:
        began = time.monotonic()
        found = searcher.search(method, method.name, names, fixed)
        figures = search_figures(found, count, seed)
        return LiveRow(method.name, method.supervised, figures, found, time.monotonic() - began)

    rows = []
    if shipped is not None:
        rows.append(row(compared_by or shipped_method(shipped, recorded.sensor), None))
    for method in methods:
        for description in _fit_method(method, training_input, progress):
            comparison = method_of_description(description)
            rows.append(row(comparison, calibrator.thresholds(comparison) if calibrator else None))
    return LiveResult(
        scenario=scenario,
        people=recorded.people,
        walks=recorded.names,
        sensor=recorded.sensor,
        drawn={
            "dataset": scenario.data_set,
            "scenario": scenario.name,
            "f": f,
            "seed": seed,
            "splits": splits,
            "enrol": enrol,
            "walks_chosen": choice,
            "people": count,
            "enrolled": inside,
            "strangers": count - inside,
            "recordings": len(recorded.tracks),
            "copies_left_out": list(recorded.copies),
            "calibration_people": len(calibrator.recorded.people) if calibrator else 0,
            "probes_shuffled": shuffle,
            "encoder_may_know_them": shipped is not None and not shipped.all_known,
        },
        rows=tuple(rows),
    )


def _gather(walks: Iterable[Walk], scenario: Scenario, f: int) -> _Recordings:
    """Cuts the walks of a scenario, without duplicates and walks that have no window."""
    kept, copies = drop_duplicates(walks)
    kept.sort(key=lambda walk: (name_order(walk.person), name_order(walk.walk)))
    names, recordings, tracks, sensors = [], [], [], set()
    people = tuple(sorted({walk.person for walk in kept}, key=name_order))
    for walk in kept:
        take = walk.walk.removesuffix(f"-{walk.view}") if walk.view else walk.walk
        recording = Recording(walk.person, take, walk.view, walk.condition)
        if not (scenario.enrols(recording) or scenario.probes(recording)):
            continue
        windows = walk_windows(walk, f)
        if windows:
            names.append(walk.name)
            recordings.append(recording)
            sensors.add(walk.sensor)
            joints: FloatArray = np.stack([window.joints for window in windows])
            quality = np.array([window.quality for window in windows])
            tracks.append(Track(people.index(walk.person), joints, quality))
    if len(sensors) != 1:
        raise UserError(
            f"scenario {scenario.name}: expected walks of one kind of sensor, got "
            f"{', '.join(sorted(sensors)) or 'none that holds a window'}"
        )
    return _Recordings(
        people, tuple(names), tuple(recordings), tuple(tracks), sensors.pop(), tuple(w.name for w in copies)
    )


def _names(people: int, seed: list[int], *, shuffle: bool) -> Ints:
    order = np.arange(people)
    return np.random.default_rng(seed).permutation(order) if shuffle else order


def _fit_method(
    method: Method, training_input: TrainingInput | None, progress: MethodProgress
) -> tuple[Description, ...]:
    if method.needs_training and training_input is None:
        raise UserError(
            f"{'/'.join(method.description_names)} must be trained first, on people who take no part here: "
            "train it (sge-stream train) and give its weights with --encoder"
        )
    name = "/".join(method.description_names)
    return method.fit(training_input, lambda done, text: progress(f"{name} trains", done, text))


@dataclass(frozen=True, slots=True, eq=False)
class _Searcher:
    """People with their roles in all splits."""

    recorded: _Recordings
    draws: list[Draw]
    f: int
    progress: MethodProgress

    def search(
        self, method: ComparisonMethod, name: str, names: Sequence[Ints], fixed: Floats | None
    ) -> Searches:
        found = search(
            method,
            self.recorded.tracks,
            self.draws,
            seconds_per_window=TrackScores(self.f).seconds_per_window,
            names=names,
            thresholds=fixed,
            progress=lambda done, text: self.progress(name, done, text),
        )
        self.progress(name, 1.0, "")
        return found

    def thresholds(self, method: ComparisonMethod) -> Floats:
        """(M, R), see `tools.evaluation.live.search_figures.thresholds_of`."""
        own = np.arange(len(self.recorded.people))
        return thresholds_of(self.search(method, f"{method.name}: thresholds", [own] * len(self.draws), None))


def _calibrator(
    walks: Iterable[Walk], searcher: _Searcher, scenario: Scenario, roles: Callable[..., list[Draw]]
) -> _Searcher | None:
    """Returns people outside the trial; as many are enrolled as in the trial, or four fifths of them."""
    kgbd = SCENARIOS["kgbd"]
    taking_part = set(searcher.recorded.people) if scenario.data_set == kgbd.data_set else set()
    outside = [walk for walk in walks if walk.person not in taking_part]
    if not outside or outside[0].sensor != searcher.recorded.sensor:
        return None
    recorded = _gather(outside, kgbd, searcher.f)
    enrolled = min(int(searcher.draws[0].enrolled.sum()), len(recorded.people) * 4 // 5)
    draws = roles(recorded.recordings, recorded.people, kgbd, enrolled=enrolled)
    return _Searcher(recorded, draws, searcher.f, searcher.progress)
