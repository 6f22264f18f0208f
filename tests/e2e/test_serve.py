"""`sge-stream serve` as a process: enrolment over the API, events, reload, signals, log lines."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.program import Program, System, record

if sys.platform == "win32":
    pytest.skip("the signals are not those of Windows", allow_module_level=True)

pytestmark = pytest.mark.usefixtures("hang_up_ends_children")

WAIT_S = 120.0


class Site:
    """A server that runs in a folder."""

    def __init__(self, folder: Path, sources: list[str], *, more: str = "", path: Path | None = None) -> None:
        self.config = folder / "site.toml"
        self.token_file = folder / "token"
        self.gallery = folder / "gallery.db"
        self.write(sources, more)
        self.program = Program(self.gallery, folder / "run")
        if path is not None:
            before = self.program.environment["PYTHONPATH"]
            self.program.environment["PYTHONPATH"] = f"{path}{os.pathsep}{before}"
        self.system: System = self.program.start("serve", "--config", str(self.config))
        line = self.wait_for_line("listening at")
        url = line.partition("listening at ")[2].partition(";")[0]
        headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}
        self.client = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    def write(self, sources: list[str], more: str = "") -> None:
        """Writes the config."""
        text = f'sources = {json.dumps(sources)}\n{more}[serve]\nlisten = "127.0.0.1:0"\n'
        self.config.write_text(f'{text}token_file = {json.dumps(str(self.token_file))}\nsite = "Home"\n')

    def wait_for_line(self, text: str, after: int = 0) -> str:
        """Returns the first line of the log that holds the text."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            for line in self.system.errors().splitlines()[after:]:
                if text in line:
                    return line
            assert self.system.process.poll() is None, self.system.errors()
            threading.Event().wait(0.1)
        pytest.fail(f"no {text} in: {self.system.errors()}")

    def get(self, path: str) -> Any:
        """Returns what the API answers."""
        answer = self.client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_until_ready(self, sources: int) -> None:
        """Waits until all is up."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if self.client.get("/readyz").status_code == 200:
                states = [each["state"] for each in self.get("sources")]
                if states == ["up"] * sources:
                    return
            threading.Event().wait(0.1)
        pytest.fail(f"not ready: {self.system.errors()}")

    def wait_for_track(self, source: str, seconds: float) -> int:
        """Returns a track of a source that has walked for so long."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            for each in self.get("tracks"):
                if each["source"] == source and each["in_view"] and each["seconds"] >= seconds:
                    return int(each["track"])
            threading.Event().wait(0.2)
        pytest.fail(f"nobody walks before {source}")

    def end(self) -> None:
        """Ends the server, which must say so with status 0."""
        self.client.close()
        self.system.process.send_signal(signal.SIGTERM)
        assert self.system.wait() == 0, self.system.errors()
        assert "Traceback" not in self.system.errors()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    started = Site(tmp_path, ["hall=walkers:n=1,seed=4", "gate=walkers:n=1,seed=9"])
    with started.system:
        yield started


