"""What a window costs beyond the paper's encoder: pose numbers, back-end, matcher.

    python -m tools.trials.matching_cost [--people 32] [--tracks 8] [--seconds 20]

Both take the same seeded windows of so many tracks by turns in one process, on one thread: the encoder alone
gives CAGEs; the live system's encoder and matcher give decisions about people enrolled by two walks each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.scoring.backend import load_backend
from gallery.scoring.segments import describe_windows, segments_of
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_evidence import MAX_KEPT
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from stream.bus.messages import Row, Tick

__all__ = ["Cost", "cost_table", "main", "measure"]

SENSOR = "kinect-v1"
STEP_NS = 100_000_000
LEAST_ROUNDS = 60
WALKS = 2
out = Console()


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds a window, of each round.

    Attributes:
        encoder: the paper's encoder alone.
        whole: with pose numbers, back-end and matcher.
    """

    encoder: tuple[float, ...]
    whole: tuple[float, ...]

    @property
    def times(self) -> float:
        """How many times the encoder's the whole takes, median to median."""
        return float(np.median(self.whole) / np.median(self.encoder))


class _Live:
    """The live system's encoder and matcher, fed with a moment of all tracks at a time."""

    def __init__(self, people: int, tracks: int) -> None:
        loaded = load_encoder()
        self.encoder = Encoder(loaded, "cpu")
        # The same models without what the paper does not have.
        self.paper = Encoder(replace(loaded, contract=replace(loaded.contract, pose=0)), "cpu")
        self._draw = np.random.default_rng(0)
        self._tracks = tracks
        self._moment = 0
        backend = load_backend(self.encoder.contract.id)
        index = TemplateIndex(list(self._gallery(people)), backend, [SENSOR])
        self.matcher = Matcher((SourceCard("a", SENSOR, True),), self.encoder.contract.f, 0.01, index)

    def _gallery(self, people: int) -> Iterator[PersonTemplates]:
        rows = self.encoder.encode(self.windows(MAX_KEPT))
        statistics = segments_of(describe_windows(rows)).mean(axis=0)
        for person in range(people):
            for _ in range(WALKS):
                walk = rows * self._draw.uniform(0.9, 1.1, rows.shape).astype(np.float32)
                yield PersonTemplates(person, f"p{person}", SENSOR, walk, statistics)

    def windows(self, count: int) -> FloatArray:
        f, joints, axes = self.encoder.window_shape
        return np.float32(0.3) * self._draw.standard_normal((count, f, joints, axes), np.float32)

    def decide(self, windows: FloatArray) -> None:
        """The next moment of all tracks."""
        cages = self.encoder.encode(windows)
        now = self._moment * STEP_NS
        rows = tuple(Row(track, now, now + STEP_NS, now, 1.0) for track in range(self._tracks))
        self.matcher.observe(Tick(0, 0, self._moment, "c", cages.shape, rows), cages)
        self._moment += 1


def measure(people: int, tracks: int, seconds: float) -> Cost:
    """Time both by turns, for so long and at least 60 rounds: six seconds of walking.

    Args:
        people: enrolled, each by two walks of 64 templates.
        tracks: windows that come together.
        seconds: how long.
    """
    times: dict[str, list[float]] = {"encoder": [], "whole": []}
    with _one_thread():
        live = _Live(people, tracks)
        steps: dict[str, Callable[[FloatArray], object]] = {
            "encoder": live.paper.encode,
            "whole": live.decide,
        }
        for step in steps.values():
            step(live.windows(tracks))
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(times["whole"]) < LEAST_ROUNDS:
            windows = live.windows(tracks)
            for name, step in steps.items():
                began = time.perf_counter()
                step(windows)
                times[name].append(1000 * (time.perf_counter() - began) / tracks)
    return Cost(tuple(times["encoder"]), tuple(times["whole"]))


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def cost_table(cost: Cost, people: int, tracks: int) -> Table:
    """Milliseconds a window, median and the middle nine tenths."""
    table = Table(title=f"milliseconds a window, {tracks} together, {people} people enrolled, one thread")
    table.add_column("")
    for name in ("median", "5 to 95 %", "times the encoder"):
        table.add_column(name, justify="right")
    rows = (
        ("the paper's encoder", cost.encoder, 1.0),
        ("encoder, back-end, matcher", cost.whole, cost.times),
    )
    for name, values, ratio in rows:
        low, high = np.percentile(values, (5, 95))
        table.add_row(name, f"{np.median(values):.2f}", f"{low:.2f} to {high:.2f}", f"{ratio:.2f}")
    return table


def run(
    people: Annotated[int, typer.Option(min=1, help="Enrolled.")] = 32,
    tracks: Annotated[int, typer.Option(min=1, help="People walking.")] = 8,
    seconds: Annotated[float, typer.Option(min=0, help="How long.")] = 20.0,
) -> None:
    """Measure and print."""
    out.print(cost_table(measure(people, tracks, seconds), people, tracks))


def main() -> None:
    """Measure from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
