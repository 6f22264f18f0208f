"""One training of the attention study; its folder holds the checkpoint, the loss curve and the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from encoder.training.spans import Spans
from encoder.training.train_config import MACHINE_SETTINGS, TrainConfig
from encoder.training.trainer import Trainer
from encoder.training.training_progress import BatchReport, EpochReport
from stream.errors import DataError, RunError
from stream.file_writing import replace_file
from tools.training.window_averages import average_windows

__all__ = ["CURVE", "OUTCOME", "POINTS", "CurvePoint", "Outcome", "Run", "finished", "train_one"]

POINTS = 20
"""Points of a curve per epoch; at most one per batch."""

CURVE = "curve.json"
OUTCOME = "outcome.json"

_Content = TypeVar("_Content")


class CurvePoint(msgspec.Struct, frozen=True):
    """The reconstruction loss over a part of an epoch.

    Attributes:
        epoch: middle of the part, in epochs since the start of training.
        windows: number of windows in the part.
        reconstruction: mean L_S of these windows, square metres per window.
    """

    epoch: float
    windows: int
    reconstruction: float


class Outcome(msgspec.Struct, frozen=True):
    """Result of a finished training.

    Attributes:
        settings: the `TrainConfig` as plain values.
        data: digest of the training data.
        last_epoch: mean L_S over the last epoch, while the weights still changed, square metres.
        final: L_S of the final weights on a sample of the training data; all trainings use the same sample.
        alignment: (3, f, f) as in `WindowAverages`; None without attention.
        curve: the loss curve, in order of time.
    """

    settings: dict[str, Any]
    data: str
    last_epoch: float
    final: float
    alignment: list[list[list[float]]] | None
    curve: list[CurvePoint]


@dataclass(frozen=True, slots=True)
class Run:
    """One planned training.

    Attributes:
        config: its settings, with one pretext task.
        folder: folder of its checkpoint, curve and outcome.
    """

    config: TrainConfig
    folder: Path

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.folder.name


def finished(run: Run, data: str) -> Outcome | None:
    """Returns the stored outcome of a training; None if unfinished, or finished with other settings or data.

    Args:
        run: the training.
        data: digest of the training data.

    Raises:
        DataError: the file is broken.
    """
    outcome = _read(run.folder / OUTCOME, Outcome)
    if outcome is None or outcome.data != data:
        return None
    stored, expected = (
        {name: value for name, value in settings.items() if name not in MACHINE_SETTINGS}
        for settings in (outcome.settings, run.config.as_dict())
    )
    return outcome if stored == expected else None


def train_one(run: Run, spans: Spans, progress: Callable[[float], None]) -> Outcome:
    """Trains, or resumes the training in the folder, and writes the outcome.

    Args:
        run: the training.
        spans: the training data.
        progress: called after each batch with the epochs done.

    Raises:
        DataError: the folder holds another training, or one of more epochs.
        UserError, RunError: see `Trainer`.
    """
    recorder = _CurveRecorder(run.folder / CURVE, progress)
    # The curve is recorded by whole epochs.
    trainer = Trainer(replace(run.config, checkpoint_minutes=0.0), spans, run.folder, recorder)
    recorder.resume(len(trainer.history))
    trainer.run()
    averages = average_windows(trainer.model, run.config, spans)
    outcome = Outcome(
        settings=run.config.as_dict(),
        data=spans.digest,
        last_epoch=trainer.history[-1].reconstruction,
        final=averages.reconstruction,
        alignment=None if averages.alignment is None else averages.alignment.tolist(),
        curve=recorder.curve,
    )
    _write(run.folder / OUTCOME, outcome)
    return outcome


class _CurveRecorder:
    """Turns the running means of an epoch into means of its parts and stores them in a file.

    The file is written before the epoch's checkpoint, so that an interruption between the two loses no point;
    points of an epoch that is trained again are dropped.
    """

    def __init__(self, path: Path, progress: Callable[[float], None]) -> None:
        self._path = path
        self._progress = progress
        self._epoch = 0
        self.curve: list[CurvePoint] = []

    def resume(self, epochs: int) -> None:
        """Loads the points of the epochs already trained.

        Raises:
            DataError: points of an epoch are missing.
        """
        kept = [point for point in _read(self._path, list[CurvePoint]) or [] if point.epoch < epochs]
        if {int(point.epoch) for point in kept} != set(range(epochs)):
            raise DataError(
                f"{self._path}: expected the losses of {epochs} epochs, as in the checkpoint beside it, got "
                "others; remove the folder and start the same command again"
            )
        self.curve = kept

    def on_batch(self, report: BatchReport) -> None:
        if report.epoch != self._epoch:
            self._epoch, self._windows, self._sum, self._part = report.epoch, 0, 0.0, 0
        part = report.windows * POINTS // report.total_windows
        if part > self._part:
            total, count = report.reconstruction * report.windows, report.windows - self._windows
            middle = report.epoch - 1 + (self._windows + count / 2) / report.total_windows
            self.curve.append(CurvePoint(middle, count, (total - self._sum) / count))
            self._windows, self._sum, self._part = report.windows, total, part
        if report.windows == report.total_windows:
            _write(self._path, self.curve)
        self._progress(report.epoch - 1 + report.windows / report.total_windows)

    def on_epoch(self, report: EpochReport) -> None:
        """Does nothing; the epoch's last batch report contains everything."""


def _read(path: Path, kind: type[_Content]) -> _Content | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{path}: expected figures of a training, got {error}; remove the folder") from error


def _write(path: Path, content: object) -> None:
    try:
        replace_file(path, msgspec.json.encode(content) + b"\n")
    except OSError as error:
        raise RunError(
            f"cannot write {path} ({error.strerror}); free disk space and start the same command again"
        ) from error
