"""Stage `pose`: what a camera's search for people and one pose take, without a camera."""

from __future__ import annotations

import time
from contextlib import closing

import msgspec
import numpy as np
from rich.table import Table

from stream.sources.camera.pose_pipeline import DETECTION_INTERVAL_NS, open_pose_pipeline
from tools.bench.spread import bench_table

__all__ = ["PoseFigures", "measure_pose", "pose_table"]

_PICTURE = (720, 1280, 3)
_PEOPLE = (1, 3, 6)


class PoseFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Processor seconds of the model `lite`, all threads together, in a picture of 1280 x 720 pixels.

    Attributes:
        search_s: of one search for people.
        pose_s: of one person's pose.
        searches_per_s: how often a camera searches.
    """

    search_s: float
    pose_s: float
    searches_per_s: float

    def cores(self, people: int, fps: float) -> float:
        """Returns the cores that the pictures of one camera need.

        Args:
            people: in view.
            fps: pictures per second.
        """
        return min(fps, self.searches_per_s) * self.search_s + fps * people * self.pose_s


def measure_pose() -> PoseFigures:
    """Measures both models; takes about two seconds.

    Raises:
        DataError: a model's file is missing or damaged.
    """
    image = np.random.default_rng(0).integers(0, 255, _PICTURE, np.uint8)
    with closing(open_pose_pipeline()) as pipeline:
        pipeline.measure(image)  # the first calls take longer
        wall, cpu = time.perf_counter(), time.process_time()
        cost = pipeline.measure(image)
        threads = (time.process_time() - cpu) / (time.perf_counter() - wall)
    return PoseFigures(
        search_s=cost.detection_s * threads,
        pose_s=cost.pose_s * threads,
        searches_per_s=1e9 / DETECTION_INTERVAL_NS,
    )


def pose_table(figures: PoseFigures) -> Table:
    """Returns the table of pictures per second that one core carries."""
    rows = [[str(people), f"{_pictures_per_core(figures, people):.1f}"] for people in _PEOPLE]
    return bench_table(
        "Pose: pictures/s of a camera that one core carries",
        ["people in view", "pictures/s"],
        rows,
        f"model lite, 1280 x 720; a search takes {1000 * figures.search_s:.1f} CPU ms, a pose "
        f"{1000 * figures.pose_s:.1f}",
    )


def _pictures_per_core(figures: PoseFigures, people: int) -> float:
    rare = (1 - figures.searches_per_s * figures.search_s) / (people * figures.pose_s)
    every = 1 / (figures.search_s + people * figures.pose_s)
    return rare if rare > figures.searches_per_s else every
