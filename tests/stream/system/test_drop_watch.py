"""Notices about dropped windows and decisions, with a clock that the test sets."""

from __future__ import annotations

import pytest

from stream.system.drop_watch import INTERVAL_S, DropWatch
from stream.system.notices import Notice, Notifier
from stream.system.supervisor import Child
from tests.stream.system.processes import beat, process


class Run:
    def __init__(self) -> None:
        self.time = 100.0
        self.told: list[Notice] = []
        self.children = [process("encoder"), process("matcher"), process("capture"), process("capture", 1)]
        for child in self.children:
            beat(child)
        self.drops = DropWatch(Notifier(lambda line: None, self.told.append), lambda: self.time)

    @property
    def capture(self) -> Child:
        return self.children[2]

    def wait(self, seconds: float) -> None:
        self.time += seconds
        self.drops.check(self.children)

    @property
    def texts(self) -> list[str]:
        return [notice.text for notice in self.told]


@pytest.fixture
def run() -> Run:
    return Run()


def test_an_overload_is_told_soon_then_at_intervals_with_the_count_of_the_run(run: Run) -> None:
    run.wait(5)
    assert (run.texts, run.drops.text) == ([], "")
    for second in range(25):
        beat(run.capture, windows_dropped=1100 + second, frames_dropped=500)
        beat(run.children[3], windows_dropped=20)
        run.wait(1)
    advice = "use fewer sources, or a GPU"
    assert run.texts == [f"overloaded: 1,1{count} windows dropped: {advice}" for count in (21, 31, 41)]
    assert [(notice.kind, notice.count) for notice in run.told] == [
        ("dropped", n) for n in (1121, 1131, 1141)
    ]
    assert run.drops.text == f"overloaded: 1,144 windows dropped: {advice}"
    run.drops.finish()
    assert [notice.count for notice in run.told[3:]] == [1144], "the rest is told at the end"
    run.wait(INTERVAL_S)
    assert run.drops.text == "", "the overload is over"
    run.drops.finish()
    assert len(run.told) == 4


def test_frames_that_a_camera_drops_are_no_overload(run: Run) -> None:
    beat(run.capture, frames_dropped=900, windows_dropped=0)
    run.wait(60)
    run.drops.finish()
    assert (run.texts, run.drops.text) == ([], "")


def test_one_window_is_told_too(run: Run) -> None:
    beat(run.capture, windows_dropped=1)
    run.wait(0)
    run.wait(1)
    assert run.texts == ["overloaded: 1 window dropped: use fewer sources, or a GPU"]


def test_what_is_lost_while_a_process_is_down_is_no_overload(run: Run) -> None:
    run.children[0].status = None  # it was started again
    beat(run.capture, windows_dropped=7)
    run.wait(0)
    beat(run.children[0])
    run.wait(1)
    assert run.texts == ["7 windows dropped: the encoder process does not work at present"]


def test_a_slow_reader_is_told_from_a_slow_machine(run: Run) -> None:
    beat(run.children[1], decisions_dropped=30)
    beat(run.capture, windows_dropped=4)
    run.wait(0)
    run.wait(1)
    cause = "the program that reads the decisions is too slow"
    assert run.texts == [
        f"overloaded: 4 windows dropped: {cause}",
        f"overloaded: 30 decisions dropped: {cause}",
    ]
    assert run.drops.text == "; ".join(run.texts)


def test_drops_before_a_restart_stay_counted(run: Run) -> None:
    beat(run.capture, windows_dropped=5)
    run.wait(0)
    run.capture.start(lambda line: None)
    try:
        beat(run.capture, windows_dropped=2)
        run.wait(1)
        assert [notice.count for notice in run.told] == [7]
    finally:
        run.capture.request_stop()
        run.capture.wait(run.capture.last_heartbeat + 60)


def test_visits_that_could_not_be_stored_are_told(run: Run) -> None:
    beat(run.children[1], visits_dropped=2)
    run.wait(0)
    run.wait(1)
    assert run.texts == ["2 visits dropped: too many waited for a gallery that could not store them"]


def test_windows_that_no_visit_counts_are_told(run: Run) -> None:
    beat(run.children[1], windows_late=8)
    run.wait(1)
    run.wait(1)
    assert run.texts == ["8 windows dropped: their visits had ended when an encoder that was stuck went on"]
