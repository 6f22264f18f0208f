"""Notices about processes that hang or are restarted."""

from __future__ import annotations

from stream.bus.messages import Status
from stream.system.notices import Notice, Notifier
from stream.system.process_watch import ProcessWatch
from stream.system.supervisor import HANG_AFTER_S
from tests.stream.system.processes import beat, process


def watch_into(told: list[Notice]) -> ProcessWatch:
    return ProcessWatch(["door", "yard"], Notifier(lambda line: None, told.append))


def test_a_hang_is_told_once_within_five_seconds_and_its_end_too() -> None:
    told: list[Notice] = []
    watch, child = watch_into(told), process("capture", 1)
    watch.check([child])
    beat(child)
    child.last_heartbeat -= HANG_AFTER_S - 1
    watch.check([child])
    assert told == [] and child.works
    child.last_heartbeat -= 1
    for _ in range(3):
        watch.check([child])
    assert HANG_AFTER_S + 0.5 < 5, "with the interval of heartbeats"
    assert (child.state, child.works) == ("down, hanging", False)
    beat(child)
    for _ in range(3):
        watch.check([child])
    assert [(each.kind, each.source, each.process, each.text) for each in told] == [
        (
            "hanging",
            "yard",
            "capture 2",
            "yard: the capture 2 process hangs; it is killed if it does not answer for 20 s",
        ),
        ("responding", "yard", "capture 2", "yard: the capture 2 process answers again"),
    ]


def test_a_process_that_loads_or_has_finished_does_not_hang() -> None:
    told: list[Notice] = []
    watch, child = watch_into(told), process("encoder")
    child.last_heartbeat -= 60  # none yet: it loads
    watch.check([child])
    child.record_heartbeat(Status("encoder", 0, "done", {}))
    child.last_heartbeat -= 60
    watch.check([child])
    assert told == []


def test_a_restart_is_told_with_its_reason_and_when_the_process_runs_again() -> None:
    told: list[Notice] = []
    watch, child = watch_into(told), process("encoder")
    beat(child)
    watch.restarting(child, "the encoder process stopped unexpectedly (exit -9)")
    child.status, child.restarts = None, 1
    watch.check([child])
    assert len(told) == 1, "it has not answered yet"
    beat(child)
    for _ in range(3):
        watch.check([child])
    assert [(each.kind, each.count, each.text) for each in told] == [
        ("restarting", 1, "the encoder process stopped unexpectedly (exit -9); it is started again"),
        ("restarted", 1, "the encoder process runs again"),
    ]
