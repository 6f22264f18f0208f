"""One training of the attention study: its loss curve and its outcome, in a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from encoder.training.checkpoint import EpochReport
from encoder.training.spans import Spans
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import BatchReport, Trainer
from stream.errors import DataError, RunError
from tools.training.window_averages import average_windows

__all__ = ["CURVE", "OUTCOME", "POINTS", "CurvePoint", "Outcome", "Run", "finished", "train_one"]

POINTS = 20
"""Points of a curve in an epoch, or as many as there are batches."""

CURVE = "curve.json"
OUTCOME = "outcome.json"
_FREE = {"device", "threads"}
_Content = TypeVar("_Content")


class CurvePoint(msgspec.Struct, frozen=True):
    """The reconstruction loss over a part of an epoch.

    Attributes:
        epoch: the middle of that part, epochs since training began.
        windows: learnt from in that part.
        reconstruction: L_S, their mean, square metres a window.
    """

    epoch: float
    windows: int
    reconstruction: float


class Outcome(msgspec.Struct, frozen=True):
    """What a finished training came to.

    Attributes:
        settings: the `TrainConfig` as plain values.
        data: digest of the training data.
        last_epoch: L_S, its mean over the last epoch while weights still changed, square metres.
        final: L_S of the final weights on a sample of the training data, the same in the whole study.
        alignment: (3, f, f) as in `WindowAverages`; None without attention.
        curve: in order of time.
    """

    settings: dict[str, Any]
    data: str
    last_epoch: float
    final: float
    alignment: list[list[list[float]]] | None
    curve: list[CurvePoint]


@dataclass(frozen=True, slots=True)
class Run:
    """A training to be done.

    Attributes:
        config: its settings; of one pretext task.
        folder: where its checkpoint, curve and outcome lie.
    """

    config: TrainConfig
    folder: Path

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name


def finished(run: Run, data: str) -> Outcome | None:
    """The outcome that lies in a training's folder; None where it is not done, or not with these settings.

    Args:
        run: the training.
        data: digest of the training data.

    Raises:
        DataError: the file is broken.
    """
    outcome = _read(run.folder / OUTCOME, Outcome)
    if outcome is None or outcome.data != data:
        return None
    settings, wanted = (
        {k: v for k, v in of.items() if k not in _FREE} for of in (outcome.settings, run.config.as_dict())
    )
    return outcome if settings == wanted else None


def train_one(run: Run, spans: Spans, progress: Callable[[float], None]) -> Outcome:
    """Train, or go on with what lies in the folder, and write the outcome.

    Args:
        run: the training.
        spans: the training data.
        progress: told after each batch how many epochs are done.

    Raises:
        DataError: the folder holds another training. UserError, RunError: see `Trainer`.
    """
    recorder = _CurveRecorder(run.folder / CURVE, progress)
    trainer = Trainer(run.config, spans, run.folder, recorder)
    if len(trainer.history) > run.config.epochs:
        raise DataError(
            f"{run.folder}: expected a training of {run.config.epochs} epochs or fewer, got "
            f"{len(trainer.history)}; give another --out, or --epochs {len(trainer.history)}"
        )
    recorder.go_on_after(len(trainer.history))
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
    """Turns the running means of an epoch into means of its parts, and keeps them in a file.

    The file is written before the epoch's checkpoint is, so that a kill between the two loses no point; those
    of an epoch that has to be learnt again are dropped.
    """

    def __init__(self, path: Path, progress: Callable[[float], None]) -> None:
        self._path = path
        self._progress = progress
        self._epoch = 0
        self.curve: list[CurvePoint] = []

    def go_on_after(self, epochs: int) -> None:
        """Take up the points of so many epochs.

        Raises:
            DataError: they are not there.
        """
        kept = [point for point in _read(self._path, list[CurvePoint]) or [] if point.epoch < epochs]
        if {int(point.epoch) for point in kept} != set(range(epochs)):
            raise DataError(
                f"{self._path}: expected the losses of {epochs} epochs, as the checkpoint beside it has, got "
                "others; remove that folder and start the same command again"
            )
        self.curve = kept

    def on_batch(self, report: BatchReport) -> None:
        if report.epoch != self._epoch:
            self._epoch, self._windows, self._sum, self._part = report.epoch, 0, 0.0, 0
        part = report.windows * POINTS // report.of
        if part > self._part:
            total, count = report.reconstruction * report.windows, report.windows - self._windows
            middle = report.epoch - 1 + (self._windows + count / 2) / report.of
            self.curve.append(CurvePoint(middle, count, (total - self._sum) / count))
            self._windows, self._sum, self._part = report.windows, total, part
        if report.windows == report.of:
            _write(self._path, self.curve)
        self._progress(report.epoch - 1 + report.windows / report.of)

    def on_epoch(self, report: EpochReport) -> None:
        """Nothing: the last batch has said it all."""


def _read(path: Path, kind: type[_Content]) -> _Content | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise DataError(f"{path}: expected figures of a training, got {error}; remove that folder") from error


def _write(path: Path, content: object) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(msgspec.json.encode(content) + b"\n")
        part.replace(path)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror}); make room and start the same command again"
        ) from error
