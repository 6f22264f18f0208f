"""One connection to a camera: a thread grabs pictures, `read` estimates the poses in the newest one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stream.body import BodyFrame, Image
from stream.errors import SourceError, UserError
from stream.sources.camera.camera_options import CameraOptions
from stream.sources.camera.detected_bodies import PosePipeline
from stream.sources.camera.model_choice import LivePipelines
from stream.sources.camera.pixel_aspect import believable_aspect, square_pixels
from stream.sources.camera.quiet_opencv import cv2
from stream.sources.latest_value import LatestValue

__all__ = ["CameraDevice", "CameraOpener"]

CLOSE_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True)
class CameraOpener:
    """Opens one camera and names it.

    Attributes:
        open: opens the camera; raises `SourceError` on failure.
        label: the display name.
        lost: returns the error when the camera delivers no more pictures, from their number so far.
    """

    open: Callable[[], cv2.VideoCapture]
    label: str
    lost: Callable[[int], UserError]


class CameraDevice:
    """A `stream.sources.live_source.Device`; ready after its first picture."""

    def __init__(self, opener: CameraOpener, options: CameraOptions, pipelines: LivePipelines) -> None:
        self._opener = opener
        self._pipelines = pipelines
        self._pipeline: PosePipeline | None = None
        self._latest = LatestValue[tuple[Image, int]]()
        self._description = opener.label
        self._ready = False
        self._pictures = 0
        self._first_ns = 0
        self._aspect = options.aspect
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether a picture has arrived."""
        return self._ready

    @property
    def dropped(self) -> int:
        """Number of pictures replaced by newer ones while poses were estimated."""
        return self._latest.dropped

    @property
    def description(self) -> str:
        """Name of the camera, size of its pictures, and the pose model once it is chosen."""
        model = self._pipelines.model
        return f"{self._description}, model {model}" if self._ready and model else self._description

    @property
    def pose_model(self) -> str:
        """Name of the pose model; empty until it is chosen."""
        return self._pipelines.model

    def read(self, timeout: float) -> BodyFrame | None:
        """Waits up to `timeout` seconds for the newest picture, then estimates the poses in it.

        Raises:
            SourceError: the camera could not be opened, or was lost.
            UserError: the address gives no stream; it is not to be opened again.
            DataError: a pose model's file is missing or damaged.
        """
        latest = self._latest.take(timeout)
        if latest is None:
            return None
        if self._pipeline is None:
            self._pipeline = self._pipelines.open(
                square_pixels(latest[0], self._aspect or 1.0), self._interval_s
            )
            if (newer := self._latest.take(0)) is not None:  # loading the models takes about a second
                latest = newer
                self._latest.drop()
        stored, time_ns = latest
        image = square_pixels(stored, self._aspect or 1.0)
        return self._pipeline.process(image, time_ns).with_picture(image, time_ns)

    def close(self) -> None:
        """Releases the camera; if it hangs, its thread releases it later."""
        self._stop.set()
        self._thread.join(CLOSE_TIMEOUT_S)
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()

    @property
    def _interval_s(self) -> float:
        """Mean interval between two pictures so far; if there is one only, the time since."""
        return (time.monotonic_ns() - self._first_ns) / 1e9 / max(1, self._pictures - 1)

    def _work(self) -> None:
        camera: cv2.VideoCapture | None = None
        try:
            camera = self._opener.open()
            while not self._stop.is_set():
                self._grab(camera)
        except Exception as error:  # raised again by `read`
            self._latest.fail(error)
        finally:
            if camera is not None:
                camera.release()

    def _grab(self, camera: cv2.VideoCapture) -> None:
        time_ns = time.monotonic_ns()
        if not camera.grab():
            raise self._opener.lost(self._pictures)
        self._pictures += 1
        self._first_ns = self._first_ns or time_ns
        if self._aspect is None:
            width, height = camera.get(cv2.CAP_PROP_SAR_NUM), camera.get(cv2.CAP_PROP_SAR_DEN)
            self._aspect = believable_aspect(width / height if height > 0 else 1.0)
        good, image = camera.retrieve()
        if not good:
            self._latest.drop()  # one damaged picture; the next may be intact
            return
        height, width = image.shape[:2]
        description = f"{self._opener.label}, {width} x {height}"
        if self._ready and description != self._description:
            # Tracked positions are pixels of the former size; a new connection resets the tracker.
            raise SourceError("the picture size changed")
        self._description, self._ready = description, True
        self._latest.put((np.asarray(image, np.uint8), time_ns))
