"""Sources with known passages: motions of people on a source's time line, with breaks, as body frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stream.body import Body, BodyFrame, FloatArray, SourceInfo
from stream.skeleton import CANONICAL

__all__ = [
    "BREAK_RATE",
    "BREAK_SECONDS",
    "FPS",
    "Motion",
    "Passage",
    "Scene",
    "StagedSource",
    "hidden_frames",
    "lost_frames",
    "stage",
]

FPS = 30

BREAK_RATE = 1 / 15
"""Breaks per second of walking."""

BREAK_SECONDS = (0.2, 2.0)
"""Shortest and longest break."""

EDGE_SECONDS = 1.0
"""At both ends of a passage, and between two breaks, the body is seen."""

HIDDEN_WITHIN = 0.25
"""Metres beside the line of sight through a nearer person, within which a body is hidden."""

_HIP = CANONICAL.index("HipCenter")
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """What one person does before one source, without breaks.

    Attributes:
        person: who walks.
        first: number of the source's frame with the first of these skeletons.
        joints: (n, 20, 3) float32, canonical order, metres; one for each of n frames.
        confidence: (n, 20) float32, 0..1.
    """

    person: str
    first: int
    joints: FloatArray = field(repr=False)
    confidence: FloatArray = field(repr=False)

    @property
    def end(self) -> int:
        """Number of the frame after the last."""
        return self.first + len(self.joints)


@dataclass(frozen=True, slots=True)
class Passage:
    """The truth about one passage of a person before a source, from the first sight to the last.

    Attributes:
        person: who walks.
        source: number of the source.
        start_ns: source time of the first frame that shows the person.
        end_ns: source time of the last one.
        breaks: number of breaks, after each of which the body has a new id.
    """

    person: str
    source: int
    start_ns: int
    end_ns: int
    breaks: int

    @property
    def seconds(self) -> float:
        """Duration."""
        return (self.end_ns - self.start_ns) / 1e9


@dataclass(frozen=True, slots=True, eq=False)
class StagedSource:
    """The frames of a source, and what they show.

    Attributes:
        info: of the source.
        frames: all frames, in order.
        passages: in order of their start.
        owners: number of the passage in `passages` that each body id belongs to.
    """

    info: SourceInfo
    frames: tuple[BodyFrame, ...] = field(repr=False)
    passages: tuple[Passage, ...]
    owners: Mapping[int, int] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Scene:
    """Sources that are watched together, and who is enrolled.

    Attributes:
        seed: of everything.
        enrolled: the names of the people who are enrolled; the others are strangers.
        sources: in order.
    """

    seed: int
    enrolled: tuple[str, ...]
    sources: tuple[StagedSource, ...]


def stage(
    info: SourceInfo,
    number: int,
    motions: Iterable[Motion],
    random: np.random.Generator,
    *,
    frames: int = 0,
    hides: bool = False,
) -> StagedSource:
    """Puts motions on the time line of a source; the body is lost now and then, and has a new id afterwards.

    Args:
        info: of the source; its bodies have the canonical joints.
        number: of the source.
        motions: in any order; frames of different motions may coincide.
        random: draws the breaks.
        frames: the least number of frames of the source.
        hides: whether a person who is nearer to the sensor hides those behind.
    """
    ordered = sorted(motions, key=lambda motion: motion.first)
    hidden = hidden_frames(ordered) if hides else [np.zeros(len(m.joints), np.bool_) for m in ordered]
    count = max([frames, *(motion.end + 2 * FPS for motion in ordered)])
    bodies: list[list[Body]] = [[] for _ in range(count)]
    owners: dict[int, int] = {}
    passages = []
    for place, (motion, behind) in enumerate(zip(ordered, hidden, strict=True)):
        seen = ~(behind | lost_frames(len(motion.joints), random))
        seen[[0, -1]] = True
        pieces = np.split(np.arange(len(seen)), np.flatnonzero(np.diff(seen)) + 1)
        shown = [piece for piece in pieces if seen[piece[0]]]
        for piece in shown:
            body = len(owners) + 1
            owners[body] = place
            for n in piece.tolist():
                bodies[motion.first + n].append(Body(body, motion.joints[n], motion.confidence[n]))
        start, end = motion.first, motion.end - 1
        passages.append(Passage(motion.person, number, _time(start), _time(end), len(shown) - 1))
    made = tuple(BodyFrame(_time(n), tuple(each)) for n, each in enumerate(bodies))
    return StagedSource(info, made, tuple(passages), owners)


def lost_frames(count: int, random: np.random.Generator) -> Mask:
    """Draws breaks in a passage of so many frames; returns in which of them the body is lost."""
    lost = np.zeros(count, np.bool_)
    edge = round(EDGE_SECONDS * FPS)
    at = edge + round(random.exponential(1 / BREAK_RATE) * FPS)
    while True:
        length = round(random.uniform(*BREAK_SECONDS) * FPS)
        if at + length + edge > count:
            return lost
        lost[at : at + length] = True
        at += length + edge + round(random.exponential(1 / BREAK_RATE) * FPS)


def hidden_frames(motions: Sequence[Motion]) -> list[Mask]:
    """Returns in which frames of each motion the person is behind another, at most as long as a break lasts.

    The sensor sees parts of a person who stays behind another for longer.
    """
    hidden = [np.zeros(len(motion.joints), np.bool_) for motion in motions]
    for place, motion in enumerate(motions):
        for other in motions:
            first, end = max(motion.first, other.first), min(motion.end, other.end)
            if other is motion or first >= end:
                continue
            own = motion.joints[first - motion.first : end - motion.first, _HIP]
            near = other.joints[first - other.first : end - other.first, _HIP]
            aside = np.abs(own[:, 0] / own[:, 2] - near[:, 0] / near[:, 2]) * own[:, 2]
            behind = (near[:, 2] < own[:, 2]) & (aside < HIDDEN_WITHIN)
            hidden[place][first - motion.first : end - motion.first] |= behind
    return [_shortened(each) for each in hidden]


def _shortened(hidden: Mask) -> Mask:
    """Ends each run after the longest break; the body is seen for a while before the next."""
    edge, longest = round(EDGE_SECONDS * FPS), round(BREAK_SECONDS[1] * FPS)
    kept = np.zeros_like(hidden)
    run, wait = 0, edge
    for n in range(len(hidden)):
        if hidden[n] and run < longest and wait == 0:
            kept[n] = True
            run += 1
        else:
            wait = edge if run else max(0, wait - 1)
            run = 0
    kept[len(kept) - edge :] = False
    return kept


def _time(frame: int) -> int:
    return round(frame * 1_000_000_000 / FPS)
