"""The stage `web`: a system that serves, alone and beside requests."""

from __future__ import annotations

import msgspec
import pytest

from tests.tools.bench.screens import shown
from tools.bench.web import DecisionTimes, WebFigures, measure_web, web_tables

pytestmark = pytest.mark.usefixtures("runtime_dir")


@pytest.mark.slow
def test_requests_are_answered_beside_people() -> None:
    lines: list[str] = []
    figures = measure_web(lines.append, seconds=2.0, people=1, rate=20.0)
    assert msgspec.convert(msgspec.to_builtins(figures), WebFigures) == figures
    assert figures.failed == 0
    assert 0 < figures.answered_per_s <= 25
    assert 0 < figures.p50_ms <= figures.p95_ms <= figures.p99_ms
    assert figures.load_cpu > 0
    for part in (figures.alone, figures.beside):
        assert part.decisions > 5
        assert 0 < part.p50_ms <= part.p95_ms
    assert lines == [
        "web: 1 people alone",
        "web: 1 people beside 20 requests a second",
        "web: 1 people alone again",
    ]


def test_the_tables_fit_80_columns() -> None:
    times = DecisionTimes(decisions=123456, p50_ms=1234.5, p95_ms=12345.6)
    figures = WebFigures(
        people=1000,
        seconds=60.0,
        asked_per_s=100000.0,
        answered_per_s=99999.0,
        failed=123456,
        p50_ms=1234.5,
        p95_ms=12345.6,
        p99_ms=12345.6,
        load_cpu=0.5,
        alone=times,
        beside=times,
    )
    text = shown(web_tables(figures))
    assert "123,456" in text
    assert "0.50 CPU" in text
