"""The doctor's findings about sources."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from stream.body import Image
from stream.sources.camera.quiet_opencv import cv2
from tests.stream.sources.camera_streams import network_camera, number_of
from tests.stream.sources.fake_k4a import azure_kinect
from tests.stream.sources.fake_kinect import kinect_machine
from tests.stream.sources.sensors import walkers
from tools.doctor.examine import examine


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Returns the working directory of the test, which receives the pictures."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_doctor(*sources: str) -> tuple[int, str]:
    """Returns the exit status and the printed text as one line."""
    text = io.StringIO()
    code = examine(None, sources=sources, out=Console(file=text, width=600))
    return code, " ".join(text.getvalue().split())


def read_picture(picture: Path) -> Image:
    assert picture.read_bytes().startswith(b"\x89PNG")
    return np.asarray(cv2.imread(str(picture)), np.uint8)


def test_it_reports_what_a_kinect_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.sources.kinect.pykinect._system", lambda: "Linux")
    code, text = run_doctor("kinect")
    assert code == 1
    assert "source kinect │ broken │ a Kinect v2 needs Windows" in text


def test_it_reports_how_to_install_the_azure_kinect_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pykinect_azure", None)
    code, text = run_doctor("k4a")
    assert code == 1
    assert "pip install --no-deps pykinect-azure" in text


def test_a_link_in_the_place_of_its_picture_leads_nowhere(folder: Path) -> None:
    (other := folder / "other").write_bytes(b"precious")
    (folder / "doctor-1.png").symlink_to(other)
    code, text = run_doctor("walkers:n=1")
    assert code == 0, text
    assert other.read_bytes() == b"precious"
    assert not (folder / "doctor-1.png").is_symlink() and read_picture(folder / "doctor-1.png").size


@pytest.mark.slow
def test_it_waits_for_a_sensors_first_frame() -> None:
    with kinect_machine() as machine, azure_kinect() as azure:
        machine.sensor.show(*walkers(0, "kinect-v2"))
        azure.show()
        code, text = run_doctor("kinect", "k4a")
    assert code == 0
    assert "source kinect │ works │ Kinect v2, 1.20 m above the floor; the first frame came" in text
    assert "people in view: 2" in text
    assert "source k4a │ works │ Azure Kinect 000123456789; the first frame came" in text


def test_a_source_without_frames_is_broken(folder: Path) -> None:
    code, text = run_doctor("walkers:n=1,seconds=1#t=5,6")
    assert code == 1 and "broken" in text and "has no frame from 5 s to 6 s" in text
    code, text = run_doctor("walkers:n=3,seconds=1")
    assert code == 0 and "simulated; the first frame came" in text and "people in view: 3" in text
    assert f"picture: {folder / 'doctor-1.png'}" in text
    assert read_picture(folder / "doctor-1.png").shape == (480, 640, 3)


def test_it_draws_a_camera_image_with_people(folder: Path) -> None:
    with network_camera() as camera:
        camera.show()
        camera.show(*walkers(0, "mediapipe"))
        code, text = run_doctor("walkers:n=1", f"http://ann:hunter2@127.0.0.1:{camera.port}/cam?hunter2")
    assert code == 0
    assert f"source http://127.0.0.1:{camera.port}/cam │ works │" in text
    assert "people in view: 2; picture: " in text and "hunter2" not in text
    assert number_of(read_picture(folder / "doctor-2.png")) == 1, "it did not wait for a person in view"


def test_a_picture_that_cannot_be_written_is_reported(folder: Path) -> None:
    (folder / "doctor-1.png").mkdir()
    code, text = run_doctor("walkers:n=1")
    assert code == 1 and "cannot write the picture" in text and "with --out" in text


def test_a_password_is_not_shown() -> None:
    _, text = run_doctor("rtsp://ann:hunter/2@cam/1")
    assert "hunter" not in text and "source rtsp://..." in text
