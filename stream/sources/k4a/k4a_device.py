"""One connection to an Azure Kinect: a thread opens it and tracks bodies in its newest capture."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np

from stream.body import Body, BodyFrame
from stream.errors import SourceError
from stream.skeleton import LAYOUTS
from stream.sources.k4a.sdk import MODES, K4aConfig, K4aLibraries
from stream.sources.latest_value import LatestValue

__all__ = ["K4aDevice", "bodies_of"]

JOINTS = len(LAYOUTS["azure-kinect"].joints)
CONFIDENCE = np.array([0, 0.5, 1, 1], np.float32)
"""Confidence by k4abt's level: none, low (predicted), medium (the highest level the SDK returns), high."""

TO_METRES = np.array([-1e-3, -1e-3, 1e-3], np.float32)
"""From millimetres, X to the sensor's right and Y down, to the axes of `stream.body.Body`."""

WAIT_MS = 200
CLOSE_TIMEOUT_S = 2.0


class K4aDevice:
    """A `stream.sources.live_source.Device`; its body tracker takes seconds to load, in the background."""

    def __init__(self, libraries: K4aLibraries, config: K4aConfig) -> None:
        self._latest = LatestValue[BodyFrame]()
        self._session = _Session(libraries, config)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="k4a", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether sensor and body tracker are open."""
        return self._session.ready

    @property
    def dropped(self) -> int:
        """Number of captures and frames replaced by newer ones before they were tracked or read."""
        return self._latest.dropped

    @property
    def description(self) -> str:
        """Model and serial number of the sensor; empty before it is open."""
        serial = self._session.serial
        return f"Azure Kinect {serial}" if serial else ""

    def read(self, timeout: float) -> BodyFrame | None:
        """Waits up to `timeout` seconds for the newest frame; its time is by the sensor's clock.

        Raises:
            SourceError: the sensor or the tracker could not be opened, or was lost.
        """
        return self._latest.take(timeout)

    def close(self) -> None:
        """Releases the sensor; if the tracker is still loading, its thread releases it later."""
        self._stop.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _work(self) -> None:
        try:
            self._session.open()
            while not self._stop.is_set():
                frame, skipped = self._session.next_frame()
                self._latest.drop(skipped)
                if frame is not None:
                    self._latest.put(frame)
        except Exception as error:  # raised again by `read`
            self._latest.fail(error)
        finally:
            self._session.close()


class _Session:
    """The C calls of one connection; used by one thread."""

    def __init__(self, libraries: K4aLibraries, config: K4aConfig) -> None:
        self._k4a = libraries.sensor
        self._k4abt = libraries.tracker
        self._config = config
        self._device: Any = None
        self._tracker: Any = None
        self._started = False
        self._tracking = False
        self.ready = False
        self.serial = ""

    def open(self) -> None:
        k4a, number = self._k4a, self._config.device
        count = int(k4a.k4a_device_get_installed_count())
        if number >= count:
            raise SourceError(
                f"Azure Kinect {number} not found, {count} connected: check that it has power and is "
                "plugged into USB 3; on Linux that its udev rules are installed (99-k4a.rules)"
            )
        device = k4a.k4a_device_t()
        if k4a.k4a_device_open(number, device) != k4a.K4A_RESULT_SUCCEEDED:
            raise SourceError(
                f"Azure Kinect {number} could not be opened: close other programs that use it; on Linux "
                "check that its udev rules are installed (99-k4a.rules)"
            )
        self._device = device
        self.serial = self._read_serial()
        calibration = self._start_cameras()
        self._create_tracker(calibration)
        self.ready = True

    def next_frame(self) -> tuple[BodyFrame | None, int]:
        """Returns the bodies of the newest capture (None if there are none yet) and the captures skipped."""
        skipped = 0
        if not self._tracking:
            self._tracking, skipped = self._enqueue()
        return (self._pop() if self._tracking else None), skipped

    def _enqueue(self) -> tuple[bool, int]:
        """Gives the newest capture to the tracker; one at a time, so that no old captures queue up.

        Returns:
            Whether the tracker took it, and the number of older captures skipped.
        """
        k4a = self._k4a
        capture, skipped = self._get_capture(WAIT_MS), 0
        if capture is None:
            return False, 0
        while (newer := self._get_capture(0)) is not None:
            k4a.k4a_capture_release(capture)
            capture, skipped = newer, skipped + 1
        try:
            result = self._k4abt.k4abt_tracker_enqueue_capture(self._tracker, capture, WAIT_MS)
        finally:
            k4a.k4a_capture_release(capture)
        if result == k4a.K4A_WAIT_RESULT_FAILED:
            raise SourceError("the body tracker accepts no more captures")
        return result == k4a.K4A_WAIT_RESULT_SUCCEEDED, skipped

    def _pop(self) -> BodyFrame | None:
        frame = self._k4abt.k4abt_frame_t()
        result = self._k4abt.k4abt_tracker_pop_result(self._tracker, frame, WAIT_MS)
        if result == self._k4a.K4A_WAIT_RESULT_TIMEOUT:
            return None
        self._tracking = False
        if result != self._k4a.K4A_WAIT_RESULT_SUCCEEDED:
            raise SourceError("the body tracker failed")
        try:
            time_ns = 1000 * int(self._k4abt.k4abt_frame_get_device_timestamp_usec(frame))
            return BodyFrame(time_ns, bodies_of(self._k4abt, frame))
        finally:
            self._k4abt.k4abt_frame_release(frame)

    def close(self) -> None:
        if self._tracker is not None:
            self._k4abt.k4abt_tracker_shutdown(self._tracker)
            self._k4abt.k4abt_tracker_destroy(self._tracker)
        if self._started:
            self._k4a.k4a_device_stop_cameras(self._device)
        if self._device is not None:
            self._k4a.k4a_device_close(self._device)
        self._device, self._tracker, self._started = None, None, False

    def _start_cameras(self) -> Any:
        k4a = self._k4a
        # Body tracking needs depth only; the colour camera stays off.
        settings = k4a.k4a_device_configuration_t()
        settings.color_resolution = k4a.K4A_COLOR_RESOLUTION_OFF
        settings.depth_mode = k4a.K4A_DEPTH_MODE_NFOV_UNBINNED
        settings.camera_fps = k4a.K4A_FRAMES_PER_SECOND_30
        calibration = k4a.k4a_calibration_t()
        result = k4a.k4a_device_get_calibration(
            self._device, settings.depth_mode, settings.color_resolution, calibration
        )
        if result != k4a.K4A_RESULT_SUCCEEDED:
            raise SourceError(
                "the Azure Kinect's calibration could not be read: unplug it and plug it in again"
            )
        if k4a.k4a_device_start_cameras(self._device, settings) != k4a.K4A_RESULT_SUCCEEDED:
            raise SourceError(
                "the Azure Kinect's depth camera did not start: plug it into a USB 3 port of its own; on "
                "Linux its depth engine also needs a display (DISPLAY=:0)"
            )
        self._started = True
        return calibration

    def _create_tracker(self, calibration: Any) -> None:
        settings = self._k4abt.k4abt_tracker_default_configuration
        mode = MODES[self._config.mode]
        if mode is not None:
            settings.processing_mode = mode
        tracker = self._k4abt.k4abt_tracker_t()
        try:
            result = self._k4abt.k4abt_tracker_create(calibration, settings, tracker)
        except (OSError, AttributeError) as error:  # an access violation; a library without the function
            raise SourceError(f"{_TRACKER_FAILED} ({error})") from error
        if result != self._k4a.K4A_RESULT_SUCCEEDED:
            raise SourceError(_TRACKER_FAILED)
        self._tracker = tracker

    def _get_capture(self, timeout_ms: int) -> Any:
        k4a = self._k4a
        capture = k4a.k4a_capture_t()
        result = k4a.k4a_device_get_capture(self._device, capture, timeout_ms)
        if result == k4a.K4A_WAIT_RESULT_TIMEOUT:
            return None
        if result != k4a.K4A_WAIT_RESULT_SUCCEEDED:
            raise SourceError("the Azure Kinect delivers no more captures; was it unplugged?")
        return capture

    def _read_serial(self) -> str:
        k4a = self._k4a
        text, size = ctypes.create_string_buffer(64), ctypes.c_size_t(64)
        result = k4a.k4a_device_get_serialnum(self._device, text, size)
        return text.value.decode(errors="replace") if result == k4a.K4A_BUFFER_RESULT_SUCCEEDED else ""


_TRACKER_FAILED = (
    "the body tracker did not start, usually because it does not support the graphics card or its CUDA "
    "version: try k4a:mode=cpu (slow), mode=directml on Windows, or install the CUDA and cuDNN of its SDK"
)


def bodies_of(k4abt: Any, frame: Any) -> tuple[Body, ...]:
    """Converts a frame of k4abt to bodies, in metres and in the axes of `stream.body.Body`."""
    bodies = []
    for index in range(int(k4abt.k4abt_frame_get_num_bodies(frame))):
        skeleton = k4abt.k4abt_skeleton_t()
        if k4abt.k4abt_frame_get_body_skeleton(frame, index, skeleton) == k4abt.K4ABT_RESULT_SUCCEEDED:
            body_id = int(k4abt.k4abt_frame_get_body_id(frame, index))
            bodies.append(_body(body_id, [skeleton.joints[joint] for joint in range(JOINTS)]))
    return tuple(bodies)


def _body(body_id: int, raw: list[Any]) -> Body:
    positions = [(joint.position.xyz.x, joint.position.xyz.y, joint.position.xyz.z) for joint in raw]
    joints = np.array(positions, np.float32) * TO_METRES
    confidence = CONFIDENCE[np.clip([joint.confidence_level for joint in raw], 0, 3)]
    confidence[~np.isfinite(joints).all(axis=1)] = 0
    joints[confidence == 0] = np.nan
    return Body(body_id, joints, confidence)
