"""The dashboard: content, and layout in terminals of different sizes."""

from __future__ import annotations

import io
import time
from typing import cast

import msgspec
import pytest
from rich.console import Console, ConsoleDimensions

from stream.bus.messages import Status, Verdict
from stream.outputs.dashboard import Dashboard
from stream.outputs.dashboard_output import DashboardOutput
from stream.system.supervisor import Child
from tests.stream.outputs.simulated_run import make_left, make_verdict, simulated_live


def dashboard(*verdicts: Verdict, down: str | None = None) -> Dashboard:
    created = Dashboard(simulated_live(down=down))
    for verdict in verdicts:
        created.update(verdict)
    return created


def render(screen: Dashboard, width: int, height: int) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, markup=False)
    console.print(screen)
    return cast("io.StringIO", console.file).getvalue()


@pytest.mark.parametrize("width", [40, 60, 80, 109, 110, 200])
@pytest.mark.parametrize("height", [10, 24, 60])
def test_the_dashboard_fits_and_shows_identities(width: int, height: int) -> None:
    text = render(dashboard(make_verdict(1, person="Ada"), make_verdict(2)), width, height)
    assert max(map(len, text.splitlines())) <= width
    for word in ("Ada", "unknown", "Ctrl-C ends"):
        assert word in text
    # Drops and latency are shown in every size.
    assert "5" in text
    assert "20 / 41 ms" in text


def test_a_wide_terminal_shows_all_columns() -> None:
    text = render(dashboard(make_verdict(1, person="Ada"), make_verdict(2)), 160, 40)
    for word in ("door.mcap", "97 %", "9.5 s", "below the threshold", "Ben [/b]"):
        assert word in text


def test_the_best_so_far_is_shown_only_where_it_differs() -> None:
    named = render(dashboard(make_verdict(1, person="Ada")), 120, 30)
    assert named.count("Ada") == 1
    assert "Ben [/b]" in render(dashboard(make_verdict(2)), 120, 30)


@pytest.mark.parametrize("width", [80, 110])
def test_the_whole_reason_is_shown(width: int) -> None:
    reason = (
        "score is below the threshold; provisional: the threshold rests on 5 enrolled people of this site"
    )
    text = render(dashboard(make_verdict(1, reason=reason)), width, 40)
    shown = "".join(line.rstrip(" │").rpartition("│")[2].strip() for line in text.splitlines())
    assert reason.replace(" ", "") in shown.replace(" ", "")


def test_a_terminal_without_unicode_gets_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Console(file=file, width=100, height=30, markup=False).print(dashboard(make_verdict(1, person="Ada")))
    file.flush()
    file.buffer.seek(0)
    shown = file.buffer.read().decode("ascii")
    assert "+--" in shown
    assert "Ada" in shown


def test_a_resized_terminal_is_cleared_and_keeps_who_passed_before() -> None:
    file = io.StringIO()
    console = Console(file=file, width=100, height=30, force_terminal=True, markup=False)
    live = simulated_live()
    with DashboardOutput(live, console) as output:
        output.write_event(make_left(1, person="Ada"))
        output.write(make_verdict(2))
        console.size = ConsoleDimensions(60, 20)
        file.truncate(file.seek(0))
        output.refresh()
        shown = file.getvalue()
    assert shown.startswith("\x1b[2J")
    assert shown.count("Ada") == 1
    assert "People in view" in shown


def test_many_people_do_not_hide_the_processes() -> None:
    text = render(dashboard(*(make_verdict(n) for n in range(1, 101))), 100, 24)
    assert len(text.splitlines()) <= 24
    assert "more" in text
    assert "5 dropped" in text


def test_a_final_verdict_removes_the_track() -> None:
    screen = dashboard(make_verdict(1, person="Ada"), make_verdict(1, person="Ada", final=True))
    assert "Ada" not in render(screen, 100, 24)


def test_processes_are_shown_with_camera_and_cpu_time() -> None:
    text = render(dashboard(make_verdict(1)), 160, 40)
    for word in ("HD Webcam (webcam 0), 640 x 480", "CPU", "0%"):
        assert word in text


@pytest.mark.parametrize("height", [10, 24, 60])
@pytest.mark.parametrize("width", [40, 80, 160])
def test_a_source_that_is_down_is_shown_with_the_reason(width: int, height: int) -> None:
    reason = "its stream stopped"
    text = render(dashboard(*(make_verdict(n) for n in range(1, 31)), down=reason), width, height)
    assert "rtsp://cam/1 is down: its strea" in text
    assert len(text.splitlines()) <= height
    assert max(map(len, text.splitlines())) <= width


def test_a_gallery_that_cannot_be_read_is_shown_with_the_reason() -> None:
    text = render(Dashboard(simulated_live(gallery="the gallery g.db is gone")), 100, 30)
    assert "the gallery g.db is gone" in text
    assert "is gone" not in render(Dashboard(simulated_live()), 100, 30)


def test_an_overload_is_shown_with_what_to_do() -> None:
    text = "overloaded: 1,120 windows dropped: use fewer sources, or a GPU"
    assert text in render(Dashboard(simulated_live(overload=text)), 100, 30)
    assert "overloaded" not in render(Dashboard(simulated_live()), 100, 30)


def test_drops_are_counted_across_restarts() -> None:
    def heartbeat(state: str, **counters: float) -> Status:
        return Status("capture", 0, state, counters)

    child = Child("capture", 0, lambda child: msgspec.defstruct("Nothing", [])())
    child.record_heartbeat(heartbeat("ready", frames_dropped=4, windows_dropped=1))
    child.record_heartbeat(heartbeat("failed"))
    assert child.dropped == 5
    child.start(lambda line: None)
    assert child.dropped == 5
    child.record_heartbeat(heartbeat("ready", frames_dropped=2, windows_dropped=0, frames=9))
    child.record_heartbeat(heartbeat("done", cpu=1.0))
    assert child.dropped == 7
    assert child.dropped_items("windows_dropped") == 1
    child.request_stop()
    child.wait(time.monotonic() + 60)
