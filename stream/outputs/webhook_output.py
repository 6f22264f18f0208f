"""Webhook output: posts each event to a web server, signed as the Standard Webhooks specification says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection

from stream.errors import UserError
from stream.outputs.addresses import failure_reason, tls_context
from stream.outputs.delivery_queue import Delivery, DeliverySettings, Refused, Undelivered
from stream.outputs.queued_output import QueuedOutput
from stream.outputs.webhook_settings import WebhookSettings, read_key
from stream.system.live import Live
from stream.visits.events import VisitEvent, event_json

__all__ = ["LONGEST_RETRY_AFTER_S", "WebhookOutput", "signature"]

LONGEST_RETRY_AFTER_S = 600.0
"""Longest pause that a server can ask for."""

_READ = 65_536
"""Bytes that are read of an answer's body at most; nothing is done with them."""

_AGAIN = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class WebhookOutput(QueuedOutput):
    """Posts events, in order, until the server takes them.

    Args:
        settings: address and key.
        live: the running system.
        limits: of the queue; None for the usual.
        now: UTC seconds since 1970.
    """

    def __init__(
        self,
        settings: WebhookSettings,
        live: Live,
        limits: DeliverySettings | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        receiver = _Server(settings, now)
        super().__init__(Delivery(f"webhook {settings.address.place}", receiver, live.notifier, limits))


def signature(key: bytes, event_id: str, timestamp: int, body: bytes) -> str:
    """Returns the header `webhook-signature`.

    Args:
        key: of the HMAC.
        event_id: id of the event.
        timestamp: UTC seconds since 1970 of this attempt.
        body: what is posted.
    """
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class _Server:
    """The web server as a `Receiver`; each event has a connection of its own."""

    def __init__(self, settings: WebhookSettings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._address = settings.address
        self._now = now

    def deliver(self, event: VisitEvent) -> None:
        """Posts an event."""
        body = event_json(event)
        try:
            connection = self._connection()
            headers = self._headers(event.id, body)
        except UserError as error:
            raise Undelivered(str(error)) from None
        try:
            connection.request("POST", self._address.path or "/", body, headers)
            answer = connection.getresponse()
            answer.read1(_READ)
        except OSError as error:
            raise Undelivered(failure_reason(error)) from None
        except HTTPException as error:
            raise Undelivered(f"gives no valid answer ({type(error).__name__})") from None
        finally:
            connection.close()
        self._judge(answer)

    def maintain(self) -> None:
        """Does nothing: there is no connection to keep."""

    def close(self) -> None:
        """Does nothing: no connection is open."""

    def _connection(self) -> HTTPConnection:
        host, port, timeout = self._address.host, self._address.port, self._settings.timeout_s
        if self._address.tls:
            context = tls_context(self._settings.ca_file)
            return HTTPSConnection(host, port, timeout=timeout, context=context)
        return HTTPConnection(host, port, timeout=timeout)

    def _headers(self, event_id: str, body: bytes) -> dict[str, str]:
        timestamp = int(self._now())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "sge-stream",
            "Connection": "close",
            "Idempotency-Key": event_id,
            "webhook-id": event_id,
            "webhook-timestamp": str(timestamp),
        }
        if self._settings.key_file is not None:
            key = read_key(self._settings.key_file)
            headers["webhook-signature"] = signature(key, event_id, timestamp, body)
        return headers

    def _judge(self, answer: HTTPResponse) -> None:
        """Decides by the status whether the event is delivered, sent again, or dropped."""
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return
        said = f"answers {answer.status} {answer.reason[:40]}".rstrip()
        if answer.status in _AGAIN or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Undelivered(said, self._retry_after(answer.headers.get("Retry-After", "")))
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            said += ", and redirections are not followed"
        raise Refused(f"it {said}")

    def _retry_after(self, text: str) -> float:
        """Returns the pause that the server asks for, seconds; 0 if it asks for none."""
        try:
            seconds = float(text) if text.strip().isdecimal() else self._until(text)
        except (ValueError, OverflowError):
            return 0.0
        return min(max(0.0, seconds), LONGEST_RETRY_AFTER_S)

    def _until(self, text: str) -> float:
        date = parsedate_to_datetime(text)
        return (
            date.replace(tzinfo=date.tzinfo or UTC) - datetime.fromtimestamp(self._now(), UTC)
        ).total_seconds()
