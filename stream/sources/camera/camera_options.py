"""How people are looked for in pictures: the options of webcams, network cameras and videos."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stream.sources.camera.model_files import POSE_MODELS
from stream.sources.source_options import OptionTable

if TYPE_CHECKING:
    from stream.sources.camera.detected_bodies import Eyes

__all__ = ["OPTIONS", "Seeing", "parse_seeing"]

OPTIONS = {
    "model": f"which estimator of poses, one of {', '.join(POSE_MODELS)}",
    "fov": "how many degrees the camera sees along the longer side of its picture, a number from 10 to 170",
}
"""Every option and what it says."""


@dataclass(frozen=True, slots=True)
class Seeing:
    """What was asked for, checked.

    Attributes:
        model: the estimator of poses.
        field_of_view: degrees along the longer side; None where nobody said.
    """

    model: str = "lite"
    field_of_view: float | None = None

    def open_eyes(self) -> Eyes:
        """Load the models.

        Raises:
            DataError: a model's file is missing or damaged.
        """
        # They take a second to load, which a process that only checks a source need not spend.
        from stream.sources.camera.pose_pipeline import open_eyes  # noqa: PLC0415

        if self.field_of_view is None:
            return open_eyes(self.model)
        return open_eyes(self.model, self.field_of_view)


def parse_seeing(kind: str, options: Mapping[str, str]) -> Seeing:
    """Check the options of a kind of camera.

    Raises:
        SourceError: names the option, what was expected, what came, and all options.
    """
    table = OptionTable(kind, OPTIONS)
    table.check_names(options)
    model = options.get("model", "lite")
    if model not in POSE_MODELS:
        raise table.wrong("model", model)
    if "fov" not in options:
        return Seeing(model)
    try:
        field_of_view = float(options["fov"])
    except ValueError:
        field_of_view = math.nan
    if not 10 <= field_of_view <= 170:
        raise table.wrong("fov", options["fov"])
    return Seeing(model, field_of_view)
