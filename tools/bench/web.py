"""Stage `web`: requests to the web server of `sge-stream serve` beside people who are followed live."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.table import Table

from stream.errors import RunError
from tools.bench.request import Report
from tools.bench.served_site import Site, served_site
from tools.bench.simulated_gallery import make_gallery
from tools.bench.spread import bench_table

__all__ = ["PEOPLE", "RATE", "DecisionTimes", "WebFigures", "measure_web", "web_tables"]

PEOPLE = 20
RATE = 1000.0
"""Requests per second that are asked for."""

_WARM_UP_S = 5.0


class DecisionTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions during a part of the run: their number, and milliseconds from frame to decision."""

    decisions: int
    p50_ms: float
    p95_ms: float


class WebFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the stage.

    Attributes:
        people: walking all the time, all of them enrolled.
        seconds: of each of three parts: alone, beside the requests, and alone again.
        asked_per_s: requests per second that the load tries to send, on ten connections.
        answered_per_s: with status 200.
        failed: requests that had another answer, or none.
        p50_ms: half of the answers came within this time.
        p95_ms: 95 %.
        p99_ms: 99 %.
        load_cpu: processor seconds per second of the process that sends the requests.
        alone: decisions of both parts alone.
        beside: decisions beside the requests.
    """

    people: int
    seconds: float
    asked_per_s: float
    answered_per_s: float
    failed: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    load_cpu: float
    alone: DecisionTimes
    beside: DecisionTimes


class _LoadResult(msgspec.Struct, frozen=True):
    """What `tools.bench.http_load` prints."""

    answered: int
    failed: int
    p50: float
    p95: float
    p99: float
    seconds: float
    cpu: float


def measure_web(report: Report, *, seconds: float, people: int = PEOPLE, rate: float = RATE) -> WebFigures:
    """Serves simulated people in one run: alone, beside requests, and alone again.

    Args:
        report: is told of every part.
        seconds: duration of each part.
        people: their number.
        rate: requests per second.

    Raises:
        RunError: the system did not serve, or the load failed.
    """
    with tempfile.TemporaryDirectory(prefix="sge-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        make_gallery(folder / "gallery.db", people)
        source = f"walkers:n={people},seed=1,walk=2"
        with served_site(folder, [source], folder / "gallery.db") as site, site.lines() as lines:
            decisions = (line for line in lines if line.get("latency_ms") is not None)
            for decision in decisions:
                if decision["t"] > _WARM_UP_S:
                    break
            report(f"web: {people} people alone")
            alone = _latencies(decisions, seconds)
            report(f"web: {people} people beside {rate:g} requests a second")
            with _load(site, rate, seconds) as process:
                beside = _latencies(decisions, seconds)
                result = _result(process)
            report(f"web: {people} people alone again")
            alone += _latencies(decisions, seconds)
    return WebFigures(
        people=people,
        seconds=seconds,
        asked_per_s=rate,
        answered_per_s=result.answered / result.seconds,
        failed=result.failed,
        p50_ms=result.p50,
        p95_ms=result.p95,
        p99_ms=result.p99,
        load_cpu=result.cpu / result.seconds,
        alone=_times(alone),
        beside=_times(beside),
    )


def _latencies(decisions: Iterator[dict[str, Any]], seconds: float) -> list[float]:
    """Returns the milliseconds of the decisions on the next seconds of the source."""
    found: list[float] = []
    until: float | None = None
    for decision in decisions:
        until = decision["t"] + seconds if until is None else until
        if decision["t"] > until:
            return found
        found.append(decision["latency_ms"])
    raise RunError("the system ended before the measurement did")


def _load(site: Site, rate: float, seconds: float) -> subprocess.Popen[bytes]:
    options = ["--streams", "0", "--rate", f"{rate:g}", "--seconds", f"{seconds:g}"]
    command = [sys.executable, "-m", "tools.bench.http_load", site.url, str(site.token_file), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])


def _result(process: subprocess.Popen[bytes]) -> _LoadResult:
    shown, _ = process.communicate()
    try:
        return msgspec.json.decode(shown, type=_LoadResult)
    except msgspec.DecodeError:
        raise RunError("the load of requests failed") from None


def _times(milliseconds: list[float]) -> DecisionTimes:
    p50, p95 = np.percentile(milliseconds, (50, 95)).tolist()
    return DecisionTimes(decisions=len(milliseconds), p50_ms=p50, p95_ms=p95)


def web_tables(figures: WebFigures) -> tuple[Table, ...]:
    """Returns the tables: the requests, and the decisions beside them and alone."""
    requests = bench_table(
        f"Web server: requests beside {figures.people} people",
        ["asked /s", "answered /s", "failed", "p50 ms", "p95 ms", "p99 ms"],
        [
            [
                f"{figures.asked_per_s:,.0f}",
                f"{figures.answered_per_s:,.0f}",
                f"{figures.failed:,}",
                f"{figures.p50_ms:.1f}",
                f"{figures.p95_ms:.1f}",
                f"{figures.p99_ms:.1f}",
            ]
        ],
        f"The process that sends them takes {figures.load_cpu:.2f} CPU s/s by itself.",
    )
    parts = (("alone, before and after", figures.alone), ("beside the requests", figures.beside))
    decisions = bench_table(
        "Web server: decisions, from the frame",
        ["", "decisions", "p50 ms", "p95 ms"],
        [[name, f"{part.decisions:,}", f"{part.p50_ms:.1f}", f"{part.p95_ms:.1f}"] for name, part in parts],
    )
    return requests, decisions
