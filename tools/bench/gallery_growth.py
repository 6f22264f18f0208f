"""Cost of a decision in galleries of several sizes, by step, and the index's memory and loading time.

    python -m tools.bench.gallery_growth PEOPLE [KGBD-FOLDER]

measures one size, a round for each line of standard input; see `tools.bench.workers`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from rich.table import Table

from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from stream.bus.messages import Tick, WindowRow
from tools.bench.augmented_people import TEMPLATES, base_walks, many_people
from tools.bench.request import Report
from tools.bench.spread import Spread, bench_table, spread_of
from tools.bench.workers import Rates, Worker, serve_rounds

__all__ = ["SIZES", "GrowthFigures", "growth_table", "measure_growth"]

SIZES = (10, 1_000, 10_000)
"""People who are enrolled."""

STEPS = ("describe", "compare", "decide")
"""Describe windows; compare them with all templates; follow the tracks and decide on them."""

_TRACKS = 8
_TICKS = 60
_ROUNDS = 3
_STEP_NS = 100_000_000


class GrowthFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Cost with one size of gallery, on one thread.

    Attributes:
        people: enrolled, one walk each.
        templates: of each person.
        tracks: windows that are compared together.
        steps_us: microseconds of processor time per window, by step; see `STEPS`.
        load_s: seconds to prepare the index from templates in memory.
        memory_mb: of templates and index together.
    """

    people: int
    templates: int
    tracks: int
    steps_us: dict[str, Spread]
    load_s: float
    memory_mb: float

    @property
    def window_us(self) -> float:
        """Microseconds per window, of all steps."""
        return sum(step.median for step in self.steps_us.values())


def measure_growth(
    report: Report, sizes: Sequence[int] = SIZES, rounds: int = _ROUNDS, data: Path | None = None
) -> tuple[GrowthFigures, ...]:
    """Measures each size in a process of its own.

    Args:
        report: receives a line for each size.
        sizes: numbers of people.
        rounds: number of rounds of six seconds of walking.
        data: folder with KGBD, whose templates are augmented; None for those of simulated people.

    Raises:
        RunError: a process failed.
    """
    found = []
    for people in sizes:
        report(f"matcher: a gallery of {people:,} people")
        arguments = [str(people), *([] if data is None else [str(data)])]
        with Worker("tools.bench.gallery_growth", *arguments, threads=1) as worker:
            measured = [worker.round() for _ in range(rounds)]
        found.append(
            GrowthFigures(
                people=people,
                templates=TEMPLATES,
                tracks=_TRACKS,
                steps_us={step: spread_of([each[step] for each in measured]) for step in STEPS},
                load_s=measured[0]["load_s"],
                memory_mb=measured[0]["memory_mb"],
            )
        )
    return tuple(found)


def growth_table(figures: Sequence[GrowthFigures]) -> Table:
    """Returns the table, a row for each size."""
    rows = [
        [
            f"{each.people:,}",
            *(each.steps_us[step].text for step in STEPS),
            f"{each.window_us:,.0f}",
            f"{each.load_s:.2f}",
            f"{each.memory_mb:,.0f}",
        ]
        for each in figures
    ]
    caption = (
        f"{figures[0].templates} templates each; {figures[0].tracks} windows together" if figures else ""
    )
    columns = ["people", *(f"{step} us" for step in STEPS), "window us", "load s", "MB"]
    return bench_table("Matcher: a decision as the gallery grows, 1 thread", columns, rows, caption)


class _Measured:
    """A matcher with a gallery of some size, before which a few people walk on and on."""

    def __init__(self, people: int, data: Path | None) -> None:
        contract, enrolled = base_walks(1, data)
        sensor = enrolled[0].sensor
        templates = [
            PersonTemplates(n, f"p{n}", sensor, walk.templates, walk.statistics, walk_id=n)
            for n, walk in enumerate(many_people(contract, enrolled, people), 1)
        ]
        started = time.perf_counter()
        self.index = TemplateIndex(templates, load_backend(contract), [sensor])
        self.load_s = time.perf_counter() - started
        self.memory_mb = (sum(each.templates.nbytes for each in templates) + self.index.nbytes) / 2**20
        self._sensor = sensor
        self._walks = [walk.cages for walk in base_walks(2, data)[1]]
        self._matcher = Matcher(
            (SourceCard("a", sensor, live=True),), self._walks[0].shape[1], 0.05, self.index
        )
        self._tick = 0

    def round(self) -> Rates:
        """Returns the microseconds of each step for one window, over some ticks."""
        times = dict.fromkeys(STEPS, 0.0)
        for _ in range(_TICKS):
            for step, seconds in zip(STEPS, self._decide(), strict=True):
                times[step] += 1e6 * seconds / (_TICKS * _TRACKS)
        return times | {"load_s": self.load_s, "memory_mb": self.memory_mb}

    def _decide(self) -> tuple[float, float, float]:
        self._tick += 1
        now_ns = self._tick * _STEP_NS
        walks = [self._walks[track % len(self._walks)] for track in range(_TRACKS)]
        cages = np.stack([walk[(self._tick + 7 * n) % len(walk)] for n, walk in enumerate(walks)])
        rows = tuple(WindowRow(track + 1, now_ns, now_ns + _STEP_NS, now_ns, 0.9) for track in range(_TRACKS))
        tick = Tick(0, 0, self._tick, "c", cages.shape, rows)
        marks = [time.process_time()]
        described = self.index.describe(cages, self._sensor)
        marks.append(time.process_time())
        self.index.scores(described, self._sensor)
        marks.append(time.process_time())
        self._matcher.observe(tick, cages)
        marks.append(time.process_time())
        describe, compare, whole = np.diff(marks).tolist()
        # The matcher describes and compares them once more.
        return describe, compare, max(0.0, whole - describe - compare)


if __name__ == "__main__":
    serve_rounds(_Measured(int(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None).round)
