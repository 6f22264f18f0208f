"""The webhook output against a real web server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from stream.errors import UserError
from stream.outputs.delivery_queue import DeliverySettings
from stream.outputs.webhook_output import LONGEST_RETRY_AFTER_S, WebhookOutput
from stream.outputs.webhook_settings import WebhookSettings
from stream.visits.events import event_json
from tests.stream.outputs.broker import free_port
from tests.stream.outputs.sample_events import SampleRun, doubted, visit
from tests.stream.outputs.waiting import wait_until
from tests.stream.outputs.web_server import Answer, WebServer

ROOT = Path(__file__).resolve().parents[3]
KEY = b"0123456789abcdef0123456789abcdef"
EVENTS = [*visit("v1"), *visit("v2", None), doubted("v3", "Ada")]
FAST = DeliverySettings(spread=lambda: 0.0)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text(f"whsec_{base64.b64encode(KEY).decode()}\n", encoding="ascii")
    return file


def make(url: str, run: SampleRun, limits: DeliverySettings | None = None, **more: Any) -> WebhookOutput:
    return WebhookOutput(WebhookSettings(url=url, **more), run.live, limits, now=lambda: 1_700_000_000.9)


def test_events_are_posted_in_order() -> None:
    run = SampleRun()
    with WebServer() as server:
        with make(f"{server.url}/hooks/gait?site=a", run) as output:
            for event in EVENTS:
                output.write_event(event)
        assert server.bodies == [event_json(event) for event in EVENTS]
        assert {request.path for request in server.requests} == {"/hooks/gait?site=a"}
        headers = server.requests[0].headers
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == headers["webhook-id"] == EVENTS[0].id
    assert headers["webhook-timestamp"] == "1700000000"
    assert "webhook-signature" not in headers
    assert run.notices == []


def test_the_signature_covers_id_time_and_body(key_file: Path) -> None:
    with WebServer() as server:
        with make(server.url, SampleRun(), key_file=str(key_file)) as output:
            output.write_event(EVENTS[0])
        (request,) = server.requests
    assert request.path == "/"
    signed = f"{EVENTS[0].id}.1700000000.".encode() + request.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{expected}"


def test_the_check_in_the_documentation_accepts_what_is_sent_and_nothing_else(key_file: Path) -> None:
    page = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    block = page.partition('```python title="verify.py"\n')[2].partition("```")[0]
    defined: dict[str, Any] = {}
    exec(block, defined)
    verify, key = defined["verify"], key_file.read_text(encoding="ascii")
    with WebServer() as server:
        with make(server.url, SampleRun(), key_file=str(key_file)) as output:
            output.write_event(EVENTS[1])
        (request,) = server.requests
    verify(key, request.headers, request.body, 1_700_000_200)
    for body, now in ((request.body.replace(b"Ada", b"Ben"), 1_700_000_000), (request.body, 1_700_000_900)):
        with pytest.raises(ValueError, match=r"wrong signature|too old"):
            verify(key, request.headers, body, now)
    for header in ("webhook-id", "webhook-timestamp"):
        with pytest.raises(ValueError, match="wrong signature"):
            verify(key, {**request.headers, header: "1700000001"}, request.body, 1_700_000_001)


@pytest.mark.parametrize("status", [500, 502, 503, 408, 429])
def test_a_server_in_trouble_gets_the_same_event_with_the_same_key_again(status: int) -> None:
    run = SampleRun()
    with WebServer(lambda number: Answer(status if number == 0 else 200)) as server:
        with make(server.url, run, FAST) as output:
            for event in EVENTS[:2]:
                output.write_event(event)
            wait_until(lambda: output.delivery.delivered == 2)
        keys = [request.headers["Idempotency-Key"] for request in server.requests]
    assert keys == [EVENTS[0].id, EVENTS[0].id, EVENTS[1].id]
    assert f"answers {status}" in run.told("output-down")[0]
    assert len(run.told("output-up")) == 1
    assert run.told("output-dropped") == []


@pytest.mark.parametrize("status", [400, 401, 404, 410, 413, 301, 302, 307, 308])
def test_an_event_that_the_server_does_not_want_is_dropped_and_said(status: int) -> None:
    run = SampleRun()
    with WebServer() as other:
        redirect = (("Location", other.url),)
        with WebServer(lambda number: Answer(status if number == 0 else 200, redirect)) as server:
            with make(server.url, run) as output:
                for event in EVENTS[:2]:
                    output.write_event(event)
            assert server.bodies == [event_json(event) for event in EVENTS[:2]]
        assert other.requests == [], "redirections are not followed"
    assert f"1 event dropped: it answers {status}" in run.told("output-dropped")[0]
    assert ("not followed" in run.told("output-dropped")[0]) == (status < 400)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (datetime.fromtimestamp(1_700_000_090, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT"), 89.1),
        ("Mon, 01 Jan 2001 00:00:00 GMT", 0.25),
        ("999999999", LONGEST_RETRY_AFTER_S),
        ("soon", 0.25),
        ("-5", 0.25),
    ],
)
def test_a_server_may_say_when_to_try_again(text: str, seconds: float) -> None:
    with WebServer(lambda number: Answer(429, (("Retry-After", text),))) as server:
        output = make(server.url, SampleRun(), FAST)
        output.write_event(EVENTS[0])
        assert output.delivery.step() == pytest.approx(seconds, abs=1e-3)


def test_a_server_that_hangs_delays_nothing_and_the_queue_is_bounded() -> None:
    run = SampleRun()
    release = threading.Event()
    limits = DeliverySettings(limit=2, patience_s=0.1)
    with WebServer(lambda number: Answer(hang=release)) as server:
        with make(server.url, run, limits) as output:
            output.write_event(EVENTS[0])
            wait_until(lambda: len(server.requests) == 1)
            for event in EVENTS[1:]:
                output.write_event(event)  # would not return if it waited for the server
            assert output.delivery.waiting == 3
            assert output.delivery.dropped == len(EVENTS) - 3
        assert output.delivery.dropped == len(EVENTS)
        release.set()
    assert any("its queue of 2 is full" in text for text in run.told("output-dropped"))
    assert any("3 events dropped: they could not be delivered" in text for text in run.told("output-dropped"))


def test_a_server_that_does_not_answer_in_time_gets_the_event_again() -> None:
    run = SampleRun()
    release = threading.Event()
    with WebServer(lambda number: Answer(hang=release) if number == 0 else Answer()) as server:
        with make(server.url, run, FAST, timeout_s=0.2) as output:
            output.write_event(EVENTS[0])
            wait_until(lambda: output.delivery.delivered == 1)
        release.set()
        assert len(server.requests) == 2
    assert "no answer in time" in run.told("output-down")[0]


def test_a_server_that_is_not_there_is_said() -> None:
    run = SampleRun()
    with make(f"http://127.0.0.1:{free_port()}/", run, DeliverySettings(patience_s=0.1)) as output:
        output.write_event(EVENTS[0])
    assert "cannot be reached (refused)" in run.told("output-down")[0]
    assert output.delivery.dropped == 1


def test_messages_show_neither_path_nor_key(key_file: Path) -> None:
    run = SampleRun()
    with (
        WebServer(lambda number: Answer(404)) as server,
        make(f"{server.url}/secret-path?token=hunter2", run, key_file=str(key_file)) as output,
    ):
        output.write_event(EVENTS[0])
    text = str(run.notices)
    assert run.notices
    assert not any(secret in text for secret in ("secret-path", "hunter2", base64.b64encode(KEY).decode()))


def test_a_key_that_is_replaced_is_used_for_the_next_event(key_file: Path) -> None:
    with WebServer() as server:
        with make(server.url, SampleRun(), key_file=str(key_file)) as output:
            output.write_event(EVENTS[0])
            wait_until(lambda: output.delivery.delivered == 1)
            key_file.write_text(base64.b64encode(KEY[::-1]).decode(), encoding="ascii")
            output.write_event(EVENTS[0])
        first, second = [request.headers["webhook-signature"] for request in server.requests]
    assert first != second


def test_names_with_any_characters_arrive() -> None:
    events = visit("v1", "Zoë </script>\u2028 \U0001f6b6")
    with WebServer() as server:
        with make(server.url, SampleRun()) as output:
            for event in events:
                output.write_event(event)
        assert json.loads(server.bodies[1])["person"] == "Zoë </script>\u2028 \U0001f6b6"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"url": "https://ann:hunter2@host/x"}, "has a password in it"),
        ({"url": "https://ann@host/x"}, "has a user in it"),
        ({"url": "https:///x"}, "then the host"),
        ({"url": "https://host:99999/x"}, "then host and port"),
        ({"url": "https://host/a b"}, "then the host"),
        ({"url": "https://host/\r\nX-Evil: 1"}, "then the host"),
        ({"url": "https://host/é"}, "not ASCII"),
        ({"url": "mqtt://host/x"}, "begins with http:// or https://"),
        ({"url": "https://host", "timeout_s": 0.0}, "timeout_s: expected"),
        ({"url": "http://host", "ca_file": "x"}, "ca_file needs an address"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        WebhookSettings(**values)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("content", ["whsec_", "whsec_c2hvcnQ=", "not base64!", "whsec_" + "A" * 400])
def test_a_key_that_is_none_is_refused_at_the_start(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key"
    file.write_text(content, encoding="ascii")
    with pytest.raises(UserError, match=r"^key_file: expected whsec_ and 24 to 64 bytes") as caught:
        WebhookSettings(url="https://host", key_file=str(file)).check_files()
    assert content == "whsec_" or content not in str(caught.value)
