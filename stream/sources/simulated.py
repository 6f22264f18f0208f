"""Simulated people as a source (`walkers`), for load tests and demonstrations only.

Recognition rates measured on simulated people say nothing about real people (see `stream.simulation`).

    walkers:n=6,seed=1,walk=2,only=3+5,seconds=20,fps=30,live=0
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np

from stream.body import Body, BodyFrame, SourceInfo
from stream.errors import SourceError
from stream.simulation import SimulatedKinect, SimulatedPeople
from stream.simulation.random_parameters import RandomStream, generator
from stream.sources.playback import Clip, Playback
from stream.sources.source_options import OptionTable

__all__ = ["OPTIONS", "SimulatedConfig", "open_simulated", "parse_simulated", "simulated_frames"]

OPTIONS = {
    "n": "the number of people, a whole number from 1 to 1000",
    "seed": "the seed of their identities, a whole number from 0 to 4294967295",
    "walk": "the number of the walk, a whole number from 0 to 4294967295",
    "only": "the numbers of the people who appear, joined by +, as in only=1+3",
    "seconds": "the duration in seconds, a number above 0",
    "fps": "the frames per second, a whole number from 5 to 120",
    "live": "1 to drop unread frames like a sensor, or 0 to return every frame",
}
"""Option -> the value it expects; in the order of the canonical form."""

_TABLE = OptionTable("walkers", OPTIONS)

_INTEGER_RANGES = {
    "n": (1, 1000),
    "seed": (0, 2**32 - 1),
    "walk": (0, 2**32 - 1),
    "fps": (5, 120),
    "live": (0, 1),
}
"""Lowest and highest value of each integer option."""

BLOCK = 8
"""Frames computed at once: a compromise between throughput and the delay of the first frame."""


@dataclass(frozen=True, slots=True)
class SimulatedConfig:
    """Validated options of `walkers:...`.

    Attributes:
        n: number of people.
        seed: determines the identity of each person number.
        walk: number of the walk; determines the paths, the day-to-day variation and the sensor noise.
        only: numbers of the people who appear; None for all.
        seconds: duration; None for endless.
        fps: frames per second.
        live: whether unread frames are dropped.
        name: the source string in canonical form.
    """

    n: int = 1
    seed: int = 0
    walk: int = 1
    only: tuple[int, ...] | None = None
    seconds: float | None = None
    fps: int = 30
    live: bool = True
    name: str = "walkers"

    @property
    def people(self) -> tuple[int, ...]:
        """Numbers of the people who appear, in ascending order."""
        return tuple(range(1, self.n + 1)) if self.only is None else self.only


def open_simulated(options: Mapping[str, str], *, speed: float, clip: Clip | None) -> Playback:
    """Returns simulated people in front of a simulated Kinect v1 as a source.

    Args:
        options: see `OPTIONS`.
        speed: 1 is real time, 0 is as fast as possible.
        clip: the part to play, seconds; needs a stop if the walk is endless.

    Raises:
        SourceError: an option is unknown or invalid, or the clip of an endless walk has no stop.
    """
    config = parse_simulated(options)
    finite = config.seconds is not None or (clip is not None and clip[1] is not None)
    if clip is not None and not finite:
        raise SourceError(
            f"{config.name} is endless: give a stop, as in #t={clip[0]:g},{clip[0] + 10:g}, "
            "or the option seconds"
        )
    info = SourceInfo(config.name, "simulated", "kinect-v1", live=config.live, finite=finite)
    return Playback(info, simulated_frames(config), speed=speed, clip=clip)


def parse_simulated(options: Mapping[str, str]) -> SimulatedConfig:
    """Validates the options of `walkers:...`.

    Raises:
        SourceError: names the option, the expected and the given value, and all options.
    """
    _TABLE.check_names(options)
    numbers = {key: _parse_integer(key, options[key]) for key in _INTEGER_RANGES if key in options}
    only = _parse_only(options["only"], numbers.get("n", 1)) if "only" in options else None
    seconds = _parse_seconds(options["seconds"]) if "seconds" in options else None
    canonical = {key: str(value) for key, value in numbers.items()}
    if only is not None:
        canonical["only"] = "+".join(map(str, only))
    if seconds is not None:
        canonical["seconds"] = f"{seconds:.12g}"
    return SimulatedConfig(
        n=numbers.get("n", 1),
        seed=numbers.get("seed", 0),
        walk=numbers.get("walk", 1),
        only=only,
        seconds=seconds,
        fps=numbers.get("fps", 30),
        live=numbers.get("live", 1) == 1,
        name=_TABLE.canonical(canonical),
    )


def simulated_frames(config: SimulatedConfig) -> Iterator[BodyFrame]:
    """Yields the frames of the simulated Kinect, frame i at i / fps seconds; body ids are person numbers.

    The same configuration gives bit-identical frames on one machine. A person's bodies do not depend on which
    other people appear.
    """
    people = config.people
    simulated = SimulatedPeople.draw(config.seed, config.walk, people)
    noise = [generator(config.seed, RandomStream.SENSOR, person, config.walk) for person in people]
    kinect = SimulatedKinect(noise, config.fps)
    end = math.inf if config.seconds is None else max(1, math.ceil(config.seconds * config.fps - 1e-6))
    for first in count(0, BLOCK):
        joints, confidence = kinect.observe(simulated.joints((first + np.arange(BLOCK)) / config.fps))
        for i, (body_joints, body_confidence) in enumerate(zip(joints, confidence, strict=True), start=first):
            if i >= end:
                return
            bodies = tuple(map(Body, people, body_joints, body_confidence))
            yield BodyFrame(round(i * 1_000_000_000 / config.fps), bodies)


def _parse_integer(key: str, text: str) -> int:
    low, high = _INTEGER_RANGES[key]
    if not _is_integer(text, low, high):
        raise _TABLE.invalid(key, text)
    return int(text)


def _parse_only(text: str, n: int) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split("+")]
    if not all(_is_integer(part, 1, n) for part in parts):
        raise SourceError(f"{_TABLE.expected('only')}, from 1 to n={n}, not {text!r}; {_TABLE.possible}")
    return tuple(sorted({int(part) for part in parts}))


def _is_integer(text: str, low: int, high: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12 and low <= int(text) <= high


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise _TABLE.invalid("seconds", text)
    return seconds
