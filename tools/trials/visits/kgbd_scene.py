"""Walks of KGBD before one source, one after another and overlapping."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np

from stream.body import SourceInfo
from tools.backend_fit.offline_pipeline import kgbd_walks
from tools.datasets import Walk
from tools.trials.visits.stage import FPS, Motion, Scene, stage

__all__ = ["ENROLLED_WALKS", "SENSOR", "kgbd_scene"]

SENSOR = "kinect-v1"

ENROLLED_WALKS = ("1", "2")
"""Walks that enrol; all others are replayed."""

PASSAGE_SECONDS = 6.0
"""Shortest passage; the longest is a whole walk, some 20 s."""

OVERLAP_SHARE = 0.4
OVERLAP_SECONDS = (1.0, 6.0)
APART_SECONDS = (4.0, 12.0)
"""How often a person comes before the one before has left, by how much, and else how long after."""

ASIDE = 1.0
"""Greatest shift of a walk to a side, metres: the sensor turned with the people, who stay in its middle."""


def kgbd_scene(data: Path, people: Collection[int], seed: int) -> Scene:
    """Returns walks of some people in an order drawn from a seed; half of the people are enrolled.

    Raises:
        UserError: the data set is missing.
        DataError: the data set is incomplete.
    """
    random = np.random.default_rng(seed)
    walks = [ref.read() for ref in kgbd_walks(data, people) if ref.walk not in ENROLLED_WALKS]
    names = sorted({walk.person for walk in walks}, key=int)
    enrolled = random.permutation(names)[: len(names) // 2].tolist()
    motions: list[Motion] = []
    end = 0
    for walk in _ordered(walks, random):
        early = len(motions) > 0 and random.random() < OVERLAP_SHARE
        away = -random.uniform(*OVERLAP_SECONDS) if early else random.uniform(*APART_SECONDS)
        motion = _motion(walk, max(0, end + round(away * FPS)), random)
        motions.append(motion)
        end = motion.end
    info = SourceInfo("door", SENSOR, "kinect-v1", live=False, finite=True)
    return Scene(
        seed,
        tuple(f"person {name}" for name in sorted(enrolled, key=int)),
        (stage(info, 0, motions, random),),
    )


def _ordered(walks: list[Walk], random: np.random.Generator) -> list[Walk]:
    """Draws an order in which nobody comes twice within three passages."""
    waiting = [walks[n] for n in random.permutation(len(walks))]
    ordered: list[Walk] = []
    while waiting:
        recent = {walk.person for walk in ordered[-3:]}
        place = next((n for n, walk in enumerate(waiting) if walk.person not in recent), None)
        if place is None:
            break  # the last walks are of the people who came just before
        ordered.append(waiting.pop(place))
    return ordered


def _motion(walk: Walk, first: int, random: np.random.Generator) -> Motion:
    """Returns a part of a walk, shifted to a side."""
    frames = len(walk.joints)
    length = int(random.integers(min(round(PASSAGE_SECONDS * FPS), frames), frames + 1))
    begin = int(random.integers(0, frames - length + 1))
    part = slice(begin, begin + length)
    shift = np.array([random.uniform(-ASIDE, ASIDE), 0, 0], np.float32)
    return Motion(f"person {walk.person}", first, walk.joints[part] + shift, walk.confidence[part])
