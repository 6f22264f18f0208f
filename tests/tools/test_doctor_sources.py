"""What the doctor says of sources."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from tests.stream.fake_k4a import azure_kinect
from tests.stream.fake_kinect import kinect_machine
from tests.stream.sensors import walkers
from tools.doctor import examine


def told(*sources: str) -> tuple[int, str]:
    """The exit status and what is printed, as one line."""
    text = io.StringIO()
    code = examine(None, sources=sources, out=Console(file=text, width=400))
    return code, " ".join(text.getvalue().split())


def test_it_says_what_a_kinect_lacks_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.sources.kinect.pykinect._system", lambda: "Linux")
    code, text = told("kinect")
    assert code == 1
    assert "source kinect │ broken │ a Kinect v2 needs Windows" in text


def test_it_gives_the_install_line_of_an_azure_kinect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pykinect_azure", None)
    code, text = told("k4a")
    assert code == 1
    assert "pip install --no-deps pykinect-azure" in text


def test_it_waits_for_a_sensors_first_frame() -> None:
    with kinect_machine() as machine, azure_kinect() as azure:
        machine.sensor.show(*walkers(0, "kinect-v2"))
        azure.show()
        code, text = told("kinect", "k4a")
    assert code == 0
    assert "source kinect │ works │ Kinect v2, 1.20 m above the floor; the first frame came" in text
    assert "people in it: 2" in text
    assert "source k4a │ works │ Azure Kinect 000123456789; the first frame came" in text


def test_a_part_without_frames_is_no_good_source() -> None:
    code, text = told("walkers:n=1,seconds=1#t=5,6")
    assert code == 1 and "broken" in text and "has no frame from 5 s to 6 s" in text
    code, text = told("walkers:n=3,seconds=1")
    assert code == 0 and "simulated; the first frame came" in text and "people in it: 3" in text


def test_a_password_is_not_shown() -> None:
    _, text = told("rtsp://ann:hunter2@cam/1")
    assert "hunter2" not in text and "source rtsp://..." in text
