from __future__ import annotations

from pathlib import Path

import numpy as np
from typer import Typer
from typer.testing import CliRunner

from tests.stream.sources.videos import video_eyes, write_video
from tools.trials.video_tracking import Trial, breaks, leaps, run, swaps

RED, BLUE = np.array([50, 60, 40], np.float32), np.array([50, 10, -50], np.float32)


def trial() -> Trial:
    return Trial(size=(640, 480), rate=10.0)


def walk(trial: Trial, body: int, numbers: range, start: float, step: float, clothes: np.ndarray) -> None:
    """Somebody 40 pixels wide and 120 high, who moves by `step` pixels a frame."""
    for number in numbers:
        x, way = start + step * number, trial.ways[body]
        way.boxes[number] = (x - 20, 200, x + 20, 320)
        way.torsos[number] = np.array([[x - 8, 220], [x + 8, 220], [x + 6, 260], [x - 6, 260]], np.float32)
        way.clothes[number] = clothes


def test_a_track_that_ends_within_the_picture_and_goes_on_under_another_id_is_broken() -> None:
    broken = trial()
    walk(broken, 1, range(0, 20), 200, 2, RED)
    walk(broken, 2, range(25, 40), 200, 2, RED)
    assert breaks(broken) == 1
    left = trial()
    walk(left, 1, range(0, 20), 580, 2, RED)  # to the picture's edge
    walk(left, 2, range(25, 40), 590, 0, RED)
    assert breaks(left) == 0
    late = trial()
    walk(late, 1, range(0, 20), 200, 2, RED)
    walk(late, 2, range(60, 80), 200, 2, RED)
    assert breaks(late) == 0


def test_a_torso_that_jumps_leaps() -> None:
    steady = trial()
    walk(steady, 1, range(0, 20), 100, 5, RED)
    assert leaps(steady) == 0
    walk(steady, 1, range(10, 20), 160, 5, RED)
    assert leaps(steady) == 1


def test_clothes_tell_a_swap_from_a_crossing() -> None:
    crossing, swapped = trial(), trial()
    for where, after_one, after_other in ((crossing, RED, BLUE), (swapped, BLUE, RED)):
        walk(where, 1, range(0, 30), 100, 6, RED)
        walk(where, 2, range(0, 30), 400, -6, BLUE)
        walk(where, 1, range(30, 60), 100, 6, after_one)
        walk(where, 2, range(30, 60), 400, -6, after_other)
    assert swaps(crossing) == (1, 0)
    assert swaps(swapped) == (1, 1)


def test_the_command_reports_and_draws(tmp_path: Path) -> None:
    app = Typer()
    app.command()(run)
    video, picture = write_video(tmp_path / "walk.avi", frames=10), tmp_path / "walk.png"
    with video_eyes():
        result = CliRunner().invoke(app, [str(video), "--model", "lite", "--picture", str(picture)])
    assert result.exit_code == 0
    assert "lite: 10 frames, 640 x 480, 10 a second" in result.output
    assert "2 tracks" in result.output
    assert picture.read_bytes().startswith(b"\x89PNG")
    refused = CliRunner().invoke(app, [str(tmp_path / "none.mp4")])
    assert refused.exit_code == 2
    assert "trial_video: there is no file" in refused.output
