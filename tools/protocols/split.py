"""Which walks train, which stand in the gallery, which are probes; and the windows cut from them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from stream.body import FloatArray
from stream.errors import DataError
from stream.skeleton import get_layout, to_canonical
from stream.windows import cut_windows
from tools.datasets import Walk
from tools.datasets.walk import IntArray

__all__ = ["CUT_FRAMES", "Split", "WindowSet", "direct_split", "drop_copies", "rn_split"]

CUT_FRAMES = 10
"""Frames left out at each end of a walk (paper, Sec. 4.1)."""


@dataclass(frozen=True, slots=True)
class Split:
    """The roles of all walks; no recording has two.

    Attributes:
        train: may be learned from.
        gallery: what probes are compared with; empty where people are classified by what was learned.
        probe: what is to be recognised.
        copies: walks left out because another walk has the same frames.

    Raises:
        ValueError: a walk, or a copy of it, has two roles.
    """

    train: tuple[Walk, ...]
    gallery: tuple[Walk, ...]
    probe: tuple[Walk, ...]
    copies: tuple[Walk, ...] = ()

    def __post_init__(self) -> None:
        names: dict[bytes, str] = {}
        for walk in (*self.train, *self.gallery, *self.probe):
            digest = _frames_digest(walk)
            if digest in names:
                raise ValueError(
                    f"{walk.name} has the frames of {names[digest]}: no recording may play twice"
                )
            names[digest] = walk.name


@dataclass(frozen=True, slots=True, eq=False)
class WindowSet:
    """The windows of several walks.

    Attributes:
        windows: (n, f, 20, 3) float32, hip-centred, metres.
        people: (n,) int64, whose, as an index of `names`.
        walks: (n,) int64, of which walk, counted from 0; windows of one walk are in order of time.
        names: all people of the trial, sorted.
    """

    windows: FloatArray
    people: IntArray
    walks: IntArray
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.windows)

    @classmethod
    def cut(cls, walks: Sequence[Walk], names: tuple[str, ...], f: int, step: int) -> Self:
        """Cut windows as the live path does, after `CUT_FRAMES` frames were left out at each end.

        Args:
            walks: at least one of each person of `names`.
            names: all people of the trial, sorted.
            f: skeletons a window.
            step: skeletons from one window's start to the next.

        Raises:
            DataError: a person's walks hold no whole window.
        """
        blocks = [_cut(walk, f, step) for walk in walks]
        counts = [len(block) for block in blocks]
        owners = np.array([names.index(walk.person) for walk in walks], np.int64)
        people = np.repeat(owners, counts)
        if empty := sorted(set(range(len(names))) - set(people.tolist())):
            walk = next(walk for walk in walks if walk.person == names[empty[0]])
            raise DataError(
                f"{walk.name}: expected {f} unbroken skeletons between the {CUT_FRAMES} frames cut at each "
                f"end, got none in {len(walk.time_ns)} frames; leave person {walk.person} out"
            )
        return cls(np.concatenate(blocks), people, np.repeat(np.arange(len(walks)), counts), names)

    def with_people_shuffled(self, seed: int) -> Self:
        """The same windows under the names of others, drawn at random: nothing can recognise them now.

        A check for leaks: with these as probes, every figure must fall to what guessing gives.
        """
        order = np.random.default_rng(seed).permutation(len(self.names))
        return replace(self, people=order[self.people])


def _cut(walk: Walk, f: int, step: int) -> FloatArray:
    trimmed = walk.trimmed(CUT_FRAMES)
    joints, confidence = to_canonical(get_layout(walk.layout), trimmed.joints, trimmed.confidence)
    found = cut_windows(trimmed.time_ns, joints, confidence, f=f, step=step)
    empty = np.empty((0, f, *joints.shape[1:]), np.float32)
    return np.concatenate([empty, *(window.joints[None] for window in found)])


def drop_copies(walks: Iterable[Walk]) -> tuple[list[Walk], list[Walk]]:
    """Tell the walks from copies of them: walks whose frames equal, bit by bit, those of one before.

    Returns:
        The walks, and the copies that were left out.
    """
    kept: dict[bytes, Walk] = {}
    copies: list[Walk] = []
    for walk in walks:
        if kept.setdefault(_frames_digest(walk), walk) is not walk:
            copies.append(walk)
    return list(kept.values()), copies


def direct_split(walks: Iterable[Walk], seed: int) -> Split:
    """Of each person two walks at random as gallery and one as probe; the rest train.

    People with three walks have one of each; people with two have nothing to train with. A person's roles
    depend on the seed and on that person alone, not on who else takes part.

    Raises:
        DataError: a person has one walk only.
    """
    kept, copies = drop_copies(walks)
    train: list[Walk] = []
    gallery: list[Walk] = []
    probe: list[Walk] = []
    for own in _shuffled(kept, seed):
        held = 2 if len(own) > 3 else 1
        probe += own[:1]
        gallery += own[1 : 1 + held]
        train += own[1 + held :]
    return Split(tuple(train), tuple(gallery), tuple(probe), tuple(copies))


def rn_split(walks: Iterable[Walk], seed: int) -> Split:
    """Of each person one walk at random as probe, the rest train (paper, Sec. 4.1, of KGBD).

    The probes are those of `direct_split` with the same seed.

    Raises:
        DataError: a person has one walk only.
    """
    kept, copies = drop_copies(walks)
    people = _shuffled(kept, seed)
    train = tuple(walk for own in people for walk in own[1:])
    return Split(train, (), tuple(own[0] for own in people), tuple(copies))


def _shuffled(walks: Sequence[Walk], seed: int) -> list[list[Walk]]:
    """Each person's walks in random order; people in the order of their names."""
    people: dict[str, list[Walk]] = {}
    for walk in sorted(walks, key=lambda walk: (walk.person, walk.walk)):
        people.setdefault(walk.person, []).append(walk)
    if not people:
        raise DataError("there is no walk here: expected a data set with at least two walks of each person")
    shuffled = []
    for person, own in people.items():
        if len(own) < 2:
            raise DataError(
                f"{own[0].name} is the only walk of person {person}: expected at least two, one to be "
                "recognised by the other; leave the person out"
            )
        order = np.random.default_rng([seed, zlib.crc32(person.encode())]).permutation(len(own))
        shuffled.append([own[place] for place in order])
    return shuffled


def _frames_digest(walk: Walk) -> bytes:
    digest = hashlib.sha256(f"{walk.joints.shape}".encode())
    digest.update(np.ascontiguousarray(walk.joints).tobytes())
    return digest.digest()
