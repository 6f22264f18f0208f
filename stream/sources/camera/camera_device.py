"""One connection to a camera: a thread takes its pictures, and people are looked for in the newest one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stream.body import BodyFrame, Image
from stream.errors import SourceError
from stream.sources.camera.camera_options import Seeing
from stream.sources.camera.detected_bodies import Eyes
from stream.sources.camera.quiet_opencv import cv2
from stream.sources.latest_value import Newest

__all__ = ["CameraDevice", "Opening"]

CLOSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Opening:
    """How one camera is opened.

    Attributes:
        open: opens it; raises `SourceError` where that cannot be.
        label: what it is called.
        lost: what is said when it gives no more pictures.
    """

    open: Callable[[], cv2.VideoCapture]
    label: str
    lost: str


class CameraDevice:
    """A `stream.sources.live_source.Device`; it is open once its first picture has come."""

    def __init__(self, opening: Opening, seeing: Seeing) -> None:
        self._opening = opening
        self._seeing = seeing
        self._eyes: Eyes | None = None
        self._newest = Newest[tuple[Image, int]]()
        self._description = opening.label
        self._ready = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="camera", daemon=True)
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether pictures come."""
        return self._ready

    @property
    def dropped(self) -> int:
        """How many pictures were dropped because newer ones came while people were looked for."""
        return self._newest.dropped

    @property
    def description(self) -> str:
        """What the camera is called, and the size of its pictures."""
        return self._description

    def read(self, timeout: float) -> BodyFrame | None:
        """Wait at most `timeout` seconds for the newest picture, then look for people in it.

        Raises:
            SourceError: the camera could not be opened, or was lost.
            DataError: the models that find people are damaged.
        """
        taken = self._newest.take(timeout)
        if taken is None:
            return None
        if self._eyes is None:
            self._eyes = self._seeing.open_eyes()
            if (newer := self._newest.take(0)) is not None:  # loading took its time
                taken = newer
                self._newest.drop()
        image, time_ns = taken
        return self._eyes.see(image, time_ns).on(image, time_ns)

    def close(self) -> None:
        """Release the camera; one that hangs is left to its thread."""
        self._stop.set()
        self._thread.join(CLOSE_S)
        eyes, self._eyes = self._eyes, None
        if eyes is not None:
            eyes.close()

    def _work(self) -> None:
        camera: cv2.VideoCapture | None = None
        try:
            camera = self._opening.open()
            while not self._stop.is_set():
                self._take(camera)
        except Exception as error:  # told where the pictures are read
            self._newest.fail(error)
        finally:
            if camera is not None:
                camera.release()

    def _take(self, camera: cv2.VideoCapture) -> None:
        time_ns = time.monotonic_ns()
        if not camera.grab():
            raise SourceError(self._opening.lost)
        good, image = camera.retrieve()
        if not good:
            self._newest.drop()  # damaged on its way; the next one may be whole
            return
        height, width = image.shape[:2]
        description = f"{self._opening.label}, {width} x {height}"
        if self._ready and description != self._description:
            raise SourceError("its pictures changed their size")  # who is followed stood elsewhere before
        self._description, self._ready = description, True
        self._newest.put((np.asarray(image, np.uint8), time_ns))
