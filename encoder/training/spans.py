"""Training data: spans (runs of consecutive skeletons) cut from recorded walks, and the batches of an epoch.

The batches of an epoch depend only on the seed and the epoch's number, so a resumed training gets exactly the
batches of an uninterrupted one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from encoder.training.contrast import Contrast
from stream.body import FloatArray
from stream.errors import DataError
from stream.skeleton import CANONICAL, CANONICAL_LAYOUT, get_layout, hip_center, to_canonical
from stream.windows.cutting import cut_windows
from stream.windows.resampling import RATE_HZ

__all__ = ["IntArray", "Spans", "TrainingWalk", "cut_spans", "epoch_batches"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingWalk:
    """One recorded walk of one person, from any source.

    Attributes:
        name: name in messages; unique among the walks of a training.
        person: the person's name; empty if unknown. Training itself uses no labels.
        layout: a key of `stream.skeleton.LAYOUTS`.
        time_ns: (T,) int64, increasing.
        joints: (T, J, 3) float32, metres, the axes of `stream.body.Body`; NaN for joints that were not
            detected.
        confidence: (T, J) float32 in 0..1, 0 for joints that were not detected.
    """

    name: str
    person: str
    layout: str
    time_ns: IntArray
    joints: FloatArray
    confidence: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The training data: N spans, each a run of L consecutive skeletons of one recording.

    Attributes:
        skeletons: (N, L, J, 3) float32, metres, each skeleton relative to its own HipCenter; ordered by
            recording, then by time. J is 20 in the canonical layout.
        recording: (N,) int64, index of each span's recording, increasing.
        names: names of the recordings.
        people: the person of each recording.
        frames: number of frames of all recordings.
        empty: names of walks without any span.
        layout: `CANONICAL_LAYOUT`, or the name of another joint layout.
        rate_hz: skeletons per second.
    """

    skeletons: FloatArray
    recording: IntArray
    names: tuple[str, ...]
    people: tuple[str, ...]
    frames: int
    empty: tuple[str, ...] = ()
    layout: str = CANONICAL_LAYOUT
    rate_hz: float = RATE_HZ

    def __len__(self) -> int:
        return len(self.skeletons)

    @property
    def joints(self) -> int:
        """J, joints of a skeleton."""
        return int(self.skeletons.shape[2])

    @property
    def mirrored(self) -> bool:
        """Whether left and right joints are known, so that skeletons can be mirrored."""
        return self.layout == CANONICAL_LAYOUT and self.joints == len(CANONICAL)

    @property
    def digest(self) -> str:
        """SHA-256 over the skeletons and their recordings, 64 hexadecimal digits."""
        digest = hashlib.sha256(f"{self.skeletons.shape}\n".encode())
        digest.update(np.ascontiguousarray(self.skeletons, "<f4").data)
        digest.update(np.ascontiguousarray(self.recording, "<i8").data)
        return digest.hexdigest()


def cut_spans(walks: Iterable[TrainingWalk], length: int, step: int, layout: str = CANONICAL_LAYOUT) -> Spans:
    """Cuts walks into spans, with `stream.windows.cutting.cut_windows`.

    Args:
        walks: read one after the other.
        length: L, skeletons of a span (`encoder.training.pretext.span_length`, plus the margin that
            augmentation needs).
        step: skeletons from the start of one span to the start of the next; f // 2 (paper Sec. 4.1).
        layout: `CANONICAL_LAYOUT`, or the layout of all walks. The joints of such a layout are kept and only
            translated, so that the HipCenter computed from them is the origin.

    Raises:
        DataError: a walk's arrays have wrong shapes, its times do not increase, or detected joints are not
            finite; a walk has another layout; or no walk gives a span.
    """
    parts: list[FloatArray] = []
    names: list[str] = []
    people: list[str] = []
    empty: list[str] = []
    frames = 0
    for walk in walks:
        _check(walk)
        part = _cut(walk, length, step, layout)
        if not len(part):
            empty.append(walk.name)
            continue
        parts.append(part)
        names.append(walk.name)
        people.append(walk.person)
        frames += len(walk.time_ns)
    if not parts:
        raise DataError(
            f"none of the {len(empty)} walks has {length} complete consecutive skeletons at 30 per second; "
            "train on other walks, or check that all joints are detected"
        )
    recording = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Spans(np.concatenate(parts), recording, tuple(names), tuple(people), frames, tuple(empty), layout)


