"""Stage `matcher`: computing time per window of the live system, beside the paper's encoder alone.

The cost of decisions in large galleries and of enrolments in them belongs to the stage as well
(`tools.bench.gallery_growth`, `tools.bench.enrolment_time`).

Encoder and live system process the same seeded windows of several tracks alternately, in one process and on
one thread: the encoder alone computes CAGEs; the live system adds pose features, back-end and matcher, and
compares with people enrolled from two walks each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec
import numpy as np
import torch
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.scoring.backend import load_backend
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.segments import segments_of
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import MAX_TEMPLATES
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from stream.bus.messages import Tick, WindowRow
from tools.bench.enrolment_time import EnrolmentFigures, enrolment_table
from tools.bench.gallery_growth import GrowthFigures, growth_table
from tools.bench.spread import bench_table

__all__ = ["PEOPLE", "TRACKS", "MatcherFigures", "matcher_table", "matcher_tables", "measure_matcher"]

PEOPLE = 32
"""People who are enrolled."""

TRACKS = 8
"""People who walk."""


SENSOR = "kinect-v1"
STEP_NS = 100_000_000
MIN_ROUNDS = 60
WALKS = 2


class MatcherFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds per window in each round.

    Attributes:
        people: enrolled.
        tracks: windows per round.
        encoder: the paper's encoder alone.
        system: encoder with pose features, back-end and matcher.
        growth: cost in galleries of several sizes.
        enrolments: seconds of an enrolment in a large gallery, by kind of sensor.
    """

    people: int
    tracks: int
    encoder: tuple[float, ...]
    system: tuple[float, ...]
    growth: tuple[GrowthFigures, ...] = ()
    enrolments: tuple[EnrolmentFigures, ...] = ()

    @property
    def ratio(self) -> float:
        """Ratio of the medians, system to encoder."""
        return float(np.median(self.system) / np.median(self.encoder))


class _LivePipeline:
    """Encoder and matcher of the live system; one call processes one window of every track."""

    def __init__(self, people: int, tracks: int) -> None:
        loaded = load_encoder()
        self.encoder = Encoder(loaded, "cpu")
        # The same models without pose features, which the paper does not use.
        self.paper = Encoder(replace(loaded, contract=replace(loaded.contract, pose=0)), "cpu")
        self._rng = np.random.default_rng(0)
        self._tracks = tracks
        self._tick = 0
        backend = load_backend(self.encoder.contract.id)
        index = TemplateIndex(list(self._gallery(people)), backend, [SENSOR])
        self.matcher = Matcher((SourceCard("a", SENSOR, True),), self.encoder.contract.f, 0.01, index)

    def _gallery(self, people: int) -> Iterator[PersonTemplates]:
        rows = self.encoder.encode(self.windows(MAX_TEMPLATES))
        statistics = segments_of(describe_windows(rows)).mean(axis=0)
        for person in range(people):
            for _ in range(WALKS):
                walk = rows * self._rng.uniform(0.9, 1.1, rows.shape).astype(np.float32)
                yield PersonTemplates(person, f"p{person}", SENSOR, walk, statistics)

    def windows(self, count: int) -> FloatArray:
        f, joints, axes = self.encoder.window_shape
        return np.float32(0.3) * self._rng.standard_normal((count, f, joints, axes), np.float32)

    def decide(self, windows: FloatArray) -> None:
        """Processes the next window of every track."""
        cages = self.encoder.encode(windows)
        time_ns = self._tick * STEP_NS
        rows = tuple(
            WindowRow(track, time_ns, time_ns + STEP_NS, time_ns, 1.0) for track in range(self._tracks)
        )
        self.matcher.observe(Tick(0, 0, self._tick, "c", cages.shape, rows), cages)
        self._tick += 1


def measure_matcher(people: int, tracks: int, seconds: float) -> MatcherFigures:
    """Times both alternately, for at least `seconds` and 60 rounds (six seconds of walking).

    Args:
        people: number of enrolled people, each with two walks of 64 templates.
        tracks: number of windows per round.
        seconds: minimum duration.
    """
    times: dict[str, list[float]] = {"encoder": [], "system": []}
    with _one_thread():
        pipeline = _LivePipeline(people, tracks)
        steps: dict[str, Callable[[FloatArray], object]] = {
            "encoder": pipeline.paper.encode,
            "system": pipeline.decide,
        }
        for step in steps.values():
            step(pipeline.windows(tracks))
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(times["system"]) < MIN_ROUNDS:
            windows = pipeline.windows(tracks)
            for name, step in steps.items():
                started = time.perf_counter()
                step(windows)
                times[name].append(1000 * (time.perf_counter() - started) / tracks)
    return MatcherFigures(
        people=people, tracks=tracks, encoder=tuple(times["encoder"]), system=tuple(times["system"])
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def matcher_tables(figures: MatcherFigures) -> tuple[Table, ...]:
    """Returns the tables of all that was measured."""
    tables = [matcher_table(figures)]
    if figures.growth:
        tables.append(growth_table(figures.growth))
    return (*tables, *map(enrolment_table, figures.enrolments))


def matcher_table(figures: MatcherFigures) -> Table:
    """Returns the table of milliseconds per window: median and the 5 to 95 % range."""
    values = (
        ("the paper's encoder", figures.encoder, 1.0),
        ("encoder, back-end, matcher", figures.system, figures.ratio),
    )
    rows = []
    for name, times, ratio in values:
        low, high = np.percentile(times, (5, 95))
        rows.append([name, f"{np.median(times):.2f}", f"{low:.2f} to {high:.2f}", f"{ratio:.2f}"])
    return bench_table(
        f"Matcher: ms per window, {figures.tracks} together, {figures.people} people enrolled, 1 thread",
        ["", "median", "5 to 95 %", "x encoder"],
        rows,
    )
