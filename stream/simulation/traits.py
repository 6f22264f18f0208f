"""Personal traits: independent normal draws, cut off so that nobody is a monster.

Every draw has a seed path of its own (seed, what it is for, person, walk), so that a person is the same
however many others there are and on whichever walk they are met.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CUT_OFF", "Array", "Purpose", "Spread", "draw", "generator"]

Array = NDArray[np.float64]

CUT_OFF = 2.0
"""Draws beyond this many standard deviations are pulled back to it."""


class Spread(NamedTuple):
    """Mean and standard deviation between people."""

    mean: float
    sd: float


class Purpose(IntEnum):
    """What random numbers are for; each has its own stream."""

    IDENTITY = 0
    MOOD = 1
    PATH = 2
    SENSOR = 3


def generator(seed: int, purpose: Purpose, person: int, walk: int = 0) -> np.random.Generator:
    """The stream of random numbers of one person for one purpose (on one walk, where that matters)."""
    key = np.random.SeedSequence(seed, spawn_key=(int(purpose), person, walk))
    return np.random.Generator(np.random.PCG64(key))


def draw(spreads: Mapping[str, Spread], generators: Sequence[np.random.Generator]) -> dict[str, Array]:
    """One value of each trait for each generator, that is, for each person.

    Returns:
        trait name -> (people,) values, in the unit of its spread.
    """
    scores = np.array([g.standard_normal(len(spreads)) for g in generators]).reshape(-1, len(spreads))
    scores = np.clip(scores, -CUT_OFF, CUT_OFF)
    return {
        name: spread.mean + spread.sd * scores[:, column]
        for column, (name, spread) in enumerate(spreads.items())
    }
