"""A tilted sensor through the real processes: people who were enrolled before a level one are still named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream.recording import RecordingWriter, read_recording
from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, record

pytestmark = pytest.mark.slow

PEOPLE = {"Ada": 1, "Ben": 2}


def tilt(level: Path, target: Path, degrees: float) -> Path:
    """Writes a recording as a sensor that is pitched by so much gives it."""
    a = np.radians(degrees)
    turn = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]], np.float32)
    with read_recording(level) as frames, RecordingWriter(target, frames.info) as writer:
        for frame in frames:
            bodies = tuple(replace(body, joints=body.joints @ turn.T) for body in frame.bodies)
            writer.write(replace(frame, bodies=bodies))
    return target


def walk_of(number: int, walk: int, target: Path) -> Path:
    return record(f"walkers:n=2,seed=7,seconds=8,live=0,walk={walk},only={number}", target)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with two simulated people, enrolled before a level sensor."""
    folder = tmp_path_factory.mktemp("tilt")
    for name, number in PEOPLE.items():
        enrol_recordings(folder / "g.db", name, walk_of(number, 1, folder / f"{name}.mcap"))
    return Program(folder / "g.db", folder / "run")


def test_people_are_named_before_a_sensor_that_is_tilted(program: Program, tmp_path: Path) -> None:
    sources: list[str] = []
    for name, number in PEOPLE.items():
        level = walk_of(number, 2, tmp_path / f"level {name}.mcap")
        for degrees in (-20, 20):
            sources += ["--source", str(tilt(level, tmp_path / f"{name} {degrees}.mcap", degrees))]
    done = program.run(*sources, "--speed", "0", "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    finals = [line for line in lines if line["final"]]
    named = {(Path(line["source"]).stem.split()[0], line["person"]) for line in finals}
    assert len(finals) == 2 * len(PEOPLE)
    assert named == {(name, name) for name in PEOPLE}
