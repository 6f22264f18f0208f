"""`sge-stream train`: trains gait encoders on recorded walks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn

from encoder.pretext_tasks import Pretext
from encoder.training.batch_losses import span_length_and_step
from encoder.training.distributed import PeerError, ProcessGroup, join_process_group
from encoder.training.model_card import DataSource, export
from encoder.training.spans import cut_spans
from encoder.training.train_config import TrainConfig, read_train_config
from encoder.training.trainer import Trainer
from encoder.training.training_progress import BatchReport, EpochReport
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import LineProgress
from tools.training.stop_signals import stop_on_signals
from tools.training.training_data import TrainingData, read_training_data, require_several_walks
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
    """Trains encoders, or resumes the training in the folder; also runs as one of several torchrun processes.

    Ctrl-C, SIGTERM and SIGHUP end the training after the current batch, with a checkpoint.

    Args:
        data: see `tools.training.training_data.read_training_data`.
        folder: folder for weights, model card and checkpoint; with several pretext tasks, a subfolder per
            task, named after it.
        config: TOML file, see `encoder.training.train_config.TrainConfig`; None for its defaults.
        people: people to train on, see `parse_people_selection`; None for all.
        single_walks: whether to accept people with a single walk.
        settings: settings of the command line, by their names in `TrainConfig`; None values are ignored.
        out: console for the progress.

    Returns:
        The weights files, one per task; empty in all but the main process.

    Raises:
        UserError: a setting, path, person or folder is wrong.
        DataError: see `Trainer`.
        RunError: see `Trainer`.
        KeyboardInterrupt: the training was ended by a signal.
        SystemExit: another process failed and reported its error; the status is that of the other process.
    """
    try:
        with join_process_group() as group:
            with group.raise_together():
                chosen = TrainConfig() if config is None else read_train_config(config)
                given = {name: value for name, value in (settings or {}).items() if value is not None}
                chosen = replace(chosen, **given)
                found = read_training_data(data, people)
                if not single_walks:
                    require_several_walks(found.walks)
            return _train_tasks(
                chosen, found, folder, out if group.is_main else plain_console(quiet=True), group
            )
    except PeerError as error:
        raise SystemExit(error.exit_code) from error


def _train_tasks(
    config: TrainConfig, found: TrainingData, folder: Path, out: Console, group: ProcessGroup
) -> list[Path]:
    if found.duplicates:
        out.print(f"omitted, identical to another walk: {', '.join(found.duplicates)}", highlight=False)
    several = len(config.pretexts) > 1
    paths = [
        _train(config.for_task(pretext), pretext, found, folder / pretext if several else folder, out, group)
        for pretext in config.pretexts
    ]
    return [path for path in paths if path is not None]


def _train(
    config: TrainConfig,
    pretext: Pretext,
    found: TrainingData,
    folder: Path,
    out: Console,
    group: ProcessGroup,
) -> Path | None:
    """Trains one task; returns the weights file in the main process, None in others."""
    with group.raise_together():
        spans = cut_spans(found.walks, *span_length_and_step(config, pretext))
    out.print(
        f"{pretext}: {len(spans)} windows from {len(spans.names)} walks; {len(spans.empty)} walks had none",
        highlight=False,
    )
    with _Screen(out, config.epochs) as screen, stop_on_signals(second_ends=group.size == 1) as stop:
        trainer = Trainer(config, spans, folder, screen if group.is_main else None, group, stop)
        if trainer.history or trainer.partial.batches:
            out.print(f"{folder}: resuming {_place(trainer)}", highlight=False, soft_wrap=True)
        finished = trainer.run()
    if not finished:
        text = f"{folder}: stopped {_place(trainer)}; the same command continues from there"
        out.print(text, highlight=False, soft_wrap=True)
        raise KeyboardInterrupt
    with group.raise_together():
        if not group.is_main:
            return None
        path = export(trainer, spans, _sources(found), folder)
        out.print(f"wrote {path}", highlight=False, soft_wrap=True)
        write_pictures(trainer, spans, folder, out)
    return path


def _place(trainer: Trainer) -> str:
    """Describes how far the last checkpoint is."""
    epochs = len(trainer.history)
    if not trainer.partial.batches:
        return f"after epoch {epochs}"
    return f"in epoch {epochs + 1}, after {trainer.partial.windows} windows"


def _sources(found: TrainingData) -> list[DataSource]:
    """Returns the sources, with `named` set for those whose people have names instead of numbers.

    Walks are in the order of their sources.
    """
    walks = iter(found.walks)
    return [
        replace(source, named=not all(walk.person.isdecimal() for walk in islice(walks, source.walks)))
        for source in found.sources
    ]


class _Screen:
    """Training progress: a bar or lines for the current epoch, and a line for each finished epoch."""

    def __init__(self, out: Console, epochs: int) -> None:
        self._epochs = epochs
        self._out = out
        self._progress = LineProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
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
        rest = (
            report.total_windows - report.windows + (self._epochs - report.epoch) * report.total_windows
        ) / rate
        self._progress.update(
            self._task,
            description=f"epoch {report.epoch}/{self._epochs}",
            completed=report.windows,
            total=report.total_windows,
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
