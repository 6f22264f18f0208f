"""The whole study: which trainings, those that are not done yet, and the pictures of all."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.progress import TimeRemainingColumn as TimeLeftColumn

from encoder.attention import Attention
from encoder.pretext_tasks import Pretext
from encoder.training.batch_losses import spans_length
from encoder.training.contrast import Contrast
from encoder.training.spans import cut_spans
from encoder.training.train_config import TrainConfig
from stream.errors import UserError
from tools.studies.attention.attention_figures import Study, write_study
from tools.studies.attention.attention_training import Outcome, Run, finished
from tools.studies.attention.training_workers import train_all
from tools.training.training_data import read_training_data

__all__ = ["attention_study", "parse_seeds", "plan"]

_SPEED_OVER_S = 600.0
"""What the time left is reckoned from; trainings differ in pace."""


def parse_seeds(text: str) -> tuple[int, ...]:
    """`0,1,2` as (0, 1, 2).

    Raises:
        UserError: it is written in another way, or a seed is there twice.
    """
    parts = text.split(",")
    if not all(part.isdecimal() for part in parts) or len({int(p) for p in parts}) < len(parts):
        raise UserError(f"--seeds: expected different whole numbers such as 0,1,2, got {text!r}")
    return tuple(int(part) for part in parts)


def plan(config: TrainConfig, seeds: tuple[int, ...], folder: Path) -> list[Run]:
    """The trainings of a study, seed by seed, so that a study that is stopped has whole seeds.

    Args:
        config: what all have in common. Where it leaves the precision to a trial, all take fp32: they are to
            differ in nothing else.
        seeds: of weights and batches.
        folder: gets a folder for each.

    Raises:
        UserError: the settings have no contrastive learning, or another pretext task than `reverse`.
    """
    if config.contrast == Contrast.NONE:
        raise UserError("contrast: expected what to compare with none, got none; leave it out of the config")
    if config.pretexts != (Pretext.REVERSE,):
        raise UserError(f"pretext: expected reverse, which all attentions go with, got {config.pretext}")
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
    """Do what of a study is not done yet, and draw it.

    Args:
        data: see `tools.training.training_data.read_training_data`.
        folder: where all files go.
        config: what all trainings have in common.
        seeds: of weights and batches.
        people: whom to train on; everybody where None.
        jobs: so many trainings at once, each in a process of its own if more than one.
        out: where progress is shown.

    Returns:
        The pictures and the files of numbers.

    Raises:
        UserError: a setting, path, person or folder is wrong. DataError, RunError: see `Trainer`.
    """
    if jobs > 1 and not config.threads:
        config = replace(config, threads=max(1, (os.cpu_count() or 1) // jobs))
    runs = plan(config, seeds, folder)
    found = read_training_data(data, people)
    spans = cut_spans(found.walks, *spans_length(config, Pretext.REVERSE))
    out.print(f"{len(runs)} trainings on {len(spans)} windows of {len(spans.names)} walks", highlight=False)
    digest = spans.digest
    outcomes: dict[str, Outcome] = {}
    for run in runs:
        if (outcome := finished(run, digest)) is not None:
            outcomes[run.name] = outcome
            out.print(f"{run.name}: done before", highlight=False)
    rest = [run for run in runs if run.name not in outcomes]
    with _bar(out) as progress:
        whole = progress.add_task("", total=len(rest) * config.epochs)
        done = dict.fromkeys((run.name for run in rest), 0.0)

        def show(name: str, epochs: float) -> None:
            done[name] = epochs
            progress.update(whole, description=name, completed=sum(done.values()))

        for run, outcome in train_all(rest, spans, jobs, show):
            outcomes[run.name] = outcome
            out.print(f"{run.name}: L_S {outcome.final:.4f}", highlight=False)
    study = Study(config, seeds, found.sources, len(spans), [(run, outcomes[run.name]) for run in runs])
    written = write_study(study, folder, out)
    for path in written:
        out.print(f"wrote {path}", highlight=False, soft_wrap=True)
    return written


def _bar(out: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("gone,"),
        TimeLeftColumn(),
        TextColumn("left"),
    )
    return Progress(*columns, console=out, transient=True, speed_estimate_period=_SPEED_OVER_S)
