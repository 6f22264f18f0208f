"""The stages of `sge-stream bench`. Each module is loaded when its stage is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stream.errors import UserError
from tools.bench.request import BenchRequest, Measured, Report

__all__ = ["STAGES", "Stage", "choose_stages"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that is measured.

    Attributes:
        summary: what it is, for users.
        measure: measures it.
    """

    summary: str
    measure: Callable[[BenchRequest, Report], Measured]


def _encoder(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.encoder import encoder_tables, measure_encoder  # noqa: PLC0415 - see the module

    figures = measure_encoder(request.seconds_or(20.0), report)
    return Measured(figures, encoder_tables(figures))


def _live(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.live import SECONDS, live_tables, measure_live  # noqa: PLC0415

    figures = measure_live(
        report, people=request.people, seconds=request.seconds_or(SECONDS), minutes=request.minutes
    )
    return Measured(figures, live_tables(figures))


def _matcher(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.matcher import PEOPLE, TRACKS, matcher_table, measure_matcher  # noqa: PLC0415

    report(f"matcher: {PEOPLE} people enrolled, {TRACKS} tracks")
    figures = measure_matcher(PEOPLE, TRACKS, request.seconds_or(20.0))
    return Measured(figures, (matcher_table(figures),))


def _capture(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.capture import capture_table, measure_capture  # noqa: PLC0415

    figures = measure_capture(request.seconds_or(20.0), report)
    return Measured(figures, (capture_table(figures),))


def _camera(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.camera import camera_table, measure_camera  # noqa: PLC0415

    figures = measure_camera(request.seconds_or(30.0), report)
    return Measured(figures, (camera_table(figures),))


STAGES: Mapping[str, Stage] = {
    "encoder": Stage("windows per second, beside the fastest matrix product", _encoder),
    "live": Stage("people whom the live system follows, time and cost of decisions", _live),
    "capture": Stage("processor time of one source per person and frame, by step", _capture),
    "camera": Stage("pictures per second and core with 1, 3 and 6 people, by step", _camera),
    "matcher": Stage("time of a window in encoder and matcher, beside the encoder alone", _matcher),
}
"""All stages, in the order in which they are measured."""


def choose_stages(names: Sequence[str]) -> dict[str, Stage]:
    """Returns the stages of those names, all without names, in the order of `STAGES`.

    Raises:
        UserError: a name is unknown.
    """
    if unknown := [name for name in names if name not in STAGES]:
        raise UserError(f"--only {unknown[0]}: there is no such stage; the stages are {', '.join(STAGES)}")
    return {name: stage for name, stage in STAGES.items() if not names or name in names}