def test_somebody_who_walks_is_enrolled_over_the_api_and_identified_in_an_event(site: Site) -> None:
    site.wait_until_ready(2)
    track = site.wait_for_track("hall", 6.0)
    found: list[dict[str, Any]] = []

    def listen() -> None:
        with site.client.stream("GET", "/api/v1/events") as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    found.append(json.loads(line[6:]))
                    if found[-1].get("event") == "identified":
                        return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    body = {"name": "Ada <b>", "tracks": [track], "consent": "stated", "consent_note": "form 12"}
    answer = site.client.post("/api/v1/people", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["seconds"] >= 6.0
    (ada,) = site.get("people")
    assert (ada["name"], ada["consent_by"], ada["consent_note"]) == ("Ada <b>", "--yes", "form 12")
    again = site.client.post("/api/v1/people", json={**body, "name": "Other"})
    assert (again.status_code, again.json()["error"]) == (409, "refused"), again.text
    listener.join(WAIT_S)
    assert found[-1]["person"] == "Ada <b>", found
    assert any(each["person"] == "Ada <b>" for each in site.get("presence"))
    health = site.get("health")
    assert (health["phase"], health["ready"], health["site"]) == ("running", True, "Home")
    assert {each["process"] for each in health["processes"]} == {
        "encoder",
        "matcher",
        "capture 1",
        "capture 2",
    }
    assert health["history"]
    metrics = site.client.get("/metrics").text
    for name in (
        "sge_frames_total",
        "sge_windows_total",
        "sge_source_up",
        "sge_process_up",
        "sge_gallery_people",
    ):
        values = [float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(name)]
        assert values and min(values) > 0, name
    assert 'sge_calibration{source="hall"}' in metrics
    assert "Ada" not in metrics
    with site.client.stream("GET", "/api/v1/skeletons") as stream:
        lines = stream.iter_lines()
        frame = json.loads(next(line for line in lines if line.startswith("data: "))[6:])
    assert frame["bodies"][0]["joints"]
    site.end()


def test_sighup_reloads_the_sources_while_the_server_stays_up(site: Site) -> None:
    site.wait_until_ready(2)
    for wrong in (["walkers:nonsense=1"], ["no-such.mcap"], ["a=walkers:n=1", "a=walkers:n=2"]):
        lines = len(site.system.errors().splitlines())
        site.write(wrong)
        site.system.process.send_signal(signal.SIGHUP)
        site.wait_for_line("the new settings cannot be used, the former ones stay", lines)
    assert "settings read again" not in site.system.errors(), "the former system has run on"
    lines = len(site.system.errors().splitlines())
    site.write(["walkers:n=1"], 'encoder = ["no-such.safetensors"]\n')
    site.system.process.send_signal(signal.SIGHUP)
    site.wait_for_line("the new settings cannot be used, the former ones stay", lines)
    site.wait_until_ready(2)
    site.write(["yard=walkers:n=1,seed=4"])
    site.system.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + WAIT_S
    while [each["name"] for each in site.get("sources")] != ["yard"] and time.monotonic() < deadline:
        threading.Event().wait(0.1)
    site.wait_until_ready(1)
    site.config.write_text("sources = 5\n")
    lines = len(site.system.errors().splitlines())
    site.system.process.send_signal(signal.SIGHUP)
    assert "sources" in site.wait_for_line("the new settings cannot be used", lines)
    assert [each["name"] for each in site.get("sources")] == ["yard"]
    assert site.client.get("/readyz").status_code == 200
    site.end()


def test_sighup_while_the_system_starts_takes_effect_too(site: Site) -> None:
    site.write(["lobby=walkers:n=1,seed=3"])
    site.system.process.send_signal(signal.SIGHUP)
    site.wait_for_line("settings read again")
    site.wait_until_ready(1)
    assert [each["name"] for each in site.get("sources")] == ["lobby"]
    site.end()


def test_the_server_stays_up_after_the_end_of_its_recordings(tmp_path: Path) -> None:
    walk = record("walkers:n=1,seed=11,seconds=4,live=0", tmp_path / "walk.mcap")
    site = Site(tmp_path, [f"door={walk}"])
    with site.system:
        site.wait_for_line("all sources have ended; the web server stays up")
        assert [each["state"] for each in site.get("sources")] == ["ended"]
        assert site.get("presence") == []
        assert site.client.get("/healthz").status_code == 200
        assert site.client.get("/readyz").status_code == 503
        refused = site.client.post("/api/v1/people", json={"name": "Ada", "consent": "asked"})
        assert refused.status_code == 503
        site.end()


def test_the_only_source_may_be_off_at_the_start(tmp_path: Path) -> None:
    site = Site(tmp_path, ["gate=rtsp://127.0.0.1:9/none"])
    with site.system:
        site.wait_for_line("gate is down")
        (source,) = site.get("sources")
        assert (source["name"], source["state"]) == ("gate", "down")
        assert source["problem"]
        assert site.client.get("/readyz").status_code == 503
        assert 'sge_source_up{source="gate"} 0.0' in site.client.get("/metrics").text
        site.end()


def test_log_lines_are_json_and_hold_neither_the_token_nor_a_name(tmp_path: Path) -> None:
    token = tmp_path / "token"
    program = Program(tmp_path / "g.db", tmp_path / "run")
    (tmp_path / "site.toml").write_text(
        f'sources = ["walkers:n=1,seed=4"]\n[serve]\ntoken_file = {json.dumps(str(token))}\nlisten = "0"\n'
    )
    with program.start("serve", "--config", str(tmp_path / "site.toml"), "--log", "json") as system:
        deadline = time.monotonic() + WAIT_S
        while "encoder" not in system.errors() and time.monotonic() < deadline:
            threading.Event().wait(0.1)
        system.process.send_signal(signal.SIGTERM)
        assert system.wait() == 0, system.errors()
        said = system.errors()
    lines = [json.loads(line) for line in said.splitlines()]
    assert all({"time", "level", "text"} <= line.keys() for line in lines)
    assert token.read_text().strip() not in said
    assert token.stat().st_mode & 0o077 == 0
    assert lines[-1]["text"] == "ending"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--listen", "0.0.0.0:0"], "others could read along; set tls_certificate"),
        (["--listen", "[::]:0"], "others could read along"),
        (["--listen", "here"], "expected an address and a port"),
        (["--listen", "127.0.0.1:70000"], "expected an address and a port"),
        (["--log", "xml"], "[serve]"),
    ],
    ids=str,
)
def test_what_cannot_be_served_is_refused(tmp_path: Path, arguments: list[str], said: str) -> None:
    program = Program(tmp_path / "g.db", tmp_path / "run")
    program.environment["XDG_STATE_HOME"] = str(tmp_path)
    done = program.run("serve", "--source", "walkers:n=1", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


AUDIT = """
import os, sys

def note(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
            write(event, address)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        if arguments[0] not in ("127.0.0.1", "::1", "localhost", None):
            write(event, arguments)

def write(event, what):
    with open(os.environ["AUDIT_LOG"], "a") as log:
        log.write(f"{sys.argv} {event} {what}\\n")

sys.addaudithook(note)
with open(os.environ["AUDIT_LOG"], "a") as log:
    log.write("watched\\n")
"""


def test_no_process_connects_to_the_outside_or_looks_a_name_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "sitecustomize.py").write_text(AUDIT)
    log = tmp_path / "audit.log"
    monkeypatch.setenv("AUDIT_LOG", str(log))
    site = Site(
        tmp_path, ["hall=walkers:n=1,seed=4"], more='output = ["metrics:0"]\n', path=tmp_path / "audit"
    )
    with site.system:
        site.wait_until_ready(1)
        for path in ("people", "health", "calibration", "visits", "openapi.json"):
            site.get(path)
        assert site.client.get("/").status_code == 200
        assert site.client.get("/metrics").status_code == 200
        site.end()
    lines = log.read_text().splitlines()
    assert lines.count("watched") >= 4, "the server, capture, encoder and matcher were watched"
    assert [line for line in lines if line != "watched"] == []
