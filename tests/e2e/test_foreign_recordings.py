"""Recordings of other programs through the real processes: the same person, or the reason why not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program
from tests.stream.recording.test_conventions import rewrite

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def enrolled(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with person 101 of KGBD enrolled, from walks 1 and 2."""
    folder = tmp_path_factory.mktemp("enrolled")
    program = Program(folder / "g.db", folder / "run")
    walks: list[Path] = []
    for walk in ("1", "2"):
        target = folder / f"{walk}.mcap"
        kgbd = str(data_dir / "kgbd_kinect1_20j.npz")
        done = program.run("convert", kgbd, str(target), "--person", "101", "--walk", walk)
        assert done.returncode == 0, done.stderr
        walks.append(target)
    enrol_recordings(folder / "g.db", "P101", *walks)
    return program


@pytest.mark.parametrize("case", ["origin_joints", "sequence0", "extra_topic"])
def test_the_person_of_a_foreign_recording_is_recognised(
    case: str, enrolled: Program, cases_dir: Path
) -> None:
    done = enrolled.run("--source", str(cases_dir / f"{case}.mcap"), "--speed", "0", "--json")
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["final"]
    assert last["person"] == "P101"
    assert last["score"] > 3.0


def test_a_recording_without_chunks_is_replayed(enrolled: Program, cases_dir: Path) -> None:
    done = enrolled.run("--source", str(cases_dir / "unchunked.mcap"), "--speed", "0", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["final"]


@pytest.mark.parametrize("command", ["watch", "enroll", "convert", "record"])
def test_a_recording_in_millimetres_is_refused_with_the_cause(command: str, tmp_path: Path) -> None:
    program = Program(tmp_path / "g.db", tmp_path / "run")
    path = str(rewrite(tmp_path / "mm.mcap", joints=lambda joints: joints * 1000))
    out = str(tmp_path / "out.mcap")
    arguments = {
        "watch": ("--source", path, "--speed", "0", "--json"),
        "enroll": ("enroll", "Ada", "--source", path, "--speed", "0", "--yes"),
        "convert": ("convert", path, out),
        "record": ("record", out, "--source", path, "--speed", "0"),
    }
    done = program.run(*arguments[command])
    assert done.returncode == 2
    assert "its coordinates look like millimetres; those of a recording are metres" in done.stderr
    assert not Path(out).exists()
