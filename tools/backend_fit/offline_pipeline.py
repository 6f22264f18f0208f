"""Runs walks of data sets through the live path's own functions, without its processes.

Windows are cut by `stream.windows.cutting`, encoded by `encoder.inference`, averaged to templates as by an
enrolment, and scored by `gallery.scoring.template_index` and `gallery.scoring.track_scores`: fitting and
evaluation use what the running system computes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.inference import Encoder
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import TemplateMeans, TrackScores
from gallery.scoring.track_statistics import TrackStatistics
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from stream.bus.messages import WindowRow
from stream.skeleton import get_layout, to_canonical
from stream.sources.simulated import SimulatedConfig, simulated_frames
from stream.windows.cutting import Window, cut_windows
from tools.datasets import Walk, WalkRef, find_walks

__all__ = [
    "WalkCages",
    "encode_walk",
    "enrol",
    "estimated_walks",
    "kgbd_walks",
    "patho_walks",
    "simulated_walks",
    "stored_walk",
    "track_scores",
    "ucalgary_walks",
    "walk_windows",
]

_KGBD = "kgbd_kinect1_20j.npz"
_PATHO = tuple(f"kinect2_patho_{gait}_20j.npz" for gait in ("normal", "antalgic", "lurch"))
_UCALGARY = "kinect2_ucalgary_a_20j.npz"
_ESTIMATED = "rgb_metrabs_large_17j.npz"
_DUPLICATE = ("64", "5")
"""KGBD person 64: walk 5 is a byte-identical copy of walk 4."""


@dataclass(frozen=True, slots=True, eq=False)
class WalkCages:
    """One walk as the matcher receives it.

    Attributes:
        person: number of the person.
        walk: name of the walk among the person's walks.
        sensor: the kind of sensor.
        rows: the n windows, as the matcher receives them.
        cages: (n, f, D) float32.
    """

    person: int
    walk: str
    sensor: str
    rows: tuple[WindowRow, ...]
    cages: FloatArray = field(repr=False)


def kgbd_walks(folder: Path, people: Collection[int]) -> list[WalkRef]:
    """Returns the walks of some people of KGBD, from its packed file in a folder, without the duplicate.

    Raises:
        UserError: the file is missing.
        DataError: the file is incomplete.
    """
    walks = find_walks(folder / _KGBD)
    return [ref for ref in walks if int(ref.person) in people and (ref.person, ref.walk) != _DUPLICATE]


def patho_walks(folder: Path, people: Collection[int]) -> list[WalkRef]:
    """Returns the walks of some people of the pathological gaits (Kinect v2), of all gaits and sensors.

    Raises:
        UserError: a file is missing.
        DataError: a file is incomplete.
    """
    return [ref for name in _PATHO for ref in find_walks(folder / name) if int(ref.person) in people]


def ucalgary_walks(folder: Path) -> list[WalkRef]:
    """Returns the walks of all people in front of a Kinect v2 in another room (UCalgary).

    Raises:
        UserError: the file is missing.
        DataError: the file is incomplete.
    """
    return list(find_walks(folder / _UCALGARY))


def estimated_walks(folder: Path, people: Collection[str]) -> list[WalkRef]:
    """Returns the walks of some people whose poses were estimated from videos.

    Raises:
        UserError: the file is missing.
        DataError: the file is incomplete.
    """
    walks = find_walks(folder / _ESTIMATED)
    return [ref for ref in walks if ref.person in people]


def simulated_walks(people: int, seed: int, walk: int, seconds: float) -> list[Walk]:
    """Returns one walk of each simulated person, as `walkers:n=...,seed=...,walk=...` gives them."""
    frames = simulated_frames(SimulatedConfig(n=people, seed=seed, walk=walk, seconds=seconds, live=False))
    bodies_of: dict[int, list[tuple[int, FloatArray, FloatArray]]] = {}
    for frame in frames:
        for body in frame.bodies:
            bodies_of.setdefault(body.id, []).append((frame.time_ns, body.joints, body.confidence))
    walks = []
    for person, bodies in bodies_of.items():
        times, joints, confidence = zip(*bodies, strict=True)
        walks.append(
            Walk(
                person=str(person),
                walk=str(walk),
                sensor="simulated",
                layout="kinect-v1",
                time_ns=np.array(times, np.int64),
                joints=np.stack(joints),
                confidence=np.stack(confidence),
                name=f"walkers/{person}/{walk}",
            )
        )
    return walks


def walk_windows(walk: Walk, f: int, step: int | None = None) -> list[Window]:
    """Cuts a walk into windows of f skeletons in which the person walks; see `encode_walk`."""
    joints, confidence = to_canonical(get_layout(walk.layout), walk.joints, walk.confidence)
    return cut_windows(walk.time_ns, joints, confidence, f=f, step=step, walking_only=True)


def encode_walk(
    encoder: Encoder, walk: Walk, step: int | None = None, person: int | None = None
) -> WalkCages:
    """Cuts a walk into windows and encodes them.

    Args:
        encoder: the encoder.
        walk: of a data set, or simulated.
        step: skeletons from one window's start to the next; None for the live path's.
        person: number of the person; None if the walk names it.
    """
    windows = walk_windows(walk, encoder.window_shape[0], step)
    return WalkCages(
        person=int(walk.person) if person is None else person,
        walk=walk.walk,
        sensor=walk.sensor,
        rows=tuple(WindowRow(1, w.start_ns, w.end_ns, 0, w.quality) for w in windows),
        cages=encoder.encode(np.stack([w.joints for w in windows])) if windows else encoder.empty,
    )


def stored_walk(cages: FloatArray, sensor: str) -> PersonTemplates:
    """Returns what an enrolment stores of a walk's windows (n, f, D), n at least 1, without a person."""
    statistics = TrackStatistics(None)
    for window in cages:
        statistics.add(window)
    seconds = TrackScores(cages.shape[1]).seconds_per_window * len(cages)
    stored = TemplateMeans.of(cages)
    return PersonTemplates(0, "", sensor, stored, statistics.segments.mean, seconds=seconds)


def enrol(walks: Iterable[WalkCages]) -> list[PersonTemplates]:
    """Returns the templates that an enrolment of these walks stores."""
    return [
        replace(
            stored_walk(walk.cages, walk.sensor),
            person_id=walk.person,
            name=f"person {walk.person}",
            walk_id=place,
        )
        for place, walk in enumerate(walks)
    ]


def track_scores(index: TemplateIndex, walk: WalkCages, *, last_only: bool = False) -> NDArray[np.float64]:
    """Returns the track's score for each of the index's P people after each of a walk's n windows, (n, P).

    Args:
        index: of the gallery.
        walk: of at least one window.
        last_only: only after the last window, (1, P), which is quicker.
    """
    sensor, people = walk.sensor, index.people_of(walk.sensor)
    track = TrackScores(walk.cages.shape[1], index.track_statistics(sensor))
    places = {person: place for place, person in enumerate(people)}
    first = len(walk.rows) - 1 if last_only else 0
    found = np.empty((len(walk.rows) - first, len(places)))
    described = index.describe(walk.cages, sensor)
    for n, (row, cages) in enumerate(zip(walk.rows, walk.cages, strict=True)):
        track.add(row.quality, cages, people, index.scores(described[n : n + 1], sensor)[0])
        if n < first:
            continue
        (added,) = index.track_scores([track.statistics], sensor)
        for candidate in track.ranking(people, added=added):
            found[n - first, places[candidate.person]] = candidate.score
    return found
