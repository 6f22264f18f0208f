"""The protocol `live`: people whom the encoder never saw, some enrolled, the others strangers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.track_evidence import Evidence
from stream.body import FloatArray
from stream.errors import UserError
from tools.backend_fit.offline_pipeline import walk_windows
from tools.datasets import Walk
from tools.evaluation.live.comparison_methods import Shipped, Way, described, shipped_way
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
from tools.evaluation.live.search_figures import thresholds_of, way_figures
from tools.evaluation.live.searches import Searches, Track, search
from tools.evaluation.methods import Description, Material, Method, refuse_seen
from tools.evaluation.protocols.measure import Watch, silent
from tools.evaluation.splits.walk_split import drop_copies

__all__ = ["CALIBRATION_PEOPLE", "live_trial"]

CALIBRATION_PEOPLE = "61-100"
"""People of KGBD whose searches set the thresholds of ways that ship none; never those of a trial."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Cast:
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
    choice: Choice = "drawn",
    calibration: Iterable[Walk] = (),
    material: Material | None = None,
    f: int = 6,
    shuffle: bool = False,
    watch: Watch = silent,
) -> LiveResult:
    """Enrol people, search for everybody, and count.

    In each split the seed draws which takes of each person enrol and which half of the people is enrolled in
    the open set; all recordings of other takes are searched with. Windows are the live path's, and those that
    an enrolment keeps are the templates.

    Args:
        walks: of the people who take part.
        scenario: which recordings enrol, and which are searched with.
        methods: whose descriptions are measured beside the shipped system; not those that only classify.
        shipped: the live system's encoder and back-end; None leaves them out.
        splits: draws of the roles.
        seed: of all draws and of the bootstrap.
        enrol: takes (walks) of each person that enrol.
        choice: `first` takes always the first of them.
        calibration: KGBD's walks of other people, whose searches set the thresholds of the methods; without
            any, or where a person takes part, those have none.
        material: what methods that learn may learn from.
        f: skeletons a window.
        shuffle: search under the names of others, drawn at random: a check for leaks.
        watch: is told how it goes.

    Raises:
        UserError: too few people or walks, a method that cannot take part, or people whom an encoder saw.
        DataError: a walk cannot be read.
    """
    cast = _gather(walks, scenario, f)
    if shipped is not None and shipped.encoder.contract.f != f:
        raise UserError(f"the encoder reads windows of {shipped.encoder.contract.f} skeletons, not of {f}")
    refuse_seen(
        [shipped, *methods] if shipped else methods,
        [f"{scenario.data_set}/{person}" for person in cast.people],
    )
    count = len(cast.people)
    roles = partial(draw_splits, splits=splits, seed=seed, enrol=enrol, choice=choice)
    stage = _Stage(cast, roles(cast.recordings, cast.people, scenario, enrolled=count // 2), f, watch)
    names = [_names(count, [seed, split], shuffle=shuffle) for split in range(splits)]
    beside = _beside(calibration, stage, scenario, roles)

    def row(way: Way, fixed: Floats | None) -> LiveRow:
        began = time.monotonic()
        found = stage.search(way, way.name, names, fixed)
        figures = way_figures(found, count, seed)
        return LiveRow(way.name, way.supervised, figures, found, time.monotonic() - began)

    rows = [] if shipped is None else [row(shipped_way(shipped, cast.sensor), None)]
    for method in methods:
        for description in _learned(method, material, watch):
            way = described(description)
            rows.append(row(way, beside.thresholds(way) if beside else None))
    return LiveResult(
        scenario=scenario,
        people=cast.people,
        walks=cast.names,
        sensor=cast.sensor,
        drawn={
            "dataset": scenario.data_set,
            "scenario": scenario.name,
            "f": f,
            "seed": seed,
            "splits": splits,
            "enrol": enrol,
            "walks_chosen": choice,
            "people": count,
            "enrolled": count // 2,
            "strangers": count - count // 2,
            "recordings": len(cast.tracks),
            "copies_left_out": list(cast.copies),
            "calibration_people": len(beside.cast.people) if beside else 0,
            "probes_shuffled": shuffle,
            "encoder_may_know_them": shipped is not None and not shipped.all_seen,
        },
        rows=tuple(rows),
    )


def _gather(walks: Iterable[Walk], scenario: Scenario, f: int) -> _Cast:
    """Cut the walks of a scenario; copies, and walks without a window, take no part."""
    kept, copies = drop_copies(walks)
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
    return _Cast(
        people, tuple(names), tuple(recordings), tuple(tracks), sensors.pop(), tuple(w.name for w in copies)
    )


def _names(people: int, seed: list[int], *, shuffle: bool) -> Ints:
    order = np.arange(people)
    return np.random.default_rng(seed).permutation(order) if shuffle else order


def _learned(method: Method, material: Material | None, watch: Watch) -> tuple[Description, ...]:
    if method.learns and material is None:
        raise UserError(
            f"{'/'.join(method.gives)} must be trained first, on people who take no part here: train it "
            "(sge-stream train) and give its weights with --encoder"
        )
    name = "/".join(method.gives)
    return method.learn(material, lambda done, text: watch(f"{name} learns", done, text))


@dataclass(frozen=True, slots=True, eq=False)
class _Stage:
    """People, and their roles in all splits."""

    cast: _Cast
    draws: list[Draw]
    f: int
    watch: Watch

    def search(self, way: Way, name: str, names: Sequence[Ints], fixed: Floats | None) -> Searches:
        found = search(
            way,
            self.cast.tracks,
            self.draws,
            seconds_per_window=Evidence(self.f).seconds_per_window,
            names=names,
            thresholds=fixed,
            told=lambda done, text: self.watch(name, done, text),
        )
        self.watch(name, 1.0, "")
        return found

    def thresholds(self, way: Way) -> Floats:
        """(M, R), see `tools.evaluation.live.search_figures.thresholds_of`."""
        own = np.arange(len(self.cast.people))
        return thresholds_of(self.search(way, f"{way.name}: thresholds", [own] * len(self.draws), None))


def _beside(
    walks: Iterable[Walk], stage: _Stage, scenario: Scenario, roles: Callable[..., list[Draw]]
) -> _Stage | None:
    """People outside the trial, with as many enrolled as the trial has, or four of five if they are fewer."""
    kgbd = SCENARIOS["kgbd"]
    taking_part = set(stage.cast.people) if scenario.data_set == kgbd.data_set else set()
    outside = [walk for walk in walks if walk.person not in taking_part]
    if not outside or outside[0].sensor != stage.cast.sensor:
        return None
    cast = _gather(outside, kgbd, stage.f)
    enrolled = min(int(stage.draws[0].enrolled.sum()), len(cast.people) * 4 // 5)
    draws = roles(cast.recordings, cast.people, kgbd, enrolled=enrolled)
    return _Stage(cast, draws, stage.f, stage.watch)
