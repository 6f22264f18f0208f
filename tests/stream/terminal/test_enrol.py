"""Settings of an enrolment."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.errors import SourceError
from stream.terminal.enrol import enrol_settings


@pytest.mark.parametrize(
    ("sources", "given", "speed"),
    [
        (("walk.mcap",), None, 0.0),
        (("walk.mcap", "walk.mp4"), None, 0.0),
        (("walk.mcap",), 1.0, 1.0),
        (("walkers:n=1,live=0,seconds=8",), None, 0.0),
        # It drops frames like a sensor, so it runs in real time.
        (("walk.mcap", "walkers:n=1"), None, 1.0),
        (("walkers:n=1",), 2.0, 2.0),
        (("kinect", "walk.mcap"), None, 0.0),
        (None, None, 0.0),
    ],
)
def test_files_are_read_as_fast_as_possible_unless_a_speed_is_given(
    sources: tuple[str, ...] | None, given: float | None, speed: float
) -> None:
    assert enrol_settings(sources, speed=given).speed == speed


def test_an_impossible_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is not a source"):
        enrol_settings(["walkers2"])
