"""One stream of messages to many clients; a slow client loses messages, and nobody waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass

__all__ = ["Broadcast", "Message", "Subscription"]

QUEUE = 256
"""Messages that wait for one client; what comes when there is no room is dropped and counted."""

INCOMING = 2000
"""Messages that wait for the server's thread."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message of a stream.

    Attributes:
        kind: the kind of event.
        id: identifier by which a client resumes; empty for a message that is not remembered.
        data: JSON in UTF-8, one line.
    """

    kind: str
    id: str
    data: bytes


class Subscription:
    """The messages that wait for one client; all calls come from the server's thread.

    Args:
        limit: most messages that wait.

    Attributes:
        dropped: messages dropped since `take_dropped` was called last.
        closed: True once the stream has ended.
    """

    def __init__(self, limit: int) -> None:
        self.dropped = 0
        self.closed = False
        self._limit = limit
        self._messages: deque[Message] = deque()
        self._ready = asyncio.Event()

    def put(self, message: Message) -> bool:
        """Adds a message; returns False if there was no room for it."""
        if len(self._messages) >= self._limit:
            self.dropped += 1
            return False
        self._messages.append(message)
        self._ready.set()
        return True

    def close(self) -> None:
        """Ends the stream once what waits was taken."""
        self.closed = True
        self._ready.set()

    async def next(self, timeout: float) -> Message | None:
        """Returns the next message; None after `timeout` seconds without any, or if the stream has ended."""
        if not self._messages and not self.closed:
            self._ready.clear()
            try:
                await asyncio.wait_for(self._ready.wait(), timeout)
            except TimeoutError:
                return None
        return self._messages.popleft() if self._messages else None

    def take_dropped(self) -> int:
        """Returns how many messages were dropped since the last call."""
        dropped, self.dropped = self.dropped, 0
        return dropped


class Broadcast:
    """Hands every message to all who subscribed.

    `publish` and `forget` may be called from any thread and never wait; everything else is called in the
    server's thread.

    Args:
        memory: number of messages that are remembered for clients that resume.
        queue: most messages that wait for one client.
    """

    def __init__(self, memory: int = 0, queue: int = QUEUE) -> None:
        self._queue = queue
        self._recent: deque[Message] = deque(maxlen=memory)
        self._subscriptions: set[Subscription] = set()
        self._incoming: deque[Message] = deque()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self.dropped = 0

    @property
    def subscribers(self) -> int:
        """Number of clients."""
        return len(self._subscriptions)

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begins to hand over messages, in a loop's thread."""
        with self._lock:
            self._loop = loop
        self._deliver()

    def publish(self, message: Message) -> None:
        """Hands a message over; it is dropped and counted if the server does not keep up."""
        with self._lock:
            if len(self._incoming) >= INCOMING:
                self.dropped += 1
                return
            self._incoming.append(message)
            first, loop = len(self._incoming) == 1, self._loop
        if first and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._deliver)

    def forget(self) -> None:
        """Forgets the messages that are remembered for clients that resume; any thread may call it."""
        with self._lock:
            loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._recent.clear)

    def subscribe(self, after: str = "") -> Subscription:
        """Adds a client.

        Args:
            after: id of the last message that it has; it gets those remembered after it. If that is no longer
                remembered, it gets all that are, and is told that some were dropped. Empty for new ones only.
        """
        subscription = Subscription(max(self._queue, len(self._recent)))
        if after:
            ids = [message.id for message in self._recent]
            if after in ids:
                missed = list(self._recent)[ids.index(after) + 1 :]
            else:
                missed = list(self._recent)
                subscription.dropped += 1
            for message in missed:
                subscription.put(message)
        self.add(subscription)
        return subscription

    def add(self, subscription: Subscription) -> None:
        """Hands new messages to a client of another stream too."""
        if self._closed:
            subscription.close()
        self._subscriptions.add(subscription)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Removes a client."""
        self._subscriptions.discard(subscription)

    def close(self) -> None:
        """Ends the streams of all clients."""
        self._closed = True
        for subscription in self._subscriptions:
            subscription.close()

    def _deliver(self) -> None:
        with self._lock:
            messages = list(self._incoming)
            self._incoming.clear()
        for message in messages:
            if message.id:
                self._recent.append(message)
            for subscription in self._subscriptions:
                if not subscription.put(message):
                    self.dropped += 1
