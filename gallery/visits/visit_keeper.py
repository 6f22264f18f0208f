"""Stores visits that have ended, in the thread that uses the database; what cannot be stored now waits.

A gallery that is locked, read-only or on a full disk never holds up identification: visits wait for it, the
newest `MAX_WAITING` of them, and those that had to go are counted.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gallery.store.gallery import Gallery
from gallery.store.store_protocol import MissingGalleryError
from gallery.visits.stranger_bank import StrangerBank
from gallery.visits.visit_records import KeepRule, VisitToKeep
from stream.errors import GalleryError

__all__ = ["MAX_WAITING", "KnownVisitor", "VisitKeeper"]

MAX_WAITING = 500
"""Visits that wait for a gallery that cannot be written."""

_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 60.0

_FORGET_S = 3600.0
"""Time between two looks for visits whose time is over."""


@dataclass(frozen=True, slots=True)
class KnownVisitor:
    """The answer to who a stranger is.

    Attributes:
        visit: id of the visit.
        number: as in `visitor 7`; None where the stranger could not be remembered.
    """

    visit: str
    number: int | None


class VisitKeeper:
    """Keeps the visits of a run; one thread uses it.

    Args:
        rule: what is kept.
        bank: tells who of the strangers has been here before.
        clock: monotonic seconds.
        now: the present time, aware.

    Attributes:
        lost: number of visits that had to go.
        trouble: why visits cannot be stored at present; empty if they can.
    """

    def __init__(
        self,
        rule: KeepRule,
        bank: StrangerBank,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.lost = 0
        self.trouble = ""
        self._rule = rule
        self._bank = bank
        self._clock = clock
        self._now = now
        self._waiting: deque[VisitToKeep] = deque()
        self._pause = _FIRST_PAUSE_S
        self._retry_at = float("-inf")
        self._forget_at = float("-inf")

    @property
    def waiting(self) -> int:
        """Number of visits that are not stored yet."""
        return len(self._waiting)

    def add(self, kept: VisitToKeep) -> None:
        """Lets a visit wait for the next `store`; the oldest goes where too many wait."""
        self._waiting.append(kept)
        while len(self._waiting) > MAX_WAITING:
            self._waiting.popleft()
            self.lost += 1

    def discard(self) -> list[KnownVisitor]:
        """Forgets what waits: there is no gallery to store it in. Returns answers for strangers."""
        asked = [KnownVisitor(each.visit.id, None) for each in self._waiting if each.stranger is not None]
        self._waiting.clear()
        return asked

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do at present."""
        return not self._waiting and self._clock() < self._forget_at

    def store(self, gallery: Gallery, *, last: bool = False) -> list[KnownVisitor]:
        """Stores what waits, unless the gallery refused it a moment ago; deletes visits whose time is over.

        Args:
            gallery: the gallery.
            last: try once more in any case.

        Raises:
            MissingGalleryError: the gallery is gone; what waits stays.
        """
        if self._clock() < self._retry_at and not last:
            return []
        found: list[KnownVisitor] = []
        try:
            if self._clock() >= self._forget_at:
                self._forget(gallery)
            while self._waiting:
                found += self._store_next(gallery)
        except MissingGalleryError:
            raise  # who watches the gallery tells of it
        except GalleryError as error:
            self.trouble = str(error)
            self._retry_at = self._clock() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE_S)
        else:
            self.trouble, self._pause = "", _FIRST_PAUSE_S
        return found

    def _store_next(self, gallery: Gallery) -> list[KnownVisitor]:
        """Stores the next stranger, or all visits up to the next one, in one transaction."""
        first = self._waiting[0]
        if first.stranger is not None:
            number = self._bank.remember(
                gallery, first.visit, first.stranger, first.visit.left_at + self._rule.strangers
            )
            self._waiting.popleft()
            return [KnownVisitor(first.visit.id, number)]
        ready = []
        for kept in self._waiting:
            if kept.stranger is not None:
                break
            ready.append(kept.visit)
        gallery.history.add(ready)
        for _ in ready:
            self._waiting.popleft()
        return []

    def _forget(self, gallery: Gallery) -> None:
        now = self._now()
        gallery.history.forget(now, now - self._rule.history if self._rule.history else None)
        self._forget_at = self._clock() + _FORGET_S
