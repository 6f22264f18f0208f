"""Tracks: numbers the bodies of a source, cuts their windows, and reports tracks without windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from stream.body import Body, BodyFrame, FloatArray, SourceInfo
from stream.bus.messages import Tick, TrackNote, TrackPlace, TrackSplit, WindowRow
from stream.capture.levelling import Levelling
from stream.skeleton import Layout, get_layout, to_canonical
from stream.track_numbers import track_number
from stream.windows.body_change import BodyChangeDetector, detector_for
from stream.windows.cutting import CutWindow, Window, WindowCutter, WindowProblem, finish_windows
from stream.windows.resampling import are_complete

__all__ = ["TRACK_TIMEOUT_NS", "Tracker", "TrackerUpdate", "make_tick", "source_tracker"]

TRACK_TIMEOUT_NS = 1_000_000_000
"""The track of a body ends when the body was absent for this time."""

REPORT_INTERVAL_NS = 1_000_000_000
"""A track without windows is reported, with the reason, at this interval."""

_RECENT = 64
"""Newest windows of a track of which times are kept; more than are cut until a change is noticed."""

Reason = WindowProblem | None


@dataclass(frozen=True, slots=True)
class TrackerUpdate:
    """Result of one frame.

    Attributes:
        windows: (track, window) for each window that the frame completed or released, see `Levelling`.
        notes: (track, reason) for each new track (reason None), and each track without a window for
            `REPORT_INTERVAL_NS`.
        ended: tracks that ended; before the windows and notes.
        splits: tracks that ended because another person took over their body id.
        cut: number of windows cut so far, by track, for the tracks in view and those that ended.
    """

    windows: tuple[tuple[int, Window], ...] = ()
    notes: tuple[tuple[int, Reason], ...] = ()
    ended: tuple[int, ...] = ()
    splits: tuple[TrackSplit, ...] = ()
    cut: Mapping[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.windows or self.notes or self.ended or self.splits)


@dataclass(slots=True)
class _Track:
    number: int
    cutter: WindowCutter
    last_seen_ns: int
    last_output_ns: int
    """Time of the last window or report."""
    detector: BodyChangeDetector | None = None
    cut: int = 0
    """Number of windows so far."""
    recent: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_RECENT))
    """Start and end of the newest windows."""

    def change(self, time_ns: int, joints: FloatArray) -> int | None:
        """Returns since when the body, (20, 3), is another person's, once that is certain."""
        return None if self.detector is None else self.detector.push(time_ns, joints)

    def add(self, windows: Sequence[Window]) -> None:
        """Counts windows of this track."""
        self.cut += len(windows)
        self.recent.extend([(window.start_ns, window.end_ns) for window in windows])

    def take_back(self, since_ns: int) -> deque[tuple[int, int]]:
        """Takes back the windows that show another person; returns those that show nobody else."""
        later = [each for each in self.recent if each[0] >= since_ns]
        self.cut -= sum(end_ns >= since_ns for _, end_ns in self.recent)
        return deque(later, maxlen=_RECENT)


class _Step(NamedTuple):
    """What a frame adds to a track."""

    track: _Track
    opened: bool
    """Whether the track begins with this frame."""
    joints: FloatArray
    """(20, 3) the skeleton."""
    cut: list[CutWindow]


