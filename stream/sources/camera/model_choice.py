"""The pose model of a source: what the user chose, else `full` for files, and live where it keeps up."""

from __future__ import annotations

from stream.body import Image
from stream.sources.camera.camera_options import CameraOptions
from stream.sources.camera.detected_bodies import PoseCost, PosePipeline

__all__ = ["FILE_MODEL", "LivePipelines", "keeps_up"]

FILE_MODEL, FAST_MODEL = "full", "lite"

PEOPLE = 2
"""People in view for whom the machine has to be fast enough."""

MIN_RATE_HZ = 10
"""Pictures a second that are enough of a faster camera; windows need 5, and 7 where pictures get lost."""

DETECTION_INTERVAL_S = 0.15
"""Between two searches for people; see `stream.sources.camera.pose_pipeline`."""


def keeps_up(cost: PoseCost, interval_s: float) -> bool:
    """Returns whether poses are estimated as fast as needed while two people are in view.

    Args:
        cost: measured on this machine.
        interval_s: between two pictures of the camera.
    """
    needed = max(interval_s, 1 / MIN_RATE_HZ)
    # Each search looks at the whole picture and at one tile of it.
    searches = 2 * min(1.0, needed / DETECTION_INTERVAL_S)
    return searches * cost.detection_s + PEOPLE * cost.pose_s <= needed


class LivePipelines:
    """Opens the pose pipelines of one live camera; the model is chosen when the first is opened.

    Later connections to the same camera use the same model, so that walks stay comparable.
    """

    def __init__(self, options: CameraOptions) -> None:
        self._options = options
        self.model = options.model or ""
        """Name of the model; empty until it is chosen."""

    def open(self, image: Image, interval_s: float) -> PosePipeline:
        """Returns a new pipeline.

        Args:
            image: a picture of the camera, to measure with.
            interval_s: between two of its pictures.

        Raises:
            DataError: a model's file is missing or damaged.
        """
        if self.model:
            return self._options.open_pipeline(self.model)
        pipeline = self._options.open_pipeline(FILE_MODEL)
        self.model = FILE_MODEL
        if not keeps_up(pipeline.measure(image), interval_s):
            pipeline.close()
            self.model = FAST_MODEL
            pipeline = self._options.open_pipeline(self.model)
        return pipeline
