"""Counts of tracking errors, and the report of the video trial."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from typer import Typer
from typer.testing import CliRunner

from stream.body import FloatArray
from tests.stream.sources.videos import video_pose_pipeline, write_video
from tools.trials.video_tracking import (
    VideoTracks,
    count_fragmentations,
    count_identity_switches,
    count_jumps,
    run,
)

RED, BLUE = np.array([50, 60, 40], np.float32), np.array([50, 10, -50], np.float32)


def empty_tracks() -> VideoTracks:
    return VideoTracks(size=(640, 480), rate=10.0)


def walk(
    tracked: VideoTracks, body: int, numbers: range, start: float, step: float, colour: FloatArray
) -> None:
    """Adds a person 40 pixels wide and 120 high who moves by `step` pixels per frame."""
    for number in numbers:
        x, track = start + step * number, tracked.tracks[body]
        track.boxes[number] = (x - 20, 200, x + 20, 320)
        track.torsos[number] = np.array([[x - 8, 220], [x + 8, 220], [x + 6, 260], [x - 6, 260]], np.float32)
        track.colours[number] = colour


def test_a_track_that_ends_inside_the_image_and_continues_under_another_id_is_a_fragmentation() -> None:
    fragmented = empty_tracks()
    walk(fragmented, 1, range(0, 20), 200, 2, RED)
    walk(fragmented, 2, range(25, 40), 200, 2, RED)
    assert count_fragmentations(fragmented) == 1
    left = empty_tracks()
    walk(left, 1, range(0, 20), 580, 2, RED)  # to the image's edge
    walk(left, 2, range(25, 40), 590, 0, RED)
    assert count_fragmentations(left) == 0
    late = empty_tracks()
    walk(late, 1, range(0, 20), 200, 2, RED)
    walk(late, 2, range(60, 80), 200, 2, RED)
    assert count_fragmentations(late) == 0


def test_a_torso_that_moves_far_between_frames_is_a_jump() -> None:
    steady = empty_tracks()
    walk(steady, 1, range(0, 20), 100, 5, RED)
    assert count_jumps(steady) == 0
    walk(steady, 1, range(10, 20), 160, 5, RED)
    assert count_jumps(steady) == 1


def test_torso_colours_distinguish_an_identity_switch_from_a_crossing() -> None:
    crossing, switched = empty_tracks(), empty_tracks()
    for where, after_one, after_other in ((crossing, RED, BLUE), (switched, BLUE, RED)):
        walk(where, 1, range(0, 30), 100, 6, RED)
        walk(where, 2, range(0, 30), 400, -6, BLUE)
        walk(where, 1, range(30, 60), 100, 6, after_one)
        walk(where, 2, range(30, 60), 400, -6, after_other)
    assert count_identity_switches(crossing) == (1, 0)
    assert count_identity_switches(switched) == (1, 1)


def test_the_command_reports_and_draws(tmp_path: Path) -> None:
    app = Typer()
    app.command()(run)
    video, picture = write_video(tmp_path / "walk.avi", frames=10), tmp_path / "walk.png"
    with video_pose_pipeline():
        result = CliRunner().invoke(app, [str(video), "--model", "lite", "--picture", str(picture)])
    assert result.exit_code == 0
    assert "lite: 10 frames, 640 x 480, 10 per second" in result.output
    assert "2 tracks" in result.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    refused = CliRunner().invoke(app, [str(tmp_path / "none.mp4")])
    assert refused.exit_code == 2
    assert refused.output.startswith("video_tracking: file ")
