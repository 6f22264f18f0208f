"""The Kinect v2 source: the original pykinect2 over a fake library."""

from __future__ import annotations

import ctypes
import importlib
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stream.body import Body
from stream.errors import SourceError
from stream.skeleton import LAYOUTS
from stream.sources import open_source
from stream.sources.kinect import pykinect
from stream.sources.kinect.kinect_device import KinectDevice
from stream.sources.kinect.pykinect import load_pykinect2
from stream.sources.live_source import LiveSource
from tests.stream.sources.fake_kinect import (
    FIRST_ID,
    FakeKinect,
    FakeMachine,
    forget_pykinect2,
    kinect_machine,
    windows,
)
from tests.stream.sources.sensors import walkers

LONG = 60.0


@pytest.fixture(scope="module")
def machine() -> Iterator[FakeMachine]:
    with kinect_machine() as machine:
        yield machine


@pytest.fixture
def sensor(machine: FakeMachine) -> FakeKinect:
    machine.sensor = FakeKinect()
    return machine.sensor


@pytest.fixture
def device(sensor: FakeKinect) -> Iterator[KinectDevice]:
    device = KinectDevice(load_pykinect2())
    yield device
    device.close()


def test_layout_equals_that_of_the_sdk(machine: FakeMachine) -> None:
    constants = vars(load_pykinect2().constants)
    names = {
        value: name.removeprefix("JointType_") for name, value in constants.items() if "JointType_" in name
    }
    assert tuple(names[joint] for joint in range(25)) == LAYOUTS["kinect-v2"].joints
    assert (names[25], len(names)) == ("Count", 26)


def test_bodies_equal_what_the_sensor_saw(device: KinectDevice, sensor: FakeKinect) -> None:
    people = walkers(0, "kinect-v2", FIRST_ID)
    before = time.perf_counter_ns()
    sensor.show(*people)
    frame = device.read(LONG)
    assert frame is not None
    assert before <= frame.time_ns <= time.perf_counter_ns()
    assert [body.id for body in frame.bodies] == [FIRST_ID, FIRST_ID + 1]
    for body, person in zip(frame.bodies, people, strict=True):
        states = np.array(person.states)
        assert (body.confidence == states / 2).all()
        assert (body.joints[states > 0] == person.joints[states > 0]).all()
        assert np.isnan(body.joints[states == 0]).all()


def test_frame_without_people_is_delivered(device: KinectDevice, sensor: FakeKinect) -> None:
    sensor.show()
    frame = device.read(LONG)
    assert frame is not None and frame.bodies == ()


def test_joint_with_infinite_coordinates_is_not_seen(device: KinectDevice, sensor: FakeKinect) -> None:
    person, _ = walkers(0, "kinect-v2")
    person.joints[3, 1] = -np.inf
    sensor.show(person)
    frame = device.read(LONG)
    assert frame is not None
    assert frame.bodies[0].confidence[3] == 0 and np.isnan(frame.bodies[0].joints[3]).all()
    assert frame.bodies[0].confidence[4] == 1


def test_last_floor_is_kept(device: KinectDevice, sensor: FakeKinect) -> None:
    assert (device.floor, device.description) == (None, "Kinect v2, floor not seen")
    for floor in ((0.0, 1.0, 0.01, 1.2), (0.0, 0.0, 0.0, 0.0), (0.0, 0.1, 1.0, 2.0)):  # none, and a wall
        sensor.floor = floor
        sensor.show()
        assert device.read(LONG) is not None
        assert device.floor == pytest.approx((0.0, 1.0, 0.01, 1.2))
    assert device.description == "Kinect v2, 1.20 m above the floor"


def test_skeletons_of_a_tilted_sensor_are_level(device: KinectDevice, sensor: FakeKinect) -> None:
    level = walkers(0, "kinect-v2", FIRST_ID)
    sensor.show(*level)
    expected = read_bodies(device)
    angle = np.radians(20)
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), np.sin(angle)], [0, -np.sin(angle), np.cos(angle)]])
    sensor.floor = (0.0, float(np.cos(angle)), -float(np.sin(angle)), 1.2)
    for frames in range(8):
        if frames == 7:  # one wrong plane does not matter
            sensor.floor = (0.5, 0.8, 0.1, 0.4)
        sensor.show(
            *(replace(person, joints=(person.joints @ tilt.T).astype(np.float32)) for person in level)
        )
        bodies = read_bodies(device)
    for body, upright in zip(bodies, expected, strict=True):
        assert np.allclose(body.joints, upright.joints, atol=1e-4, equal_nan=True)
        assert (body.confidence == upright.confidence).all()
    assert device.description == "Kinect v2, 0.40 m above the floor, tilted by 20 degrees"


def read_bodies(device: KinectDevice) -> tuple[Body, ...]:
    frame = device.read(LONG)
    assert frame is not None
    return frame.bodies


def test_stopped_driver_raises(device: KinectDevice, sensor: FakeKinect) -> None:
    sensor.crash()
    with pytest.raises(SourceError, match=r"driver stopped \(OSError: the handle is invalid\)"):
        device.read(LONG)