def _cut(walk: TrainingWalk, length: int, step: int, layout: str) -> FloatArray:
    """Returns the spans of one walk, (n, L, J, 3)."""
    keeps_joints = layout != CANONICAL_LAYOUT
    if not keeps_joints:
        joints, confidence = to_canonical(get_layout(walk.layout), walk.joints, walk.confidence)
    elif walk.layout == layout:
        # The cutter uses joint 0 as origin: the middle of the hips is prepended, and removed afterwards.
        hip = hip_center(get_layout(layout), walk.joints)[:, None]
        joints = np.concatenate((hip, walk.joints), axis=1)
        confidence = np.concatenate((np.ones_like(walk.confidence[:, :1]), walk.confidence), axis=1)
    else:
        raise DataError(f"{walk.name}: expected joints of {layout}, got {walk.layout}; leave the walk out")
    windows = cut_windows(walk.time_ns, joints, confidence, f=length, step=step)
    if not windows:
        return np.empty((0, length, joints.shape[1] - keeps_joints, 3), np.float32)
    return np.stack([window.joints[:, int(keeps_joints) :] for window in windows])


def _check(walk: TrainingWalk) -> None:
    try:
        joints = len(get_layout(walk.layout).joints)
    except ValueError as error:
        raise DataError(f"{walk.name}: {error}") from error
    count = len(walk.time_ns)
    if walk.joints.shape != (count, joints, 3) or walk.confidence.shape != (count, joints):
        raise DataError(
            f"{walk.name}: expected joints ({count}, {joints}, 3) and confidence ({count}, {joints}), for "
            f"its {count} times and its layout {walk.layout}, got {walk.joints.shape} and "
            f"{walk.confidence.shape}; read it again"
        )
    not_finite = (walk.confidence > 0) & ~np.isfinite(walk.joints).all(axis=-1)
    if not_finite.any() or not np.isfinite(walk.confidence).all():
        frame = int(not_finite.any(axis=1).argmax())
        raise DataError(
            f"{walk.name}, frame {frame}: expected finite metres where confidence is above 0, got NaN or "
            "infinity; give such joints confidence 0, or leave the walk out"
        )
    if count > 1 and int(np.diff(walk.time_ns).min()) <= 0:
        raise DataError(
            f"{walk.name}: expected increasing times, got equal or decreasing ones; fix the walk's times"
        )


def epoch_batches(
    spans: Spans, contrast: Contrast, *, size: int, reach: int, seed: int, epoch: int
) -> Iterator[IntArray]:
    """Yields the batches of one epoch, as rows of the spans.

    Args:
        spans: the training data.
        contrast: `WITHIN` and `WITHIN_MASKED`: a batch is a run of consecutive windows of one recording; the
            batches come in random order, the last of a recording may be smaller, and every window occurs
            once. `ACROSS`: rows 2 k and 2 k + 1 are two windows of one recording, at most `reach` apart; half
            of all windows are drawn as the first of a pair. `NONE`: all windows in random order.
        size: largest number of windows of a batch; even for `ACROSS`.
        reach: see `ACROSS`.
        seed: 0 to 2**32 - 1.
        epoch: number of the epoch.
    """
    random = np.random.RandomState([seed, epoch])
    if contrast is Contrast.ACROSS:
        rows = _pairs(spans.recording, random, reach)
    elif contrast is Contrast.NONE:
        rows = random.permutation(len(spans))
    else:
        runs = _runs(spans.recording, size)
        yield from (runs[i] for i in random.permutation(len(runs)))
        return
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _runs(recording: IntArray, size: int) -> list[IntArray]:
    starts = np.searchsorted(recording, np.unique(recording))
    rows = np.split(np.arange(len(recording)), starts[1:])
    return [part[i : i + size] for part in rows for i in range(0, len(part), size)]


def _pairs(recording: IntArray, random: np.random.RandomState, reach: int) -> IntArray:
    """Returns m pairs of rows, (2 m,), pair after pair; a recording with one span has no pair."""
    first_of = np.searchsorted(recording, recording, side="left")
    last_of = np.searchsorted(recording, recording, side="right") - 1
    possible = np.flatnonzero(last_of > first_of)
    anchors = random.permutation(possible)[: (len(possible) + 1) // 2]
    low = np.maximum(anchors - reach, first_of[anchors])
    high = np.minimum(anchors + reach, last_of[anchors])
    # Uniform over the high - low rows other than the anchor.
    partner = low + (random.random_sample(len(anchors)) * (high - low)).astype(np.int64)
    partner += partner >= anchors
    return np.stack((anchors, partner), axis=1).ravel()
