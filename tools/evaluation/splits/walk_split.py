"""Which walks train, which stand in the gallery, which are probes; and the windows cut from them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.errors import DataError, UserError
from stream.skeleton import get_layout, hip_of, to_canonical
from stream.windows.cutting import RATE_HZ, cut_windows
from tools.datasets import Prepared, Walk
from tools.datasets.recorded_walk import IntArray

__all__ = [
    "CUT_FRAMES",
    "SequenceInfo",
    "Split",
    "WindowSet",
    "direct_split",
    "drop_copies",
    "own_walks",
    "rn_split",
]

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
        own_left_out: walks may be gallery and probe at once, and a probe is then compared with everything in
            the gallery but its own walk (`own_walks`).

    Raises:
        ValueError: a walk, or a copy of it, has two roles that it must not have.
        UserError: some of the walks are in metres, and others in pixels.
    """

    train: tuple[Walk, ...]
    gallery: tuple[Walk, ...]
    probe: tuple[Walk, ...]
    copies: tuple[Walk, ...] = ()
    own_left_out: bool = False

    def __post_init__(self) -> None:
        _refuse_mixture((*self.train, *self.gallery, *self.probe))
        if self.own_left_out:
            _refuse_twins((*self.train, *self.gallery))
            _refuse_twins((*self.train, *self.probe))
        else:
            _refuse_twins((*self.train, *self.gallery, *self.probe))


def _refuse_twins(walks: Iterable[Walk]) -> None:
    names: dict[bytes, str] = {}
    for walk in walks:
        digest = _frames_digest(walk)
        if digest in names:
            raise ValueError(f"{walk.name} has the frames of {names[digest]}: no recording may play twice")
        names[digest] = walk.name


