"""Video files through the command line, with the real models: cut off, damaged, and a walk to enrol."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.e2e.program import Program, read_frames
from tests.stream.sources.videos import shorten_times, write_damaged_video, write_timed_video
from tools.trials.video_files import FRONT, VideoFormat

SENTENCE = "cut.mp4 is cut off after 0."


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path / "g.db", tmp_path / "run")


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 3 s that broke off in its first second, with its index at the front."""
    times, form = [n / 10 for n in range(31)], VideoFormat(container=FRONT, encoder={"g": "1"})
    path = write_timed_video(tmp_path_factory.mktemp("video") / "cut.mp4", times, form)
    raw = path.read_bytes()
    index = raw.index(b"mdat")
    assert raw.index(b"moov") < index
    path.write_bytes(raw[: index + (len(raw) - index) // 3])
    return path


def test_record_keeps_what_is_there_and_says_that_it_is_not_all(
    program: Program, cut: Path, tmp_path: Path
) -> None:
    target = tmp_path / "cut.mcap"
    done = program.run("record", str(target), "--source", str(cut), "--speed", "0")
    assert (done.returncode, done.stdout) == (2, "")
    assert SENTENCE in done.stderr and "#t=,0." in done.stderr
    assert 3 < len(list(read_frames(target))) < 12


def test_enrolling_says_that_the_video_is_cut_off(program: Program, cut: Path) -> None:
    done = program.run("enroll", "Ada", "--source", str(cut), "--speed", "0", "--yes")
    assert done.returncode == 2
    assert f"warning: {cut.parent}/{SENTENCE}" in done.stderr
    assert "no person walked in full view" in done.stderr


def test_watching_says_once_what_is_wrong_with_each_video(
    program: Program, cut: Path, tmp_path: Path
) -> None:
    rough = rough_times(tmp_path / "walk.mkv")
    damaged = write_damaged_video(tmp_path / "walk.avi")
    sources = [word for path in (cut, rough, damaged) for word in ("--source", str(path))]
    done = program.run(*sources, "--speed", "0", "--json")
    assert done.returncode == 2, done.stderr  # of the video that is cut off
    for said in (SENTENCE, GUESSED, damaged_remark(damaged)):
        assert done.stderr.count(said) == 1
    assert "Traceback" not in done.stderr


GUESSED = "picture n is taken to be at n / 25 s, the rate of its header"


def rough_times(path: Path) -> Path:
    """Writes a video whose times are coarser than its pictures."""
    form = VideoFormat(unit=Fraction(1, 1000), rate=25)
    write_timed_video(path, [n / 25 for n in range(10)], form)
    shorten_times(path)
    return path


def damaged_remark(video: Path) -> str:
    return f"{video}: pictures that were damaged or not in order of time, and not used: 1"


def test_recording_a_whole_video_says_what_was_wrong_and_succeeds(program: Program, tmp_path: Path) -> None:
    rough, damaged = rough_times(tmp_path / "walk.mkv"), write_damaged_video(tmp_path / "walk.avi")
    for video, remark in ((rough, GUESSED), (damaged, damaged_remark(damaged))):
        done = program.run("record", f"{video}.mcap", "--source", str(video), "--speed", "0")
        assert done.returncode == 0, done.stderr
        assert done.stderr.count(remark) == 1


def test_a_walker_from_the_side_is_enrolled_with_the_view_and_the_pose_model(
    program: Program, walker_film: Path
) -> None:
    done = program.run(
        "enroll", "Ada", "--source", f"{walker_film}:model=lite", "--track", "2", "--speed", "0", "--yes"
    )
    assert done.returncode == 0, done.stderr
    assert (
        "on camera, Ada is enrolled walking across the sensor's view; if people pass so, also enrol walking "
        "towards the sensor and away from the sensor: "
    ) in done.stdout
    assert "camera: side" in program.run("people", "list").stdout
    (row,) = [line for line in program.run("people", "show", "Ada").stdout.splitlines() if "camera" in line]
    assert [cell.strip() for cell in row.split("\u2502")[5:7]] == ["camera, lite", "side"]
