"""Plans a site from a file of figures, or from what is measured now: the work of `bench --plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec
from rich.console import Console

from stream.errors import DataError, UserError
from tools.bench.camera import CameraFigures, measure_camera
from tools.bench.figures_file import read_figures
from tools.bench.gallery_growth import GrowthFigures
from tools.bench.live import ENROLLED, LiveFigures, live_key, measure_live
from tools.bench.machine import Machine, core_count
from tools.bench.matcher import MatcherFigures
from tools.bench.plan import check_plan, costs_of, plan_site
from tools.bench.plan_request import Site, parse_site
from tools.bench.plan_tables import plan_tables
from tools.bench.request import Report
from tools.bench.spread import print_table

__all__ = ["print_plan"]

_MEASURED_PEOPLE = (10, 25)
_MEASURED_S = 10.0

_Kind = TypeVar("_Kind", bound=msgspec.Struct)


def print_plan(text: str, figures: Path | None, out: Console, report: Report) -> None:
    """Prints what a site needs, and the plan beside a measurement.

    Args:
        text: see `tools.bench.plan_request.parse_site`.
        figures: file of `sge-stream bench --out`; None to measure the costs now, in about a minute.
        out: takes the tables.
        report: is told what is measured.

    Raises:
        UserError: the site is not described rightly, or a cost that it needs is not in the file.
        RunError: the measured system failed.
    """
    site = parse_site(text)
    growth: tuple[GrowthFigures, ...] = ()
    if figures is None:
        cores = core_count()
        camera = measure_camera(0.0, report) if site.cameras else None
        live = measure_live(
            report,
            people=_MEASURED_PEOPLE,
            seconds=_MEASURED_S,
            enrolled=site.gallery or ENROLLED,
            precision=site.precision,
        )
    else:
        cores, live, camera, growth = _read(figures, site)
    costs = costs_of(live, cores, camera=camera, growth=growth)
    for table in plan_tables(site, plan_site(site, costs), costs, check_plan(live, cores)):
        print_table(out, table)


def _read(path: Path, site: Site) -> tuple[int, LiveFigures, CameraFigures | None, tuple[GrowthFigures, ...]]:
    figures = read_figures(path)
    key = live_key(site.precision)
    if key not in figures:
        raise UserError(
            f"{path} has no figures of the live system in {site.precision}; add them with sge-stream bench "
            f"--only {key} --out {path}"
        )
    live = _convert(path, key, figures[key], LiveFigures)
    camera = None
    if "camera" in figures:
        camera = _convert(path, "camera", figures["camera"], CameraFigures)
    growth: tuple[GrowthFigures, ...] = ()
    if "matcher" in figures:
        growth = _convert(path, "matcher", figures["matcher"], MatcherFigures).growth
    return msgspec.convert(figures["machine"], Machine).cores, live, camera, growth


def _convert(path: Path, key: str, value: Any, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise DataError(f"{path}: the figures of {key} are of another version; measure them again") from error
