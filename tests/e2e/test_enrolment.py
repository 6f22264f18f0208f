"""Enrolling the same person twice, adding walks and merging names, with the real processes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from gallery.store.gallery import open_gallery
from stream.body import Body, BodyFrame, SourceInfo
from stream.recording.writer import RecordingWriter
from tests.e2e.enrolled import enrol_recordings, identified
from tests.e2e.program import Program, record, record_two
from tests.stream.bodies import at_rate, walking


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings of two simulated people; of Ada two more, and one that shows both."""
    folder = tmp_path_factory.mktemp("walks")
    again = {
        f"ada{number}": record(
            f"walkers:n=2,seed=11,seconds=8,live=0,only=1,walk={number}", folder / f"ada{number}.mcap"
        )
        for number in (2, 3)
    }
    return record_two(folder, seconds=8) | again


@pytest.fixture
def program(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program with a new gallery."""
    return Program(tmp_path / "g.db", tmp_path_factory.mktemp("run"))


@pytest.fixture
def knowing_ada(program: Program, walks: dict[str, Path]) -> Program:
    """The program with Ada enrolled, from her first walk."""
    enrol_recordings(Path(program.environment["SGE_GALLERY"]), "Ada", walks["ada"])
    return program


def enrol(program: Program, *words: str | Path) -> CompletedProcess[str]:
    first, *others = map(str, words)
    command = ("people", "add-walk") if first == "add-walk" else ("enroll", first)
    return program.run(*command, *others, "--yes")


def enrolled(program: Program, *words: str | Path) -> CompletedProcess[str]:
    done = enrol(program, *words)
    assert done.returncode == 0, done.stderr
    return done


def refused(program: Program, *words: str | Path) -> str:
    done = enrol(program, *words)
    assert done.returncode == 2, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def finals(program: Program, recording: Path) -> list[dict[str, Any]]:
    done = program.run("--source", str(recording), "--speed", "0", "--json")
    assert done.returncode == 0, done.stderr
    return [line for line in map(json.loads, done.stdout.splitlines()) if line["final"]]


def walk_count(program: Program, name: str) -> int:
    shown = program.run("people", "show", name)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout.count("simulated")


def test_nobody_is_enrolled_twice_and_two_names_of_one_person_are_merged(
    knowing_ada: Program, walks: dict[str, Path], tmp_path: Path
) -> None:
    program = knowing_ada
    again = refused(program, "Eve", "--source", walks["ada2"])
    assert "is recognised as Ada: score " in again
    assert ", threshold " in again
    assert "sge-stream people add-walk Ada --source S" in again
    assert "--force" in again
    copy = shutil.copy(walks["ada"], tmp_path / "copy.mcap")
    forced = enrolled(program, "Eve", "--source", copy, "--force")
    assert "warning: walk 1 (track 1 of " in forced.stderr
    assert "made the gallery" not in forced.stdout, "it was there"
    (tied,) = finals(program, walks["ada3"])
    assert (tied["state"], tied["person"]) == ("unknown", None)
    assert tied["reason"] == "two people fit equally well: Ada and Eve"

    merged = program.run("people", "merge", "Ada", "Eve", "--yes")
    assert merged.returncode == 0, merged.stderr
    assert merged.stdout == "Ada has all walks of Eve, 2 in all; the name Eve is erased\n"
    assert identified(Path(program.environment["SGE_GALLERY"]), walks["ada3"]) == {1: "Ada"}
    assert walk_count(program, "Ada") == 2


def test_walks_are_added_to_their_person_only(knowing_ada: Program, walks: dict[str, Path]) -> None:
    program = knowing_ada
    enrol_recordings(Path(program.environment["SGE_GALLERY"]), "Ben", walks["ben"])
    assert "no person named Cleo is enrolled" in refused(
        program, "add-walk", "Cleo", "--source", walks["ada2"]
    )
    assert "is recognised as Ada" in refused(program, "add-walk", "Ben", "--source", walks["ada2"])
    assert "is a recording that Ada was enrolled from" in refused(
        program, "add-walk", "Ada", "--source", f"{walks['ada']}#t=2,7"
    )
    done = enrolled(program, "add-walk", "ada", "--source", walks["ada2"], "--source", walks["ada3"])
    assert "fits Ada: score " in done.stdout
    assert "Ada has 2 more walks, " in done.stdout
    assert program.run("visits", "--json").stdout == "", "an enrolment is no visit"
    assert walk_count(program, "Ada") == 3
    assert walk_count(program, "Ben") == 1


def test_one_enrolment_needs_different_recordings_of_one_person(
    program: Program, walks: dict[str, Path]
) -> None:
    twice = ("--source", walks["ada"], "--source", f"{walks['ada']}#t=1,8")
    assert "are one recording, or overlap" in refused(program, "Ada", *twice)
    mixed = enrolled(program, "Ada", "--source", walks["ada"], "--source", walks["ben"])
    assert "contradict each other" in mixed.stderr
    assert f"track 2 of {walks['ben']}" in mixed.stderr


def test_a_given_track_leaves_the_walks_of_the_other_sources(
    program: Program, walks: dict[str, Path]
) -> None:
    sources = ("--source", walks["both"], "--source", walks["ada"])
    assert "no walking track 9; walking tracks: 1, 3" in refused(program, "Ada", *sources, "--track", "9")
    done = enrolled(program, "Ada", *sources, "--track", "1")
    assert "Ada is enrolled: 2 walks" in done.stdout
    assert "warning" not in done.stderr
    several = enrolled(program, "Ben", "--source", walks["both"], "--track", "2", "--track", "1", "--force")
    assert "Ben is enrolled: 2 walks" in several.stdout
    assert "contradict each other" in several.stderr


def record_standing(path: Path) -> Path:
    """A recording of a person who stands before the sensor for 5 s."""
    times = at_rate(30, 5)
    info = SourceInfo(path.name, "simulated", "kinect-v1", live=False, finite=True)
    with RecordingWriter(path, info) as writer:
        for time_ns, body in zip(times.tolist(), walking(times, swing=0.0), strict=True):
            writer.write(BodyFrame(time_ns, (Body(1, body, np.ones(20, np.float32)),)))
    return path


def test_why_nothing_of_a_file_counted_is_said(program: Program, tmp_path: Path) -> None:
    standing = record_standing(tmp_path / "standing.mcap")
    done = program.run("enroll", "Ada", "--source", str(standing), "--yes")
    assert done.returncode == 2
    assert re.search(
        r"no person walked in full view; at least 3 s are needed; "
        r"not counted: standing still \(walk\) for about [45] s\. No person was enrolled",
        done.stderr,
    )


def test_why_nothing_counts_is_shown_under_the_bar_on_a_terminal(program: Program, tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("needs a pseudo-terminal")
    import pty

    standing = record_standing(tmp_path / "standing.mcap")
    command = ("enroll", "Ada", "--source", str(standing), "--speed", "1", "--seconds", "4", "--yes")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "stream", *command],
        env=program.environment | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        text = read_terminal(ours)
    assert process.returncode == 2
    assert re.search(
        r"0\.0 of 4 s  0 %[^\n]*\n[^\n]*track 1 does not count: standing still \(walk\)",
        text.replace("\r", ""),
    )


def read_terminal(terminal: int) -> str:
    """Returns all that a program writes on a pseudo-terminal until it ends."""
    parts = []
    with open(terminal, "rb", buffering=0) as file, contextlib.suppress(OSError):  # Linux: EIO at its end
        while part := file.read(65536):
            parts.append(part)
    return b"".join(parts).decode()


def test_several_people_in_a_file_are_listed_with_the_command_that_takes_one(
    program: Program, walks: dict[str, Path]
) -> None:
    text = refused(program, "Ada", "--source", walks["ada"], "--source", walks["both"])
    assert f"two people are in view of {walks['both']} at " in text
    for track in (2, 4):
        assert re.search(rf"track {track} \(\d\.\d s of walking, from \d\.\d to \d\.\d s\)", text)
    listing = f"sge-stream enroll --list --source {walks['ada']} --source {walks['both']}"
    assert f"`{listing}` draws each, and the same command with --track 2 or --track 4 takes one" in text


def test_a_track_of_the_list_is_enrolled_by_its_number(
    program: Program, walks: dict[str, Path], tmp_path: Path
) -> None:
    done = program.run("enroll", "--list", "--source", str(walks["both"]), "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"\u2502 (\d) +\u2502 (\d\.\d) s ", done.stdout)
    assert [track for track, _ in rows] == ["1", "2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["track-1.png", "track-2.png"]
    ((_, seconds),) = rows[1:]
    stored = enrolled(program, "Ben", "--source", walks["both"], "--track", "2")
    assert f"Ben is enrolled: 1 walk, {seconds} s of usable walking" in stored.stdout


def test_people_one_after_the_other_under_one_body_id_are_not_enrolled_as_one(
    program: Program, cases_dir: Path, tmp_path: Path
) -> None:
    case = cases_dir / "two_visitors_one_id.mcap"
    shown = program.run("enroll", "--list", "--source", str(case), folder=tmp_path)
    assert re.findall(r"\u2502 (\d) +\u2502 (\d\.\d) s ", shown.stdout) == [("1", "8.4"), ("2", "4.9")]
    assert "several tracks walked one after the other" in refused(program, "Ada", "--source", case)
    assert "1 walk, 8.4 s" in enrolled(program, "Ada", "--source", case, "--track", "1").stdout


def record_camera(path: Path, seed: int, model: str, *, towards: bool) -> Path:
    """A recording of a camera's skeletons: a person walks 4 s towards the sensor, or away from it."""
    times = at_rate(30, 4)
    joints = walking(times) * np.float32(1 + 0.1 * seed)
    distances = (7 if towards else 2) + (-1.2 if towards else 1.2) * times / 1e9
    joints += np.random.default_rng(seed).normal(0, 0.003, joints.shape).astype(np.float32)
    joints[..., 2] += (distances - 3)[:, None].astype(np.float32)
    info = SourceInfo(path.name, "camera", "kinect-v1", live=False, finite=True, pose_model=model)
    with RecordingWriter(path, info) as writer:
        for time_ns, body in zip(times.tolist(), joints, strict=True):
            writer.write(BodyFrame(time_ns, (Body(1, body, np.ones(20, np.float32)),)))
    return path


def test_views_and_the_pose_model_are_kept_and_what_is_missing_is_said(
    program: Program, tmp_path: Path
) -> None:
    ada = record_camera(tmp_path / "ada.mcap", 0, "lite", towards=True)
    back = record_camera(tmp_path / "back.mcap", 0, "lite", towards=False)
    ben = record_camera(tmp_path / "ben.mcap", 1, "full", towards=False)
    assert (
        "on camera, Ada is enrolled walking towards the sensor; if people pass so, also enrol walking away "
        "from the sensor and across the sensor's view: `sge-stream people add-walk Ada --source S`\n"
    ) in enrolled(program, "Ada", "--source", ada).stdout
    done = enrolled(program, "Ben", "--source", ben)
    assert (
        "warning: walks of Ada on camera were enrolled with the pose model lite, and this run uses full"
        in (done.stderr)
    )
    added = enrolled(program, "add-walk", "Ada", "--source", back, "--force")  # the bones of the first
    assert "also enrol walking across the sensor's view: " in added.stdout
    shown = program.run("people", "show", "Ada").stdout
    assert [word in shown for word in ("towards", "away", "lite", "full")] == [True, True, True, False]
    with open_gallery(program.environment["SGE_GALLERY"]) as gallery:
        walks = [(walk.pose_model, walk.view) for walk in gallery.person("Ada").enrolments]
        assert walks == [("lite", "towards"), ("lite", "away")]
        assert [(walk.pose_model, walk.view) for walk in gallery.person("Ben").enrolments] == [
            ("full", "away")
        ]


def test_a_track_of_the_running_system_is_enrolled_once(program: Program) -> None:
    with program.start("--source", "walkers:n=2,seed=11", "--json") as system:
        while system.line()["t"] < 4:
            pass
        assert program.run("enroll", "Cleo", "--track", "2", "--yes").returncode == 0
        # Immediately, so that the matcher may not have read the gallery again, and later.
        first = program.run("enroll", "Dora", "--track", "2", "--yes")
        assert first.returncode == 2
        assert "track 2 was enrolled as Cleo already (score " in first.stderr
        while not ((line := system.line())["track"] == 2 and line["person"] == "Cleo"):
            assert line["t"] < 60
        later = program.run("enroll", "Dora", "--track", "2", "--yes")
        assert "track 2 was enrolled as Cleo already" in later.stderr
        assert "is recognised as" not in program.run("enroll", "Ada", "--track", "1", "--yes").stderr
        added = program.run("people", "add-walk", "Cleo", "--track", "1", "--yes")
        assert added.returncode == 2
        assert "track 1 was enrolled as Ada already" in added.stderr


def test_a_pass_that_is_too_short_is_said_while_a_live_source_is_watched(program: Program) -> None:
    source = ("--source", "walkers:n=1,seed=7,seconds=6")
    done = program.run("enroll", "Ada", *source, "--seconds", "10", "--yes")
    assert done.returncode == (0 if "Ada is enrolled" in done.stdout else 2)
    assert re.search(r"track 1 left after \d\.\d s of the 10 s asked for", done.stderr)
    assert re.search(r"end with Ctrl-C and give --seconds \d(\.5)?\n", done.stderr)


def test_a_removal_whose_bytes_could_not_be_erased_ends_with_status_1(
    knowing_ada: Program,
) -> None:
    database = knowing_ada.environment["SGE_GALLERY"]
    with closing(sqlite3.connect(database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM person").fetchall()
        done = knowing_ada.run("people", "remove", "Ada", "--yes")
    assert done.returncode == 1
    assert done.stdout == "Ada is removed\n"
    assert "the removed data is still in the database" in done.stderr
    assert "no person is enrolled" in knowing_ada.run("people", "list").stdout
