"""Walks of data sets through the live path's own functions, without its processes.

Windows are cut by `stream.windows.cutting`, encoded by `encoder.inference`, thinned as an enrolment thins
them, and scored and averaged by `gallery.scoring.template_index` and `gallery.scoring.track_evidence`: what
is fitted or measured here is what the running system computes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.inference import Encoder
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_evidence import Averages, Evidence
from gallery.scoring.track_statistics import Trail
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from stream.bus.messages import Row
from stream.skeleton import get_layout, to_canonical
from stream.sources.simulated import WalkersConfig, walk_frames
from stream.windows.cutting import Window, cut_windows
from tools.datasets import Walk, WalkRef, find_walks

__all__ = [
    "WalkCages",
    "encode_walk",
    "enrol",
    "follow",
    "kgbd_walks",
    "patho_walks",
    "simulated_walks",
    "walk_windows",
]

_KGBD = "kgbd_kinect1_20j.npz"
_PATHO = tuple(f"kinect2_patho_{gait}_20j.npz" for gait in ("normal", "antalgic", "lurch"))
_DOUBLED = ("64", "5")
"""KGBD's person 64: walk 5 is walk 4 again, to the byte."""


@dataclass(frozen=True, slots=True, eq=False)
class WalkCages:
    """One walk as the matcher gets it.

    Attributes:
        person: who walks.
        walk: which of the person's walks.
        sensor: the kind of sensor that saw it.
        rows: (n) one for each window.
        cages: (n, f, D) float32.
    """

    person: int
    walk: str
    sensor: str
    rows: tuple[Row, ...]
    cages: FloatArray = field(repr=False)


def kgbd_walks(folder: Path, people: Collection[int]) -> list[WalkRef]:
    """The walks of some of KGBD's people, from its packed file in a folder; a doubled one is left out.

    Raises:
        UserError: the file is not there, or not whole.
    """
    walks = find_walks(folder / _KGBD)
    return [ref for ref in walks if int(ref.person) in people and (ref.person, ref.walk) != _DOUBLED]


def patho_walks(folder: Path, people: Collection[int]) -> list[WalkRef]:
    """The walks of some people of the pathological gaits' data set (Kinect v2), of all gaits and sensors.

    Raises:
        UserError: a file is not there, or not whole.
    """
    return [ref for name in _PATHO for ref in find_walks(folder / name) if int(ref.person) in people]


def simulated_walks(people: int, seed: int, walk: int, seconds: float) -> list[Walk]:
    """One walk of each of so many simulated people, as `walkers:n=...,seed=...,walk=...` gives it."""
    frames = walk_frames(WalkersConfig(n=people, seed=seed, walk=walk, seconds=seconds, live=False))
    seen: dict[int, list[tuple[int, FloatArray, FloatArray]]] = {}
    for frame in frames:
        for body in frame.bodies:
            seen.setdefault(body.id, []).append((frame.time_ns, body.joints, body.confidence))
    walks = []
    for person, bodies in seen.items():
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
    """Cut a walk into windows of f skeletons in which the person walks; see `encode_walk`."""
    joints, confidence = to_canonical(get_layout(walk.layout), walk.joints, walk.confidence)
    return cut_windows(walk.time_ns, joints, confidence, f=f, step=step, walking_only=True)


def encode_walk(encoder: Encoder, walk: Walk, step: int | None = None) -> WalkCages:
    """Cut a walk into windows and encode them.

    Args:
        encoder: the encoder.
        walk: read from a data set, or simulated.
        step: skeletons from one window's start to the next; None is the live path's.
    """
    windows = walk_windows(walk, encoder.window_shape[0], step)
    return WalkCages(
        person=int(walk.person),
        walk=walk.walk,
        sensor=walk.sensor,
        rows=tuple(Row(1, w.start_ns, w.end_ns, 0, w.quality) for w in windows),
        cages=encoder.encode(np.stack([w.joints for w in windows])) if windows else encoder.nothing,
    )


def enrol(walks: Iterable[WalkCages]) -> list[PersonTemplates]:
    """Templates as an enrolment of these walks stores them."""
    templates = []
    for walk in walks:
        trail = Trail(None)
        for cages in walk.cages:
            trail.add(cages)
        name, stored = f"person {walk.person}", Averages.of(walk.cages)
        templates.append(PersonTemplates(walk.person, name, walk.sensor, stored, trail.segments.mean))
    return templates


def follow(index: TemplateIndex, walk: WalkCages) -> NDArray[np.float64]:
    """The evidence for each of the index's P people after each of a walk's n windows, (n, P)."""
    sensor, people = walk.sensor, index.people_of(walk.sensor)
    evidence = Evidence(walk.cages.shape[1], index.trail(sensor))
    places = {person: place for place, person in enumerate(people)}
    means = np.empty((len(walk.rows), len(places)))
    described = index.describe(walk.cages, sensor)
    for n, (row, cages) in enumerate(zip(walk.rows, walk.cages, strict=True)):
        evidence.add(row, cages, people, index.scores(described[n : n + 1], sensor)[0])
        for standing in evidence.ranking(people, added=index.added(evidence.trail, sensor)):
            means[n, places[standing.person]] = standing.score
    return means
