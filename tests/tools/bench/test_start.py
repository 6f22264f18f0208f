"""The stage `start`: the help is light, in a real process; the parts add up to what they are parts of."""

from __future__ import annotations

import pytest

from tests.tools.bench.screens import shown
from tools.bench.spread import Spread
from tools.bench.start import StartFigures, StartPart, loaded_by_help, measure_start, start_tables


def test_the_help_loads_no_large_package() -> None:
    assert loaded_by_help() == ()


@pytest.mark.slow
def test_every_process_has_its_causes() -> None:
    lines: list[str] = []
    figures = measure_start(lines.append, enrolled=2, rounds=1)
    assert len(lines) == 3
    causes: dict[str, list[str]] = {}
    for part in figures.parts:
        assert 0 < part.seconds.low <= part.seconds.median
        causes.setdefault(part.process, []).append(part.cause)
    assert causes == {
        "capture": ["imports", "source, first frame"],
        "encoder": ["imports", "weights", "warm-up"],
        "matcher": ["imports", "gallery", "back-end", "templates", "thresholds"],
        "live": ["imports", "encoder and matcher are ready", "the source is ready"],
    }
    assert 0 < figures.python_s.median < figures.help_s.median < figures.ready_s.median
    whole = [part.seconds.median for part in figures.parts if part.process == "live"]
    assert figures.ready_s.median == pytest.approx(sum(whole))


def test_the_tables_name_what_the_help_loads() -> None:
    half = Spread(0.5, 0.4, 0.6, 3)
    figures = StartFigures(
        python_s=half,
        help_s=half,
        help_loads=("torch",),
        ready_s=half,
        enrolled=100,
        parts=(StartPart(process="matcher", cause="back-end", seconds=half),),
    )
    text = shown(start_tables(figures))
    for part in ("the help loads torch", "0.50", "0.40-0.60", "back-end", "100 enrolled"):
        assert part in text
