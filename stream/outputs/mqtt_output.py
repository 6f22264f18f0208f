"""MQTT output: events, who is present, and whether the system runs; see `docs/outputs.md`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from stream.errors import GalleryError
from stream.outputs.delivery_queue import Delivery, DeliverySettings, Undelivered
from stream.outputs.mqtt_connection import MqttConnection
from stream.outputs.mqtt_settings import MqttSettings
from stream.outputs.mqtt_topics import OFFLINE, ONLINE, Topics
from stream.outputs.queued_output import QueuedOutput
from stream.system.live import Live
from stream.visits.events import VisitEvent, event_json
from stream.visits.presence import Presence

__all__ = ["MqttOutput"]

_NOTHING = b""
"""Payload that clears a retained message."""


class MqttOutput(QueuedOutput):
    """Publishes events, and keeps the retained messages on people and on the system as they should be.

    Args:
        settings: broker and site.
        live: the running system: who is enrolled, and who is present.
        limits: of the queue; None for the usual.
    """

    def __init__(self, settings: MqttSettings, live: Live, limits: DeliverySettings | None = None) -> None:
        receiver = _Broker(settings, live)
        super().__init__(Delivery(f"mqtt {settings.address.place}", receiver, live.notifier, limits))
        receiver.wake = self.delivery.wake


class _Broker:
    """The broker as a `Receiver`.

    Args:
        settings: broker and site.
        live: the running system.

    Attributes:
        wake: called from another thread, lets `maintain` be called soon.
    """

    def __init__(self, settings: MqttSettings, live: Live) -> None:
        self.wake: Callable[[], None] = lambda: None
        self._settings = settings
        self._live = live
        self._topics = Topics(settings.site, settings.discovery)
        self._connection: MqttConnection | None = None
        self._published: dict[str, bytes] = {}
        """Retained messages that the broker has from this connection."""
        self._people: tuple[str, ...] | None = None
        self._present: set[str] = set()
        self._left: dict[str, str] = {}

    def deliver(self, event: VisitEvent) -> None:
        """Publishes who is present, then the event."""
        with self._connected() as connection:
            self._update_people(connection, self._live.presence())
            connection.confirm([connection.publish(self._topics.event, event_json(event), retain=False)])

    def maintain(self) -> None:
        """Connects, and publishes who is present."""
        with self._connected() as connection:
            self._update_people(connection, self._live.presence())

    def close(self) -> None:
        """Publishes that nobody is present, and that the system is gone."""
        if self._connection is None or self._connection.lost:
            return
        with contextlib.suppress(Undelivered), self._connected() as connection:
            self._update_people(connection, ())
            connection.confirm([connection.publish(self._topics.status, OFFLINE, retain=True)])
            connection.close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[MqttConnection]:
        """Gives a connection, a new one if needed; what fails on it ends it."""
        if self._connection is not None and self._connection.lost:
            self._drop()
        try:
            if self._connection is None:
                self._connection = self._connect()
            yield self._connection
        except Undelivered:
            self._drop()
            raise

    def _connect(self) -> MqttConnection:
        connection = MqttConnection(self._settings, (self._topics.status, OFFLINE), self.wake)
        self._connection = connection
        self._published = {}
        self._update_people(connection, self._live.presence())
        connection.subscribe(self._topics.of_people)
        connection.confirm([connection.publish(self._topics.status, ONLINE, retain=True)])
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.abandon()
            self._connection = None

    def _update_people(self, connection: MqttConnection, present: tuple[Presence, ...]) -> None:
        """Publishes what has changed; clears what the broker has on people who are no longer enrolled."""
        self._follow(present)
        with contextlib.suppress(GalleryError):  # at present it cannot be read: the people are those before
            self._people = self._live.people()
        people = sorted(self._present) if self._people is None else self._people
        wanted = self._topics.retained(people, present, self._left)
        if self._people is not None:
            stale = (connection.stored() | self._published.keys()) - wanted.keys()
            wanted |= dict.fromkeys(stale, _NOTHING)
        changes = {topic: text for topic, text in wanted.items() if self._published.get(topic) != text}
        connection.confirm([connection.publish(topic, text, retain=True) for topic, text in changes.items()])
        self._published |= changes

    def _follow(self, present: tuple[Presence, ...]) -> None:
        """Notes when somebody becomes absent."""
        names = {each.person for each in present if each.person is not None}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._left |= dict.fromkeys(self._present - names, now)
        self._present = names
