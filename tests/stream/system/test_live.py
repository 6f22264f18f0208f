"""The system as an object, and what the supervisor does with a process that hangs."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil
import pytest

import stream.system.live
import stream.system.supervisor
from stream import Live
from stream.errors import RunError, UserError

pytestmark = pytest.mark.usefixtures("runtime_dir")


def test_a_process_that_hangs_is_killed_and_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.system.supervisor, "HANG_AFTER_S", 2.0)
    said: list[str] = []
    with Live(["walkers:n=1,seed=2"], str(tmp_path / "g.db"), fpir=None, echo=said.append) as live:
        encoder = live.supervisor.find("encoder")
        assert encoder.process is not None
        for _ in live:
            break
        psutil.Process(encoder.process.pid).suspend()
        decisions = iter(live)
        while not (encoder.restarts and encoder.ready):
            live.next(0.1)
        assert next(decisions).track >= 1
    assert any("encoder: no heartbeat" in line for line in said)


def test_a_caller_who_takes_its_time_is_not_taken_for_hanging_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.system.supervisor, "HANG_AFTER_S", 1.0)
    with Live(["walkers:n=1,seed=2"], str(tmp_path / "g.db"), fpir=None) as live:
        for _ in live:
            break
        processes = [child.process for child in live.supervisor.children]
        with pytest.raises(subprocess.TimeoutExpired):
            assert processes[0] is not None
            processes[0].wait(3.0)  # longer than it takes to be declared hung
        assert next(iter(live)).track == 1
        assert [child.process for child in live.supervisor.children] == processes


def test_a_worker_that_dies_again_and_again_is_given_up_and_the_others_run_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.system.live, "MAX_FAILURES", 0)
    notices: list[str] = []
    sources = ["walkers:n=1,seed=2", "walkers:n=1,seed=3"]
    with Live(sources, str(tmp_path / "g.db"), fpir=None, notify=notices.append) as live:
        decisions = iter(live)
        seen = {next(decisions).track for _ in range(40)}
        while len(seen) < 2:
            seen.add(next(decisions).track)
        victim = live.supervisor.find("capture 1")
        assert victim.process is not None
        victim.process.kill()
        last = next(decision for decision in decisions if decision.final)
        assert live.source_of(last.track) == 0, "its tracks are ended in its place"
        while not live.ended(0):
            live.next(0.1)
        assert {next(decisions).track for _ in range(10)} == {2}, "the other runs on"
        assert list(live.outages.down) == [0]
        assert [notice.partition(":")[0] for notice in notices] == ["walkers"]
        assert "is down: the capture 1 process stopped unexpectedly" in notices[0]
        live.stop()
        with pytest.raises(RunError, match="the capture 1 process stopped unexpectedly"):
            list(decisions)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"sources": []}, "no source"),
        ({"sources": ["walkers:n=1"], "fpir": 1.5}, "--fpir"),
        ({"sources": ["walkers:n=1", "nonsense"]}, "nonsense"),
        ({"sources": ["walkers:n=1"], "device": "abacus"}, "abacus"),
        ({"sources": ["walkers:n=1"], "gallery": "mysql://x/y"}, "mysql"),
    ],
)
def test_what_cannot_work_is_refused_on_entering(
    tmp_path: Path, options: dict[str, object], told: str
) -> None:
    arguments: dict[str, object] = {"gallery": str(tmp_path / "g.db"), **options}
    before = psutil.Process().children()  # other tests of this process may have left a resource tracker
    with pytest.raises(UserError, match=told), Live(**arguments):  # type: ignore[arg-type]
        pass
    assert psutil.Process().children() == before
