"""The history of visits by the real processes: kept, judged, reviewed; strangers remembered and enrolled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, record_two


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return record_two(tmp_path_factory.mktemp("walks"), seconds=8)


@pytest.fixture
def program(walks: dict[str, Path], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with a gallery that holds Ada, who walks in all recordings; Ben is a stranger."""
    enrol_recordings(tmp_path / "g.db", "Ada", walks["ada"])
    return Program(tmp_path / "g.db", tmp_path_factory.mktemp("run"))


def output(program: Program, *arguments: str) -> str:
    done = program.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ends(program: Program, recording: Path, *options: str) -> list[dict[str, Any]]:
    """Watches a recording; returns the ends of its visits, that of the identified person first."""
    run = ("watch", "--source", str(recording), "--speed", "0", "--json", "--events", "visits")
    lines = [json.loads(line) for line in output(program, *run, *options).splitlines()]
    left = [line for line in lines if line["event"] == "left"]
    return sorted(left, key=lambda each: each["outcome"])


def stored(program: Program) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output(program, "visits", "--json").splitlines()]


def test_visits_are_stored_without_anything_of_a_strangers_walk(
    program: Program, walks: dict[str, Path]
) -> None:
    known, unknown = ends(program, walks["both"])
    found = {each["visit"]: each for each in stored(program)}
    assert (found[known["visit"]]["person"], found[known["visit"]]["kept"]) == ("Ada", True)
    assert (found[unknown["visit"]]["outcome"], found[unknown["visit"]]["kept"]) == ("unknown", False)
    assert (unknown["visitor"], found[unknown["visit"]]["visitor"]) == (None, None)
    shown = output(program, "visits", "show", unknown["visit"])
    assert "the score of the best candidate is below the threshold" in shown
    assert "Ada" in shown
    assert "1 visit of unknown people not compared" in output(program, "visits", "review")
    done = program.run("people", "adopt", "visitor 1", "Ben", "--yes")
    assert done.returncode == 2
    assert "no visitor 1 is known" in done.stderr
    ends(program, walks["both"], "--history", "0")
    assert len(stored(program)) == 2


def test_a_stranger_keeps_an_id_and_can_be_enrolled(program: Program, walks: dict[str, Path]) -> None:
    remember = ("--remember-strangers", "7d")
    first = ends(program, walks["ben"], *remember)[0]
    _, again = ends(program, walks["both"], *remember)
    assert (first["visitor"], again["visitor"]) == ("visitor 1", "visitor 1")
    assert "2 earlier visits of visitor 1" in output(program, "people", "adopt", "visitor 1", "Ben", "--yes")
    assert {end["person"] for end in ends(program, walks["both"])} == {"Ada", "Ben"}


def test_watching_makes_no_gallery(tmp_path: Path, walks: dict[str, Path]) -> None:
    program = Program(tmp_path / "none" / "g.db", tmp_path / "run")
    (left,) = ends(program, walks["ben"], "--remember-strangers", "7d")
    assert (left["outcome"], left["visitor"]) == ("unknown", None)
    assert not (tmp_path / "none").exists()
