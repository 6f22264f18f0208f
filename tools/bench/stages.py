"""The stages of `sge-stream bench`. Each module is loaded when its stage is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

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


def _encoders(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.encoders import encoders_table, measure_encoders  # noqa: PLC0415

    figures = measure_encoders(report, seconds=request.seconds_or(30.0))
    return Measured(figures, (encoders_table(figures),))


def _live(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.encoder_rounds import FP32, reduced_precisions  # noqa: PLC0415
    from tools.bench.live import SECONDS, live_tables, measure_live  # noqa: PLC0415

    precisions = [request.precision] if request.precision else [FP32, *reduced_precisions()]
    figures, *reduced = (
        measure_live(
            report,
            people=request.people,
            seconds=request.seconds_or(SECONDS),
            minutes=request.minutes,
            precision=precision,
            encoders=request.encoders,
        )
        for precision in precisions
    )
    figures = replace(figures, reduced=next(iter(reduced), None))
    return Measured(figures, live_tables(figures))


def _matcher(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.matcher import PEOPLE, TRACKS, matcher_table, measure_matcher  # noqa: PLC0415

    report(f"matcher: {PEOPLE} people enrolled, {TRACKS} tracks")
    figures = measure_matcher(PEOPLE, TRACKS, request.seconds_or(20.0))
    return Measured(figures, (matcher_table(figures),))


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
    "encoders": Stage("windows per second of several encoder processes", _encoders),
    "live": Stage("people whom the live system follows, time and cost of decisions", _live),
    "matcher": Stage("time of a window in encoder and matcher, beside the encoder alone", _matcher),
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
