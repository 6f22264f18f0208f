"""Tables of `sge-stream bench` for the documentation, from the file that it wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from stream.errors import DataError, UserError
from tools.bench.camera import CameraFigures, camera_table
from tools.bench.capture import CaptureFigures, capture_table
from tools.bench.encoder import EncoderFigures, encoder_tables
from tools.bench.encoders import EncodersFigures, encoders_table
from tools.bench.figures_file import read_figures
from tools.bench.gpu import GpuFigures, gpu_table
from tools.bench.live import LiveFigures
from tools.bench.live_tables import live_tables
from tools.bench.machine import Machine
from tools.bench.matcher import MatcherFigures, matcher_tables
from tools.bench.start import StartFigures, start_tables
from tools.bench.training import TrainingFigures, training_table
from tools.bench.web import WebFigures, web_tables
from tools.documentation.markdown_table import markdown_table
from tools.documentation.results_files import SPEED

__all__ = ["NOT_MEASURED", "speed_machine", "speed_tables", "stage_figures"]

NOT_MEASURED = "Not measured yet."


@dataclass(frozen=True, slots=True)
class _StageTables:
    """How the figures of a stage become tables."""

    figures: type[msgspec.Struct]
    tables: Callable[[Any], tuple[Table, ...]]


_STAGES: Mapping[str, _StageTables] = {
    "encoder": _StageTables(EncoderFigures, encoder_tables),
    "gpu": _StageTables(GpuFigures, lambda figures: (gpu_table(figures),)),
    "encoders": _StageTables(EncodersFigures, lambda figures: (encoders_table(figures),)),
    "live": _StageTables(LiveFigures, live_tables),
    "camera": _StageTables(CameraFigures, lambda figures: (camera_table(figures),)),
    "capture": _StageTables(CaptureFigures, lambda figures: (capture_table(figures),)),
    "matcher": _StageTables(MatcherFigures, matcher_tables),
    "live_bf16": _StageTables(LiveFigures, live_tables),
    "start": _StageTables(StartFigures, start_tables),
    "training": _StageTables(TrainingFigures, lambda figures: (training_table(figures),)),
    "web": _StageTables(WebFigures, web_tables),
}


def speed_machine(path: Path = SPEED) -> str:
    """Returns the machine of the figures as a sentence.

    Raises:
        DataError: the file is none of `sge-stream bench --out`.
    """
    if not path.exists():
        return NOT_MEASURED
    return f"{msgspec.convert(read_figures(path)['machine'], Machine).sentence}."


def speed_tables(stage: str, path: Path = SPEED) -> str:
    """Returns the tables of a stage as the command prints them, with their titles and notes.

    Args:
        stage: its name.
        path: the file.

    Raises:
        UserError: there is no such stage.
        DataError: the file is none of `sge-stream bench --out`, or of another version of it.
    """
    figures = stage_figures(stage, path)
    if figures is None:
        return NOT_MEASURED
    return "\n\n".join(part for table in _STAGES[stage].tables(figures) for part in _markdown(table))


def stage_figures(stage: str, path: Path) -> Any:
    """Returns the figures of a stage; None if they are not in the file.

    Args:
        stage: its name.
        path: the file.

    Raises:
        UserError: there is no such stage.
        DataError: the file is none of `sge-stream bench --out`, or of another version of it.
    """
    if stage not in _STAGES:
        raise UserError(f"{stage} is no stage with tables; there are {', '.join(_STAGES)}")
    figures = read_figures(path) if path.exists() else {}
    if stage not in figures:
        return None
    try:
        return msgspec.convert(figures[stage], _STAGES[stage].figures)
    except msgspec.ValidationError as error:
        raise DataError(
            f"{path}: the figures of {stage} are of another version ({error}); measure them again"
        ) from error


def _markdown(table: Table) -> Iterator[str]:
    if table.title:
        yield f"**{table.title}**"
    headings = [str(column.header) for column in table.columns]
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    yield markdown_table(headings, [list(cells) for cells in zip(*columns, strict=True)])
    if table.caption:
        yield str(table.caption)
