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
    from tools.bench.live import SECONDS, live_key, live_tables, measure_live  # noqa: PLC0415

    figures = measure_live(
        report,
        people=request.people,
        seconds=request.seconds_or(SECONDS),
        minutes=request.minutes,
        precision=request.precision,
        encoders=request.encoders,
    )
    return Measured(figures, live_tables(figures), live_key(request.precision))


def _matcher(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.matcher import PEOPLE, TRACKS, matcher_table, measure_matcher  # noqa: PLC0415

    report(f"matcher: {PEOPLE} people enrolled, {TRACKS} tracks")
    figures = measure_matcher(PEOPLE, TRACKS, request.seconds_or(20.0))
    return Measured(figures, (matcher_table(figures),))


def _pose(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.pose_cost import measure_pose, pose_table  # noqa: PLC0415

    report("pose: search for people, and one pose")
    figures = measure_pose()
    return Measured(figures, (pose_table(figures),))


def _start(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.start import measure_start, start_tables  # noqa: PLC0415

    figures = measure_start(report)
    return Measured(figures, start_tables(figures))


def _training(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.training import measure_training, training_table  # noqa: PLC0415

    figures = measure_training(request.seconds_or(60.0), report)
    return Measured(figures, (training_table(figures),))


STAGES: Mapping[str, Stage] = {
    "encoder": Stage("windows per second, beside the fastest matrix product", _encoder),
    "live": Stage("people whom the live system follows, time and cost of decisions", _live),
    "matcher": Stage("time of a window in encoder and matcher, beside the encoder alone", _matcher),
    "pose": Stage("pictures of a camera that one core carries", _pose),
    "start": Stage("seconds until the help is shown, and until the live system is ready", _start),
    "training": Stage("windows learned from in a second, beside plain torch", _training),
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
