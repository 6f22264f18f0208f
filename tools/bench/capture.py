"""Stage `capture`: processor time of one source per person and frame, by step, and how many it carries."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import msgspec
from rich.table import Table

from tools.bench.capture_rounds import FPS, RECORDING, SIMULATION, STEPS, TOTAL, capture_worker
from tools.bench.request import Report
from tools.bench.spread import Spread, bench_table, spread_of
from tools.bench.workers import measure_in_turn

__all__ = ["PEOPLE", "CaptureFigures", "CaptureRun", "capture_table", "measure_capture"]

PEOPLE = (1, 10, 50)
"""People in a frame."""

_ROUND_S = 5.0
"""Source time of a round."""


class CaptureRun(msgspec.Struct, frozen=True, kw_only=True):
    """Cost of one number of people; microseconds of processor time per person and frame.

    Attributes:
        people: in each frame.
        total: of the capture worker, from frame to socket, without the source.
        steps: means of its parts; empty where the system has no timer for them.
        simulation: of making the frames, which is part of the cost of a source `walkers`.
        recording: of reading the frames from a recording.
        people_per_core: how many people in one source use up a core, at `FPS` skeletons a second.
    """

    people: int
    total: Spread
    steps: dict[str, float]
    simulation: Spread
    recording: Spread
    people_per_core: float


class CaptureFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the stage.

    Attributes:
        fps: skeletons per person and second.
        runs: by number of people, ascending.
    """

    fps: int
    runs: tuple[CaptureRun, ...]


def measure_capture(
    seconds: float, report: Report, *, people: Sequence[int] = PEOPLE, round_s: float = _ROUND_S
) -> CaptureFigures:
    """Measures the numbers of people in turn, round by round.

    Args:
        seconds: minimum duration; at least three rounds are measured.
        report: is told what is measured.
        people: in each frame, ascending.
        round_s: source time of a round.

    Raises:
        RunError: a process that measures failed.
    """
    report(f"capture: {', '.join(map(str, people))} people")
    measured = measure_in_turn(((count, capture_worker(count, round_s)) for count in people), seconds)
    return CaptureFigures(fps=FPS, runs=tuple(_run(count, found) for count, found in measured.items()))


def _run(people: int, found: dict[str, list[float]]) -> CaptureRun:
    total = spread_of(found[TOTAL])
    return CaptureRun(
        people=people,
        total=total,
        steps={step: fmean(found[step]) for step in STEPS if step in found},
        simulation=spread_of(found[SIMULATION]),
        recording=spread_of(found[RECORDING]),
        people_per_core=1e6 / (total.median * FPS),
    )


def capture_table(figures: CaptureFigures) -> Table:
    """Returns the table of microseconds per person and frame: a row for each step, a column for people."""
    runs = figures.runs
    rows = [[step, *(f"{run.steps[step]:.1f}" for run in runs)] for step in STEPS if step in runs[0].steps]
    rows += [
        ["all of it", *(f"{run.total.text} ({run.total.range_text})" for run in runs)],
        ["people per core", *(f"{run.people_per_core:,.0f}" for run in runs)],
        ["apart: simulation", *(run.simulation.text for run in runs)],
        ["apart: recording", *(run.recording.text for run in runs)],
    ]
    return bench_table(
        "Capture: µs of processor time per person and frame",
        ["people in a frame", *(str(run.people) for run in runs)],
        rows,
        f"From frame to socket; people per core at {figures.fps} skeletons a second each.",
    )
