"""The walks in a file, track by track, without an encoder: how long, when, and a moment to draw.

Tracks have the numbers that they have in a run on the same sources, because the same `Tracker` gives them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stream.body import Body, BodyFrame, FloatArray, Picture, SourceInfo
from stream.capture.levelling import Levelling
from stream.capture.tracking import Tracker, TrackerUpdate, source_tracker
from stream.errors import CutOffError, EndOfSource
from stream.skeleton import CANONICAL, Layout, get_layout, to_canonical
from stream.sources import Source
from stream.windows.resampling import RATE_HZ, is_complete

__all__ = ["FileWalks", "ListedWalk", "Moment", "list_walks"]

_F = 6
"""Skeletons of a window; windows of other lengths give the same walks within 0.1 s."""

_HEAD = CANONICAL.index("Head")

_NEAREST_M = 0.5
"""Nearer skeletons, such as centred ones, count as far away as this."""

_APART = 0.25
"""Sideways distance between bodies, per metre from the sensor, at which neither hides the other."""


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One frame, without its image.

    Attributes:
        time_ns: the source's time.
        bodies: everybody in view.
        tracks: track numbers of the bodies, by body id.
        size: height and width of the image in pixels; None for a source without images.
        keypoints: as `stream.body.Picture.keypoints`.
    """

    time_ns: int
    bodies: tuple[Body, ...]
    tracks: Mapping[int, int]
    size: tuple[int, int] | None = None
    keypoints: Mapping[int, FloatArray] = field(default_factory=dict)

    @classmethod
    def of(cls, frame: BodyFrame, tracks: Mapping[int, int]) -> Moment:
        """Returns what of a frame is drawn."""
        if frame.picture is None:
            return cls(frame.time_ns, frame.bodies, tracks)
        height, width = frame.picture.image.shape[:2]
        return cls(frame.time_ns, frame.bodies, tracks, (height, width), frame.picture.keypoints)

    def frame(self, background: tuple[int, int, int]) -> BodyFrame:
        """Returns it as a frame; where there was an image, one of a single colour takes its place."""
        if self.size is None:
            return BodyFrame(self.time_ns, self.bodies)
        image = np.full((*self.size, 3), background, np.uint8)
        return BodyFrame(self.time_ns, self.bodies, Picture(image, self.keypoints))


@dataclass(frozen=True, slots=True)
class ListedWalk:
    """The walking of one track.

    Attributes:
        track: number of the track.
        seconds: of usable walking.
        first: source time of its first window, seconds.
        last: source time of its last window, seconds.
        moment: when the body was seen largest and best.
    """

    track: int
    seconds: float
    first: float
    last: float
    moment: Moment


@dataclass(frozen=True, slots=True)
class FileWalks:
    """All walks of a file.

    Attributes:
        walks: in order of their tracks.
        causes: reports, about one a second, that nothing of a track counted, by cause.
        cut_off: says that the file ends early; empty if it does not.
    """

    walks: tuple[ListedWalk, ...]
    causes: Counter[str]
    cut_off: str = ""


def list_walks(
    source: Source,
    *,
    index: int = 0,
    sources: int = 1,
    progress: Callable[[float], None] = lambda seconds: None,
) -> FileWalks:
    """Reads a source to its end and returns who walked.

    Args:
        source: gives every frame, and ends.
        index: number of the source in the run whose track numbers are wanted.
        sources: number of sources of that run.
        progress: receives the source's time, seconds.

    Raises:
        SgeError: the source fails.
    """
    listing = _Listing(source.info, index, sources)
    while True:
        try:
            frame = source.read(1.0)
        except EndOfSource:
            return listing.end()
        except CutOffError as error:
            return listing.end(str(error))
        if frame is not None:
            listing.push(frame)
            progress(frame.time_ns / 1e9)


@dataclass(slots=True)
class _Walk:
    """Windows of a track, start and end, and moments, each better than the one before."""

    windows: list[tuple[int, int]] = field(default_factory=list)
    moments: list[tuple[float, Moment]] = field(default_factory=list)

    def offer(self, worth: float, moment: Callable[[], Moment]) -> None:
        if not self.moments or worth > self.moments[-1][0]:
            self.moments.append((worth, moment()))

    def split(self, since_ns: int) -> _Walk:
        """Takes back what shows another person; returns it without what shows nobody else."""
        later = _Walk(
            [each for each in self.windows if each[0] >= since_ns],
            [each for each in self.moments if each[1].time_ns >= since_ns],
        )
        self.windows = [each for each in self.windows if each[1] < since_ns]
        self.moments = [each for each in self.moments if each[1].time_ns < since_ns]
        return later


class _Listing:
    def __init__(self, info: SourceInfo, index: int, sources: int) -> None:
        self._layout: Layout = get_layout(info.layout)
        self._tracker: Tracker = source_tracker(info, Levelling(), f=_F, index=index, sources=sources)
        self._walks: dict[int, _Walk] = {}
        self._causes: Counter[str] = Counter()

    def push(self, frame: BodyFrame) -> None:
        self._add(self._tracker.push(frame))
        numbers = self._tracker.numbers
        for body in frame.bodies:
            walk = self._walks.get(numbers.get(body.id, 0))
            if walk is not None and (worth := self._worth(body, frame.bodies)) > 0:
                walk.offer(worth, lambda: Moment.of(frame, numbers))

    def end(self, cut_off: str = "") -> FileWalks:
        self._add(self._tracker.end())
        listed = []
        for track, walk in sorted(self._walks.items()):
            if walk.windows and walk.moments:
                seconds = len(walk.windows) * (_F // 2) / RATE_HZ
                first, last = walk.windows[0][1] / 1e9, walk.windows[-1][1] / 1e9
                listed.append(ListedWalk(track, seconds, first, last, walk.moments[-1][1]))
        return FileWalks(tuple(listed), self._causes, cut_off)

    def _add(self, update: TrackerUpdate) -> None:
        for split in update.splits:
            track = self._walks.setdefault(split.track, _Walk())
            self._walks[split.successor] = track.split(split.since_ns)
        for number, window in update.windows:
            self._walks.setdefault(number, _Walk()).windows.append((window.start_ns, window.end_ns))
        self._causes.update(reason for _, reason in update.notes if reason is not None)

    def _worth(self, body: Body, others: Sequence[Body]) -> float:
        """Returns how well a body is seen: how large, with which confidence, and how far from others."""
        joints, confidence = to_canonical(self._layout, body.joints, body.confidence)
        if not is_complete(joints, confidence):
            return 0.0
        distance = max(float(np.linalg.norm(joints[0])), _NEAREST_M)
        gaps = [abs(_direction(joints) - _direction(each.joints)) for each in others if each is not body]
        apart = min(1.0, *(gap / _APART for gap in gaps if np.isfinite(gap)), 1.0)
        height = joints[_HEAD, 1] - joints[:, 1].min()  # raised arms make nobody taller
        return float(height / distance * confidence.mean() * apart)


def _direction(joints: FloatArray) -> float:
    """Returns where the middle of a body is seen, sideways, as a share of its distance."""
    x, _, z = np.nanmean(joints, axis=0).tolist()
    return float(x / max(z, _NEAREST_M))
