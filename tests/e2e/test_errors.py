"""Invalid input: one sentence on stderr, exit status 2, and no data lost."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from gallery.store.gallery import open_gallery
from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, read_frames, record


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walk")
    return record("walkers:n=1,seed=4,seconds=6,live=0", folder / "walk.mcap")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "g.db", tmp_path / "run")


def refused(program: Program, *arguments: str) -> str:
    """Returns the error message of a command that exits with 2; checks that no socket is left."""
    done = program.run(*arguments)
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    assert not (program.runtime.is_dir() and list(program.runtime.iterdir()))
    lines = [line for line in done.stderr.splitlines() if not line.startswith("encoder: ")]
    return " ".join(lines)


def corrupted(walk: Path, target: Path) -> Path:
    raw = bytearray(walk.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    target.write_bytes(raw)
    return target


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("kinect", "needs Windows"),
        ("999", "webcam 999 not found"),
        (
            "rtsp://me:secret@127.0.0.1:9/1",
            "rtsp://127.0.0.1:9/1 could not be opened: check the address, its user",
        ),
        (
            "rtsp://me:secret/@camera/1",
            "has an @ after its host; in a user name or password write @ as %40",
        ),
        ("none.mp4", "file none.mp4 not found"),
        ("nonsense", "possible: simulated people (walkers:n=4), "),
        ("none.mcap", "file none.mcap not found"),
        ("walkers:n=0", "n"),
        ("walkers:people=3", "people"),
        ("walkers:n=2#t=5,2", "#t=5,2"),
        ("walkers:n=2#t=1", "endless"),
    ],
)
def test_a_source_that_cannot_be_opened(program: Program, source: str, message: str) -> None:
    sentence = refused(program, "--source", source, "--json")
    assert message in sentence
    assert "secret" not in sentence


def test_no_source_suggests_the_demo(program: Program) -> None:
    assert "sge-stream demo" in refused(program)


def test_a_file_of_another_format_is_refused_at_the_start(program: Program, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.mcap"
    foreign.write_bytes(b"GIF89a" + bytes(1000))
    assert "foreign.mcap" in refused(program, "--source", str(foreign), "--json")


def test_a_truncated_recording_is_processed_to_its_end(program: Program, walk: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mcap"
    raw = walk.read_bytes()
    cut.write_bytes(raw[: len(raw) * 2 // 3])
    done = program.run("--source", str(cut), "--speed", "0", "--json")
    assert done.returncode == 2
    assert "is truncated after" in done.stderr
    assert "sge-stream convert" in done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["final"]
    assert lines[-1]["t"] > 2
    enrolled = program.run("enroll", "Ada", "--source", str(cut), "--speed", "0", "--yes")
    assert enrolled.returncode == 0
    assert "warning: " in enrolled.stderr and "is truncated after" in enrolled.stderr
    assert "Ada is enrolled" in enrolled.stdout
    repaired = tmp_path / "repaired.mcap"
    assert program.run("convert", str(cut), str(repaired)).returncode == 0
    kept = [frame.time_ns for frame in read_frames(repaired)]
    assert kept == [frame.time_ns for frame in read_frames(walk)][: len(kept)]
    assert kept[-1] / 1e9 == pytest.approx(lines[-1]["t"], abs=0.2)


def test_a_corrupt_recording_is_processed_up_to_the_damage_and_does_not_stop_another(
    program: Program, walk: Path, tmp_path: Path
) -> None:
    bad = corrupted(walk, tmp_path / "bad.mcap")
    done = program.run("--source", str(bad), "--source", str(walk), "--speed", "0", "--json")
    assert done.returncode == 2
    assert "bad.mcap" in done.stderr
    assert "Traceback" not in done.stderr
    finals = {line["source"]: line for line in map(json.loads, done.stdout.splitlines()) if line["final"]}
    last = list(read_frames(walk))[-1].time_ns / 1e9
    assert finals[str(walk)]["t"] == pytest.approx(last, abs=0.2)
    assert 0 < finals[str(bad)]["t"] < last


def test_enrolling_from_a_corrupt_recording_stores_nothing(
    program: Program, walk: Path, tmp_path: Path
) -> None:
    bad = corrupted(walk, tmp_path / "bad.mcap")
    assert "bad.mcap" in refused(program, "enroll", "Ada", "--source", str(bad), "--speed", "0", "--yes")
    assert "there is no gallery" in refused(program, "people", "list")


def test_enrolling_is_refused_with_a_reason(program: Program, walk: Path, tmp_path: Path) -> None:
    sources = ("--source", str(walk), "--speed", "0")
    assert "pass --yes" in refused(program, "enroll", "Ada", *sources)
    assert "--seconds: expected 1.5 to 3600" in refused(program, "enroll", "Ada", *sources, "--seconds", "1")
    assert "empty" in refused(program, "enroll", " ", *sources, "--yes")
    assert "no running system" in refused(program, "enroll", "Ada", "--yes")
    short = ("--source", f"{walk}#t=0,2", "--speed", "0", "--yes")
    assert "at least 3 s are needed" in refused(program, "enroll", "Ada", *short)
    enrol_recordings(tmp_path / "g.db", "Ada", walk)
    assert "ada is enrolled already" in refused(program, "enroll", "ada", *sources, "--yes")


def test_a_file_that_is_no_gallery_is_refused_and_unchanged(program: Program, tmp_path: Path) -> None:
    foreign = tmp_path / "notes.db"
    with sqlite3.connect(foreign) as db:
        db.execute("create table notes (text)")
    db.close()
    text = tmp_path / "text.db"
    text.write_text("dear diary")
    for path in (foreign, text):
        before = hashlib.sha256(path.read_bytes()).hexdigest()
        for command in (("people", "list"), ("--source", "walkers:n=1", "--json")):
            assert str(path) in refused(program, *command, "--gallery", str(path))
        assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_a_locked_gallery_is_reported(program: Program, walk: Path, tmp_path: Path) -> None:
    with open_gallery(str(tmp_path / "g.db")):
        pass
    with sqlite3.connect(tmp_path / "g.db") as db:
        db.execute("begin exclusive")
        sentence = refused(program, "enroll", "Ada", "--source", str(walk), "--speed", "0", "--yes")
        assert "g.db" in sentence
    db.close()


def test_an_unwritable_folder_is_reported(program: Program, walk: Path) -> None:
    # Not even root can create files in /proc.
    enrol = ("enroll", "Ada", "--source", str(walk), "--speed", "0", "--yes")
    assert "/proc/g.db" in refused(program, *enrol, "--gallery", "/proc/g.db")
    assert "/proc/w.mcap" in refused(program, "record", "/proc/w.mcap", "--source", str(walk), "--speed", "0")
    assert "/proc" in refused(program, "convert", str(walk), "/proc/w.mcap")


def test_an_impossible_path_is_reported(program: Program, walk: Path, tmp_path: Path) -> None:
    inside_a_file = walk / "g.db"
    live = ("--source", str(walk), "--json")
    assert str(inside_a_file) in refused(program, *live, "--gallery", str(inside_a_file))
    target = walk / "w.mcap"
    assert str(walk) in refused(program, "record", str(target), "--source", str(walk), "--speed", "0")
    assert str(walk) in refused(program, "convert", str(walk), str(target))
    too_long = "x" * 300
    for command in (
        (*live, "--encoder", too_long),
        ("people", "list", "--gallery", too_long),
        ("convert", str(walk), f"{too_long}.mcap"),
        ("convert", too_long, "out.mcap"),
    ):
        assert "xxx... cannot be accessed (" in refused(program, *command)


def test_existing_files_are_not_overwritten(program: Program, walk: Path) -> None:
    before = walk.read_bytes()
    refused(program, "record", str(walk), "--source", "walkers:n=1,seconds=1,live=0")
    refused(program, "convert", str(walk), str(walk))
    assert walk.read_bytes() == before


def test_a_person_who_is_not_enrolled_is_reported(program: Program, tmp_path: Path) -> None:
    with open_gallery(str(tmp_path / "g.db")):
        pass
    for command in (
        ("show", "Eve"),
        ("rename", "Eve", "Ada", "--yes"),
        ("remove", "Eve", "--yes"),
    ):
        assert "Eve" in refused(program, "people", *command)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--source", "walkers:n=1", "--fpir", "2"), "--fpir: expected off or a rate between 0 and 1"),
        (("--source", "walkers:n=1", "--speed", "-1"), "--speed: expected 0 or more"),
        (("--source", "walkers:n=1", "--device", "abacus"), "abacus"),
        (("--source", "walkers:n=1", "--gallery", "mysql://a:secret@b/c"), "mysql"),
        (("--config", "none.toml"), "cannot read the config none.toml"),
        (("--gallery", "x.db", "people", "list"), "go after its name"),
        (("people", "list"), "there is no gallery"),
        (("people", "remove", "Eve", "--yes"), "there is no gallery"),
        (("record", "w.txt", "--source", "walkers:n=1"), "expected a recording named *.mcap"),
        (("record", "w.mcap", "--source", "walkers:n=1", "--seconds", "0"), "--seconds"),
        (("record", "w.mcap", "--source", "walkers:n=1", "--source", "walkers:n=2"), "one source"),
        (("--source", "walkers:n=1", "--view", ""), "--view: expected a folder or a port number"),
        (("fly",), "fly"),
        (("--wings",), "wings"),
    ],
)
def test_invalid_arguments(program: Program, arguments: tuple[str, ...], message: str) -> None:
    sentence = refused(program, *arguments)
    assert message in sentence
    assert "secret" not in sentence


def test_debug_shows_the_traceback(program: Program) -> None:
    done = program.run("--debug", "--source", "nonsense")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
