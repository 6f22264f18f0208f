"""The Azure Kinect source, with a fake pykinect_azure."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stream.errors import SourceError
from stream.sources import open_source
from stream.sources.k4a import missing, parse_k4a
from stream.sources.k4a.k4a_device import K4aDevice
from stream.sources.k4a.sdk import K4aConfig, load_libraries
from stream.sources.live_source import LiveSource
from tests.stream.sources.fake_k4a import FAILED, FakeAzureKinect, azure_kinect
from tests.stream.sources.sensors import walkers

LONG = 60.0


@pytest.fixture
def sensor() -> Iterator[FakeAzureKinect]:
    with azure_kinect() as fake:
        yield fake


@pytest.fixture
def device(sensor: FakeAzureKinect) -> Iterator[K4aDevice]:
    device = K4aDevice(load_libraries(K4aConfig()), K4aConfig())
    yield device
    device.close()
    assert sensor.held == [], "all handles are released"


def failure(spec: str = "k4a") -> str:
    """Returns the error of opening or reading a source."""
    with pytest.raises(SourceError) as caught:
        source = open_source(spec)
        try:
            source.read(LONG)
        finally:
            source.close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_units_and_axes_are_converted(device: K4aDevice, sensor: FakeAzureKinect) -> None:
    people = walkers(0, "azure-kinect")
    sensor.show(*people)
    frame = device.read(LONG)
    assert frame is not None
    assert [body.id for body in frame.bodies] == [1, 2]
    for body, person in zip(frame.bodies, people, strict=True):
        states = np.array(person.states)
        assert (body.confidence == states / 2).all()
        assert body.joints[states > 0] == pytest.approx(person.joints[states > 0], abs=1e-6)
        assert np.isnan(body.joints[states == 0]).all()


def test_highest_confidence_is_one(device: K4aDevice, sensor: FakeAzureKinect) -> None:
    person, _ = walkers(0, "azure-kinect")
    sensor.show(type(person)(4, person.joints, (3,) * 32))
    frame = device.read(LONG)
    assert frame is not None
    assert frame.bodies[0].confidence.tolist() == [1.0] * 32


def test_times_are_by_the_sensors_clock(device: K4aDevice, sensor: FakeAzureKinect) -> None:
    times = []
    for number in range(4):
        sensor.show(*walkers(number, "azure-kinect"))
        frame = device.read(LONG)
        assert frame is not None
        times.append(frame.time_ns)
    assert [later - earlier for earlier, later in pairwise(times)] == [33_333_000] * 3


def test_only_the_depth_camera_is_used(device: K4aDevice, sensor: FakeAzureKinect) -> None:
    sensor.show()
    assert device.read(LONG) is not None
    assert (sensor.settings.color_resolution, sensor.settings.depth_mode) == (0, 2)
    assert device.ready
    assert device.description == "Azure Kinect 000123456789"


def test_unplugged_sensor_raises(device: K4aDevice, sensor: FakeAzureKinect) -> None:
    sensor.unplug()
    with pytest.raises(SourceError, match=r"was it unplugged\?"):
        device.read(LONG)


def test_options_reach_the_libraries(sensor: FakeAzureKinect, tmp_path: Path) -> None:
    library = tmp_path / "libk4a.so"
    library.touch()
    sensor.count = 2
    source = open_source(f"k4a:device=1,mode=directml,k4a={library}")
    assert isinstance(source, LiveSource)
    assert source.info.name == f"k4a:device=1,mode=directml,k4a={library}"
    sensor.show()
    assert source.read(LONG) is not None
    assert sensor.paths == (str(library), None)
    assert sensor.config.processing_mode == 4
    source.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "-1"}, "a whole number from 0 to 15, not '-1'"),
        ({"device": "16"}, "a whole number from 0 to 15"),
        ({"mode": "abacus"}, "one of auto, gpu, cpu, cuda, tensorrt, directml, not 'abacus'"),
        ({"k4abt": "none.so"}, "file none.so not found"),
        ({"speed": "2"}, "no option 'speed'; possible options: device, mode, k4a, k4abt"),
    ],
)
def test_invalid_options_are_rejected(options: dict[str, str], message: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_k4a(options)
    assert message in str(caught.value)


# Common failures: each message says what to do.


def test_missing_package_shows_the_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pykinect_azure", None)
    assert "pip install --no-deps pykinect-azure" in failure()
    assert missing() == failure()


def test_nothing_is_missing_on_a_complete_machine(sensor: FakeAzureKinect) -> None:
    assert missing() == ""


@pytest.mark.parametrize(
    ("prints", "message"),
    [
        ("Failed to load library|libk4a.so: cannot open", "k4a did not load (libk4a.so: cannot open)"),
        ("Failed to load body tracker library|libk4abt.so: no", "k4abt did not load (libk4abt.so: no)"),
        ("Compatible Azure Kinect SDK not found.", "Azure Kinect Sensor SDK 1.4"),
        ("Kinect Body Tracking is not implemented yet in ARM.", "does not support ARM processors"),
    ],
)
def test_printed_message_before_exit_is_reported(
    prints: str, message: str, sensor: FakeAzureKinect, capsys: pytest.CaptureFixture[str]
) -> None:
    sensor.prints = prints
    assert message in failure()
    assert capsys.readouterr() == ("", "")
    assert "print" not in vars(sys.modules["pykinect_azure.k4a._k4a"])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("libonnxruntime.so.1.10.0: cannot open"), "onnxruntime did not load (libonnxruntime.so"),
        (AttributeError("undefined symbol: k4abt_x"), "pykinect_azure 0.0.4 does not support these versions"),
    ],
)
def test_library_that_does_not_load_is_reported(
    error: Exception, message: str, sensor: FakeAzureKinect
) -> None:
    sensor.load_error = error
    assert message in failure()


@pytest.mark.parametrize("error", [None, AttributeError("'NoneType' object"), OSError("access violation")])
def test_tracker_that_does_not_start_suggests_another_mode(
    error: Exception | None, sensor: FakeAzureKinect
) -> None:
    sensor.create_result, sensor.create_error = FAILED, error
    assert "k4a:mode=cpu" in failure()
    assert sensor.held == []


def test_missing_busy_and_unpowered_sensors_have_different_errors(sensor: FakeAzureKinect) -> None:
    sensor.start_result = FAILED
    assert "depth camera did not start" in failure()
    sensor.open_result = FAILED
    assert "close other programs" in failure()
    sensor.count = 0
    assert "Azure Kinect 0 not found, 0 connected" in failure()
    assert sensor.held == []
