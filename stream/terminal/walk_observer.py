"""What the walking in one source shows while a person is enrolled, and which tracks can be taken."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from gallery.enrolment import MIN_SECONDS
from stream.bus.messages import Verdict

__all__ = ["Crowd", "ObservedWalk", "WalkObserver"]


@dataclass(slots=True)
class ObservedWalk:
    """The walking of a track: times of its first and last window (source seconds), amount and quality."""

    first: float
    last: float
    seconds: float = 0.0
    quality: float = 0.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Two tracks that walked at the same time.

    Attributes:
        tracks: their numbers.
        t: source seconds at which it was noticed.
    """

    tracks: tuple[int, int]
    t: float


@dataclass(slots=True)
class WalkObserver:
    """Collects the walking in one source, to select the track of the person to enrol.

    Attributes:
        track: the only track that counts; None for all.
        walks: observed walks by track number.
        others: other tracks that walked, if `track` is given.
        in_view: tracks in view; why nothing of them counts at present, empty while something does.
        causes: reports, about one a second, that nothing of a track that counts did, by cause.
        crowd: the first two tracks that walked at the same time; None if there were none.
    """

    track: int | None = None
    walks: dict[int, ObservedWalk] = field(default_factory=dict)
    others: set[int] = field(default_factory=set)
    in_view: dict[int, str] = field(default_factory=dict)
    causes: Counter[str] = field(default_factory=Counter)
    crowd: Crowd | None = None

    def update(self, verdict: Verdict) -> None:
        """Adds a verdict to its track."""
        decision = verdict.decision
        if decision.final:
            self.in_view.pop(decision.track, None)
            return
        self.in_view[decision.track] = verdict.no_windows
        if verdict.no_windows and self.counts(decision.track):
            self.causes[verdict.no_windows] += 1
        if decision.latency_ms is None:
            return
        if not self.counts(decision.track):
            self.others.add(decision.track)
            return
        walk = self.walks.setdefault(decision.track, ObservedWalk(decision.t, decision.t))
        walk.last, walk.seconds, walk.quality = decision.t, verdict.seconds, verdict.quality
        for number, other in self.walks.items():
            if self.crowd is None and number != decision.track and other.last >= walk.first:
                self.crowd = Crowd((number, decision.track), decision.t)

    def counts(self, track: int) -> bool:
        """Returns whether a track of this source may be the one to enrol."""
        return self.track in (None, track)

    @property
    def seconds(self) -> float:
        """Usable walking of the longest walk, in seconds."""
        return max((walk.seconds for walk in self.walks.values()), default=0.0)

    @property
    def newest(self) -> ObservedWalk | None:
        """The walk that was seen last; None before the first."""
        return max(self.walks.values(), key=lambda walk: walk.last, default=None)

    def candidates(self, enough: float = math.inf, least: float = MIN_SECONDS) -> list[int]:
        """Returns the tracks that may be enrolled; several may be different people.

        Args:
            enough: requested seconds of walking; if exactly one track has as much, it is the only one.
            least: seconds of walking without which a track is none, unless two walked at the same time.
        """
        if self.crowd is not None:
            return sorted(self.walks)
        found = [number for number, walk in self.walks.items() if walk.seconds >= min(least, enough)]
        complete = [number for number in found if self.walks[number].seconds >= enough]
        return complete if len(complete) == 1 else found
