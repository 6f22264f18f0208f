"""Delivery of events to a receiver that may be slow, away or broken; all outputs on a network use it.

A thread of its own hands over one event after the other. What cannot be delivered waits in a bounded queue
and is tried again, after pauses that grow. When the queue is full, the oldest waiting event is dropped: a
receiver that comes back needs to know who is present now, and the `left` of each visit repeats what was
decided in it.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from stream.system.notices import NoticeKind, Notifier

__all__ = ["QUEUE_LIMIT", "Delivery", "DeliverySettings", "Receiver", "Refused", "Undelivered"]

Item = TypeVar("Item")
Taken_contra = TypeVar("Taken_contra", contravariant=True)

QUEUE_LIMIT = 10_000
"""Events that wait for a receiver, about 1 kB each: some 3000 visits."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
"""Pauses before another attempt: doubled after each failure."""

IDLE_S = 1.0
"""Interval of `Receiver.maintain` without events."""

PATIENCE_S = 5.0
"""Longest time for delivering what waits at the end of a run."""

_LAST_CALL_S = 1.0
"""Longest wait, after the end of the patience, for a call of the receiver that is going on."""

NOTICE_INTERVAL_S = 10.0
"""Shortest time between two notices of drops."""


class Undelivered(Exception):  # noqa: N818 - what became of the event
    """The receiver cannot be reached, or asks to try again.

    Args:
        reason: in a few words, without secrets.
        pause_s: seconds to wait at least, if the receiver said so.
    """

    def __init__(self, reason: str, pause_s: float = 0.0) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class Refused(Exception):  # noqa: N818 - what became of the event
    """The receiver will never take this event; the text says why in a few words."""


class Receiver(Protocol[Taken_contra]):
    """Who receives events. A single thread, that of the `Delivery`, makes all calls."""

    def deliver(self, event: Taken_contra) -> None:
        """Delivers an event; returns when the receiver has confirmed it. It ends within seconds.

        Raises:
            Undelivered: the same event is to be delivered again.
            Refused: the event is to be dropped.
        """

    def maintain(self) -> None:
        """Opens the connection, keeps it, and updates what depends on time; called when no event waits.

        Raises:
            Undelivered: the receiver cannot be reached.
        """

    def close(self) -> None:
        """Says goodbye if the receiver can be reached, and releases the connection; raises nothing."""


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """Limits of a delivery, and the clock.

    Attributes:
        limit: events that wait at most.
        patience_s: see `PATIENCE_S`.
        clock: monotonic seconds.
        spread: returns a random number in 0..1, by which pauses vary: receivers that come back are not met
            by all senders at once.
    """

    limit: int = QUEUE_LIMIT
    patience_s: float = PATIENCE_S
    clock: Callable[[], float] = time.monotonic
    spread: Callable[[], float] = random.random


