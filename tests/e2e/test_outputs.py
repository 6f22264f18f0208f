"""Events of the real processes at real receivers: a broker and a web server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.visits.events import Identified, Left, event_of
from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, record
from tests.stream.outputs.broker import REMEMBERING, Broker, Watcher, free_port
from tests.stream.outputs.rerun_files import read_rows, read_texts
from tests.stream.outputs.waiting import wait_until
from tests.stream.outputs.web_server import Answer, WebServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="starts a broker of Debian"),
]

ADA, EVENT, STATUS = "sge/home/presence/Ada", "sge/home/event", "sge/home/status"


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Ada alone, and Ada with a stranger on another day."""
    folder = tmp_path_factory.mktemp("walks")
    sources = {
        "ada": "walkers:n=2,seed=7,only=1,walk=1,seconds=8,live=0",
        "door": "walkers:n=2,seed=7,walk=2,seconds=6,live=0",
    }
    return {name: record(source, folder / f"{name}.mcap") for name, source in sources.items()}


@pytest.fixture
def program(tmp_path: Path, walks: dict[str, Path]) -> Program:
    """The program, with Ada in its gallery."""
    enrol_recordings(tmp_path / "g.db", "Ada", walks["ada"])
    return Program(tmp_path / "g.db", tmp_path / "run")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Broker(folder) as broker:
        yield broker


def test_every_receiver_gets_the_events_that_the_lines_have(
    program: Program, broker: Broker, walks: dict[str, Path], tmp_path: Path
) -> None:
    config = tmp_path / "site.toml"
    with Watcher(broker) as watcher, WebServer(lambda number: Answer(503 if number == 1 else 200)) as server:
        config.write_text(f'output = [{{kind = "webhook", url = "{server.url}/x"}}]', encoding="utf-8")
        address = f"mqtt://127.0.0.1:{broker.port}/home"
        with_both = program.run(
            *("--source", str(walks["door"]), "--speed", "0", "--json", "--events", "visits"),
            *("--config", str(config)),
        )
        lines = with_both.stdout.encode().splitlines()
        kept = [body for number, body in enumerate(server.bodies) if number != 1]
        assert kept == lines
        assert server.bodies[1] == server.bodies[2], "what was not taken is sent again"
        done = program.run(
            *("--source", str(walks["door"]), "--speed", "0", "--json", "--events", "visits"),
            *("--output", address),
        )
        lines = done.stdout.encode().splitlines()
        wait_until(lambda: watcher.retained.get(STATUS) == b"offline")
        assert watcher.payloads(EVENT) == lines
        assert json.loads(watcher.retained[ADA])["state"] == "absent"
    events = [event_of(line) for line in lines]
    assert [event.person for event in events if isinstance(event, Identified)] == ["Ada"]
    assert {event.outcome for event in events if isinstance(event, Left)} == {"person", "unknown"}
    assert done.returncode == with_both.returncode == 0, done.stderr + with_both.stderr
    assert [notice["kind"] for notice in map(json.loads, notices(with_both.stderr))] == [
        "output-down",
        "output-up",
    ]


def notices(stderr: str) -> list[str]:
    return [line for line in stderr.splitlines() if line.startswith("{")]


def test_a_sensor_comes_and_goes_with_the_person_while_the_program_runs(
    program: Program, broker: Broker, walks: dict[str, Path]
) -> None:
    def sensors(watcher: Watcher) -> set[str]:
        configs = [text for topic, text in watcher.retained.items() if topic.endswith("/config")]
        return {json.loads(text)["name"] for text in configs}

    address = f"mqtt://127.0.0.1:{broker.port}/home"
    with Watcher(broker) as watcher:
        with program.start("--source", "walkers:n=1,seed=3", "--json", "--output", address) as system:
            system.wait_until(
                lambda: sensors(watcher) == {"Ada"} and watcher.retained.get(STATUS) == b"online"
            )
            assert program.run("people", "rename", "Ada", "Ada L.", "--yes").returncode == 0
            system.wait_until(lambda: sensors(watcher) == {"Ada L."})
            system.wait_until(lambda: ADA not in watcher.retained)
            assert program.run("people", "remove", "Ada L.", "--yes").returncode == 0
            system.wait_until(lambda: sensors(watcher) == set())
            system.process.kill()
        wait_until(lambda: watcher.retained.get(STATUS) == b"offline")


