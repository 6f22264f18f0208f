"""Simulated people as a source: for load tests and demonstrations only.

Nothing measured on simulated people says how well real ones are told apart (see `stream.simulation`).

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
from stream.simulation import Crowd, SimulatedKinect
from stream.simulation.traits import Purpose, generator
from stream.sources.playback import Clip, Playback
from stream.sources.source_options import OptionTable

__all__ = ["OPTIONS", "WalkersConfig", "open_walkers", "parse_walkers", "walk_frames"]

OPTIONS = {
    "n": "how many people, a whole number from 1 to 1000",
    "seed": "who they are, a whole number from 0 to 4294967295",
    "walk": "which of their walks it is, a whole number from 0 to 4294967295",
    "only": "who of the n appear, their numbers joined by +, as in only=1+3",
    "seconds": "how long they walk, a number above 0",
    "fps": "frames a second, a whole number from 5 to 120",
    "live": "1 to drop the oldest frames when late, 0 to give every frame",
}
"""Every option and what it says; the order is that of the canonical form."""

_TABLE = OptionTable("walkers", OPTIONS)

_WHOLE = {"n": (1, 1000), "seed": (0, 2**32 - 1), "walk": (0, 2**32 - 1), "fps": (5, 120), "live": (0, 1)}
"""Lowest and highest value of each option that is a whole number."""

BLOCK = 8
"""Frames that are computed at once: enough to be quick, few enough not to make the first one late."""


@dataclass(frozen=True, slots=True)
class WalkersConfig:
    """What `walkers:...` asks for, checked.

    Attributes:
        n: people there are.
        seed: fixes who they are, by number.
        walk: the same people on another walk have other paths, another mood and other noise.
        only: numbers of those who appear; None for all.
        seconds: length; None for endless.
        fps: frames a second.
        live: whether late frames are dropped.
        name: the spec in canonical form.
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
        """The numbers of all who appear, rising."""
        return tuple(range(1, self.n + 1)) if self.only is None else self.only


def open_walkers(options: Mapping[str, str], *, speed: float, clip: Clip | None) -> Playback:
    """Let simulated people walk before a simulated Kinect v1.

    Args:
        options: see `OPTIONS`.
        speed: 1 is real time, 0 as fast as frames are read.
        clip: the part to give, seconds; an endless walk needs its stop.

    Raises:
        SourceError: an option is unknown or wrong, or the clip of an endless walk has no stop.
    """
    config = parse_walkers(options)
    finite = config.seconds is not None or (clip is not None and clip[1] is not None)
    if clip is not None and not finite:
        raise SourceError(
            f"{config.name} has no end: give its part a stop, as in #t={clip[0]:g},{clip[0] + 10:g}, "
            "or the option seconds"
        )
    info = SourceInfo(config.name, "simulated", "kinect-v1", live=config.live, finite=finite)
    return Playback(info, walk_frames(config), speed=speed, clip=clip)


def parse_walkers(options: Mapping[str, str]) -> WalkersConfig:
    """Check the options of `walkers:...`.

    Raises:
        SourceError: names the option, what was expected, what came, and all options.
    """
    _TABLE.check_names(options)
    numbers = {key: _whole(key, options[key]) for key in _WHOLE if key in options}
    only = _only(options["only"], numbers.get("n", 1)) if "only" in options else None
    seconds = _seconds(options["seconds"]) if "seconds" in options else None
    written = {key: str(value) for key, value in numbers.items()}
    if only is not None:
        written["only"] = "+".join(map(str, only))
    if seconds is not None:
        written["seconds"] = f"{seconds:.12g}"
    return WalkersConfig(
        n=numbers.get("n", 1),
        seed=numbers.get("seed", 0),
        walk=numbers.get("walk", 1),
        only=only,
        seconds=seconds,
        fps=numbers.get("fps", 30),
        live=numbers.get("live", 1) == 1,
        name=_TABLE.written(written),
    )


def walk_frames(config: WalkersConfig) -> Iterator[BodyFrame]:
    """What the simulated Kinect sees, frame i at i / fps seconds; body ids are the people's numbers.

    The same configuration gives the same frames, bit for bit on one machine, and everybody's part of them
    does not depend on who else is there.
    """
    people = config.people
    crowd = Crowd.draw(config.seed, config.walk, people)
    noise = [generator(config.seed, Purpose.SENSOR, person, config.walk) for person in people]
    kinect = SimulatedKinect(noise, config.fps)
    end = math.inf if config.seconds is None else max(1, math.ceil(config.seconds * config.fps - 1e-6))
    for first in count(0, BLOCK):
        joints, confidence = kinect.look(crowd.joints((first + np.arange(BLOCK)) / config.fps))
        for i, (places, sure) in enumerate(zip(joints, confidence, strict=True), start=first):
            if i >= end:
                return
            bodies = tuple(map(Body, people, places, sure))
            yield BodyFrame(round(i * 1_000_000_000 / config.fps), bodies)


def _whole(key: str, text: str) -> int:
    low, high = _WHOLE[key]
    if not _is_number(text, low, high):
        raise _TABLE.wrong(key, text)
    return int(text)


def _only(text: str, n: int) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split("+")]
    if not all(_is_number(part, 1, n) for part in parts):
        raise SourceError(f"{_TABLE.says('only')}, from 1 to n={n}, not {text!r}; {_TABLE.possible}")
    return tuple(sorted({int(part) for part in parts}))


def _is_number(text: str, low: int, high: int) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 12 and low <= int(text) <= high


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds > 0):
        raise _TABLE.wrong("seconds", text)
    return seconds