@dataclass(slots=True)
class _Findings:
    """What one frame leads to."""

    levelling: Levelling | None
    windows: list[tuple[int, Window]] = field(default_factory=list)
    notes: list[tuple[int, Reason]] = field(default_factory=list)
    ended: list[_Track] = field(default_factory=list)
    splits: list[TrackSplit] = field(default_factory=list)

    def end(self, track: _Track) -> None:
        """Ends a track, with the windows of it that still waited."""
        self.ended.append(track)
        if self.levelling is not None:
            self._output(track, self.levelling.end(track.number))

    def finish(self, now_ns: int, steps: Sequence[_Step]) -> None:
        """Finishes the windows of tracks, those of all at once, and reports tracks without windows."""
        finished = iter(finish_windows([window for step in steps for window in step.cut]))
        for track, opened, joints, cut in steps:
            if opened:
                self.notes.append((track.number, None))
            windows = [window for _ in cut for window in next(finished)]
            if windows:
                track.last_output_ns = now_ns
                if self.levelling is not None:
                    windows = self.levelling.push(track.number, windows, joints)
                self._output(track, windows)
            elif now_ns - track.last_output_ns >= REPORT_INTERVAL_NS:
                track.last_output_ns = now_ns
                self.notes.append((track.number, track.cutter.problem))

    def _output(self, track: _Track, windows: Sequence[Window]) -> None:
        track.add(windows)
        self.windows += [(track.number, window) for window in windows]


@dataclass(slots=True)
class Tracker:
    """Assigns the bodies of one source to tracks, by the body ids of the source.

    Track numbers are unique over all sources of a run, see `stream.track_numbers`.

    Args:
        layout: the source's joint layout.
        f: skeletons per window.
        source: number of this source in the run, from 0.
        sources: number of sources in the run.
        opened: number of tracks opened so far.
        detector: makes the detector of a change of the body for each track; it returns None where tracks are
            never split.
        levelling: levels the windows of a tilted sensor; None leaves them as they are.
    """

    layout: Layout
    f: int = 6
    source: int = 0
    sources: int = 1
    opened: int = 0
    detector: Callable[[], BodyChangeDetector | None] = lambda: None
    levelling: Levelling | None = None
    _tracks: dict[int, _Track] = field(default_factory=dict)
    _last_ns: int | None = None

    def push(self, frame: BodyFrame) -> TrackerUpdate:
        """Processes the source's next frame: ends tracks, assigns bodies to tracks and cuts their windows.

        Tracks whose body was absent for too long end first: their body id may have come back with somebody
        else. A frame from the past ends all tracks, and a frame of the same time is ignored. Of several
        bodies with the same id in one frame, only the first is used.
        """
        now_ns, last_ns = frame.time_ns, self._last_ns
        if now_ns == last_ns:
            return TrackerUpdate()
        self._last_ns = now_ns
        found = _Findings(self.levelling)
        self._close(lambda track: now_ns < (last_ns or now_ns) or _is_overdue(track, now_ns), found)
        bodies: dict[int, Body] = {}
        for body in frame.bodies:
            bodies.setdefault(body.id, body)
        if bodies:
            self._push_bodies(now_ns, bodies, found)
        return self._update(found)

    def _push_bodies(self, now_ns: int, bodies: Mapping[int, Body], found: _Findings) -> None:
        """Assigns the bodies of a frame to tracks, and cuts their windows."""
        joints, confidence = to_canonical(
            self.layout,
            np.array([body.joints for body in bodies.values()]),
            np.array([body.confidence for body in bodies.values()]),
        )
        complete: list[bool] = are_complete(joints, confidence).tolist()
        steps: list[_Step] = []
        for key, own, known, whole in zip(bodies, joints, confidence, complete, strict=True):
            track = self._tracks.get(key)
            opened = track is None
            if track is None:
                track = self._tracks[key] = self._open(now_ns)
            elif whole and (since_ns := track.change(now_ns, own)) is not None:
                found.finish(
                    now_ns, steps
                )  # the windows so far count for the levelling of the track that ends
                steps, opened = [], True
                track = self._tracks[key] = self._split(track, since_ns, found)
            track.last_seen_ns = now_ns
            steps.append(_Step(track, opened, own, track.cutter.add(now_ns, own, known, complete=whole)))
        found.finish(now_ns, steps)

    def end(self) -> TrackerUpdate:
        """Ends every track, at the end of the source."""
        found = _Findings(self.levelling)
        self._close(lambda track: True, found)
        return self._update(found)

    @property
    def open(self) -> tuple[int, ...]:
        """Numbers of the tracks in view."""
        return tuple(track.number for track in self._tracks.values())

    @property
    def numbers(self) -> dict[int, int]:
        """Track numbers of the bodies in view, by body id."""
        return {body: track.number for body, track in self._tracks.items()}

    def _open(self, time_ns: int) -> _Track:
        cutter = WindowCutter(self.f, walking_only=True)
        return _Track(self._next_number(), cutter, time_ns, time_ns, self.detector())

    def _split(self, track: _Track, since_ns: int, found: _Findings) -> _Track:
        """Ends a track; returns that of the person who now has the body id, with the same cutter."""
        found.end(track)
        later = track.take_back(since_ns)
        track.cutter.forget_body()
        number = self._next_number()
        found.splits.append(TrackSplit(track.number, number, since_ns))
        seen, output = track.last_seen_ns, track.last_output_ns
        return _Track(number, track.cutter, seen, output, track.detector, len(later), later)

    def _next_number(self) -> int:
        self.opened += 1
        return track_number(self.source, self.sources, self.opened - 1)

    def _close(self, ends: Callable[[_Track], bool], found: _Findings) -> None:
        """Ends tracks, with what still waited of them."""
        for key in [key for key, track in self._tracks.items() if ends(track)]:
            found.end(self._tracks.pop(key))

    def _update(self, found: _Findings) -> TrackerUpdate:
        return TrackerUpdate(
            tuple(found.windows),
            tuple(found.notes),
            tuple(track.number for track in found.ended),
            tuple(found.splits),
            {track.number: track.cut for track in (*found.ended, *self._tracks.values())},
        )


