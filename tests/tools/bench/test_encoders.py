"""The stage `encoders`: windows per second of real encoder processes, and the live system with them."""

from __future__ import annotations

import msgspec
import pytest

from tests.tools.bench.screens import shown
from tools.bench.encoders import EncodersAt, EncodersFigures, encoders_table, measure_encoders
from tools.bench.live_run import LiveRun, Percentiles
from tools.bench.spread import Spread

pytestmark = pytest.mark.usefixtures("runtime_dir")


@pytest.mark.slow
def test_two_processes_have_all_figures() -> None:
    lines: list[str] = []
    figures = measure_encoders(lines.append, seconds=1.0, people=2, processes=(2,), rounds=1)
    assert msgspec.convert(msgspec.to_builtins(figures), EncodersFigures) == figures
    (two,) = figures.at
    assert (two.processes, two.windows_per_s.rounds) == (2, 1)
    assert two.windows_per_s.median > 0
    assert two.live.decisions > 0
    (encoders,) = [cost for cost in two.live.processes if cost.role == "encoder"]
    assert encoders.processes == 2
    assert "encoders: 2 people live, 2 processes" in lines
    assert "2 people" in shown([encoders_table(figures)])


def at(processes: int, windows_per_s: float) -> EncodersAt:
    live = LiveRun(
        people=40,
        sources=2,
        seconds=30.0,
        decisions=12000,
        drops=123456,
        dropped={"windows_dropped": 123456},
        total=Percentiles(p50_ms=1220.0, p95_ms=2100.0, p99_ms=2200.0),
        parts={},
        processes=(),
    )
    spread = Spread(windows_per_s, windows_per_s / 2, windows_per_s * 2, 3)
    return EncodersAt(processes=processes, windows_per_s=spread, live=live)


def test_the_table_compares_with_the_first_and_fits_80_columns() -> None:
    figures = EncodersFigures(cores=64, people=40, at=(at(1, 12345.0), at(64, 370350.0)))
    text = shown([encoders_table(figures)])
    assert "370,350" in text
    assert "30.00" in text
