"""Tracks: numbers the bodies of a source, cuts their windows, and reports tracks without windows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from stream.body import Body, BodyFrame
from stream.skeleton import Layout, to_canonical
from stream.windows.cutting import Window, WindowCutter, WindowProblem

__all__ = ["TRACK_TIMEOUT_NS", "Tracker", "TrackerUpdate"]

TRACK_TIMEOUT_NS = 1_000_000_000
"""The track of a body ends when the body was absent for this time."""

REPORT_INTERVAL_NS = 1_000_000_000
"""A track without windows is reported, with the reason, at this interval."""

Reason = WindowProblem | None


@dataclass(frozen=True, slots=True)
class TrackerUpdate:
    """Result of one frame.

    Attributes:
        windows: (track, window) for each window that the frame completed.
        notes: (track, reason) for each new track (reason None), and each track without a window for
            `REPORT_INTERVAL_NS`.
        ended: tracks that ended.
    """

    windows: tuple[tuple[int, Window], ...] = ()
    notes: tuple[tuple[int, Reason], ...] = ()
    ended: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.windows or self.notes or self.ended)


@dataclass(slots=True)
class _Track:
    number: int
    cutter: WindowCutter
    last_seen_ns: int
    last_output_ns: int
    """Time of the last window or report."""


@dataclass(slots=True)
class Tracker:
    """Assigns the bodies of one source to tracks, by the body ids of the source.

    Track numbers are unique over all sources of a run without coordination: source i of n uses the numbers
    i + 1, i + 1 + n, i + 1 + 2n, ...

    Args:
        layout: the source's joint layout.
        f: skeletons per window.
        first: first track number of this source.
        stride: number of sources in the run.
        opened: number of tracks opened so far.
    """

    layout: Layout
    f: int = 6
    first: int = 1
    stride: int = 1
    opened: int = 0
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
        ended = self._close(lambda track: now_ns < (last_ns or now_ns) or _is_overdue(track, now_ns))
        windows: list[tuple[int, Window]] = []
        notes: list[tuple[int, Reason]] = []
        bodies: dict[int, Body] = {}
        for body in frame.bodies:
            bodies.setdefault(body.id, body)
        for body in bodies.values():
            track = self._tracks.get(body.id)
            if track is None:
                track = self._open(body, frame.time_ns)
                notes.append((track.number, None))
            track.last_seen_ns = frame.time_ns
            cut = track.cutter.push(frame.time_ns, *to_canonical(self.layout, body.joints, body.confidence))
            windows += [(track.number, window) for window in cut]
            if cut:
                track.last_output_ns = frame.time_ns
            elif frame.time_ns - track.last_output_ns >= REPORT_INTERVAL_NS:
                track.last_output_ns = frame.time_ns
                notes.append((track.number, track.cutter.problem))
        return TrackerUpdate(tuple(windows), tuple(notes), ended)

    def end(self) -> TrackerUpdate:
        """Ends every track, at the end of the source."""
        ended = tuple(track.number for track in self._tracks.values())
        self._tracks.clear()
        return TrackerUpdate(ended=ended)

    @property
    def open(self) -> tuple[int, ...]:
        """Numbers of the tracks in view."""
        return tuple(track.number for track in self._tracks.values())

    @property
    def numbers(self) -> dict[int, int]:
        """Track numbers of the bodies in view, by body id."""
        return {body: track.number for body, track in self._tracks.items()}

    def _open(self, body: Body, time_ns: int) -> _Track:
        number = self.first + self.opened * self.stride
        self.opened += 1
        cutter = WindowCutter(self.f, walking_only=True)
        track = self._tracks[body.id] = _Track(number, cutter, time_ns, time_ns)
        return track

    def _close(self, ends: Callable[[_Track], bool]) -> tuple[int, ...]:
        lost = [key for key, track in self._tracks.items() if ends(track)]
        return tuple(self._tracks.pop(key).number for key in lost)


def _is_overdue(track: _Track, now_ns: int) -> bool:
    return now_ns - track.last_seen_ns > TRACK_TIMEOUT_NS
