"""What the command line asks `sge-stream bench` for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from rich.table import Table

__all__ = ["BenchRequest", "Measured", "Report"]

Report = Callable[[str], None]
"""Takes one line of text about the progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchRequest:
    """Options of the command.

    Attributes:
        only: names of stages; empty for all.
        out: file for the figures.
        seconds: duration of the measurement of each stage; None for the stage's own.
        people: numbers of people for the stage `live`; empty to search for the most.
        minutes: of the stage `live`, to see whether its cost stays the same; 0 for none.
        encoders: number of encoder processes in the stages `live` and `live_bf16`.
        plan: a site to plan instead; see `tools.bench.plan_request`.
        costs: file of figures that the plan is made from; None to measure them.
    """

    only: tuple[str, ...] = ()
    out: Path | None = None
    seconds: float | None = None
    people: tuple[int, ...] = ()
    minutes: int = 0
    encoders: int = 1
    plan: str | None = None
    costs: Path | None = None

    def seconds_or(self, usual: float) -> float:
        """Returns the seconds given, or those usual for a stage."""
        return usual if self.seconds is None else self.seconds


@dataclass(frozen=True, slots=True)
class Measured:
    """Result of a stage.

    Attributes:
        figures: for the JSON file, as they are.
        tables: for the terminal, 80 columns wide at most.
    """

    figures: msgspec.Struct
    tables: tuple[Table, ...]
