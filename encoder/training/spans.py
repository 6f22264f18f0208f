"""Training data: spans of skeletons cut out of recorded walks, and the batches of an epoch.

No order is kept anywhere: the batches of an epoch follow from the seed and the epoch's number alone, so a
training that was stopped goes on with exactly those it would have had.
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
from stream.skeleton import CANONICAL, CANONICAL_LAYOUT, get_layout, hip_of, to_canonical
from stream.windows.cutting import RATE_HZ, cut_windows

__all__ = ["IntArray", "Spans", "TrainingWalk", "cut_spans", "epoch_batches"]

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingWalk:
    """One recorded walk of one person, wherever it was read from.

    Attributes:
        name: how it is called in messages; unique among the walks of a training.
        person: who walks; empty where nobody knows. Training itself uses no label.
        layout: a key of `stream.skeleton.LAYOUTS`.
        time_ns: (T,) int64, increasing.
        joints: (T, J, 3) float32, metres, the axes of `stream.body.Body`; NaN where not seen.
        confidence: (T, J) float32 in 0..1, 0 where not seen.
    """

    name: str
    person: str
    layout: str
    time_ns: IntArray
    joints: FloatArray
    confidence: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """What a training learns from.

    Attributes:
        skeletons: (N, L, J, 3) float32, metres, each skeleton relative to its own HipCenter; recording by
            recording, in order of time. J is 20 in the canonical layout.
        recording: (N,) int64, which recording each is from, increasing.
        names: of the recordings.
        people: of the recordings.
        frames: how many frames the recordings hold.
        empty: names of walks that gave no span.
        layout: `CANONICAL_LAYOUT`, or what else the joints are, for people.
        rate_hz: skeletons a second.
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
        """SHA-256 over skeletons and their recordings, 64 hexadecimal digits."""
        digest = hashlib.sha256(f"{self.skeletons.shape}\n".encode())
        digest.update(np.ascontiguousarray(self.skeletons, "<f4").data)
        digest.update(np.ascontiguousarray(self.recording, "<i8").data)
        return digest.hexdigest()


def cut_spans(walks: Iterable[TrainingWalk], length: int, step: int, layout: str = CANONICAL_LAYOUT) -> Spans:
    """Cut the spans of walks, as `stream.windows.cutting.cut_windows` cuts every window.

    Args:
        walks: read one after the other.
        length: L, skeletons a span (`encoder.training.pretext.span_length`, and what augmentation needs
            beside it).
        step: skeletons from one span's start to the next; f // 2 (paper Sec. 4.1).
        layout: `CANONICAL_LAYOUT`, or the layout of all walks, whose J joints are then kept as they are, only
            moved so that the HipCenter made of them is the origin.

    Raises:
        DataError: a walk's arrays have wrong shapes, times that do not increase, or are not finite where
            they say that a joint was seen; a walk has another layout; or no walk gives a span.
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
            f"none of the {len(empty)} walks has {length} whole skeletons in a row, 30 a second; train on "
            "others, or check that all joints are seen"
        )
    recording = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Spans(np.concatenate(parts), recording, tuple(names), tuple(people), frames, tuple(empty), layout)


def _cut(walk: TrainingWalk, length: int, step: int, layout: str) -> FloatArray:
    """The spans of one walk (n, L, J, 3)."""
    own = layout != CANONICAL_LAYOUT
    if not own:
        joints, confidence = to_canonical(get_layout(walk.layout), walk.joints, walk.confidence)
    elif walk.layout == layout:
        # The middle of the hips goes in front, where the cutter looks for the origin, and away again.
        hip = hip_of(get_layout(layout), walk.joints)[:, None]
        joints = np.concatenate((hip, walk.joints), axis=1)
        confidence = np.concatenate((np.ones_like(walk.confidence[:, :1]), walk.confidence), axis=1)
    else:
        raise DataError(f"{walk.name}: expected joints of {layout}, got {walk.layout}; leave the walk out")
    windows = cut_windows(walk.time_ns, joints, confidence, f=length, step=step)
    if not windows:
        return np.empty((0, length, joints.shape[1] - own, 3), np.float32)
    return np.stack([window.joints[:, int(own) :] for window in windows])


def _check(walk: TrainingWalk) -> None:
    try:
        joints = len(get_layout(walk.layout).joints)
    except ValueError as error:
        raise DataError(f"{walk.name}: {error}") from error
    count = len(walk.time_ns)
    if walk.joints.shape != (count, joints, 3) or walk.confidence.shape != (count, joints):
        raise DataError(
            f"{walk.name}: expected joints ({count}, {joints}, 3) and confidence ({count}, {joints}), as its "
            f"{count} times and its layout {walk.layout} say, got {walk.joints.shape} and "
            f"{walk.confidence.shape}; read it again"
        )
    lost = (walk.confidence > 0) & ~np.isfinite(walk.joints).all(axis=-1)
    if lost.any() or not np.isfinite(walk.confidence).all():
        frame = int(lost.any(axis=1).argmax())
        raise DataError(
            f"{walk.name}, frame {frame}: expected finite metres where confidence is above 0, got NaN or "
            "infinity; give such joints confidence 0, or leave the walk out"
        )
    if count > 1 and int(np.diff(walk.time_ns).min()) <= 0:
        raise DataError(f"{walk.name}: expected times that increase, got one twice or a step back; mend it")


def epoch_batches(
    spans: Spans, contrast: Contrast, *, size: int, reach: int, seed: int, epoch: int
) -> Iterator[IntArray]:
    """The batches of one epoch, as rows of the spans.

    Args:
        spans: the training data.
        contrast: `WITHIN` and `WITHIN_MASKED`: runs of consecutive windows of one recording, in random
            order; the end of a recording makes a smaller batch, and every window comes once. `ACROSS`: rows
            2 k and 2 k + 1 are two windows of one recording, at most `reach` apart, half of all windows
            drawn as first. `NONE`: all windows in random order.
        size: windows a batch, at most; even for `ACROSS`.
        reach: see `ACROSS`.
        seed: 0 to 2**32 - 1.
        epoch: which one.
    """
    draw = np.random.RandomState([seed, epoch])
    if contrast is Contrast.ACROSS:
        rows = _paired(spans.recording, draw, reach)
    elif contrast is Contrast.NONE:
        rows = draw.permutation(len(spans))
    else:
        runs = _runs(spans.recording, size)
        yield from (runs[i] for i in draw.permutation(len(runs)))
        return
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _runs(recording: IntArray, size: int) -> list[IntArray]:
    starts = np.searchsorted(recording, np.unique(recording))
    rows = np.split(np.arange(len(recording)), starts[1:])
    return [part[i : i + size] for part in rows for i in range(0, len(part), size)]


def _paired(recording: IntArray, draw: np.random.RandomState, reach: int) -> IntArray:
    """(2 m,): rows that belong together beside each other; a recording of one span has no pair."""
    first_of = np.searchsorted(recording, recording, side="left")
    last_of = np.searchsorted(recording, recording, side="right") - 1
    possible = np.flatnonzero(last_of > first_of)
    anchors = draw.permutation(possible)[: (len(possible) + 1) // 2]
    low = np.maximum(anchors - reach, first_of[anchors])
    high = np.minimum(anchors + reach, last_of[anchors])
    # One of the high - low rows beside the anchor itself, each as likely as the others.
    partner = low + (draw.random_sample(len(anchors)) * (high - low)).astype(np.int64)
    partner += partner >= anchors
    return np.stack((anchors, partner), axis=1).ravel()
