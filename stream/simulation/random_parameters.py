"""Random parameters of simulated people: independent clipped normal draws, and their random streams.

Each random stream has its own seed (seed, stream, person, walk), so that a person's parameters do not depend
on the number of other people, and those of the stream `PERSON` not on the walk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_DEVIATION", "Array", "Distribution", "RandomStream", "draw_parameters", "generator"]

Array = NDArray[np.float64]

MAX_DEVIATION = 2.0
"""Draws are clipped to this many standard deviations."""


class Distribution(NamedTuple):
    """Mean and standard deviation of a parameter over people."""

    mean: float
    sd: float


class RandomStream(IntEnum):
    """Independent streams of random numbers.

    Attributes:
        PERSON: body and style, the same on every walk.
        WALK: variation from walk to walk.
        PATH: walking path.
        SENSOR: sensor noise.
    """

    PERSON = 0
    WALK = 1
    PATH = 2
    SENSOR = 3


def generator(seed: int, purpose: RandomStream, person: int, walk: int = 0) -> np.random.Generator:
    """Returns the generator of one stream of one person; `walk` is 0 if it does not depend on the walk."""
    key = np.random.SeedSequence(seed, spawn_key=(int(purpose), person, walk))
    return np.random.Generator(np.random.PCG64(key))


def draw_parameters(
    distributions: Mapping[str, Distribution], generators: Sequence[np.random.Generator]
) -> dict[str, Array]:
    """Draws one value of each parameter from each person's generator.

    Returns:
        Parameter name -> (people,) values, in the unit of its distribution.
    """
    size = len(distributions)
    scores = np.array([g.standard_normal(size) for g in generators]).reshape(-1, size)
    scores = np.clip(scores, -MAX_DEVIATION, MAX_DEVIATION)
    return {
        name: distribution.mean + distribution.sd * scores[:, column]
        for column, (name, distribution) in enumerate(distributions.items())
    }
