"""The Kinect v2: the genuine pykinect2 over a fake library."""

from __future__ import annotations

import ctypes
import importlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

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


def test_the_layout_is_that_of_the_sdk(machine: FakeMachine) -> None:
    constants = vars(load_pykinect2().constants)
    names = {
        value: name.removeprefix("JointType_") for name, value in constants.items() if "JointType_" in name
    }
    assert tuple(names[joint] for joint in range(25)) == LAYOUTS["kinect-v2"].joints
    assert (names[25], len(names)) == ("Count", 26)


def test_bodies_come_as_the_sensor_saw_them(device: KinectDevice, sensor: FakeKinect) -> None:
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


def test_nobody_in_view_is_a_frame_all_the_same(device: KinectDevice, sensor: FakeKinect) -> None:
    sensor.show()
    frame = device.read(LONG)
    assert frame is not None and frame.bodies == ()


def test_a_joint_that_is_nowhere_was_not_seen(device: KinectDevice, sensor: FakeKinect) -> None:
    person, _ = walkers(0, "kinect-v2")
    person.joints[3, 1] = -np.inf
    sensor.show(person)
    frame = device.read(LONG)
    assert frame is not None
    assert frame.bodies[0].confidence[3] == 0 and np.isnan(frame.bodies[0].joints[3]).all()
    assert frame.bodies[0].confidence[4] == 1


def test_the_floor_is_kept_where_it_was_given(device: KinectDevice, sensor: FakeKinect) -> None:
    assert (device.floor, device.description) == (None, "Kinect v2, floor not seen")
    for floor in ((0.0, 0.99, 0.1, 1.2), (0.0, 0.0, 0.0, 0.0)):  # the second: not seen this time
        sensor.floor = floor
        sensor.show()
        assert device.read(LONG) is not None
        assert device.floor == pytest.approx((0.0, 0.99, 0.1, 1.2))
    assert device.description == "Kinect v2, 1.20 m above the floor"


def test_a_driver_that_stops_is_noticed(device: KinectDevice, sensor: FakeKinect) -> None:
    sensor.crash()
    with pytest.raises(SourceError, match=r"driver stopped \(OSError: the handle is invalid\)"):
        device.read(LONG)


def test_a_sensor_that_does_not_open_is_said(sensor: FakeKinect) -> None:
    sensor.plugged = False
    source = open_source("kinect")
    with pytest.raises(SourceError, match=r"could not be opened \(OSError: no Kinect is connected\).*USB 3"):
        source.read(0)
    source.close()


def test_a_closed_sensor_is_open_to_the_next(sensor: FakeKinect) -> None:
    for number in (1, 2):
        source = open_source("kinect")
        sensor.show(*walkers(number, "kinect-v2"))
        assert source.read(LONG) is not None
        assert sensor.connections == number
        source.close()


# What is broken in the package, one by one: without its mend, each is as the module says.


@pytest.fixture
def unmended(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeMachine]:
    with windows(monkeypatch) as machine:
        yield machine


def test_without_the_size_the_import_fails(unmended: FakeMachine) -> None:
    with pytest.raises(AssertionError, match=r"^\d+$"):  # 80 on Windows, other than 72 everywhere
        importlib.import_module("pykinect2.PyKinectV2")


def test_the_size_of_ctypes_alone_would_not_do(
    unmended: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # comtypes hands on a sizeof of its own.
    monkeypatch.setattr(ctypes, "sizeof", pykinect._sizeof)
    with pytest.raises(AssertionError, match=r"^\d+$"):
        importlib.import_module("pykinect2.PyKinectV2")


def test_without_the_version_the_import_fails(unmended: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["comtypes"], "sizeof", pykinect._sizeof)
    with pytest.raises(ImportError, match="Wrong version"):
        importlib.import_module("pykinect2.PyKinectV2")


def test_the_mends_are_for_the_import_alone(unmended: FakeMachine) -> None:
    before = ctypes.sizeof, sys.modules["comtypes"]._check_version
    constants = load_pykinect2().constants
    assert (ctypes.sizeof, sys.modules["comtypes"]._check_version) == before
    assert constants.sizeof is ctypes.sizeof
    assert ctypes.sizeof(constants.tagSTATSTG) != 72
    assert "object" not in vars(np) and "clock" not in vars(time)


def runtime_module() -> Any:
    return sys.modules["pykinect2.PyKinectRuntime"]


def test_without_the_clock_the_sensor_does_not_open(
    sensor: FakeKinect, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = load_pykinect2()
    monkeypatch.setattr(runtime_module(), "time", time)
    with pytest.raises(SourceError, match=r"AttributeError.*'clock'"):
        KinectDevice(package)


def test_without_numpys_object_nothing_ever_comes(
    device: KinectDevice, sensor: FakeKinect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_module(), "numpy", np)
    sensor.show(*walkers(0, "kinect-v2"))
    sensor.settle()
    assert device.read(0) is None
    monkeypatch.undo()
    sensor.show(*walkers(1, "kinect-v2"))
    assert device.read(LONG) is not None


def test_in_the_package_a_frame_is_new_for_ever(device: KinectDevice, sensor: FakeKinect) -> None:
    runtime = device._runtime
    genuine = runtime_module().PyKinectRuntime.get_last_body_frame
    mended = type(runtime).get_last_body_frame
    sensor.show(*walkers(0, "kinect-v2"))
    assert device.read(LONG) is not None
    runtime._last_body_frame_access = 0.0  # as if nobody had looked yet
    assert genuine(runtime).bodies is not None
    assert runtime.has_new_body_frame()
    assert mended(runtime).bodies is not None
    assert not runtime.has_new_body_frame()
    assert device.read(0) is None


# What is missing, in one sentence.


def refusal(spec: str = "kinect") -> str:
    with pytest.raises(SourceError) as caught:
        open_source(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_windows_it_says_what_to_use_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.sources.kinect.pykinect._system", lambda: "Linux")
    sentence = refusal()
    assert "needs Windows" in sentence and "this is Linux" in sentence
    assert "walk.mcap" in sentence and "k4a" in sentence


@pytest.mark.parametrize("name", ["comtypes", "pykinect2"])
def test_without_the_packages_it_says_how_to_install_them(
    name: str, unmended: FakeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    sentence = refusal()
    assert name in sentence and "pip install -c constraints.txt '.[kinect]'" in sentence


def test_without_the_sdk_it_says_so(unmended: FakeMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_dll(name: str) -> None:
        raise FileNotFoundError(f"Could not find module '{name}'")

    forget_pykinect2(monkeypatch)
    monkeypatch.setattr(ctypes, "WinDLL", no_dll)
    sentence = refusal()
    assert "Could not find module 'Kinect20'" in sentence and "Kinect for Windows SDK 2.0" in sentence


def test_it_takes_no_options(machine: FakeMachine) -> None:
    assert "kinect takes no options" in refusal("kinect:device=1")


def test_it_is_opened_as_a_live_source_without_an_end(sensor: FakeKinect) -> None:
    source = open_source("kinect")
    assert isinstance(source, LiveSource)
    assert (source.info.sensor, source.info.layout) == ("kinect-v2", "kinect-v2")
    assert sensor.connections == 0, "only reading opens it"
    source.close()
