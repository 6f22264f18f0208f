"""Options of webcams, network cameras and videos: pose model, field of view, shape of pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stream.sources.camera.model_files import POSE_MODELS
from stream.sources.camera.pixel_aspect import ASPECT_LIMITS
from stream.sources.source_options import OptionTable

if TYPE_CHECKING:
    from stream.sources.camera.detected_bodies import PosePipeline

__all__ = ["OPTIONS", "CameraOptions", "parse_camera_options"]

OPTIONS = {
    "model": f"the pose model, one of {', '.join(POSE_MODELS)}",
    "fov": "the field of view along the longer side of the picture in degrees, a number from 10 to 170",
    "aspect": "the width of a pixel divided by its height, a number from 0.25 to 4",
}
"""Option -> the value it expects."""


@dataclass(frozen=True, slots=True)
class CameraOptions:
    """Validated options of a camera or video.

    Attributes:
        model: the pose model, a key of `POSE_MODELS`; None if the user leaves it to the program, see
            `stream.sources.camera.model_choice`.
        field_of_view: degrees along the longer side; None for the default.
        aspect: width of a pixel divided by its height; None for what the camera or file states.
    """

    model: str | None = None
    field_of_view: float | None = None
    aspect: float | None = None

    def open_pipeline(self, model: str) -> PosePipeline:
        """Loads the models and returns the pose pipeline.

        Args:
            model: the pose model.

        Raises:
            DataError: a model's file is missing or damaged.
        """
        # Importing MediaPipe takes a second; a process that only checks a source does not need it.
        from stream.sources.camera.pose_pipeline import open_pose_pipeline  # noqa: PLC0415

        if self.field_of_view is None:
            return open_pose_pipeline(model)
        return open_pose_pipeline(model, self.field_of_view)


def parse_camera_options(kind: str, options: Mapping[str, str]) -> CameraOptions:
    """Validates the options of a kind of camera.

    Raises:
        SourceError: names the option, the expected and the given value, and all options.
    """
    table = OptionTable(kind, OPTIONS)
    table.check_names(options)
    model = options.get("model")
    if model is not None and model not in POSE_MODELS:
        raise table.invalid("model", model)
    return CameraOptions(
        model, _number(table, options, "fov", (10, 170)), _number(table, options, "aspect", ASPECT_LIMITS)
    )


def _number(
    table: OptionTable, options: Mapping[str, str], key: str, limits: tuple[float, float]
) -> float | None:
    """Returns the value of an option; None if it is not given."""
    if key not in options:
        return None
    try:
        value = float(options[key])
    except ValueError:
        value = math.nan
    if not limits[0] <= value <= limits[1]:
        raise table.invalid(key, options[key])
    return value
