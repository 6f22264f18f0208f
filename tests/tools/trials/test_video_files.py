"""The trial of video files: its table, from the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools.trials.video_files import FORMATS


@pytest.mark.slow
def test_no_whole_file_is_called_cut_off_and_cut_ones_are() -> None:
    command = [sys.executable, "-m", "tools.trials.video_files", "--cuts", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [
        [cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line
    ]
    assert [row[0] for row in rows] == list(FORMATS)
    assert {row[3] for row in rows} == {"no"}
    assert all(sum(map(int, row[4:7])) == 2 for row in rows)
    without_length = {"browser.webm", "fragments.mp4", "television.ts", "windows.wmv"}
    assert {row[0] for row in rows if row[4] == "0" and row[5] == "0"} <= without_length
