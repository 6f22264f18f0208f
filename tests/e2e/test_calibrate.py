"""`sge-stream calibrate`: its report, recordings of strangers, and a running system that follows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, record


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings of one simulated person each."""
    folder = tmp_path_factory.mktemp("walks")
    options = "n=4,seed=11,seconds=8,live=0"
    found = {
        f"{name}{walk}": record(f"walkers:{options},only={n},walk={walk}", folder / f"{name}{walk}.mcap")
        for n, name in enumerate(("ada", "ben", "cy"), 1)
        for walk in (1, 2)
    }
    (folder / "strangers").mkdir()
    found["stranger"] = record(f"walkers:{options},only=4", folder / "strangers" / "dan.mcap")
    return found


@pytest.fixture(scope="module")
def program(walks: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with three people enrolled, Cy from one walk."""
    gallery = tmp_path_factory.mktemp("gallery") / "g.db"
    for name, sources in (("Ada", ("ada1", "ada2")), ("Ben", ("ben1", "ben2")), ("Cy", ("cy1",))):
        enrol_recordings(gallery, name, *(walks[source] for source in sources))
    return Program(gallery, tmp_path_factory.mktemp("run"))


def report(program: Program, *options: str) -> dict[str, Any]:
    done = program.run("calibrate", "--json", *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_report_says_who_is_compared_and_what_is_missing(program: Program) -> None:
    done = program.run("calibrate")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        "simulated: 3 people, 5 walks; 5 walks compared with the other people, 0 strangers\n"
        "  thresholds rest on 3 enrolled people\n"
        "  highest score for another person: "
    )
    assert "Cy: one walk only on simulated" in done.stdout
    assert "Ada: one walk" not in done.stdout
    assert "Ada: one view only on simulated: side" in done.stdout
    (sensor,) = report(program)["sensors"]
    assert sensor["lowest_genuine"]["name"] in {"Ada", "Ben"}
    assert [rate["missed"] for rate in sensor["rates"]] == [0.0, 0.0, 0.0]
    assert sensor["confused"] == []


def test_strangers_count_until_they_are_forgotten(program: Program, walks: dict[str, Path]) -> None:
    folder = str(walks["stranger"].parent)
    assert report(program, "--strangers", folder)["sensors"][0]["strangers"] == 1
    assert report(program)["sensors"][0]["strangers"] == 1
    given = (str(walks[name]) for name in ("stranger", "cy2", "stranger"))
    again = report(program, *(word for path in given for word in ("--strangers", path)))
    assert again["sensors"][0]["strangers"] == 2
    (note,) = again["notes"]
    assert note.startswith(f"{walks['cy2']} would be named as Cy (score ")
    assert report(program, "--forget-strangers")["sensors"][0]["strangers"] == 0


def test_a_running_system_follows(program: Program, walks: dict[str, Path]) -> None:
    source = "walkers:n=1,seed=11,only=1,walk=3"
    with program.start("--source", source, "--json") as system:
        line = system.line()
        while line["state"] != "person":
            line = system.line()
        assert line["calibration"] == "3 enrolled people"
        report(program, "--strangers", str(walks["stranger"]))
        while line["calibration"] == "3 enrolled people":
            line = system.line()
        assert line["calibration"] == "3 enrolled people and 1 stranger"
        system.interrupt()
        system.rest()
    report(program, "--forget-strangers")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--strangers", "{missing}"), "--strangers: there is no file {missing}"),
        (("--strangers", "{empty}"), "--strangers: {empty} holds no recordings (.mcap)"),
        (("--strangers", "{walk}", "--forget-strangers"), "leave --forget-strangers out"),
        (("--strangers", "walkers:n=1"), "--strangers: there is no file walkers:n=1"),
        (("--gallery", "{missing}"), "there is no gallery {missing}"),
    ],
)
def test_wrong_input_is_named_and_changes_nothing(
    program: Program, walks: dict[str, Path], tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"missing": tmp_path / "none.mcap", "empty": tmp_path / "empty", "walk": walks["cy2"]}
    done = program.run("calibrate", *(option.format(**places) for option in options))
    assert done.returncode == 2, done.stdout
    assert message.format(**places) in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_a_gallery_without_people_says_so(program: Program, tmp_path: Path, walks: dict[str, Path]) -> None:
    gallery = str(tmp_path / "g.db")
    enrol_recordings(Path(gallery), "Ada", walks["ada1"])
    alone = program.run("calibrate", "--gallery", gallery)
    assert "simulated: 1 person, 1 walk; 0 walks compared" in alone.stdout
    assert "thresholds rest on other sites only" in alone.stdout
    assert program.run("people", "remove", "Ada", "--yes", "--gallery", gallery).returncode == 0
    done = program.run("calibrate", "--gallery", gallery)
    assert (done.returncode, done.stdout) == (0, "nobody is enrolled: sge-stream enroll NAME\n")
    stranger = ("--strangers", str(walks["stranger"]))
    refused = program.run("calibrate", "--gallery", gallery, *stranger)
    assert refused.returncode == 2
    assert "nobody is enrolled on simulated; enrol people on it first" in refused.stderr