def source_tracker(
    info: SourceInfo, levelling: Levelling, *, f: int, index: int, sources: int, opened: int = 0
) -> Tracker:
    """Returns the tracker of a source, which gives the same tracks wherever the source is read.

    Args:
        info: of the source.
        levelling: levels its windows.
        f: skeletons per window.
        index: number of the source in the run, from 0.
        sources: number of sources in the run.
        opened: number of tracks that it had before.
    """
    return Tracker(
        get_layout(info.layout),
        f,
        source=index,
        sources=sources,
        opened=opened,
        detector=partial(detector_for, info.sensor),
        levelling=levelling,
    )


def _is_overdue(track: _Track, now_ns: int) -> bool:
    return now_ns - track.last_seen_ns > TRACK_TIMEOUT_NS


def make_tick(
    update: TrackerUpdate,
    source: int,
    epoch: int,
    *,
    time_ns: int,
    arrival_ns: int,
    in_view: tuple[int, ...],
    last: bool,
    pose_model: str = "",
    places: tuple[TrackPlace, ...] = (),
    ready_ns: int = 0,
) -> tuple[Tick, FloatArray]:
    """Returns a tracker's update as a tick for the bus, and its windows (n, f, 20, 3).

    Args:
        update: the update.
        source: number of the source in the run.
        epoch: number of restarts of its capture worker.
        time_ns: the source's time.
        arrival_ns: see `WindowRow`.
        in_view: numbers of the tracks in view.
        last: whether the source has ended.
        pose_model: the model that estimates the source's poses; empty if there is none.
        places: where the tracks are; see `stream.capture.body_places`.
        ready_ns: see `stream.bus.window_times.WindowTimes`.
    """
    windows = [window.joints for _, window in update.windows]
    joints = np.stack(windows) if windows else np.zeros(0, np.float32)
    tick = Tick(
        source=source,
        epoch=epoch,
        seq=0,
        shape=joints.shape if windows else (),
        rows=tuple(
            WindowRow(track, w.start_ns, w.end_ns, arrival_ns, w.quality, w.view, ready_ns)
            for track, w in update.windows
        ),
        notes=tuple(TrackNote(track, time_ns, reason) for track, reason in update.notes),
        ended=update.ended,
        open=in_view,
        last=last,
        cut=dict(update.cut),
        splits=update.splits,
        pose_model=pose_model,
        time_ns=time_ns,
        places=places,
    )
    return tick, joints
