"""The MQTT output against a real broker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from stream.errors import UserError
from stream.outputs.delivery_queue import DeliverySettings
from stream.outputs.mqtt_output import MqttOutput
from stream.outputs.mqtt_settings import MqttSettings
from stream.visits.events import VisitEvent, event_json
from tests.stream.outputs.broker import REMEMBERING, Broker, Watcher
from tests.stream.outputs.sample_events import SampleRun, arrived, identified, left, visit
from tests.stream.outputs.waiting import wait_until

ADA, EVENT, STATUS = "sge/home/presence/Ada", "sge/home/event", "sge/home/status"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="starts a broker of Debian")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path) as broker:
        yield broker


def settings_of(broker: Broker, **more: Any) -> MqttSettings:
    return MqttSettings(**{"url": f"mqtt://127.0.0.1:{broker.port}/home", **more})


def send(output: MqttOutput, run: SampleRun, events: list[VisitEvent]) -> None:
    for event in events:
        output.write_event(run.happens(event))


def state(watcher: Watcher, topic: str) -> str | None:
    text = watcher.retained.get(topic)
    return None if text is None else json.loads(text)["state"]


def test_events_presence_and_status_come_to_other_clients(broker: Broker) -> None:
    run = SampleRun(["Ada", "Ben"])
    events = [*visit("v1"), *visit("v2", None)]
    with Watcher(broker) as watcher:
        with MqttOutput(settings_of(broker), run.live) as output:
            wait_until(lambda: watcher.retained.get(STATUS) == b"online")
            assert state(watcher, ADA) == "absent"
            send(output, run, events[:2])
            wait_until(lambda: state(watcher, ADA) == "present")
            assert state(watcher, "sge/home/presence/Ben") == "absent"
            send(output, run, events[2:])
            wait_until(lambda: state(watcher, ADA) == "absent")
            assert json.loads(watcher.retained[ADA])["since"] is not None
        wait_until(lambda: watcher.retained.get(STATUS) == b"offline")
        assert watcher.payloads(EVENT) == [event_json(event) for event in events]
        assert EVENT in {topic for topic, _ in watcher.texts}
    with Watcher(broker) as later:
        wait_until(lambda: STATUS in later.retained)
        assert EVENT not in later.retained, "events are not retained"
    assert run.notices == []


def test_at_the_end_of_the_run_everybody_is_absent(broker: Broker) -> None:
    run = SampleRun(["Ada"])
    with Watcher(broker) as watcher:
        with MqttOutput(settings_of(broker), run.live) as output:
            send(output, run, visit("v1")[:2])
            wait_until(lambda: state(watcher, ADA) == "present")
        wait_until(lambda: watcher.retained.get(STATUS) == b"offline")
        assert state(watcher, ADA) == "absent"


def test_a_broker_that_is_absent_at_the_start_gets_everything_later(tmp_path: Path) -> None:
    run = SampleRun(["Ada"])
    with Broker(tmp_path, REMEMBERING) as broker, Watcher(broker, remembered=True) as watcher:
        broker.stop()
        with MqttOutput(settings_of(broker), run.live) as output:
            send(output, run, visit("v1"))
            wait_until(lambda: bool(run.told("output-down")))
            assert "cannot be reached (refused); events wait" in run.told("output-down")[0]
            broker.start()
            wait_until(lambda: len(watcher.payloads(EVENT)) == 3)
            assert watcher.payloads(EVENT) == [event_json(event) for event in visit("v1")]
            assert watcher.retained[STATUS] == b"online"
            assert state(watcher, ADA) == "absent"
            wait_until(lambda: run.told("output-up") == [f"mqtt 127.0.0.1:{broker.port}: reached again"])
    assert run.told("output-dropped") == []


def test_nothing_is_lost_when_the_broker_is_killed_and_starts_again(tmp_path: Path) -> None:
    run = SampleRun(["Ada"])
    sent = [event for number in range(12) for event in visit(f"v{number}")][:-1]
    with (
        Broker(tmp_path, REMEMBERING) as broker,
        Watcher(broker, remembered=True) as watcher,
        MqttOutput(settings_of(broker), run.live) as output,
    ):
        send(output, run, sent[:12])
        wait_until(lambda: len(watcher.payloads(EVENT)) == 12)
        broker.kill()
        send(output, run, sent[12:])
        wait_until(lambda: bool(run.told("output-down")))
        broker.start()
        wait_until(lambda: output.delivery.waiting == 0)
        wait_until(lambda: watcher.payloads(EVENT)[-1] == event_json(sent[-1]))
        assert state(watcher, ADA) == "present", "the new broker knows who is present"
        assert watcher.retained[STATUS] == b"online"
    seen = list(dict.fromkeys(watcher.payloads(EVENT)))
    assert seen == [event_json(event) for event in sent], "all arrived, in order; an event may arrive twice"
    assert output.delivery.dropped == 0


def test_presence_is_right_again_although_nothing_happens_after_the_broker_came_back(broker: Broker) -> None:
    run = SampleRun(["Ada"])
    with MqttOutput(settings_of(broker), run.live) as output:
        send(output, run, visit("v1")[:2])
        wait_until(lambda: output.delivery.delivered == 2)
        broker.kill()
        broker.start()
        with Watcher(broker) as watcher:
            wait_until(lambda: watcher.retained.get(STATUS) == b"online")
            assert state(watcher, ADA) == "present"


@pytest.mark.slow
def test_a_person_has_a_sensor_from_enrolment_to_removal(broker: Broker) -> None:
    run = SampleRun()

    def sensors(watcher: Watcher) -> dict[str, str]:
        configs = [text for topic, text in watcher.retained.items() if topic.startswith("homeassistant/")]
        return {config["name"]: config["state_topic"] for config in map(json.loads, configs)}

    with Watcher(broker) as watcher:
        with MqttOutput(settings_of(broker), run.live):
            wait_until(lambda: watcher.retained.get(STATUS) == b"online")
            assert sensors(watcher) == {}
            run.enrolled = ["Ada", "a/b+#"]
            wait_until(lambda: len(sensors(watcher)) == 2)
            assert set(sensors(watcher).values()) <= watcher.retained.keys()
            run.enrolled = None  # cannot be read: nothing changes
            run.enrolled = ["Ada Lovelace", "a/b+#"]
            wait_until(lambda: sensors(watcher).keys() == {"Ada Lovelace", "a/b+#"})
            wait_until(lambda: ADA not in watcher.retained)
            run.enrolled = ["Ada Lovelace"]
            wait_until(lambda: len(sensors(watcher)) == 1)
            wait_until(lambda: len([topic for topic in watcher.retained if "presence/" in topic]) == 1)
        assert sensors(watcher).keys() == {"Ada Lovelace"}, "sensors stay when the run ends"
        run.enrolled = ["Ben"]
        with MqttOutput(settings_of(broker), run.live):
            wait_until(lambda: sensors(watcher).keys() == {"Ben"})
            wait_until(lambda: "sge/home/presence/Ada Lovelace" not in watcher.retained)


def test_a_gallery_that_cannot_be_read_removes_nobody(broker: Broker) -> None:
    run = SampleRun(["Ada"])
    with MqttOutput(settings_of(broker), run.live) as output:
        wait_until(lambda: output.delivery.waiting == 0)
    run.enrolled = None
    with Watcher(broker) as watcher, MqttOutput(settings_of(broker), run.live) as output:
        wait_until(lambda: watcher.retained.get(STATUS) == b"online")
        send(output, run, visit("v1", None))
        wait_until(lambda: len(watcher.payloads(EVENT)) == 2)
        assert ADA in watcher.retained


def test_another_site_on_the_same_broker_stays_as_it_is(broker: Broker) -> None:
    run = SampleRun(["Ada"])
    yard = settings_of(broker, url=f"mqtt://127.0.0.1:{broker.port}/yard")
    with MqttOutput(yard, SampleRun(["Zoë"]).live), Watcher(broker) as watcher:
        wait_until(lambda: "sge/yard/presence/Zoë" in watcher.retained)
        with MqttOutput(settings_of(broker, discovery=""), run.live) as output:
            send(output, run, visit("v1"))
            wait_until(lambda: output.delivery.delivered == 3)
        assert "sge/yard/presence/Zoë" in watcher.retained
        assert not any(topic.startswith("homeassistant/binary_sensor/sge_home") for topic in watcher.retained)


PROCESS = """
import sys, time
from tests.stream.outputs.sample_events import SampleRun
from stream.outputs.mqtt_output import MqttOutput
from stream.outputs.mqtt_settings import MqttSettings
with MqttOutput(MqttSettings(url=sys.argv[1]), SampleRun(["Ada"]).live):
    sys.stdin.read()
