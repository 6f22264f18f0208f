"""Fake pykinect_azure and Azure Kinect: the C functions that are used, and their results."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.stream.sources.sensors import FakePerson, Feed

SUCCEEDED, FAILED, TIMEOUT = 0, 1, 2
UNPLUGGED = "unplugged"


class Handle:
    """An output argument of a C function."""

    def __init__(self) -> None:
        self.value: Any = None


class FakeAzureKinect:
    """One connected sensor, with the functions of both libraries as methods."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0
        self.count = 1
        self.open_result = self.start_result = self.create_result = SUCCEEDED
        self.create_error: Exception | None = None
        self.prints = ""
        self.load_error: Exception | None = None
        self.paths: tuple[str | None, str | None] | None = None
        self.settings: Any = None
        self.config = SimpleNamespace(processing_mode=0)
        self.held: list[str] = []
        self.frames = 0
        self._feed = Feed()
        self._tracking: Any = None

    def show(self, *people: FakePerson) -> None:
        self._feed.put(people)

    def settle(self) -> None:
        self._feed.settle()

    def unplug(self) -> None:
        self._feed.put(UNPLUGGED)

    def initialize_libraries(
        self, module_k4a_path: str | None, module_k4abt_path: str | None, track_body: bool
    ) -> None:
        assert track_body
        self.paths = module_k4a_path, module_k4abt_path
        if self.prints:
            # A print replaced in the module's namespace takes precedence, as in the real package.
            vars(sys.modules["pykinect_azure.k4a._k4a"]).get("print", print)(*self.prints.split("|"))
            sys.exit(1)
        if self.load_error is not None:
            raise self.load_error

    # k4a

    def k4a_device_get_installed_count(self) -> int:
        return self.count

    def k4a_device_open(self, number: int, device: Handle) -> int:
        device.value = number
        self.connections += self.open_result == SUCCEEDED
        self.held += ["device"] * (self.open_result == SUCCEEDED)
        return self.open_result

    def k4a_device_close(self, device: Handle) -> None:
        self.held.remove("device")

    def k4a_device_get_serialnum(self, device: Handle, text: Any, size: Any) -> int:
        text.value = b"000123456789"
        return SUCCEEDED

    def k4a_device_get_calibration(self, device: Handle, depth: int, colour: int, calibration: Handle) -> int:
        calibration.value = depth, colour
        return SUCCEEDED

    def k4a_device_start_cameras(self, device: Handle, settings: Any) -> int:
        self.settings = settings
        self.held += ["cameras"] * (self.start_result == SUCCEEDED)
        return self.start_result

    def k4a_device_stop_cameras(self, device: Handle) -> None:
        self.held.remove("cameras")

    def k4a_device_get_capture(self, device: Handle, capture: Handle, timeout_ms: int) -> int:
        shown = self._feed.get(timeout_ms / 1000)
        if shown is None:
            return TIMEOUT
        if shown == UNPLUGGED:
            return FAILED
        self.frames += 1
        capture.value = self.frames, shown
        self.held.append("capture")
        return SUCCEEDED

    def k4a_capture_release(self, capture: Handle) -> None:
        self.held.remove("capture")

    # k4abt

    def k4abt_tracker_create(self, calibration: Handle, config: Any, tracker: Handle) -> int:
        if self.create_error is not None:
            raise self.create_error
        self.held += ["tracker"] * (self.create_result == SUCCEEDED)
        return self.create_result

    def k4abt_tracker_shutdown(self, tracker: Handle) -> None:
        assert "tracker" in self.held

    def k4abt_tracker_destroy(self, tracker: Handle) -> None:
        self.held.remove("tracker")

    def k4abt_tracker_enqueue_capture(self, tracker: Handle, capture: Handle, timeout_ms: int) -> int:
        assert self._tracking is None
        self._tracking = capture.value
        return SUCCEEDED

    def k4abt_tracker_pop_result(self, tracker: Handle, frame: Handle, timeout_ms: int) -> int:
        frame.value, self._tracking = self._tracking, None
        self.held.append("frame")
        return SUCCEEDED

    def k4abt_frame_release(self, frame: Handle) -> None:
        self.held.remove("frame")

    def k4abt_frame_get_device_timestamp_usec(self, frame: Handle) -> int:
        return 5_000_000 + 33_333 * int(frame.value[0])

    def k4abt_frame_get_num_bodies(self, frame: Handle) -> int:
        return len(frame.value[1])

    def k4abt_frame_get_body_id(self, frame: Handle, index: int) -> int:
        return int(frame.value[1][index].id)

    def k4abt_frame_get_body_skeleton(self, frame: Handle, index: int, skeleton: Any) -> int:
        person: FakePerson = frame.value[1][index]
        for (x, y, z), state in zip(person.joints, person.states, strict=True):
            # Millimetres, X to the right, Y down.
            xyz = SimpleNamespace(x=-1000 * x, y=-1000 * y, z=1000 * z)
            skeleton.joints.append(SimpleNamespace(position=SimpleNamespace(xyz=xyz), confidence_level=state))
        return SUCCEEDED


class _Settings(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("color_resolution", "depth_mode", "camera_fps")]


class _Skeleton:
    def __init__(self) -> None:
        self.joints: list[Any] = []


@contextmanager
def azure_kinect() -> Iterator[FakeAzureKinect]:
    """Yields a machine with the package, both libraries and a sensor."""
    fake = FakeAzureKinect()
    package: Any = ModuleType("pykinect_azure")
    sensor: Any = ModuleType("pykinect_azure.k4a._k4a")
    tracker: Any = ModuleType("pykinect_azure.k4abt._k4abt")
    package.initialize_libraries = fake.initialize_libraries
    for name in dir(fake):
        if name.startswith(("k4a_", "k4abt_")):
            setattr(tracker if name.startswith("k4abt_") else sensor, name, getattr(fake, name))
    sensor.k4a_device_t = sensor.k4a_capture_t = sensor.k4a_calibration_t = Handle
    tracker.k4abt_tracker_t = tracker.k4abt_frame_t = Handle
    sensor.k4a_device_configuration_t, tracker.k4abt_skeleton_t = _Settings, _Skeleton
    tracker.k4abt_tracker_default_configuration = fake.config
    sensor.K4A_RESULT_SUCCEEDED = sensor.K4A_BUFFER_RESULT_SUCCEEDED = SUCCEEDED
    sensor.K4A_WAIT_RESULT_SUCCEEDED, sensor.K4A_WAIT_RESULT_FAILED = SUCCEEDED, FAILED
    sensor.K4A_WAIT_RESULT_TIMEOUT, tracker.K4ABT_RESULT_SUCCEEDED = TIMEOUT, SUCCEEDED
    sensor.K4A_COLOR_RESOLUTION_OFF, sensor.K4A_DEPTH_MODE_NFOV_UNBINNED = 0, 2
    sensor.K4A_FRAMES_PER_SECOND_30 = 2
    silent = [ModuleType(f"pykinect_azure.{name}") for name in ("utils.utils", "k4arecord._k4arecord")]
    with pytest.MonkeyPatch.context() as patch:
        for module in (package, sensor, tracker, *silent):
            patch.setitem(sys.modules, module.__name__, module)
        yield fake
