"""Network cameras through the command line, with the real models: outages, no leak of passwords or images."""

from __future__ import annotations

import contextlib
import itertools
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from stream.capture.tracking import Tracker
from stream.recording import read_recording
from stream.skeleton import get_layout
from stream.sources.camera.quiet_opencv import cv2
from tests.e2e.program import Program, System, read_frames, record
from tests.stream.sources.camera_streams import StreamServer, number_of, numbered_picture

SECRET = "hunter2"

# Logs the addresses that Python code of any process connects to or looks up; sockets show native code.
AUDIT = """
import os, sys

def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        address = arguments[0] if event.startswith("socket.get") else arguments[1]
        with open(os.environ["SGE_TEST_AUDIT"], "a") as log:
            log.write(f"{event} {address!r}\\n")

sys.addaudithook(hook)
"""


class LoopbackCamera:
    """A network camera on loopback that shows no people, at 10 frames per second."""

    def __init__(self) -> None:
        self.server = StreamServer()
        self.url = self.server.url.replace("//", f"//ann:{SECRET}@") + f"?key={SECRET}"
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._show_frames)
        self._thread.start()

    def _show_frames(self) -> None:
        for number in itertools.count():
            self.server.show(numbered_picture(number % 1000))
            if self._stopped.wait(0.1):
                return

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()
        self.server.close()


@pytest.fixture
def cameras() -> Iterator[list[LoopbackCamera]]:
    opened = [LoopbackCamera(), LoopbackCamera()]
    yield opened
    for camera in opened:
        camera.close()


@pytest.fixture
def program(tmp_path: Path) -> Program:
    created = Program(tmp_path / "g.db", tmp_path / "run")
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "sitecustomize.py").write_text(AUDIT)
    created.environment["PYTHONPATH"] += f":{tmp_path / 'audit'}"
    created.environment["SGE_TEST_AUDIT"] = str(tmp_path / "audit.log")
    return created


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record("walkers:n=1,seed=11,seconds=6,live=0", tmp_path_factory.mktemp("walk") / "walk.mcap")


class ProcessWatch:
    """Polls the processes of a running system: their command lines and the addresses that they contact."""

    def __init__(self, system: System) -> None:
        self.contacted: set[str] = set()
        self.listed: set[str] = set()
        self.processes: set[int] = set()
        self._system = system
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll)
        self._thread.start()

    def _poll(self) -> None:
        while not self._stopped.wait(0.02):
            try:
                children = self._system.children()
                if not children:
                    continue  # the arguments are not hidden yet
                for process in (psutil.Process(self._system.process.pid), *children):
                    self.processes.add(process.pid)
                    self.listed.add(" ".join(process.cmdline()))
                    self.contacted |= {c.raddr.ip for c in process.net_connections("inet") if c.raddr}
            except psutil.Error:
                continue  # a process has just ended

    def close(self) -> None:
        self._stopped.set()
        self._thread.join()


@pytest.mark.skipif(sys.platform != "linux", reason="reads process data of Linux")
def test_a_camera_outage_and_return_loses_nothing_of_other_sources(
    program: Program, walk: Path, cameras: list[LoopbackCamera], tmp_path: Path
) -> None:
    door, yard = cameras
    view = tmp_path / "view"
    sources = ("--source", door.url, "--source", str(walk), "--source", yard.url)
    options = ("--fpir", "off", "--json", "--view", str(view))
    with program.start(*sources, *options) as system:
        watch = ProcessWatch(system)
        system.wait_until(
            lambda: {path.name for path in view.glob("*.jpg")} == {f"source-{n}.jpg" for n in (1, 2, 3)}
        )
        door.server.cut()
        system.wait_until(lambda: "is down: its stream stopped; retrying until it is back" in system.errors())
        door.server.start()
        system.wait_until(lambda: "is up again" in system.errors())
        last = read_lines_until_final(system)
        watch.close()
        system.interrupt()
        rest = system.rest()
        assert system.wait() == 130, system.errors()
        errors = system.errors()
        notices = [told for told in system.notices() if told["kind"].startswith("source-")]
    lines = [*last, *rest]
    assert [line["t"] for line in lines if line["latency_ms"] is not None] == expected_windows(walk)
    assert {line["source"] for line in lines} == {str(walk)}
    names = [camera.server.url for camera in cameras]
    assert [(told["kind"], told["source"], told["text"]) for told in notices] == [
        ("source-down", names[0], f"{names[0]} is down: its stream stopped; retrying until it is back"),
        ("source-up", names[0], f"{names[0]} is up again"),
    ]
    assert number_of(picture(view / "source-3.jpg")) > 0, "the picture of the camera, with its number"
    assert len(watch.processes) >= 6, "parent, encoder, matcher, three capture workers"
    assert watch.contacted == {"127.0.0.1"}, "only the cameras"
    audited = (tmp_path / "audit.log").read_text() if (tmp_path / "audit.log").exists() else ""
    port = str(door.server.port)
    asked = [line for line in audited.splitlines() if not ("127.0.0.1" in line and port in line)]
    assert asked == [], "Python code asks only the camera that cannot be opened, and only for the reason"
    assert any("xxx@127.0.0.1" in command_line for command_line in watch.listed)
    for shown in (*watch.listed, errors, json.dumps(lines)):
        assert SECRET not in shown and "ann:" not in shown


