"""Windows cut from walks, or taken from published pre-cut windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.errors import DataError, UserError
from stream.skeleton import get_layout, hip_center, to_canonical
from stream.windows.cutting import cut_windows
from stream.windows.resampling import RATE_HZ
from tools.datasets import PrecutWindows, Walk
from tools.datasets.recorded_walk import IntArray

__all__ = ["CUT_FRAMES", "SequenceInfo", "WindowSet", "same_recordings"]

CUT_FRAMES = 10
"""Frames cut at each end of a walk (paper, Sec. 4.1)."""


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """The recording that windows come from.

    Attributes:
        person: the person, as in `tools.datasets.Walk`.
        walk: the person's walk.
        session: the session or take.
        view: position of the sensor.
        condition: manner of walking, or clothing.
        name: name of the recording, unique within a draw.
    """

    person: str
    walk: str
    session: str
    view: str
    condition: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class WindowSet:
    """Windows of several walks.

    Attributes:
        windows: (n, f, J, 3) float32, hip-centred; metres, or pixels in a 2D layout.
        people: (n,) int64, the person of each window, an index of `names`.
        walks: (n,) int64, the walk of each window, from 0; windows of one walk are in order of time.
        names: all people of the draw, sorted.
        layout: layout of the J joints; the canonical 20 are `kinect-v1`.
        rate_hz: skeletons per second.
        sequences: the walks that `walks` indexes; may be empty.
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
        """(n,) text, the sensor position of each window."""
        return np.array([sequence.view for sequence in self.sequences], np.str_)[self.walks]

    @property
    def conditions(self) -> NDArray[np.str_]:
        """(n,) text, the condition (manner of walking, clothing) of each window."""
        return np.array([sequence.condition for sequence in self.sequences], np.str_)[self.walks]

    @classmethod
    def cut(
        cls, walks: Sequence[Walk], names: tuple[str, ...], f: int, step: int, *, native: bool = False
    ) -> Self:
        """Cuts windows from walks, without the first and last `CUT_FRAMES` frames of each.

        Windows are cut as in the live path, from the canonical 20 joints at 30 Hz. Native windows follow the
        published protocols: f consecutive frames in the joints and at the rate of the recording. Frames with
        an unseen joint are dropped first, so a window may span such a gap.

        Args:
            walks: the walks.
            names: all people of the draw, sorted; some may have no walk here.
            f: skeletons in a window.
            step: skeletons between the starts of two windows.
            native: keep the joints and the rate of the walks.

        Raises:
            DataError: there is no walk, or the walks of a person hold no window.
            UserError: the skeletons are in pixels and `native` is False, or native walks differ in layout.
        """
        if not walks:
            raise DataError("no walk to cut windows from: expected at least one")
        blocks = [(_cut_native if native else _cut)(walk, f, step) for walk in walks]
        counts = [len(block) for block in blocks]
        owners = np.array([names.index(walk.person) for walk in walks], np.int64)
        people = np.repeat(owners, counts)
        if empty := sorted(set(owners.tolist()) - set(people.tolist())):
            walk = next(walk for walk in walks if walk.person == names[empty[0]])
            raise DataError(
                f"{walk.name}: expected {f} consecutive skeletons between the {CUT_FRAMES} frames cut at "
                f"each end, got none in {len(walk.time_ns)} frames; leave person {walk.person} out"
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
    def of_precut(cls, part: PrecutWindows, names: tuple[str, ...], layout: str, rate_hz: float) -> Self:
        """Takes pre-cut windows and centres them on the hip; each run of a person's windows is a walk.

        Args:
            part: the windows.
            names: all people of the draw, sorted.
            layout: layout of the joints.
            rate_hz: the data set's nominal frame rate.

        Raises:
            DataError: there are no windows, or a window's person is not in `names`.
        """
        if not part.people:
            raise DataError(f"part {part.part} holds no windows: expected some; fetch the arrays again")
        if strange := sorted(set(part.people) - set(names)):
            raise DataError(
                f"part {part.part} holds windows of person {strange[0]}, who is not among the {len(names)} "
                "people that it is compared with: the arrays are of another split; fetch them again"
            )
        place = {name: index for index, name in enumerate(names)}
        owners = np.array([place[person] for person in part.people], np.int64)
        windows = part.windows - hip_center(get_layout(layout), part.windows)[..., None, :]
        _, firsts = np.unique(part.runs, return_index=True)
        sequences = tuple(
            SequenceInfo(
                names[owner], f"{part.part}-{run}", part.part, "", "", f"{part.part}/{names[owner]}/{run}"
            )
            for run, owner in enumerate(owners[firsts].tolist())
        )
        return cls(windows, owners, part.runs, names, layout, rate_hz, sequences)

    def with_people_shuffled(self, seed: int) -> Self:
        """Returns the windows with people's names permuted at random.

        A check for leaks: with these as probes, every figure must be at chance.
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
    return windows - hip_center(layout, windows)[..., None, :]


def _native_kind(walks: Sequence[Walk]) -> tuple[str, float]:
    """Returns the layout of all walks and their median frame rate in Hz."""
    others = [walk for walk in walks if walk.layout != walks[0].layout]
    if others:
        raise UserError(
            f"{walks[0].name} has the layout {walks[0].layout}, {others[0].name} has {others[0].layout}: "
            "expected one layout; use the canonical 20 joints, or leave one of the data sets out"
        )
    steps = np.concatenate([np.diff(walk.time_ns) for walk in walks])
    return walks[0].layout, round(float(1e9 / np.median(steps)), 2) if len(steps) else 0.0


def same_recordings(probes: WindowSet, gallery: WindowSet) -> NDArray[np.bool_]:
    """Returns (probe walks, gallery walks), True where the two are the same recording."""
    probe_names = np.array([sequence.name for sequence in probes.sequences], np.str_)
    gallery_names = np.array([sequence.name for sequence in gallery.sequences], np.str_)
    same: NDArray[np.bool_] = probe_names[:, None] == gallery_names[None, :]
    return same
