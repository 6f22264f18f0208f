"""Figures of `sge-stream bench` on several machines side by side: what carries over, and what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from stream.errors import DataError
from tools.bench.encoder import EncoderFigures, EncoderRun
from tools.bench.figures_file import read_figures
from tools.bench.live import LiveFigures
from tools.bench.machine import Machine
from tools.documentation.markdown_table import markdown_table
from tools.documentation.results_files import SPEED, SPEED_ELSEWHERE
from tools.documentation.speed_tables import stage_figures

__all__ = ["speed_comparison"]

_NONE = "-"


def speed_comparison(path: Path = SPEED, elsewhere: Path = SPEED_ELSEWHERE) -> str:
    """Returns a table with a column for each machine.

    Args:
        path: figures of the first machine.
        elsewhere: folder of files of the others.

    Raises:
        DataError: a file is none of `sge-stream bench --out`, or of another version of it.
    """
    paths = [path, *sorted(elsewhere.glob("*.json"))]
    machines = [msgspec.convert(read_figures(each)["machine"], Machine) for each in paths]
    columns = [dict(_rows(each)) for each in paths]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = [[name, *(column.get(name, _NONE) for column in columns)] for name in names]
    headings = [f"{machine.cpu}, {machine.cores} cores" for machine in machines]
    return markdown_table(["", *headings], rows)


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """Yields the name and the text of each figure of a machine."""
    for stage, rows in _ROWS.items():
        figures = stage_figures(stage, path)
        if figures is not None:
            yield from rows(figures)


def _encoder(figures: EncoderFigures) -> Iterator[tuple[str, str]]:
    all_cores = figures.threads
    best = figures.best_product_gflops
    alone = max(each.gflops.median for each in figures.yardstick if each.threads == 1)
    yield "best fp32 product, all cores, GFLOP/s", f"{best:,.0f}"
    yield "over that of one core", f"{best / alone:.2f}"
    for windows in (256, 64):
        share = _run(figures, "fp32", all_cores, windows).share
        yield f"fp32, {windows} windows: share of it", f"{100 * share:.0f} %"
    one = _run(figures, "fp32", 1, 1)
    yield "fp32, one window, one core: time over eager torch", f"{1 / one.times_plain:.2f}"
    yield "fp32, 256 windows, one core: rate over eager torch", _times(figures, "fp32")
    reduced = figures.reduced.precision
    if reduced:
        yield f"{reduced}, 256 windows, one core: rate over eager torch", _times(figures, reduced)
        yield f"{reduced} over fp32, 256 windows, all cores", f"{figures.reduced.times_fp32:.2f}"


def _times(figures: EncoderFigures, variant: str) -> str:
    return f"{_run(figures, variant, 1, 256).times_plain:.2f}"


def _run(figures: EncoderFigures, variant: str, threads: int, windows: int) -> EncoderRun:
    wanted = (variant, threads, windows)
    for run in figures.runs:
        if (run.variant, run.threads, run.windows) == wanted:
            return run
    raise DataError(
        f"the figures lack {variant} with {threads} threads and {windows} windows; measure them again"
    )


def _live(figures: LiveFigures) -> Iterator[tuple[str, str]]:
    carried = f"{figures.people}; {figures.p95_ms:.0f}" if figures.carried else _NONE
    yield f"people carried in {figures.precision}; p95 ms", carried


_ROWS: dict[str, Callable[[Any], Iterator[tuple[str, str]]]] = {
    "encoder": _encoder,
    "live": _live,
    "live_bf16": _live,
}
"""What is compared, by stage."""