class Delivery(Generic[Item]):
    """Delivers events to one receiver; counts what it drops, and tells what its user should know.

    `put` may be called from any thread and never waits. Events arrive in order; one that the receiver has not
    confirmed is sent again, so that it may arrive twice.

    Args:
        name: of the receiver, in notices; without secrets.
        receiver: who receives.
        notifier: receives the notices.
        settings: limits.

    Attributes:
        delivered: events that the receiver has confirmed.
        dropped: events that it will never get.
    """

    def __init__(
        self,
        name: str,
        receiver: Receiver[Item],
        notifier: Notifier,
        settings: DeliverySettings | None = None,
    ) -> None:
        self.name = name
        self.delivered = 0
        self.dropped = 0
        self._receiver = receiver
        self._notifier = notifier
        self._settings = settings or DeliverySettings()
        self._queue: deque[Item] = deque()
        self._current: Item | None = None
        self._changed = threading.Condition()
        self._woken = False
        self._deadline: float | None = None
        self._closed = False
        self._failures = 0
        self._untold: dict[str, int] = {}
        self._told_at = float("-inf")
        self._thread = threading.Thread(target=self._run, name=f"delivery to {name}", daemon=True)

    @property
    def waiting(self) -> int:
        """Number of events that are not delivered yet."""
        with self._changed:
            return self._waiting()

    @property
    def down(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def put(self, event: Item) -> None:
        """Queues an event; returns at once."""
        with self._changed:
            self._queue.append(event)
            if len(self._queue) > self._settings.limit:
                self._queue.popleft()
                self._count_drops(1, f"its queue of {self._settings.limit:,} is full")
            self._changed.notify_all()

    def wake(self) -> None:
        """Lets the receiver's `maintain` be called soon; any thread may call it."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def begin_end(self) -> None:
        """Lets the thread end when nothing waits, within `patience_s`; a second call does nothing.

        No event may be put from now on.
        """
        with self._changed:
            if self._deadline is None:
                self._deadline = self._settings.clock() + self._settings.patience_s
                self._changed.notify_all()

    def close(self) -> None:
        """Waits for the end that `begin_end` began; counts what is not delivered as dropped and says so."""
        self.begin_end()
        assert self._deadline is not None
        self._thread.join(max(0.0, self._deadline - self._settings.clock()) + _LAST_CALL_S)
        with self._changed:
            lost = self._waiting()
            self._queue.clear()
            self._current = None
            if lost:
                self._count_drops(lost, "they could not be delivered before the end of the run")
        self._tell_drops(force=True)
        self._closed = True  # a receiver that still hangs says no more

    def step(self) -> float:
        """Delivers the next event, or maintains the connection if none waits.

        Returns:
            The longest pause before the next step, in seconds: after a failure, that long.
        """
        with self._changed:
            self._woken = False
            if self._current is None and self._queue:
                self._current = self._queue.popleft()
            event = self._current
        try:
            if event is None:
                self._receiver.maintain()
            else:
                self._receiver.deliver(event)
        except Undelivered as failure:
            return self._failed(failure)
        except Refused as refusal:
            self._drop_current(str(refusal))
        except Exception as error:  # a fault of the receiver's code must not end the delivery of other events
            fault = f"internal error ({type(error).__name__})"
            if event is None:
                return self._failed(Undelivered(fault))
            self._drop_current(fault)
        else:
            self.delivered += event is not None
        with self._changed:
            self._current = None
        if self._failures:
            self._failures = 0
            self._notify("output-up", f"{self.name}: reached again")
        self._tell_drops()
        with self._changed:
            return 0.0 if self._queue else IDLE_S

    def _run(self) -> None:
        try:
            while True:
                self._pause(self.step())
                with self._changed:
                    if self._deadline is not None and (
                        not self._waiting() or self._settings.clock() >= self._deadline
                    ):
                        break
        finally:
            self._receiver.close()

    def _pause(self, seconds: float) -> None:
        """Waits that long; less if there is something to do, or the run ends."""
        with self._changed:
            closing = self._deadline is not None
            if self._deadline is not None:
                seconds = max(0.0, min(seconds, FIRST_PAUSE_S, self._deadline - self._settings.clock()))

            def due() -> bool:
                if self._failures:
                    return self._deadline is not None and not closing
                return bool(self._queue) or self._woken or self._deadline is not None

            self._changed.wait_for(due, timeout=seconds)

    def _failed(self, failure: Undelivered) -> float:
        self._failures += 1
        if self._failures == 1:
            text = f"{self.name}: {failure}; events wait{self._backlog()}, and are sent when it is back"
            self._notify("output-down", text)
        self._tell_drops()
        pause = min(FIRST_PAUSE_S * 2.0 ** min(self._failures - 1, 20), LONGEST_PAUSE_S)
        return max(pause * (0.5 + self._settings.spread() / 2), failure.pause_s)

    def _waiting(self) -> int:
        return len(self._queue) + (self._current is not None)

    def _backlog(self) -> str:
        with self._changed:
            waiting = self._waiting()
        return f" ({waiting:,} so far)" if waiting else ""

    def _drop_current(self, reason: str) -> None:
        with self._changed:
            self._count_drops(1, reason)

    def _count_drops(self, count: int, reason: str) -> None:
        """Counts; the caller holds the lock."""
        self.dropped += count
        self._untold[reason] = self._untold.get(reason, 0) + count

    def _tell_drops(self, *, force: bool = False) -> None:
        now = self._settings.clock()
        with self._changed:
            if not self._untold or (now < self._told_at + NOTICE_INTERVAL_S and not force):
                return
            untold, self._untold, self._told_at = self._untold, {}, now
            total = self.dropped
        for reason, count in untold.items():
            text = f"{self.name}: {count:,} event{'' if count == 1 else 's'} dropped: {reason}"
            self._notify("output-dropped", text, total)

    def _notify(self, kind: NoticeKind, text: str, count: int | None = None) -> None:
        if not self._closed:
            self._notifier.send(kind, text, output=self.name, count=count)
