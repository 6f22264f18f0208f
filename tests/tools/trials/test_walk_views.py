"""Views of recorded walks, compared with those that the data set states."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools.trials import walk_views


@pytest.mark.slow
def test_every_walk_of_the_videos_is_recorded_with_the_view_that_the_file_states(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["walk_views", str(data_dir)])
    with pytest.raises(SystemExit) as ended:
        walk_views.main()
    assert ended.value.code == 0
    away, towards = (line.split() for line in capsys.readouterr().out.splitlines() if "\u2502" in line)
    assert (away[1], away[-3:-1]) == ("away", ["away:", "165"])
    assert (towards[1], towards[-3:-1]) == ("towards", ["towards:", "162"])


def test_a_missing_file_is_said_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["walk_views", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        walk_views.main()
    assert ended.value.code == 2
    assert walk_views.VIDEOS in capsys.readouterr().err