def _refuse_mixture(walks: Sequence[Walk]) -> None:
    by_kind = {get_layout(walk.layout).flat: walk for walk in walks}
    if len(by_kind) > 1:
        raise UserError(
            f"{by_kind[True].name} is 2D, in pixels, and {by_kind[False].name} is 3D, in metres: expected "
            "skeletons of one kind in one trial; leave one of the data sets out"
        )


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """Which recording windows are from.

    Attributes:
        person: as `tools.datasets.Walk` has them; so are the others.
        walk: which of the person's walks.
        session: which session or take.
        view: where the sensor stood.
        condition: how the person walked or was dressed.
        name: unique among the recordings of a trial.
    """

    person: str
    walk: str
    session: str
    view: str
    condition: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class WindowSet:
    """The windows of several walks.

    Attributes:
        windows: (n, f, J, 3) float32, hip-centred; metres, in a flat layout pixels.
        people: (n,) int64, whose, as an index of `names`.
        walks: (n,) int64, of which walk, counted from 0; windows of one walk are in order of time.
        names: all people of the trial, sorted.
        layout: of the J joints; the canonical 20 are `kinect-v1`.
        rate_hz: skeletons a second.
        sequences: the walks that `walks` counts; empty where nobody needs to know.
    """

    windows: FloatArray
    people: IntArray
    walks: IntArray
    names: tuple[str, ...]
    layout: str = "kinect-v1"
    rate_hz: float = RATE_HZ
    sequences: tuple[SequenceInfo, ...] = ()

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def views(self) -> NDArray[np.str_]:
        """(n,) text, where the sensor of each window stood."""
        return np.array([sequence.view for sequence in self.sequences], np.str_)[self.walks]

    @property
    def conditions(self) -> NDArray[np.str_]:
        """(n,) text, how the person of each window walked or was dressed."""
        return np.array([sequence.condition for sequence in self.sequences], np.str_)[self.walks]

    @classmethod
    def cut(
        cls, walks: Sequence[Walk], names: tuple[str, ...], f: int, step: int, *, native: bool = False
    ) -> Self:
        """Cut windows after `CUT_FRAMES` frames were left out at each end.

        They are cut as the live path does, from the canonical 20 joints at 30 Hz. Native windows are those
        of the published protocols: f frames that follow each other, in the joints and at the rate of the
        recording; frames with a joint that was not seen are dropped beforehand, and a window may reach over
        the place where they were.

        Args:
            walks: some of each person who is to have windows.
            names: all people of the trial, sorted; not all need have a walk here.
            f: skeletons a window.
            step: skeletons from one window's start to the next.
            native: keep the joints and the rate of the walks.

        Raises:
            DataError: there is no walk, or a person's walks hold no whole window.
            UserError: canonical windows are asked of skeletons in pixels; or native ones of several layouts.
        """
        if not walks:
            raise DataError("there is no walk to cut windows from: expected at least one")
        blocks = [(_cut_native if native else _cut)(walk, f, step) for walk in walks]
        counts = [len(block) for block in blocks]
        owners = np.array([names.index(walk.person) for walk in walks], np.int64)
        people = np.repeat(owners, counts)
        if empty := sorted(set(owners.tolist()) - set(people.tolist())):
            walk = next(walk for walk in walks if walk.person == names[empty[0]])
            raise DataError(
                f"{walk.name}: expected {f} unbroken skeletons between the {CUT_FRAMES} frames cut at each "
                f"end, got none in {len(walk.time_ns)} frames; leave person {walk.person} out"
            )
        layout, rate_hz = _native_kind(walks) if native else ("kinect-v1", float(RATE_HZ))
        return cls(
            np.concatenate(blocks),
            people,
            np.repeat(np.arange(len(walks)), counts),
            names,
            layout,
            rate_hz,
            tuple(SequenceInfo(w.person, w.walk, w.session, w.view, w.condition, w.name) for w in walks),
        )

    @classmethod
    def of_prepared(cls, part: Prepared, names: tuple[str, ...], layout: str, rate_hz: float) -> Self:
        """Windows that were cut already, hip-centred; each run of a person's windows counts as a walk.

        Args:
            part: the windows.
            names: all people of the trial, sorted.
            layout: of the joints.
            rate_hz: the data set's nominal rate.

        Raises:
            DataError: there are no windows, or somebody's who is not among the people of the trial.
        """
        if not part.people:
            raise DataError(f"part {part.part} holds no windows: expected some; fetch the arrays again")
        if strange := sorted(set(part.people) - set(names)):
            raise DataError(
                f"part {part.part} holds windows of person {strange[0]}, who is not among the {len(names)} "
                "people it is compared with: its arrays are of another split; fetch them again"
            )
        place = {name: index for index, name in enumerate(names)}
        owners = np.array([place[person] for person in part.people], np.int64)
        windows = part.windows - hip_of(get_layout(layout), part.windows)[..., None, :]
        _, firsts = np.unique(part.runs, return_index=True)
        sequences = tuple(
            SequenceInfo(
                names[owner], f"{part.part}-{run}", part.part, "", "", f"{part.part}/{names[owner]}/{run}"
            )
            for run, owner in enumerate(owners[firsts].tolist())
        )
        return cls(windows, owners, part.runs, names, layout, rate_hz, sequences)

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


def _cut_native(walk: Walk, f: int, step: int) -> FloatArray:
    layout = get_layout(walk.layout)
    whole = (walk.confidence > 0).all(axis=1) & np.isfinite(walk.joints).all(axis=(1, 2))
    joints = walk.joints[whole][CUT_FRAMES:-CUT_FRAMES]
    starts = np.arange(0, len(joints) - f + 1, step)
    windows: FloatArray = joints[starts[:, None] + np.arange(f)]
    return windows - hip_of(layout, windows)[..., None, :]


def _native_kind(walks: Sequence[Walk]) -> tuple[str, float]:
    """The layout of all walks, and the median of their rates, frames a second."""
    others = [walk for walk in walks if walk.layout != walks[0].layout]
    if others:
        raise UserError(
            f"{walks[0].name} is in the layout {walks[0].layout}, {others[0].name} in {others[0].layout}: "
            "expected one for all; ask for the canonical 20 joints, or leave one of the data sets out"
        )
    steps = np.concatenate([np.diff(walk.time_ns) for walk in walks])
    return walks[0].layout, round(float(1e9 / np.median(steps)), 2) if len(steps) else 0.0


def own_walks(probes: WindowSet, gallery: WindowSet) -> NDArray[np.bool_]:
    """(walks of the probes, walks of the gallery), whether the two are one and the same recording."""
    asked = np.array([sequence.name for sequence in probes.sequences], np.str_)
    known = np.array([sequence.name for sequence in gallery.sequences], np.str_)
    same: NDArray[np.bool_] = asked[:, None] == known[None, :]
    return same


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
