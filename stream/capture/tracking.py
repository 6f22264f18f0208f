"""From body frames to tracks: numbers that people can say, windows, and the reason where there are none."""

from __future__ import annotations

from dataclasses import dataclass, field

from stream.body import Body, BodyFrame
from stream.skeleton import Layout, to_canonical
from stream.windows.cutting import Trouble, Window, WindowCutter

__all__ = ["TRACK_PATIENCE_NS", "Sighting", "Tracker"]

TRACK_PATIENCE_NS = 1_000_000_000
"""A body not seen for this long has left; its track ends."""

SILENCE_NS = 1_000_000_000
"""A track without a window for this long is reported with the reason."""

Reason = Trouble | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one frame brought.

    Attributes:
        windows: (track, window) of each window that the frame completed.
        notes: (track, reason) of each track that just came into view (reason None), or has given no
            window for a second.
        ended: tracks that left the view.
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
    seen_ns: int
    spoke_ns: int


@dataclass(slots=True)
class Tracker:
    """Follows the bodies of one source by the ids that the source gives them.

    Track numbers are unique in a system of several sources without the sources knowing of each other:
    source i of n counts i + 1, i + 1 + n, i + 1 + 2n, ...

    Args:
        layout: the source's joint layout.
        f: skeletons a window.
        first: this source's first track number.
        stride: how many sources count together.
        opened: how many tracks there have been.
    """

    layout: Layout
    f: int = 6
    first: int = 1
    stride: int = 1
    opened: int = 0
    _tracks: dict[int, _Track] = field(default_factory=dict)

    def push(self, frame: BodyFrame) -> Sighting:
        """Take the source's next frame."""
        windows: list[tuple[int, Window]] = []
        notes: list[tuple[int, Reason]] = []
        for body in frame.bodies:
            track = self._tracks.get(body.id)
            if track is None:
                track = self._open(body, frame.time_ns)
                notes.append((track.number, None))
            track.seen_ns = frame.time_ns
            cut = track.cutter.push(frame.time_ns, *to_canonical(self.layout, body.joints, body.confidence))
            windows += [(track.number, window) for window in cut]
            if cut:
                track.spoke_ns = frame.time_ns
            elif frame.time_ns - track.spoke_ns >= SILENCE_NS:
                track.spoke_ns = frame.time_ns
                notes.append((track.number, track.cutter.trouble))
        return Sighting(tuple(windows), tuple(notes), self._close_lost(frame.time_ns))

    def end(self) -> Sighting:
        """End every track: the source gives no more."""
        ended = tuple(track.number for track in self._tracks.values())
        self._tracks.clear()
        return Sighting(ended=ended)

    @property
    def open(self) -> tuple[int, ...]:
        """The numbers of the tracks in view."""
        return tuple(track.number for track in self._tracks.values())

    @property
    def numbers(self) -> dict[int, int]:
        """The number of each track in view, by its body id."""
        return {body: track.number for body, track in self._tracks.items()}

    def _open(self, body: Body, time_ns: int) -> _Track:
        number = self.first + self.opened * self.stride
        self.opened += 1
        cutter = WindowCutter(self.f, walking_only=True)
        track = self._tracks[body.id] = _Track(number, cutter, time_ns, time_ns)
        return track

    def _close_lost(self, now_ns: int) -> tuple[int, ...]:
        lost = [key for key, track in self._tracks.items() if now_ns - track.seen_ns > TRACK_PATIENCE_NS]
        return tuple(self._tracks.pop(key).number for key in lost)
