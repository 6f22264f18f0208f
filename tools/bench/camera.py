"""Stage `camera`: pictures per second and core of the pose pipeline, by people and by step."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import msgspec
import numpy as np
from rich.table import Table

from tools.bench.camera_rounds import (
    BODIES,
    CROPS,
    DECODING,
    DETECTION,
    LANDMARKS,
    TOTAL,
    WALL,
    camera_worker,
)
from tools.bench.request import Report
from tools.bench.spread import Spread, bench_table, spread_of
from tools.bench.workers import measure_in_turn

__all__ = ["PEOPLE", "CameraFigures", "CameraRun", "camera_table", "measure_camera"]

PEOPLE = (1, 3, 6)

_PICTURES = 30
"""Pictures of a round."""


class CameraRun(msgspec.Struct, frozen=True, kw_only=True):
    """Cost of one number of people; milliseconds of processor time per picture, medians.

    Attributes:
        people: in each picture.
        bodies: in the pipeline's last frame.
        crops: per picture in which a pose was looked for; more than people where a pose fits badly.
        decoding_ms: of a JPEG, which the camera's thread does.
        detection_ms: the share of a search for people, one every 150 ms.
        landmarks_ms: of the poses.
        rest_ms: of the pipeline: crops, tracking, lifting, smoothing.
        frames_per_core: pictures per second that use up one core, with decoding.
        frames_per_s: pictures per second that the pipeline processed, on all cores.
    """

    people: int
    bodies: int
    crops: float
    decoding_ms: float
    detection_ms: float
    landmarks_ms: float
    rest_ms: float
    frames_per_core: Spread
    frames_per_s: Spread


class CameraFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the stage.

    Attributes:
        runs: by number of people, ascending.
    """

    runs: tuple[CameraRun, ...]

    def cores(self, people: int, fps: float) -> float:
        """Returns the cores that the pictures of one camera keep busy, by a line over the runs.

        Args:
            people: in view.
            fps: pictures per second.
        """
        counts = [run.people for run in self.runs]
        seconds = [1 / run.frames_per_core.median for run in self.runs]
        if len(counts) == 1:
            return fps * seconds[0] * people / counts[0]
        slope, base = np.polyfit(counts, seconds, 1).tolist()
        return float(fps * max(0.0, base + slope * people))


def measure_camera(
    seconds: float, report: Report, *, people: Sequence[int] = PEOPLE, pictures: int = _PICTURES
) -> CameraFigures:
    """Measures the numbers of people in turn, round by round.

    Args:
        seconds: minimum duration; at least three rounds are measured.
        report: is told what is measured.
        people: in each picture, ascending, at most 6.
        pictures: of a round.

    Raises:
        RunError: a process that measures failed.
    """
    report(f"camera: {', '.join(map(str, people))} people")
    measured = measure_in_turn(((count, camera_worker(count, pictures)) for count in people), seconds)
    return CameraFigures(runs=tuple(_run(count, found) for count, found in measured.items()))


def _run(people: int, found: dict[str, list[float]]) -> CameraRun:
    decoding, detection, landmarks = (median(found[name]) for name in (DECODING, DETECTION, LANDMARKS))
    costs = [total + decoding for total in found[TOTAL]]
    return CameraRun(
        people=people,
        bodies=int(found[BODIES][-1]),
        crops=median(found[CROPS]),
        decoding_ms=decoding,
        detection_ms=detection,
        landmarks_ms=landmarks,
        rest_ms=max(0.0, median(found[TOTAL]) - detection - landmarks),
        frames_per_core=spread_of([1000 / cost for cost in costs]),
        frames_per_s=spread_of([1000 / wall for wall in found[WALL]]),
    )


def camera_table(figures: CameraFigures) -> Table:
    """Returns the table: a column for each number of people."""
    runs = figures.runs
    return bench_table(
        "Camera: ms of processor time per picture, 1280 x 720, model lite",
        ["people in a picture", *(str(run.people) for run in runs)],
        [
            ["decoding", *(f"{run.decoding_ms:.1f}" for run in runs)],
            ["search for people", *(f"{run.detection_ms:.1f}" for run in runs)],
            ["landmarks", *(f"{run.landmarks_ms:.1f}" for run in runs)],
            ["tracking, lifting, rest", *(f"{run.rest_ms:.1f}" for run in runs)],
            ["crops per picture", *(f"{run.crops:.1f}" for run in runs)],
            ["pictures/s and core", *(_text(run.frames_per_core) for run in runs)],
            ["pictures/s, all cores", *(_text(run.frames_per_s) for run in runs)],
        ],
    )


def _text(rate: Spread) -> str:
    return f"{rate.text} ({rate.range_text})"
