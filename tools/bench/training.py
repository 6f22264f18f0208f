"""Stage `training`: windows learned from in a second, beside plain torch, by one process and by two."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import msgspec
from rich.table import Table

from encoder.training.train_config import TrainConfig
from tools.bench.machine import core_count
from tools.bench.request import Report
from tools.bench.spread import Spread, bench_table, spread_of
from tools.bench.training_rounds import PLAIN, TrainingWorkers, precisions
from tools.bench.workers import rounds_for

__all__ = ["QUOTED", "TrainingFigures", "TrainingRun", "measure_training", "training_table"]

QUOTED = 413.0
"""Windows per second of the authors' TensorFlow code on one thread, X, Y and Z together; quoted."""


class TrainingRun(msgspec.Struct, frozen=True, kw_only=True):
    """Rate of one way to train.

    Attributes:
        variant: `plain`, or the precision of our step.
        processes: that share each batch.
        threads: of each process.
        windows_per_s: learned from, by all processes together.
        times_plain: rate over that of `plain`.
        times_one: rate over that of one process with the same step.
    """

    variant: str
    processes: int
    threads: int
    windows_per_s: Spread
    times_plain: float
    times_one: float


class TrainingFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the stage.

    Attributes:
        device: `auto`, `cpu`, `cuda` or `cuda:N`, as asked for.
        runs: all ways to train.
        quoted: see `QUOTED`.
    """

    device: str
    runs: tuple[TrainingRun, ...]
    quoted: float


def measure_training(
    seconds: float,
    report: Report,
    *,
    config: TrainConfig | None = None,
    scaling: Sequence[int] | None = None,
) -> TrainingFigures:
    """Times all steps in turn, round by round, each in processes of its own.

    Args:
        seconds: minimum duration; at least three rounds are measured.
        report: is told what is measured.
        config: settings with one pretext task and without augmentation; None for the defaults, one thread.
        scaling: numbers of processes beyond one; None for 2 where there are two cores.

    Raises:
        UserError: the device does not exist.
        RunError: a process failed.
    """
    config = config or TrainConfig(threads=1)
    if scaling is None:
        scaling = (2,) if core_count() > 1 else ()
    ours = precisions(config)
    ways = [(PLAIN, 1), *((name, 1) for name in ours), *((ours[-1], count) for count in scaling)]
    report(f"training: {len(ways)} ways in turn")
    rates: dict[tuple[str, int], list[float]] = {way: [] for way in ways}
    with ExitStack() as opened:
        workers = {
            (variant, count): opened.enter_context(TrainingWorkers(variant, config, count))
            for variant, count in ways
        }
        for each in workers.values():
            each.round()  # starts and warms up
        for _ in rounds_for(seconds):
            for way, each in workers.items():
                rates[way].append(each.round())
    return _figures(config, rates)


def _figures(config: TrainConfig, rates: dict[tuple[str, int], list[float]]) -> TrainingFigures:
    spreads = {way: spread_of(values) for way, values in rates.items()}
    runs = tuple(
        TrainingRun(
            variant=variant,
            processes=count,
            threads=config.threads or 1,
            windows_per_s=spread,
            times_plain=spread.median / spreads[PLAIN, 1].median,
            times_one=spread.median / spreads[variant, 1].median,
        )
        for (variant, count), spread in spreads.items()
    )
    return TrainingFigures(device=config.device, runs=runs, quoted=QUOTED)


def training_table(figures: TrainingFigures) -> Table:
    """Returns the table of all ways to train."""
    rows = [
        [
            run.variant,
            str(run.processes),
            str(run.threads),
            run.windows_per_s.text,
            run.windows_per_s.range_text,
            f"{run.times_plain:.2f}",
            f"{run.times_one:.2f}",
        ]
        for run in figures.runs
    ]
    return bench_table(
        f"Training, device {figures.device}",
        ["step", "processes", "threads", "windows/s", "range", "x plain", "x one process"],
        rows,
        "plain: the same step in plain torch, fp32. Quoted: the authors' TensorFlow code, X, Y and Z, "
        f"1 thread: {figures.quoted:,.0f} windows/s.",
    )