def expected_windows(recording: Path) -> list[float]:
    """Returns the end times of all windows of a recording of one person, cut in this process."""
    tracker = Tracker(get_layout("kinect-v1"))
    return [
        round(window.end_ns / 1e9, 4)
        for frame in read_frames(recording)
        for _, window in tracker.push(frame).windows
    ]


def read_lines_until_final(system: System) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = [system.line()]
    while not lines[-1]["final"]:
        lines.append(system.line())
    return lines


def picture(path: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(cv2.imread(str(path)), np.uint8)


REASON = "could not be opened: check the address, its user and password"


def test_a_camera_that_is_off_at_the_start_is_opened_when_it_is_on(
    program: Program, cameras: list[LoopbackCamera]
) -> None:
    door = cameras[0]
    door.server.cut()
    name = door.server.url
    with program.start("--source", door.url, "--source", "walkers:n=1,seed=11", "--json") as system:
        system.wait_until(lambda: f"{name} is down: {REASON}" in system.errors())
        assert "retrying until it is back" in system.errors()
        assert system.line()["track"] == 2
        door.server.start()
        system.wait_until(lambda: f"{name} is up" in system.errors())
        system.interrupt()
        assert system.rest()[-1]["final"], "the other source continued"
        assert system.wait() == 0, system.errors()
        assert SECRET not in system.errors()


def test_a_camera_that_is_off_at_the_start_ends_a_strict_run_and_one_that_has_no_other_source(
    program: Program, cameras: list[LoopbackCamera], tmp_path: Path
) -> None:
    door = cameras[0]
    door.server.cut()
    config = tmp_path / "strict.toml"
    config.write_text(f'sources = ["{door.url}", "walkers:n=1,seed=11"]\njson = true\nstrict = true\n')
    sources = ("--source", door.url, "--source", "walkers:n=1,seed=11", "--strict")
    for command in (sources, ("--config", str(config)), ("--source", door.url)):
        done = program.run(*command, "--json")
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"sge-stream: {door.server.url} {REASON}")
        finals = [line for line in map(json.loads, done.stdout.splitlines()) if line["final"]]
        assert len(finals) == (1 if done.stdout else 0), "the other source ended in order"
        assert SECRET not in done.stderr


def test_the_only_camera_is_waited_for_if_its_worker_dies_while_it_is_off(
    program: Program, cameras: list[LoopbackCamera], tmp_path: Path
) -> None:
    door = cameras[0]
    view = tmp_path / "view"
    with program.start("--source", door.url, "--json", "--view", str(view)) as system:
        system.wait_until((view / "source-1.jpg").exists)
        door.server.cut()
        system.wait_until(lambda: "its stream stopped" in system.errors())
        worker = system.child("capture")
        worker.kill()
        worker.wait(20)
        system.wait_until(lambda: any("capture" in child.cmdline() for child in system.children()))
        assert "is up again" not in system.errors()
        door.server.start()
        system.wait_until(lambda: "is up again" in system.errors())
        system.interrupt()
        assert system.wait() == 0, system.errors()


def test_a_recording_of_a_camera_contains_no_image_and_no_password(
    program: Program, cameras: list[LoopbackCamera], tmp_path: Path
) -> None:
    target = tmp_path / "cam.mcap"
    done = program.run("--debug", "record", str(target), "--source", cameras[0].url, "--seconds", "1")
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert SECRET.encode() not in target.read_bytes()
    with read_recording(target) as recording:
        assert recording.info.name == cameras[0].server.url
        assert (recording.info.sensor, recording.info.layout) == ("camera", "mediapipe")
        frames = list(recording)
    assert 1 <= len(frames) <= 11
    assert all(frame.bodies == () and frame.picture is None for frame in frames)
    assert target.stat().st_size < 10_000, "a picture alone would be larger"


@pytest.fixture
def http_camera(cases_dir: Path) -> Iterator[str]:
    """The addresses of `httpcam.py`, which answers in the ways of real cameras."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    command = [sys.executable, str(cases_dir / "httpcam.py"), str(port), str(cases_dir / "vfr.mp4")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            break
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def test_each_kind_of_http_address_says_what_it_is(
    program: Program, http_camera: str, tmp_path: Path
) -> None:
    said = {
        "html": "answers with a web page, not a video",
        "401": "asks for a user and a password",
        "snap.jpg": "sends one picture, not a stream",
        "slow": "answers, but sends no picture",
        "file.mp4": "is a video file, not a stream: download it",
    }
    for path, message in said.items():
        address = f"{http_camera}/{path}?key={SECRET}"
        done = program.run("record", str(tmp_path / f"{path}.mcap"), "--source", address)
        assert done.returncode == 2
        assert f"{http_camera}/{path} {message}" in done.stderr
        assert "its stream stopped" not in done.stderr and SECRET not in done.stderr
    done = program.run("doctor", "--source", f"{http_camera}/mjpg", "--out", str(tmp_path))
    assert (
        f"source {http_camera}/mjpg" in done.stdout
        and "the first frame came after" in done.stdout.replace("\n", " ")
    )