def test_sensor_that_does_not_open_is_reported(sensor: FakeKinect) -> None:
    sensor.plugged = False
    source = open_source("kinect")
    with pytest.raises(SourceError, match=r"could not be opened \(OSError: no Kinect is connected\).*USB 3"):
        source.read(0)
    source.close()


def test_closed_sensor_can_be_opened_again(sensor: FakeKinect) -> None:
    for number in (1, 2):
        source = open_source("kinect")
        sensor.show(*walkers(number, "kinect-v2"))
        assert source.read(LONG) is not None
        assert sensor.connections == number
        source.close()


# Each defect of the package: without its patch, the symptom is the one that the module's docstring states.


@pytest.fixture
def unpatched(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMachine]:
    with windows(monkeypatch) as machine:
        yield machine


def test_import_fails_without_the_sizeof_patch(unpatched: FakeMachine) -> None:
    with pytest.raises(AssertionError, match=r"^\d+$"):  # 80 on Windows, other than 72 everywhere
        importlib.import_module("pykinect2.PyKinectV2")


def test_import_fails_with_the_sizeof_of_ctypes_patched_only(
    unpatched: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # comtypes re-exports its own reference to sizeof.
    monkeypatch.setattr(ctypes, "sizeof", pykinect._sizeof)
    with pytest.raises(AssertionError, match=r"^\d+$"):
        importlib.import_module("pykinect2.PyKinectV2")


def test_import_fails_without_the_version_patch(
    unpatched: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["comtypes"], "sizeof", pykinect._sizeof)
    with pytest.raises(ImportError, match="Wrong version"):
        importlib.import_module("pykinect2.PyKinectV2")


def test_import_patches_are_reverted(unpatched: FakeMachine) -> None:
    before = ctypes.sizeof, sys.modules["comtypes"]._check_version
    constants = load_pykinect2().constants
    assert (ctypes.sizeof, sys.modules["comtypes"]._check_version) == before
    assert constants.sizeof is ctypes.sizeof
    assert ctypes.sizeof(constants.tagSTATSTG) != 72
    assert "object" not in vars(np) and "clock" not in vars(time)


def runtime_module() -> Any:
    return sys.modules["pykinect2.PyKinectRuntime"]


def test_sensor_does_not_open_without_the_clock_patch(
    sensor: FakeKinect, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = load_pykinect2()
    monkeypatch.setattr(runtime_module(), "time", time)
    with pytest.raises(SourceError, match=r"AttributeError.*'clock'"):
        KinectDevice(package)


def test_no_frame_arrives_without_the_numpy_patch(
    device: KinectDevice, sensor: FakeKinect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module(), "numpy", np)
    sensor.show(*walkers(0, "kinect-v2"))
    sensor.settle()
    assert device.read(0) is None
    monkeypatch.undo()
    sensor.show(*walkers(1, "kinect-v2"))
    assert device.read(LONG) is not None


def test_frame_is_new_only_once_with_the_access_time_patch(device: KinectDevice, sensor: FakeKinect) -> None:
    runtime = device._runtime
    original = runtime_module().PyKinectRuntime.get_last_body_frame
    patched = type(runtime).get_last_body_frame
    sensor.show(*walkers(0, "kinect-v2"))
    assert device.read(LONG) is not None
    runtime._last_body_frame_access = 0.0  # as before the first access
    assert original(runtime).bodies is not None
    assert runtime.has_new_body_frame()
    assert patched(runtime).bodies is not None
    assert not runtime.has_new_body_frame()
    assert device.read(0) is None


# Missing requirements: each error is one line.


def open_error(spec: str = "kinect") -> str:
    with pytest.raises(SourceError) as caught:
        open_source(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_error_without_windows_suggests_alternatives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.sources.kinect.pykinect._system", lambda: "Linux")
    message = open_error()
    assert "needs Windows" in message and "this is Linux" in message
    assert "walk.mcap" in message and "k4a" in message


@pytest.mark.parametrize("name", ["comtypes", "pykinect2"])
def test_error_without_the_packages_shows_the_install_command(
    name: str, unpatched: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    message = open_error()
    assert name in message and "pip install -c constraints.txt '.[kinect]'" in message


def test_error_without_the_sdk_names_it(unpatched: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_dll(name: str) -> None:
        raise FileNotFoundError(f"Could not find module '{name}'")

    forget_pykinect2(monkeypatch)
    monkeypatch.setattr(ctypes, "WinDLL", no_dll)
    message = open_error()
    assert "Could not find module 'Kinect20'" in message and "Kinect for Windows SDK 2.0" in message


def test_options_are_rejected(machine: FakeMachine) -> None:
    assert "kinect has no options" in open_error("kinect:device=1")


def test_source_is_live_and_endless(sensor: FakeKinect) -> None:
    source = open_source("kinect")
    assert isinstance(source, LiveSource)
    assert (source.info.sensor, source.info.layout) == ("kinect-v2", "kinect-v2")
    assert sensor.connections == 0, "the first read opens it"
    source.close()
