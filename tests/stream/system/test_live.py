"""The `Live` object, and the supervision of processes that hang or die."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psutil
import pytest

import stream.system.restart_policy
import stream.system.supervisor
from encoder import onednn
from encoder.precision import Precision
from stream import Live, Notice
from stream.bus.window_times import STAGES
from stream.errors import RunError, UserError

pytestmark = pytest.mark.usefixtures("runtime_dir")
NEEDS_BF16 = pytest.mark.skipif(
    not onednn.bf16_supported(), reason="needs a CPU with products of bf16 numbers"
)


@pytest.mark.e2e
def test_a_process_that_hangs_is_killed_and_restarted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.system.supervisor, "HEARTBEAT_TIMEOUT_S", 6.0)
    log: list[str] = []
    notices: list[Notice] = []
    texts: list[str] = []
    with Live(
        ["walkers:n=1,seed=2"],
        str(tmp_path / "g.db"),
        fpir=None,
        echo=log.append,
        notify=texts.append,
        on_notice=notices.append,
    ) as live:
        encoder = live.supervisor.find("encoder")
        assert encoder.process is not None
        for _ in live:
            break
        psutil.Process(encoder.process.pid).suspend()
        decisions = iter(live)
        while not (encoder.restarts and encoder.ready):
            live.next(0.1)
        assert next(decisions).track >= 1
    assert any("encoder: no heartbeat" in line for line in log)
    about = [(told.kind, told.count) for told in notices if told.process == "encoder"]
    first = about.index(("restarting", 1))
    assert about[first - 1 : first + 2] == [("hanging", None), ("restarting", 1), ("restarted", 1)]
    assert texts == [told.text for told in notices]
    assert "the encoder process hung and was killed; it is started again" in texts


@pytest.mark.e2e
@pytest.mark.parametrize("precision", ["fp32", pytest.param("bf16", marks=NEEDS_BF16)])
def test_the_encoder_is_described_with_its_precision(precision: Precision, tmp_path: Path) -> None:
    source = "walkers:n=1,seed=2,seconds=1,live=0"
    with Live([source], str(tmp_path / "g.db"), precision=precision, device="cpu", speed=0) as live:
        assert live.encoder.description.endswith(", in bf16") == (precision == "bf16")
        assert [decision.final for decision in live][-1]


@pytest.mark.e2e
def test_a_slow_caller_does_not_make_processes_count_as_hung(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.system.supervisor, "HEARTBEAT_TIMEOUT_S", 1.0)
    with Live(["walkers:n=1,seed=2"], str(tmp_path / "g.db"), fpir=None) as live:
        for _ in live:
            break
        processes = [child.process for child in live.supervisor.children]
        with pytest.raises(subprocess.TimeoutExpired):
            assert processes[0] is not None
            processes[0].wait(3.0)  # longer than the heartbeat timeout
        assert next(iter(live)).track == 1
        assert [child.process for child in live.supervisor.children] == processes


@pytest.mark.e2e
def test_a_worker_that_dies_repeatedly_loses_its_source_and_the_others_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream.system.restart_policy, "MAX_FAILURES", 0)
    notices: list[Notice] = []
    sources = ["walkers:n=1,seed=2", "walkers:n=1,seed=3"]
    with Live(sources, str(tmp_path / "g.db"), fpir=None, on_notice=notices.append) as live:
        decisions = iter(live)
        seen = {next(decisions).track for _ in range(40)}
        while len(seen) < 2:
            seen.add(next(decisions).track)
        victim = live.supervisor.find("capture 1")
        assert victim.process is not None
        victim.process.kill()
        last = next(decision for decision in decisions if decision.final)
        assert live.source_of(last.track) == 0, "the parent ends the tracks of the dead worker"
        while not live.ended(0):
            live.next(0.1)
        assert {next(decisions).track for _ in range(10)} == {2}, "the other source continues"
        assert list(live.outages.down) == [0]
        about = [told for told in notices if told.kind.startswith("source-")]
        assert [(told.kind, told.source) for told in about] == [("source-lost", "walkers:n=1,seed=2")]
        assert "is down: the capture 1 process stopped unexpectedly" in about[0].text
        live.stop()
        with pytest.raises(RunError, match="the capture 1 process stopped unexpectedly"):
            list(decisions)


@pytest.mark.e2e
def test_every_decision_on_a_window_tells_when_it_passed_each_stage(tmp_path: Path) -> None:
    with Live(["walkers:n=2,seed=2,seconds=3,live=0"], str(tmp_path / "g.db"), fpir=None, speed=0) as live:
        verdicts = list(live.verdicts())
    timed = [verdict for verdict in verdicts if verdict.times is not None]
    assert len(timed) > 20
    assert all(verdict.decision.latency_ms is None for verdict in verdicts if verdict.times is None)
    for verdict in timed:
        assert verdict.times is not None
        stages = verdict.times.stages
        assert tuple(stages) == STAGES
        assert min(stages.values()) >= 0
        until_decided = 1000 * (sum(stages.values()) - stages["publish"])
        assert verdict.decision.latency_ms == pytest.approx(until_decided, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": []}, "no source"),
        ({"sources": ["walkers:n=1"], "fpir": 1.5}, "--fpir"),
        ({"sources": ["walkers:n=1", "nonsense"]}, "nonsense"),
        ({"sources": ["walkers:n=1"], "device": "abacus"}, "abacus"),
        ({"sources": ["walkers:n=1"], "gallery": "mysql://x/y"}, "mysql"),
    ],
)
def test_invalid_options_are_refused_on_entering(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    arguments: dict[str, object] = {"gallery": str(tmp_path / "g.db"), **options}
    before = psutil.Process().children()  # other tests of this process may have left a resource tracker
    with pytest.raises(UserError, match=message), Live(**arguments):  # type: ignore[arg-type]
        pass
    assert psutil.Process().children() == before
