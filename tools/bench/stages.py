"""The stages of `sge-stream bench`. Each module is loaded when its stage is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from encoder.precision import Precision
from stream.errors import UserError
from stream.terminal.web_extra import check_web_extra, has_web_extra
from tools.bench.request import BenchRequest, Measured, Report

__all__ = ["STAGES", "Stage", "choose_stages"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing that is measured.

    Attributes:
        summary: what it is, for users.
        measure: measures it.
        possible: whether this machine can; if not, the stage is measured only if it is named.
    """

    summary: str
    measure: Callable[[BenchRequest, Report], Measured]
    possible: Callable[[], bool] = lambda: True


def _encoder(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.encoder import encoder_tables, measure_encoder  # noqa: PLC0415 - see the module

    figures = measure_encoder(request.seconds_or(20.0), report)
    return Measured(figures, encoder_tables(figures))


def _gpu(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.gpu import gpu_table, measure_gpu  # noqa: PLC0415

    if not _cuda_available():
        raise UserError("--only gpu: torch finds no usable CUDA GPU on this machine")
    figures = measure_gpu(request.seconds_or(20.0), report)
    return Measured(figures, (gpu_table(figures),))


def _cuda_available() -> bool:
    from torch import cuda  # noqa: PLC0415

    return cuda.is_available()


def _encoders(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.encoders import encoders_table, measure_encoders  # noqa: PLC0415

    figures = measure_encoders(report, seconds=request.seconds_or(30.0))
    return Measured(figures, (encoders_table(figures),))


def _live(request: BenchRequest, report: Report, precision: Precision = "fp32") -> Measured:
    from tools.bench.live import SECONDS, measure_live  # noqa: PLC0415
    from tools.bench.live_tables import live_tables  # noqa: PLC0415

    figures = measure_live(
        report,
        people=request.people,
        seconds=request.seconds_or(SECONDS),
        minutes=request.minutes,
        precision=precision,
        encoders=request.encoders,
    )
    return Measured(figures, live_tables(figures))


def _bf16_supported() -> bool:
    from encoder.onednn import bf16_supported  # noqa: PLC0415

    return bf16_supported()


def _matcher(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.enrolment_time import RELATIVE_SENSOR, measure_enrolment  # noqa: PLC0415
    from tools.bench.gallery_growth import measure_growth  # noqa: PLC0415
    from tools.bench.matcher import PEOPLE, TRACKS, matcher_tables, measure_matcher  # noqa: PLC0415

    report(f"matcher: {PEOPLE} people enrolled, {TRACKS} tracks")
    figures = msgspec.structs.replace(
        measure_matcher(PEOPLE, TRACKS, request.seconds_or(20.0)),
        growth=measure_growth(report),
        enrolments=tuple(measure_enrolment(report, sensor=sensor) for sensor in ("", RELATIVE_SENSOR)),
    )
    return Measured(figures, matcher_tables(figures))


def _start(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.start import measure_start, start_tables  # noqa: PLC0415

    figures = measure_start(report)
    return Measured(figures, start_tables(figures))


def _training(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.training import measure_training, training_table  # noqa: PLC0415

    figures = measure_training(request.seconds_or(60.0), report)
    return Measured(figures, (training_table(figures),))


def _capture(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.capture import capture_table, measure_capture  # noqa: PLC0415

    figures = measure_capture(request.seconds_or(20.0), report)
    return Measured(figures, (capture_table(figures),))


def _web(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.web import measure_web, web_tables  # noqa: PLC0415

    check_web_extra("--only web")
    figures = measure_web(report, seconds=request.seconds_or(30.0))
    return Measured(figures, web_tables(figures))


def _camera(request: BenchRequest, report: Report) -> Measured:
    from tools.bench.camera import camera_table, measure_camera  # noqa: PLC0415

    figures = measure_camera(request.seconds_or(30.0), report)
    return Measured(figures, (camera_table(figures),))


STAGES: Mapping[str, Stage] = {
    "encoder": Stage("windows per second, beside the fastest matrix product", _encoder),
    "gpu": Stage("windows per second of the encoder on a GPU", _gpu, _cuda_available),
    "encoders": Stage("windows per second of several encoder processes", _encoders),
    "live": Stage("people whom the live system follows, time and cost of decisions", _live),
    "live_bf16": Stage(
        "the same with the encoder in bf16", partial(_live, precision="bf16"), _bf16_supported
    ),
    "capture": Stage("processor time of one source per person and frame, by step", _capture),
    "camera": Stage("pictures per second and core with 1, 3 and 6 people, by step", _camera),
    "matcher": Stage("time of a window in encoder and matcher, and as the gallery grows", _matcher),
    "start": Stage("seconds until the help is shown, and until the live system is ready", _start),
    "training": Stage("windows learned from in a second, beside plain torch", _training),
    "web": Stage(
        "requests to the web server beside people, and what they cost decisions", _web, has_web_extra
    ),
}
"""All stages, in the order in which they are measured."""


def choose_stages(names: Sequence[str]) -> dict[str, Stage]:
    """Returns the stages of those names, all possible ones without names, in the order of `STAGES`.

    Raises:
        UserError: a name is unknown.
    """
    if unknown := [name for name in names if name not in STAGES]:
        raise UserError(f"--only {unknown[0]}: there is no such stage; the stages are {', '.join(STAGES)}")
    return {name: stage for name, stage in STAGES.items() if (name in names if names else stage.possible())}
