"""Synthetic people and walks for the protocol `live`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.stream.bodies import walking
from tools.datasets import Walk
from tools.evaluation.live import SCENARIOS, LiveResult
from tools.evaluation.methods import Description, FixedMethod
from tools.evaluation.methods.raw_and_bones import raw_features

__all__ = ["KGBD", "RAW", "F", "roles", "synthetic_walks", "walk"]

F, PEOPLE = 6, 7
KGBD = SCENARIOS["kgbd"]
RAW = FixedMethod((Description("raw", raw_features, F),))


def walk(person: str, number: int, frames: int, noise: float, **more: Any) -> Walk:
    """Returns a synthetic walk, determined by person, condition, view and number; each person has a build."""
    key = [*f"{person}{more.get('condition', '')}{more.get('view', '')}".encode(), number]
    build = np.random.default_rng([*person.encode()]).normal(0, 0.3, (20, 3))
    # Walks of a person differ as a whole, not only frame by frame.
    offsets = build + np.random.default_rng([*key, 7]).normal(0, noise / 2, (20, 3))
    shaking = offsets + np.random.default_rng(key).normal(0, noise, (frames, 20, 3))
    shaking[:, 0] = 0
    time_ns = np.arange(frames, dtype=np.int64) * 33_333_333
    joints = (walking(time_ns) + 0.02 * shaking).astype("f4")
    names = [more.get("condition", ""), str(number), more.get("view", "")]
    name = "-".join(filter(None, names))
    return Walk(
        person,
        name,
        more.pop("sensor", "kinect-v1"),
        "kinect-v1",
        time_ns,
        joints,
        np.ones((frames, 20), np.float32),
        f"kgbd/{person}/{name}",
        **more,
    )


def synthetic_walks(
    people: int = PEOPLE, noise: float = 0.5, frames: Sequence[int] = (90, 100, 320, 170, 40)
) -> list[Walk]:
    return [
        walk(str(81 + person), number, length, noise)
        for person in range(people)
        for number, length in enumerate(frames, start=1)
    ]


def roles(result: LiveResult) -> list[tuple[set[str], Any]]:
    """Returns for each split the names of the probes, and whether each person is enrolled."""
    searches = result.rows[0].searches
    found = []
    for split in range(result.drawn["splits"]):
        own = searches.split == split
        found.append(({result.walks[t] for t in searches.track[own]}, searches.enrolled[own][0].tolist()))
    return found
