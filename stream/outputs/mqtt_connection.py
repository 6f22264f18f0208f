"""One connection to an MQTT broker; after a failure, a new one is made."""

from __future__ import annotations

import contextlib
import secrets
import socket
import ssl
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from stream.errors import UserError
from stream.outputs.addresses import failure_reason, read_secret, tls_context
from stream.outputs.delivery_queue import Undelivered
from stream.outputs.mqtt_settings import MqttSettings

__all__ = ["MqttConnection"]

ANSWER_S = 5.0
"""Longest wait for an answer of the broker."""

KEEP_ALIVE_S = 30
_AT_LEAST_ONCE = 1
_CREDENTIALS = {"Bad user name or password", "Not authorized"}


class _ClosingSocket(ssl.SSLSocket):
    """A socket that is closed if the handshake fails; paho leaves it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except BaseException:
            self.close()
            raise


class MqttConnection:
    """A connection that the broker has accepted.

    Args:
        settings: address and secrets.
        will: topic and payload that the broker publishes, retained, when the connection breaks.
        on_change: called from another thread when the connection is lost, and after each message that was
            received.

    Raises:
        Undelivered: there is no connection.
    """

    def __init__(
        self, settings: MqttSettings, will: tuple[str, bytes], on_change: Callable[[], None]
    ) -> None:
        self._on_change = on_change
        self._changed = threading.Condition()
        self._accepted = False
        self._lost = ""
        self._acknowledged: set[int] = set()
        self._stored: set[str] = set()
        self._client = self._make_client(settings, will)
        address = settings.address
        try:
            self._client.connect(address.host, address.port, KEEP_ALIVE_S)
        except OSError as error:
            raise Undelivered(failure_reason(error)) from None
        self._client.loop_start()
        try:
            self._wait(lambda: self._accepted)
        except Undelivered:
            self.abandon()
            raise

    @property
    def lost(self) -> bool:
        """Whether the connection has broken."""
        return bool(self._lost)

    def stored(self) -> set[str]:
        """Returns the subscribed topics of which the broker had retained messages."""
        with self._changed:
            return set(self._stored)

    def subscribe(self, filters: list[str]) -> None:
        """Subscribes to topics; `stored` has those with retained messages some time later."""
        self._client.subscribe([(each, _AT_LEAST_ONCE) for each in filters])

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Sends a message; returns its number, for `confirm`."""
        return self._client.publish(topic, payload, _AT_LEAST_ONCE, retain).mid

    def confirm(self, numbers: list[int]) -> None:
        """Waits until the broker has acknowledged messages.

        Raises:
            Undelivered: it has not, in time.
        """
        for number in numbers:
            self._wait(partial(self._acknowledged.__contains__, number))
        with self._changed:
            self._acknowledged.difference_update(numbers)

    def close(self) -> None:
        """Ends the connection in order: the broker does not publish the will."""
        self._client.disconnect()
        with contextlib.suppress(Undelivered):
            self._wait(lambda: False)
        self.abandon()

    def abandon(self) -> None:
        """Ends the connection without a word, if it still is one."""
        # Its thread waits for a broker that may hang; a socket that is shut down ends it.
        opened = self._client.socket()
        if isinstance(opened, socket.socket):
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
        self._client.loop_stop()

    def _make_client(self, settings: MqttSettings, will: tuple[str, bytes]) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"sge-{settings.site[:8]}-{secrets.token_hex(4)}",
            reconnect_on_failure=False,
        )
        client.connect_timeout = ANSWER_S
        try:
            if settings.user_name:
                file = settings.password_file
                client.username_pw_set(
                    settings.user_name, None if file is None else read_secret(file, "password_file")
                )
            if settings.address.tls:
                context = tls_context(settings.ca_file)
                context.sslsocket_class = _ClosingSocket
                client.tls_set_context(context)
        except UserError as error:
            raise Undelivered(str(error)) from None
        client.will_set(*will, _AT_LEAST_ONCE, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _wait(self, done: Callable[[], bool]) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: done() or self._lost, ANSWER_S):
                raise Undelivered("does not answer")
            if not done():
                raise Undelivered(self._lost)

    def _on_connect(
        self, client: Client, data: Any, flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if not code.is_failure:
            self._update(accepted=True)
        elif str(code) in _CREDENTIALS:
            self._update(lost="refuses the user name or the password")
        else:
            self._update(lost=f"refuses the connection ({code})")

    def _on_disconnect(
        self,
        client: Client,
        data: Any,
        flags: DisconnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._update(lost="the connection has broken")

    def _on_publish(
        self, client: Client, data: Any, number: int, code: ReasonCode, properties: Properties
    ) -> None:
        with self._changed:
            self._acknowledged.add(number)
            self._changed.notify_all()

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        if message.retain and message.payload:
            with self._changed:
                self._stored.add(message.topic)
            self._on_change()

    def _update(self, *, accepted: bool = False, lost: str = "") -> None:
        with self._changed:
            self._accepted |= accepted
            self._lost = self._lost or lost
            self._changed.notify_all()
        self._on_change()
