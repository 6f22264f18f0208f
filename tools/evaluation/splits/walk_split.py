"""Splits of walks into training, gallery and probes."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stream.errors import DataError, UserError
from stream.skeleton import get_layout
from tools.datasets import Walk

__all__ = ["Split", "direct_split", "drop_duplicates", "rn_split"]


@dataclass(frozen=True, slots=True)
class Split:
    """Roles of walks; no recording has two roles.

    Attributes:
        train: training walks.
        gallery: walks that probes are compared with; empty if the protocol classifies.
        probe: walks to identify.
        duplicates: walks left out because another walk has the same frames.
        exclude_same_recording: a walk may be gallery and probe at once; a probe is then compared with the
            whole gallery except its own recording.

    Raises:
        ValueError: a walk, or a duplicate of it, has two roles.
        UserError: some walks are in metres and others in pixels.
    """

    train: tuple[Walk, ...]
    gallery: tuple[Walk, ...]
    probe: tuple[Walk, ...]
    duplicates: tuple[Walk, ...] = ()
    exclude_same_recording: bool = False

    def __post_init__(self) -> None:
        _check_units((*self.train, *self.gallery, *self.probe))
        if self.exclude_same_recording:
            _check_no_duplicates((*self.train, *self.gallery))
            _check_no_duplicates((*self.train, *self.probe))
        else:
            _check_no_duplicates((*self.train, *self.gallery, *self.probe))


def _check_no_duplicates(walks: Iterable[Walk]) -> None:
    names: dict[bytes, str] = {}
    for walk in walks:
        digest = _frames_digest(walk)
        if digest in names:
            raise ValueError(f"{walk.name} has the frames of {names[digest]}: expected one role a recording")
        names[digest] = walk.name


def _check_units(walks: Sequence[Walk]) -> None:
    by_kind = {get_layout(walk.layout).is_2d: walk for walk in walks}
    if len(by_kind) > 1:
        raise UserError(
            f"{by_kind[True].name} is 2D, in pixels, and {by_kind[False].name} is 3D, in metres: expected "
            "skeletons of one kind in one split; leave one of the data sets out"
        )


def drop_duplicates(walks: Iterable[Walk]) -> tuple[list[Walk], list[Walk]]:
    """Separates walks from duplicates: walks whose frames equal, bit by bit, those of an earlier walk.

    Returns:
        The walks without duplicates, and the duplicates.
    """
    kept: dict[bytes, Walk] = {}
    duplicates: list[Walk] = []
    for walk in walks:
        if kept.setdefault(_frames_digest(walk), walk) is not walk:
            duplicates.append(walk)
    return list(kept.values()), duplicates


def direct_split(walks: Iterable[Walk], seed: int) -> Split:
    """Takes two random walks of each person as gallery and one as probe; the rest train.

    Of three walks each has another role; of two, none trains. A person's roles depend only on the seed and on
    that person, not on the other people.

    Raises:
        DataError: a person has a single walk.
    """
    kept, duplicates = drop_duplicates(walks)
    train: list[Walk] = []
    gallery: list[Walk] = []
    probe: list[Walk] = []
    for person_walks in _shuffle_by_person(kept, seed):
        enrolled = 2 if len(person_walks) > 3 else 1
        probe += person_walks[:1]
        gallery += person_walks[1 : 1 + enrolled]
        train += person_walks[1 + enrolled :]
    return Split(tuple(train), tuple(gallery), tuple(probe), tuple(duplicates))


def rn_split(walks: Iterable[Walk], seed: int) -> Split:
    """Takes one random walk of each person as probe; the rest train (paper, Sec. 4.1, KGBD).

    The probes are those of `direct_split` with the same seed.

    Raises:
        DataError: a person has a single walk.
    """
    kept, duplicates = drop_duplicates(walks)
    people = _shuffle_by_person(kept, seed)
    train = tuple(walk for person_walks in people for walk in person_walks[1:])
    return Split(train, (), tuple(person_walks[0] for person_walks in people), tuple(duplicates))


def _shuffle_by_person(walks: Sequence[Walk], seed: int) -> list[list[Walk]]:
    """Returns each person's walks in random order; people are in order of their names."""
    people: dict[str, list[Walk]] = {}
    for walk in sorted(walks, key=lambda walk: (walk.person, walk.walk)):
        people.setdefault(walk.person, []).append(walk)
    if not people:
        raise DataError("no walks: expected a data set with at least two walks of each person")
    shuffled = []
    for person, person_walks in people.items():
        if len(person_walks) < 2:
            raise DataError(
                f"{person_walks[0].name} is the only walk of person {person}: expected at least two, one to "
                "learn from or enrol and one to probe with; leave the person out"
            )
        order = np.random.default_rng([seed, zlib.crc32(person.encode())]).permutation(len(person_walks))
        shuffled.append([person_walks[index] for index in order])
    return shuffled


def _frames_digest(walk: Walk) -> bytes:
    digest = hashlib.sha256(f"{walk.joints.shape}".encode())
    digest.update(np.ascontiguousarray(walk.joints).tobytes())
    return digest.digest()
