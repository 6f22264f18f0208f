"""An output that queues every event for a receiver on the network."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from stream.bus.messages import Verdict
from stream.outputs.delivery_queue import Delivery
from stream.visits.events import VisitEvent

__all__ = ["QueuedOutput"]


class QueuedOutput:
    """Queues events; decisions are left out.

    Args:
        delivery: hands the events to the receiver.

    Attributes:
        delivery: as given.
    """

    def __init__(self, delivery: Delivery[VisitEvent]) -> None:
        self.delivery = delivery

    def __enter__(self) -> Self:
        self.delivery.start()
        return self

    def write(self, verdict: Verdict) -> None:
        """Does nothing: the output sends events."""

    def write_event(self, event: VisitEvent) -> None:
        """Queues an event."""
        self.delivery.put(event)

    def begin_end(self) -> None:
        """Lets the delivery end, without waiting for it."""
        self.delivery.begin_end()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.delivery.close()
