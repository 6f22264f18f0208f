"""Notices about dropped windows, decisions and visits, and the line about them on the dashboard."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stream.system.notices import Notifier
from stream.system.supervisor import Child

__all__ = ["DropWatch"]

GATHER_S = 1.0
"""Time from the first drop to its notice, so that it counts those that follow."""

INTERVAL_S = 10.0
"""Shortest time between two notices, and how long after the last drop the dashboard shows them."""

_TOO_SLOW = "overloaded: ...: use fewer sources, or a GPU"
_SLOW_READER = "overloaded: ...: the program that reads the decisions is too slow"
_TOO_LATE = "...: their visits had ended when an encoder that was stuck went on"
_NO_HISTORY = "...: too many waited for a gallery that could not store them"


@dataclass(slots=True)
class _Drops:
    """Items of one sort that were dropped.

    Attributes:
        noun: what is dropped, singular.
        count: dropped so far in the run.
        text: the notice on them.
        told: count of the last notice.
        told_at: its time, seconds.
        since: time of the first drop after it; None if there is none.
        last: time of the last drop.
    """

    noun: str
    count: int = 0
    text: str = ""
    told: int = 0
    told_at: float = float("-inf")
    since: float | None = None
    last: float = float("-inf")

    def update(self, count: int, now: float, text: str) -> None:
        """Stores the count; if it has grown, `text` says why, after `...`."""
        if count <= self.count:
            return
        self.count, self.last = count, now
        self.since = now if self.since is None else self.since
        self.text = text.replace("...", f"{count:,} {self.noun}{'' if count == 1 else 's'} dropped")


class DropWatch:
    """Tells that live sources lose windows or decisions, why, and what to do about it.

    Args:
        notifier: receives a notice for the first drop, and at most one each `INTERVAL_S` while more follow.
        clock: monotonic seconds.
    """

    def __init__(self, notifier: Notifier, clock: Callable[[], float] = time.monotonic) -> None:
        self._notifier = notifier
        self._clock = clock
        self._windows, self._decisions, self._visits = _Drops("window"), _Drops("decision"), _Drops("visit")
        self._late = _Drops("window")

    @property
    def text(self) -> str:
        """What was dropped within the last `INTERVAL_S`; empty if nothing was."""
        now = self._clock()
        recent = (drops.text for drops in self._all if now - drops.last < INTERVAL_S)
        return "; ".join(recent)

    def check(self, children: Sequence[Child]) -> None:
        """Reads the counters of the processes; sends the notices that are due."""
        now = self._clock()
        self._decisions.update(_sum(children, "decisions_dropped"), now, _SLOW_READER)
        absent = [child.label for child in children if child.role != "capture" and not child.works]
        if absent:
            why = f"...: the {absent[0]} process does not work at present"
        else:
            why = _SLOW_READER if now - self._decisions.last < INTERVAL_S else _TOO_SLOW
        self._windows.update(_sum(children, "windows_dropped"), now, why)
        self._late.update(_sum(children, "windows_late"), now, _TOO_LATE)
        self._visits.update(_sum(children, "visits_dropped"), now, _NO_HISTORY)
        for drops in self._all:
            if drops.since is not None and now >= max(drops.since + GATHER_S, drops.told_at + INTERVAL_S):
                self._tell(drops)

    def finish(self) -> None:
        """Sends what was not told yet."""
        for drops in self._all:
            if drops.count > drops.told:
                self._tell(drops)

    @property
    def _all(self) -> tuple[_Drops, ...]:
        return self._windows, self._late, self._decisions, self._visits

    def _tell(self, drops: _Drops) -> None:
        drops.told, drops.told_at, drops.since = drops.count, self._clock(), None
        self._notifier.send("dropped", drops.text, count=drops.count)


def _sum(children: Sequence[Child], counter: str) -> int:
    return round(sum(child.dropped_items(counter) for child in children))
