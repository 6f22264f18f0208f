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


def test_the_person_of_foreign_recordings_is_recognised(enrolled: Program, cases_dir: Path) -> None:
    cases = [str(cases_dir / f"{name}.mcap") for name in ("origin_joints", "sequence0", "extra_topic")]
    unchunked = str(cases_dir / "unchunked.mcap")  # shows somebody else
    sources = [word for path in (*cases, unchunked) for word in ("--source", path)]
    done = enrolled.run(*sources, "--speed", "0", "--json")
    assert done.returncode == 0, done.stderr
    last = {line["source"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert last.keys() == {*cases, unchunked}
    assert all(line["final"] for line in last.values())
    for case in cases:
        assert last[case]["person"] == "P101"
        assert last[case]["score"] > 3.0


@pytest.mark.parametrize("command", ["watch", "convert", "record"])
def test_a_recording_in_millimetres_is_refused_with_the_cause(command: str, tmp_path: Path) -> None:
    program = Program(tmp_path / "g.db", tmp_path / "run")
    path = str(rewrite(tmp_path / "mm.mcap", joints=lambda joints: joints * 1000))
    out = str(tmp_path / "out.mcap")
    arguments = {
        "watch": ("--source", path, "--speed", "0", "--json"),
        "convert": ("convert", path, out),
        "record": ("record", out, "--source", path, "--speed", "0"),
    }
    done = program.run(*arguments[command])
    assert done.returncode == 2
    assert "its coordinates look like millimetres; those of a recording are metres" in done.stderr
    assert not Path(out).exists()
