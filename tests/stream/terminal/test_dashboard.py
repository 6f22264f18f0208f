"""The screen: what it shows, in how much room."""

from __future__ import annotations

import io
import time
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest
from rich.console import Console

from stream.bus.messages import Status, Verdict
from stream.decision import Decision
from stream.system.live import Live
from stream.system.supervisor import Child
from stream.terminal.dashboard import Dashboard, final_line


def verdict(track: int, *, person: str | None = None, final: bool = False) -> Verdict:
    state = "person" if person else "unknown"
    decision = Decision(
        "x",
        "door.mcap",
        track,
        12.5,
        "",
        "person" if state == "person" else "unknown",
        person,
        person or "Ben [/b]",
        0.71,
        0.43,
        0.05,
        "score reaches the threshold" if person else "score is below the threshold",
        20.0,
        final,
    )
    return Verdict(1, 9.5, 0.9, decision)


def dashboard(*verdicts: Verdict, down: str | None = None) -> Dashboard:
    matcher = Child("matcher", 0, lambda child: msgspec.defstruct("Nothing", [])())
    matcher.hear(
        Status(
            "matcher",
            0,
            "ready",
            {"lost": 2, "decisions_dropped": 3, "latency_p50": 20.4, "latency_p95": 41.2},
        )
    )
    watching = Child("capture", 0, matcher.orders)
    watching.hear(Status("capture", 0, "ready", {"cpu": 1.5}, "HD Webcam (webcam 0), 640 x 480"))
    live = SimpleNamespace(
        supervisor=SimpleNamespace(children=[matcher, watching]),
        infos=[SimpleNamespace(name="webcam 0"), SimpleNamespace(name="rtsp://cam/1")],
        outages=SimpleNamespace(down={} if down is None else {1: down}),
        fpir=0.01,
        gallery="sqlite:///g.db",
        encoder=SimpleNamespace(features="random features"),
    )
    made = Dashboard(cast("Live", live))
    for each in verdicts:
        made.update(each)
    return made


def rendered(screen: Dashboard, width: int, height: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, markup=False)
    console.print(screen)
    return cast("io.StringIO", console.file).getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 109, 110, 200])
@pytest.mark.parametrize("height", [10, 24, 60])
def test_it_fits_and_says_who(width: int, height: int) -> None:
    text = rendered(dashboard(verdict(1, person="Ada"), verdict(2)), width, height)
    assert max(map(len, text.splitlines())) <= width
    for word in ("Ada", "unknown", "Ctrl-C ends"):
        assert word in text
    # What was dropped and how late decisions are is said whatever the room.
    assert "5" in text
    assert "20 / 41 ms" in text


def test_a_wide_screen_says_everything() -> None:
    text = rendered(dashboard(verdict(1, person="Ada"), verdict(2)), 160, 40)
    for word in ("door.mcap", "0.710 / 0.430", "0.050", "9.5 s", "below the threshold", "Ben [/b]"):
        assert word in text


def test_many_people_leave_the_processes_on_the_screen() -> None:
    text = rendered(dashboard(*(verdict(n) for n in range(1, 101))), 100, 24)
    assert len(text.splitlines()) <= 24
    assert "more" in text
    assert "5 dropped" in text


def test_who_left_is_no_longer_in_view() -> None:
    screen = dashboard(verdict(1, person="Ada"), verdict(1, person="Ada", final=True))
    assert "Ada" not in rendered(screen, 100, 24)


def test_a_last_word_names_the_source_where_there_are_several() -> None:
    last = verdict(3, person="Ada", final=True)
    expected = (
        "    12.5 s  track 3  Ada  0.710 / 0.430  after 9.5 s of walking  (score reaches the threshold)"
    )
    assert final_line(last).plain == expected
    assert final_line(last, "door.mcap").plain == expected.replace("track 3", "door.mcap  track 3")


def test_it_names_the_camera_and_what_it_costs() -> None:
    text = rendered(dashboard(verdict(1)), 160, 40)
    for word in ("HD Webcam (webcam 0), 640 x 480", "CPU", "0%"):
        assert word in text


@pytest.mark.parametrize("height", [10, 24, 60])
@pytest.mark.parametrize("width", [40, 80, 160])
def test_it_says_which_source_is_down_and_why(width: int, height: int) -> None:
    why = "its stream stopped"
    text = rendered(dashboard(*(verdict(n) for n in range(1, 31)), down=why), width, height)
    assert "rtsp://cam/1 is down: its strea" in text
    assert len(text.splitlines()) <= height
    assert max(map(len, text.splitlines())) <= width


def test_what_was_dropped_is_counted_over_restarts_and_to_the_end() -> None:
    def heard(state: str, **counters: float) -> Status:
        return Status("capture", 0, state, counters)

    child = Child("capture", 0, lambda child: msgspec.defstruct("Nothing", [])())
    child.hear(heard("ready", frames_dropped=4, windows_dropped=1))
    child.hear(heard("failed"))
    assert child.dropped == 5
    child.start(lambda line: None)
    assert child.dropped == 5
    child.hear(heard("ready", frames_dropped=2, windows_dropped=0, frames=9))
    child.hear(heard("done", cpu=1.0))
    assert child.dropped == 7
    child.ask_to_stop()
    child.wait(time.monotonic() + 60)