def test_receivers_that_are_away_change_no_decision_and_are_said(
    program: Program, walks: dict[str, Path]
) -> None:
    def decisions(*more: str) -> tuple[list[tuple[object, ...]], str]:
        done = program.run("--source", str(walks["door"]), "--speed", "0", "--json", *more)
        assert done.returncode == 0, done.stderr
        lines = map(json.loads, done.stdout.splitlines())
        return [(each["track"], each["t"], each["state"], each["score"]) for each in lines], done.stderr

    alone, _ = decisions()
    away = f"mqtt://127.0.0.1:{free_port()}/home", f"http://127.0.0.1:{free_port()}/secret-path"
    same, errors = decisions("--output", away[0], "--output", away[1])
    assert same == alone
    told = [json.loads(line) for line in notices(errors)]
    assert sorted(each["kind"] for each in told) == [
        "output-down",
        "output-down",
        "output-dropped",
        "output-dropped",
    ]
    assert all(each["count"] > 0 for each in told if each["kind"] == "output-dropped")
    assert "secret-path" not in errors


def test_outputs_that_cannot_be_used_are_refused_before_anything_starts(
    program: Program, walks: dict[str, Path]
) -> None:
    for address, text in (
        ("mqtt://ann:hunter2@broker/home", "output mqtt: the address has a password in it"),
        ("mqtt://broker", "expected the site's name after the broker"),
        ("broker", "broker is not an output; expected an address such as"),
    ):
        done = program.run("--source", str(walks["door"]), "--output", address)
        assert done.returncode == 2
        assert text in done.stderr
        assert "hunter2" not in done.stderr + done.stdout
        assert "encoder" not in done.stderr


def test_a_broker_that_is_killed_and_comes_back_misses_no_event(program: Program, tmp_path: Path) -> None:
    command = ("--source", "walkers:n=3,seed=5", "--json", "--events", "visits")
    lines = []
    with (
        Broker(tmp_path, REMEMBERING) as broker,
        Watcher(broker, remembered=True) as watcher,
        program.start(*command, "--output", f"mqtt://127.0.0.1:{broker.port}/home") as system,
    ):
        lines.append(system.line())
        system.wait_until(lambda: bool(watcher.payloads(EVENT)))
        broker.kill()
        lines.append(system.line())
        system.wait_until(lambda: bool(system.notices("output-down")))
        broker.start()
        system.wait_until(lambda: bool(system.notices("output-up")))
        system.interrupt()
        lines += system.rest()
        system.wait()
        assert system.notices("output-dropped") == []
        ids = [line["id"] for line in lines]
        wait_until(lambda: json.loads(watcher.payloads(EVENT)[-1])["id"] == ids[-1])
        seen = [json.loads(payload)["id"] for payload in watcher.payloads(EVENT)]
    assert list(dict.fromkeys(seen)) == ids, "in order; an event may arrive twice"


def test_a_file_for_the_viewer_of_rerun_has_events_scores_and_skeletons(
    program: Program, tmp_path: Path
) -> None:
    pytest.importorskip("rerun", reason="needs the extra rerun")
    file = tmp_path / "walks.rrd"
    source = "door=walkers:n=2,seed=7,walk=2,seconds=6,live=0"
    done = program.run("--source", source, "--json", "--events", "visits", "--output", str(file))
    assert done.returncode == 0, done.stderr
    rows = read_rows(file)
    assert read_texts(file) == done.stdout.splitlines()
    assert len([path for path in rows if path.startswith("/skeletons/door/")]) == 2
    assert all(len(rows[f"/tracks/door/{track}/score"]) > 10 for track in (1, 2))