"""


def test_other_clients_see_when_the_process_is_killed(broker: Broker) -> None:
    command = [sys.executable, "-c", PROCESS, settings_of(broker).url]
    root = str(Path(__file__).resolve().parents[3])
    environment = {**os.environ, "PYTHONPATH": root}
    with Watcher(broker) as watcher:
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
            wait_until(lambda: watcher.retained.get(STATUS) == b"online")
            process.kill()
        wait_until(lambda: watcher.retained.get(STATUS) == b"offline")


def test_a_wrong_password_is_said_and_a_right_one_is_used_without_a_restart(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("ann:right-one\n", encoding="utf-8")
    passwords.chmod(0o600)
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True, env=with_sbin())
    secret = tmp_path / "secret"
    secret.write_text("wrong-one\n", encoding="utf-8")
    run = SampleRun(["Ada"])

    def log_in(client: Any) -> None:
        client.username_pw_set("ann", "right-one")

    with (
        Broker(tmp_path, "allow_anonymous false\npassword_file {folder}/passwords") as broker,
        Watcher(broker, log_in) as watcher,
        MqttOutput(settings_of(broker, user="ann", password_file=str(secret)), run.live) as output,
    ):
        send(output, run, visit("v1"))
        wait_until(lambda: bool(run.told("output-down")))
        assert "refuses the user name or the password" in run.told("output-down")[0]
        assert watcher.payloads(EVENT) == []
        secret.write_text("right-one\n", encoding="utf-8")
        wait_until(lambda: len(watcher.payloads(EVENT)) == 3)
    assert "-one" not in str(msgspec.json.encode(run.notices))


def with_sbin() -> dict[str, str]:
    return {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin"}


TLS = """allow_anonymous true
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
"""


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with the certificates of an authority and of a server named localhost."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "2")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (tmp_path / "names").write_text("subjectAltName=DNS:localhost\n", encoding="ascii")
    authority = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    openssl(
        *("x509", "-req", "-in", "server.csr", *authority, "-out", "server.pem", "-days", "2"),
        *("-extfile", "names"),
    )
    return tmp_path


def test_tls_with_an_own_authority(certificates: Path) -> None:
    run = SampleRun(["Ada"])
    authority = str(certificates / "ca.pem")
    with Broker(certificates, TLS) as broker:
        settings = MqttSettings(url=f"mqtts://localhost:{broker.port}/home", ca_file=authority)
        settings.check_files()
        with (
            Watcher(broker, lambda client: client.tls_set(authority)) as watcher,
            MqttOutput(settings, run.live) as output,
        ):
            send(output, run, visit("v1"))
            wait_until(lambda: len(watcher.payloads(EVENT)) == 3)
    assert run.notices == []


@pytest.mark.parametrize(
    ("host", "known", "reason"),
    [("localhost", False, "its certificate is not accepted"), ("127.0.0.1", True, "certificate is not")],
)
def test_a_certificate_that_proves_nothing_is_refused(
    certificates: Path, host: str, known: bool, reason: str
) -> None:
    run = SampleRun()
    authority = str(certificates / "ca.pem") if known else None
    with Broker(certificates, TLS) as broker:
        settings = MqttSettings(url=f"mqtts://{host}:{broker.port}/home", ca_file=authority)
        with MqttOutput(settings, run.live, DeliverySettings(patience_s=0.1)) as output:
            send(output, run, visit("v1"))
            wait_until(lambda: bool(run.told("output-down")))
    assert reason in run.told("output-down")[0]
    assert "3 events dropped: they could not be delivered" in run.told("output-dropped")[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"url": "mqtt://broker"}, "expected the site's name after the broker"),
        ({"url": "mqtt://broker/a/b"}, "expected the site's name"),
        ({"url": "mqtt://broker/a+"}, "expected the site's name"),
        ({"url": "mqtt:///a"}, "then the host"),
        ({"url": "mqtt://broker:x/a"}, "then host and port"),
        ({"url": "http://broker/a"}, "begins with mqtt:// or mqtts://"),
        ({"url": "mqtt://ann:hunter2@broker/a"}, "has a password in it"),
        ({"url": "mqtt://broker/a", "password_file": "x"}, "password_file needs a user"),
        ({"url": "mqtt://broker/a", "ca_file": "x"}, "ca_file needs an address that begins with mqtts"),
        ({"url": "mqtt://broker/a", "discovery": "a/#"}, "discovery: expected a topic"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        MqttSettings(**values)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot read"), (b"", "is empty"), (b"\xff\xfe\xfd", "is not a text file")],
)
def test_a_password_file_that_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    with pytest.raises(UserError, match=f"^password_file: .*{message}"):
        MqttSettings(url="mqtt://ann@broker/a", password_file=str(secret)).check_files()


@pytest.mark.parametrize(("content", "message"), [(None, "cannot read"), ("x", "has no certificates")])
def test_an_authority_that_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, content: str | None, message: str
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content, encoding="ascii")
    with pytest.raises(UserError, match=f"^ca_file: .*{message}"):
        MqttSettings(url="mqtts://broker/a", ca_file=str(file)).check_files()


def test_somebody_seen_by_two_sources_is_present_until_both_visits_end(broker: Broker) -> None:
    run = SampleRun(["Ada"])
    with Watcher(broker) as watcher, MqttOutput(settings_of(broker), run.live) as output:
        for name, source in (("v1", "door"), ("v2", "yard")):
            send(output, run, [arrived(name, source), identified(name, "Ada", source)])
        wait_until(lambda: b'"sources":["door","yard"]' in watcher.retained.get(ADA, b""))
        send(output, run, [left("v1", "Ada")])
        wait_until(lambda: b'"sources":["yard"]' in watcher.retained.get(ADA, b""))
        send(output, run, [left("v2", "Ada", "yard")])
        wait_until(lambda: state(watcher, ADA) == "absent")
