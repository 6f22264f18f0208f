"""Tables of the protocol `live`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tools.evaluation.live.live_result import LiveResult
from tools.evaluation.live.search_figures import moment_name
from tools.evaluation.live.searches import MOMENTS

__all__ = ["COLUMNS", "interval_columns", "interval_rows", "interval_table"]

COLUMNS = {
    "name": "method", "rank1_window": "window", "rank1_2s": "2 s", "rank1_5s": "5 s", "rank1_10s": "10 s",
    "rank1_walk": "walk", "eer": "EER", "fnir_at_fpir1": "FNIR 1%", "fnir_at_fpir5": "FNIR 5%",
    "fpir_realised": "FPIR†", "fnir_realised": "FNIR†", "d_prime": "d'", "seconds_to_name": "s to name",
}  # fmt: skip

_SHOWN = {
    "Rank-1, all enrolled": "rank1_{}", "EER of comparisons": "eer", "FPIR = FNIR at": "eer_search",
    "FNIR where FPIR is 1%": "fnir_at_fpir1",
    "FNIR where FPIR is 5%": "fnir_at_fpir5", "--fpir 0.01: FPIR": "fpir_realised",
    "--fpir 0.01: FPIR, at any moment so far": "fpir_ever", "--fpir 0.01: FNIR": "fnir_realised",
    "--fpir 0.01: FNIR, over the visit so far": "fnir_ever",
    "--fpir 0.05: FPIR": "fpir_realised5", "--fpir 0.05: FPIR, at any moment so far": "fpir_ever5",
    "--fpir 0.05: FNIR": "fnir_realised5", "--fpir 0.05: FNIR, over the visit so far": "fnir_ever5",
    "d'": "d_prime",
}  # fmt: skip


def interval_columns() -> dict[str, str]:
    """Returns the columns of `interval_rows`: key -> heading."""
    moments = enumerate(MOMENTS)
    return {"name": ""} | {
        moment_name(moment): "whole walk" if seconds is None else f"after {seconds:g} s"
        for moment, seconds in moments
    }


def interval_rows(result: LiveResult, name: str) -> Sequence[Mapping[str, str]]:
    """Returns the figures of one method at all moments, with intervals; `-` where undefined."""
    (row,) = (row for row in result.rows if row.name == name)
    counts = result.counts
    moments = {moment_name(moment): seconds for moment, seconds in enumerate(MOMENTS)}
    rows = [{"name": "probes"} | {moment: str(counts[f"probes_{moment}"]) for moment in moments}]
    for heading, key in _SHOWN.items():
        cells = {"name": heading}
        for moment, seconds in moments.items():
            suffix = "" if seconds is None or "{}" in key else f"_{moment}"
            found = row.figures[key.format(moment) + suffix]
            cells[moment] = "-" if found is None else f"{found[0]:.1f} ({found[1]:.1f} to {found[2]:.1f})"
        rows.append(cells)
    return rows


def interval_table(result: LiveResult, name: str) -> Table:
    """Returns `interval_rows` as a table for the terminal."""
    table = Table(
        title=f"{name}: %, and 95 % interval", title_justify="left", box=SIMPLE_HEAD, pad_edge=False
    )
    columns = interval_columns()
    for heading in columns.values():
        table.add_column(heading, no_wrap=bool(heading))
    for row in interval_rows(result, name):
        table.add_row(*(row[key] for key in columns))
    return table
