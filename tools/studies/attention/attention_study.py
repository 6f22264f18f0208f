"""Runs the attention study: plans the trainings, runs the missing ones and draws the pictures."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn

from encoder.attention import Attention
from encoder.pretext_tasks import Pretext
from encoder.training.batch_losses import span_length_and_step
from encoder.training.contrast import Contrast
from encoder.training.spans import cut_spans
from encoder.training.train_config import TrainConfig
from stream.errors import UserError
from stream.terminal.progress_lines import LineProgress
from tools.studies.attention.attention_figures import AttentionResults, write_results
from tools.studies.attention.attention_training import Outcome, Run, finished
from tools.studies.attention.training_workers import train_all
from tools.training.training_data import read_training_data

__all__ = ["attention_study", "parse_seeds", "plan"]

_SPEED_PERIOD_S = 600.0
"""Period of the speed estimate for the remaining time; trainings differ in speed."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parses seeds: `0,1,2` is (0, 1, 2).

    Raises:
        UserError: the text has another form, or repeats a seed.
    """
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts) or len({int(p) for p in parts}) < len(parts):
        raise UserError(f"--seeds: expected different whole numbers such as 0,1,2, got {text!r}")
    return tuple(int(part) for part in parts)


def plan(config: TrainConfig, seeds: tuple[int, ...], folder: Path) -> list[Run]:
    """Returns the trainings of a study, ordered by seed, so that an interrupted study has complete seeds.

    Args:
        config: settings common to all trainings. A precision of `auto` becomes fp32, so that the trainings
            differ in nothing else.
        seeds: seeds of weights and batches.
        folder: folder for the trainings' folders.

    Raises:
        UserError: the settings have no contrastive learning, or a pretext task other than `reverse`.
    """
    if config.contrast == Contrast.NONE:
        raise UserError(
            "contrast: expected a contrast to compare with none, got none; remove it from the configuration"
        )
    if config.pretexts != (Pretext.REVERSE,):
        raise UserError(
            f"pretext: expected reverse, the task that all attentions support, got {config.pretext}"
        )
    precision = "fp32" if config.precision == "auto" else config.precision
    return [
        Run(
            replace(config, attention=attention, contrast=contrast, seed=seed, precision=precision),
            folder / f"{attention}-{contrast}-seed{seed}",
        )
        for seed in seeds
        for contrast in (Contrast.NONE, config.contrast)
        for attention in Attention
    ]


def attention_study(
    data: list[str],
    folder: Path,
    *,
    config: TrainConfig,
    seeds: tuple[int, ...] = (0, 1, 2),
    people: str | None = None,
    jobs: int = 1,
    out: Console,
) -> list[Path]:
    """Runs the missing trainings of a study and draws its figures.

    Args:
        data: training data, as for `tools.training.training_data.read_training_data`.
        folder: folder for all files.
        config: settings common to all trainings.
        seeds: seeds of weights and batches.
        people: people to train on; None takes all.
        jobs: trainings in parallel, in worker processes if more than one.
        out: console for the progress.

    Returns:
        The paths of the pictures and the files of numbers.

    Raises:
        UserError: a setting, path, person or folder is invalid.
        DataError, RunError: see `Trainer`.
    """
    if jobs > 1 and not config.threads:
        config = replace(config, threads=max(1, (os.cpu_count() or 1) // jobs))
    runs = plan(config, seeds, folder)
    training_data = read_training_data(data, people)
    spans = cut_spans(training_data.walks, *span_length_and_step(config, Pretext.REVERSE))
    out.print(f"{len(runs)} trainings on {len(spans)} windows of {len(spans.names)} walks", highlight=False)
    digest = spans.digest
    outcomes: dict[str, Outcome] = {}
    for run in runs:
        if (outcome := finished(run, digest)) is not None:
            outcomes[run.name] = outcome
            out.print(f"{run.name}: already finished", highlight=False)
    missing = [run for run in runs if run.name not in outcomes]
    with _progress_bar(out) as bar:
        task = bar.add_task("", total=len(missing) * config.epochs)
        done = dict.fromkeys((run.name for run in missing), 0.0)

        def update(name: str, epochs: float) -> None:
            done[name] = epochs
            bar.update(task, description=name, completed=sum(done.values()))

        for run, outcome in train_all(missing, spans, jobs, update):
            outcomes[run.name] = outcome
            out.print(f"{run.name}: L_S {outcome.final:.4f}", highlight=False)
    finished_runs = [(run, outcomes[run.name]) for run in runs]
    study = AttentionResults(config, seeds, training_data.sources, len(spans), finished_runs)
    written = write_results(study, folder, out)
    for path in written:
        out.print(f"wrote {path}", highlight=False, soft_wrap=True)
    return written


def _progress_bar(out: Console) -> LineProgress:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeLeftColumn(),
        TextColumn("left"),
    )
    return LineProgress(*columns, console=out, transient=True, speed_estimate_period=_SPEED_PERIOD_S)
