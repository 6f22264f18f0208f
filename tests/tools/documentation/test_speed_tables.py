"""Tables of `sge-stream bench` in the documentation."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from stream.errors import DataError, UserError
from tools.bench.figures_file import write_figures
from tools.bench.machine import describe_machine
from tools.bench.matcher import MatcherFigures
from tools.documentation.results_files import read_results
from tools.documentation.speed_tables import NOT_MEASURED, speed_machine, speed_tables

MATCHER = MatcherFigures(people=7, tracks=5, encoder=(1.0, 2.0, 3.0), system=(2.5, 3.0, 3.5))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "speed.json"
    figures = {"machine": describe_machine(), "matcher": MATCHER}
    write_figures(path, msgspec.to_builtins(figures))
    return path


def test_a_stage_has_the_table_of_the_command(written: Path) -> None:
    title, _, table = speed_tables("matcher", written).partition("\n\n")
    assert title == "**Matcher: ms per window, 5 together, 7 people enrolled, 1 thread**"
    assert table.splitlines()[2] == "| the paper's encoder | 2.00 | 1.10 to 2.90 | 1.00 |"


def test_the_machine_is_named(written: Path) -> None:
    assert describe_machine().cpu in speed_machine(written)


def test_what_was_not_measured_is_said(written: Path) -> None:
    assert speed_tables("live", written) == NOT_MEASURED
    assert speed_machine(written.parent / "none.json") == NOT_MEASURED


def test_an_unknown_stage_and_other_figures_are_errors(written: Path) -> None:
    with pytest.raises(UserError, match="there are encoder"):
        speed_tables("nothing", written)
    write_figures(written, msgspec.to_builtins({"machine": describe_machine(), "matcher": {"people": 7}}))
    with pytest.raises(DataError, match="matcher are of another version"):
        speed_tables("matcher", written)


def test_figures_of_speed_are_none_of_an_evaluation(written: Path) -> None:
    with pytest.raises(UserError, match="holds no figures"):
        read_results(written.parent)
