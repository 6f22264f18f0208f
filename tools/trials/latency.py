"""Latency of decisions in the running system, from the arrival of a frame to its published decision.

    python -m tools.trials.latency [--source walkers:n=4] [--seconds 30]

Simulated people are enrolled first, so that the matcher compares with a gallery. The first two seconds are
ignored.
"""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from stream.consent import Consent
from stream.errors import SgeError
from stream.system.live import Live
from stream.terminal.consoles import plain_console

__all__ = ["enrol_walkers", "main", "measure"]

WARM_UP_S = 2.0
ENROLLED = 4
out = plain_console()


def enrol_walkers(gallery: str) -> None:
    """Enrols some simulated people in a new gallery.

    Raises:
        SgeError: the system failed.
    """
    enrolled = f"walkers:n={ENROLLED},seed=1,walk=1,live=0,seconds=10"
    with Live([enrolled], gallery, fpir=None, speed=0) as live:
        for _ in live:
            pass
        for number in range(1, ENROLLED + 1):
            live.enrol(f"walker {number}", [number], consent=Consent.STATED, force=True)


def measure(source: str, seconds: float) -> list[float]:
    """Returns the latencies of all decisions on a live source, milliseconds.

    Raises:
        SgeError: the source cannot be used, or the system failed.
    """
    with tempfile.TemporaryDirectory(prefix="sge-latency-", ignore_cleanup_errors=True) as folder:
        gallery = str(Path(folder) / "gallery.db")
        enrol_walkers(gallery)
        latencies: list[float] = []
        with Live([source], gallery) as live:
            for decision in live:
                if decision.t > seconds:
                    break
                if decision.t > WARM_UP_S and decision.latency_ms is not None:
                    latencies.append(decision.latency_ms)
    return latencies


def run(
    source: Annotated[str, typer.Option(metavar="S", help="A live source.")] = "walkers:n=4,seed=1,walk=2",
    seconds: Annotated[float, typer.Option(metavar="T", min=5, help="Duration of the measurement.")] = 30.0,
) -> None:
    """Measure the latency of decisions in the running system."""
    try:
        latencies = measure(source, seconds)
    except SgeError as error:
        typer.echo(f"latency: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    if not latencies:
        typer.echo(f"latency: {source} gave no decision after {WARM_UP_S:.0f} s", err=True)
        raise typer.Exit(2)
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
    out.print(f"{source}, {seconds:g} s, {len(latencies)} decisions", highlight=False)
    out.print(f"latency p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, max {max(latencies):.1f} ms")
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    out.print(f"{machine}, Python {platform.python_version()}")


def main() -> None:
    """Runs the measurement from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
