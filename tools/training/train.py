"""`sge-stream train`: trains gait encoders on recorded walks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
)

from encoder.pretext_tasks import Pretext
from encoder.training.batch_losses import spans_length
from encoder.training.checkpoint import EpochReport
from encoder.training.distributed import PeerError, Team, join_team
from encoder.training.model_card import DataSource, export
from encoder.training.spans import cut_spans
from encoder.training.train_config import TrainConfig, read_train_config
from encoder.training.trainer import BatchReport, Trainer
from tools.training.training_data import TrainingData, check_walks_of_people, read_training_data
from tools.training.training_pictures import write_pictures

__all__ = ["train_command"]


def train_command(
    data: list[str],
    folder: Path,
    *,
    config: Path | None = None,
    people: str | None = None,
    single_walks: bool = False,
    settings: Mapping[str, Any] | None = None,
    out: Console,
) -> list[Path]:
    """Train, or go on with what is in the folder; also as one of several processes that torchrun started.

    Args:
        data: see `tools.training.training_data.read_training_data`.
        folder: where weights, model card and checkpoint go; with several pretext tasks, one folder in it
            for each, of the task's name.
        config: TOML, see `encoder.training.train_config.TrainConfig`; its defaults where None.
        people: whom to train on; everybody where None.
        single_walks: train on people of whom there is one walk only.
        settings: what the command line says, by the names of `TrainConfig`; None stands for nothing said.
        out: where progress is shown.

    Returns:
        The weights files, one a task; none in a process that is not the first.

    Raises:
        UserError: a setting, path, person or folder is wrong. DataError, RunError: see `Trainer`.
        SystemExit: another process ended with an error, which it tells; the status is its own.
    """
    try:
        with join_team() as team:
            with team.together():
                chosen = TrainConfig() if config is None else read_train_config(config)
                said = {name: value for name, value in (settings or {}).items() if value is not None}
                chosen = replace(chosen, **said)
                found = read_training_data(data, people)
                if not single_walks:
                    check_walks_of_people(found.walks)
            return _train_tasks(chosen, found, folder, out if team.leads else Console(quiet=True), team)
    except PeerError as error:
        raise SystemExit(error.exit_code) from error


def _train_tasks(
    config: TrainConfig, found: TrainingData, folder: Path, out: Console, team: Team
) -> list[Path]:
    if found.doubled:
        out.print(f"left out, the same as another: {', '.join(found.doubled)}", highlight=False)
    several = len(config.pretexts) > 1
    paths = [
        _train(config.only(pretext), pretext, found, folder / pretext if several else folder, out, team)
        for pretext in config.pretexts
    ]
    return [path for path in paths if path is not None]


def _train(
    config: TrainConfig, pretext: Pretext, found: TrainingData, folder: Path, out: Console, team: Team
) -> Path | None:
    """Train one task; the weights file, in the first process."""
    with team.together():
        spans = cut_spans(found.walks, *spans_length(config, pretext))
    out.print(
        f"{pretext}: {len(spans)} windows of {len(spans.names)} walks, {len(spans.empty)} walks gave none",
        highlight=False,
    )
    with _Screen(out, config.epochs) as screen:
        trainer = Trainer(config, spans, folder, screen if team.leads else None, team)
        if trainer.history:
            out.print(f"{folder}: goes on after epoch {len(trainer.history)}", highlight=False)
        trainer.run()
    with team.together():
        if not team.leads:
            return None
        path = export(trainer, spans, _sources(found), folder)
        out.print(f"wrote {path}", highlight=False, soft_wrap=True)
        write_pictures(trainer, spans, folder, out)
    return path


def _sources(found: TrainingData) -> list[DataSource]:
    """The sources, those marked whose people have names; walks lie in the order of their sources."""
    walks = iter(found.walks)
    return [
        replace(source, named=not all(walk.person.isdecimal() for walk in islice(walks, source.walks)))
        for source in found.sources
    ]


class _Screen:
    """A bar for the epoch, and a line for each that is done."""

    def __init__(self, out: Console, epochs: int) -> None:
        self._epochs = epochs
        self._out = out
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            console=out,
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, figures="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def on_batch(self, report: BatchReport) -> None:
        rate = report.windows / report.seconds
        rest = (report.of - report.windows + (self._epochs - report.epoch) * report.of) / rate
        self._progress.update(
            self._task,
            description=f"epoch {report.epoch}/{self._epochs}",
            completed=report.windows,
            total=report.of,
            figures=f"{_figures(report)}  {rate:.0f} windows/s  {_time(rest)} left",
        )

    def on_epoch(self, report: EpochReport) -> None:
        self._out.print(
            f"epoch {report.epoch:3}  {_figures(report)}  L2 {report.l2:.3f}  "
            f"{report.windows / report.seconds:.0f} windows/s",
            highlight=False,
        )


def _figures(report: BatchReport | EpochReport) -> str:
    return f"L_S {report.reconstruction:.4f}  L_A {report.alignment:.4f}  L_C {report.contrast:.4f}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
