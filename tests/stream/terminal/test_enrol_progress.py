"""What is shown while a person is enrolled."""

from __future__ import annotations

import io
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stream.bus.messages import Verdict
from stream.terminal.enrol_progress import EnrolProgress, WatchedWalk, what_counts
from stream.windows.cutting import WindowProblem
from stream.windows.window_advice import ADVICE, advise
from tests.documentation.documents import ROOT
from tests.stream.terminal.verdicts import note, verdict, watched


def shown(walk: WatchedWalk, line: str = "", *, terminal: bool = True, end: bool = False) -> str:
    """Everything that is written for one source, without control codes."""
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=100, color_system=None, legacy_windows=False)
    with EnrolProgress([walk], console) as progress:
        progress.update([line])
        if end:
            progress.end()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", file.getvalue())


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ((), "nobody is in view"),
        ((verdict(1, 1.0, 0.9),), "track 1 walks"),
        ((verdict(1, 1.0, 0.9), verdict(1, 1.0, 0.9, final=True)), "nobody is in view"),
        ((note(1, 1.0, "standing still"),), "track 1 does not count: standing still (walk)"),
        ((note(1, 1.0, "too far away"),), "track 1 does not count: too far away (come nearer)"),
        ((note(1, 1.0, "sitting"), verdict(2, 1.0, 0.9)), "track 2 walks"),
        ((note(1, 1.0, "sitting"), verdict(1, 2.0, 0.3)), "track 1 walks"),
    ],
)
def test_why_nothing_counts_is_said(verdicts: tuple[Verdict, ...], expected: str) -> None:
    assert what_counts(watched(*verdicts)) == expected


def test_a_person_who_is_not_the_given_track_is_said() -> None:
    assert what_counts(watched(verdict(2, 1.0, 0.9), track=3)) == "track 3 is not in view; in view: 2"


def test_a_source_without_a_frame_or_that_is_down_is_said() -> None:
    assert what_counts(watched(), frames=False) == "waiting for the first frame of door"
    assert what_counts(watched(), outage="door sent nothing for 2 s") == "door is down: sent nothing for 2 s"


def test_the_line_is_under_the_bar() -> None:
    text = shown(watched(note(1, 1.0, "feet not seen")), "track 1 does not count: feet not seen")
    assert re.search(r"0\.0 of 10 s  0 %.*\n  track 1 does not count: feet not seen", text)


@pytest.mark.parametrize(
    ("seconds", "asked", "expected"),
    [
        (0.0, 10.0, "0.0 of 10 s  0 %"),
        (9.96, 10.0, "9.9 of 10 s  99 %"),
        (10.0, 10.0, "10.0 of 10 s  100 %"),
        (12.3, 10.0, "10.0 of 10 s  100 %"),
        (2.5, 5.0, "2.5 of 5 s  50 %"),
        (7.9, None, "7.9 s  quality 90%"),
    ],
)
def test_the_bar_is_full_when_what_was_asked_for_is_there(
    seconds: float, asked: float | None, expected: str
) -> None:
    assert expected in shown(watched(verdict(1, seconds, seconds), asked=asked))


@given(seconds=st.floats(0, 60), asked=st.floats(1.5, 60))
def test_100_percent_is_shown_exactly_when_enough_was_seen(seconds: float, asked: float) -> None:
    text = shown(watched(verdict(1, seconds, seconds), asked=asked))
    assert (" 100 %" in text) == (seconds >= asked - 1e-9)


def test_the_bar_is_of_the_passage_that_is_seen_now() -> None:
    two = (verdict(1, 6.0, 6.0), verdict(1, 6.0, 6.0, final=True), verdict(2, 9.0, 1.0))
    assert "1.0 of 10 s  10 %" in shown(watched(*two))
    assert "100 %" in shown(watched(verdict(1, 12.0, 11.0), *two[1:]))


def test_without_a_terminal_each_cause_is_one_line() -> None:
    file = io.StringIO()
    walk = watched()
    with EnrolProgress([walk], Console(file=file, width=100)) as progress:
        for each in (note(1, 1.0, "sitting"), note(1, 2.0, "sitting"), note(1, 3.0, "half hidden")):
            walk.observer.update(each)
            progress.update([what_counts(walk)])
    written = [line for line in file.getvalue().splitlines() if "does not count" in line]
    assert written == [
        "track 1 does not count: sitting (walk upright)",
        "track 1 does not count: half hidden (clear the view, or turn)",
    ]


def test_a_name_in_brackets_is_shown_as_it_is() -> None:
    walks = [watched(), WatchedWalk(1, "[red]x.mcap", 10.0, watched().observer)]
    file = io.StringIO()
    with EnrolProgress(walks, Console(file=file, width=100, force_terminal=True)) as progress:
        progress.update(["", ""])
    assert "[red]x.mcap" in file.getvalue()


def causes() -> set[str]:
    """All causes why a track has no windows, as the types name them."""
    found: set[str] = set()
    todo = list(get_args(WindowProblem))
    while todo:
        each = todo.pop()
        if isinstance(each, str):
            found.add(each)
        else:
            todo += get_args(each)
    return found


def test_every_cause_has_advice_and_is_in_the_documentation() -> None:
    assert set(ADVICE) == causes()
    assert advise("too few frames: 4.0 a second, at least 5 are needed").endswith(
        "(raise the frame rate of the source)"
    )
    page = (ROOT / "docs" / "identification.md").read_text(encoding="utf-8")
    assert all(f"| `{cause}` |" in page for cause in ADVICE)
