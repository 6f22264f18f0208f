"""Training an encoder on one pretext task, epoch by epoch, so that it can be killed at any moment.

Everything random follows from the seed, the epoch and the batch, and a checkpoint holds all that else
matters: a training that was killed and begun again ends, on a CPU, with the very bits of an unbroken one.
With several processes (`encoder.training.distributed`) all of them read the checkpoint, and the first one
writes it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from encoder.model import GaitEncoder
from encoder.training.batch_losses import Lesson, spans_length
from encoder.training.checkpoint import (
    Checkpoint,
    EpochReport,
    load_checkpoint,
    prepare_folder,
    save_checkpoint,
)
from encoder.training.contrast import Contrast, seeded_head
from encoder.training.distributed import ALONE, Team
from encoder.training.losses import squared_norm
from encoder.training.precision import choose_precision
from encoder.training.spans import IntArray, Spans, epoch_batches
from encoder.training.train_config import TrainConfig
from encoder.weights import seeded_state
from stream.errors import DataError, RunError, UserError

__all__ = ["CHECKPOINT", "BatchReport", "Trainer", "Watcher"]

CHECKPOINT = "checkpoint.safetensors"
"""The name of the checkpoint in a training's folder."""

_FREE = {"epochs", "device", "threads", "precision"}
"""Settings that may differ when a training goes on."""

_OWN = {"device", "threads", "precision"}
"""Settings that may differ from process to process."""


@dataclass(frozen=True, slots=True)
class BatchReport:
    """How an epoch stands after a batch; the losses are means since the epoch began, as in `EpochReport`.

    Attributes:
        epoch: counted from 1.
        windows: learnt from in this epoch so far.
        of: windows of the whole epoch.
        reconstruction: L_S.
        alignment: L_A.
        contrast: L_C.
        seconds: since the epoch began.
    """

    epoch: int
    windows: int
    of: int
    reconstruction: float
    alignment: float
    contrast: float
    seconds: float


class Watcher(Protocol):
    """Who is told how a training goes."""

    def on_batch(self, report: BatchReport) -> None:
        """After each batch."""
        ...

    def on_epoch(self, report: EpochReport) -> None:
        """After each epoch, when its checkpoint is written."""
        ...


def _check_spans(spans: Spans, length: int) -> None:
    shape = spans.skeletons.shape
    if len(shape) != 4 or (shape[1], shape[3]) != (length, 3):
        raise DataError(f"spans: expected (N, {length}, J, 3), got {shape}; cut them again")
    if not len(spans) or len(spans.recording) != len(spans):
        raise DataError(
            f"spans: expected some, each of a recording, got {len(spans)} of {len(spans.recording)}; cut "
            "them again"
        )
    if not np.isfinite(spans.skeletons).all():
        raise DataError("spans: expected finite metres, got NaN or infinity; leave such walks out")


class Trainer:
    """One encoder in training.

    Args:
        config: the settings; of one pretext task.
        spans: the training data, of `spans_length`, with any number of joints; in every process the same.
        folder: where the checkpoint lies; made where it is missing. A checkpoint in it is gone on from.
        watcher: who is told; nobody where it is None.
        team: the processes that train together.

    Attributes:
        model: the encoder.
        head: the contrastive projection.
        history: a report for each epoch done.
        precision: `fp32` or `bf16`, as decided.

    Raises:
        UserError: the folder cannot be used, another training works in it, there is no such device, or the
            skeletons cannot be mirrored.
        DataError: the spans or the folder's checkpoint do not go with the settings, or another process has
            others.
    """

    def __init__(
        self,
        config: TrainConfig,
        spans: Spans,
        folder: Path,
        watcher: Watcher | None = None,
        team: Team = ALONE,
    ) -> None:
        (self._pretext,) = config.pretexts
        self.config = config
        self._spans = spans
        self._data = spans.digest
        self._folder = folder
        self._watcher = watcher
        self._team = team
        with team.together():
            _check_spans(spans, spans_length(config, self._pretext)[0])
            self._device = team.device(config.device)
            if config.threads:
                torch.set_num_threads(config.threads)
            self._build()
            if team.leads:
                prepare_folder(folder, 3 * sum(p.numel() * p.element_size() for p in self._names))
        with team.together():
            self._resume()
        self._agree()

    def _build(self) -> None:
        config = self.config
        self._lesson = Lesson(config, self._spans, self._device, self._team)
        encoder = config.encoder(self._pretext, self._spans.joints)
        self.model = GaitEncoder(encoder)
        self.model.load_state_dict(seeded_state(encoder, config.seed))
        self.model.train().to(self._device)
        self.head = seeded_head(config.f, config.hidden, config.seed).to(self._device)
        self._names: dict[Tensor, str] = {
            parameter: f"{part}.{name}"
            for part, module in (("encoder", self.model), ("head", self.head))
            for name, parameter in module.named_parameters()
            if part == "encoder" or self._lesson.contrasts
        }
        # Adam adds weight_decay times a parameter to its gradient: 2 beta Theta, the gradient of Eq. 16's
        # last term. What is clipped is the gradient of the losses.
        self._optimiser = torch.optim.Adam(
            list(self._names), lr=config.learning_rate, weight_decay=2 * config.l2_weight, fused=True
        )
        self.history: list[EpochReport] = []
        self._steps = 0

    @property
    def _path(self) -> Path:
        return self._folder / CHECKPOINT

    def run(self) -> None:
        """Train until `config.epochs` epochs are done, with a checkpoint after each.

        Raises:
            UserError: another training works in the folder.
            RunError: a loss is no longer finite, or a checkpoint cannot be written.
        """
        with ExitStack() as stack:
            with self._team.together():
                if self._team.leads:
                    stack.enter_context(self._locked())
                    if not self._path.exists():
                        self._save()  # a disk that has no room for it is known now, not after an epoch
            while len(self.history) < self.config.epochs:
                report = self._epoch(len(self.history) + 1)
                with self._team.together():
                    self._check_finite(report)
                    self.history.append(report)
                    if self._team.leads:
                        self._save()
                if self._watcher is not None:
                    self._watcher.on_epoch(report)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self._folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise UserError(
                f"{self._folder}: another training works in this folder; wait for it, or give another --out"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _check_finite(self, report: EpochReport) -> None:
        if not np.isfinite([report.reconstruction, report.alignment, report.contrast, report.l2]).all():
            raise RunError(
                f"epoch {report.epoch}: the loss is no longer finite; {self._path} holds epoch "
                f"{report.epoch - 1}: begin in another folder with a lower learning_rate"
            )

    def _epoch(self, epoch: int) -> EpochReport:
        config = self.config
        began = time.monotonic()
        batches = list(
            epoch_batches(
                self._spans,
                Contrast(config.contrast),
                size=config.batch,
                reach=config.reach,
                seed=config.seed,
                epoch=epoch,
            )
        )
        total = sum(len(rows) for rows in batches)
        sums = torch.zeros(3, device=self._device)
        done = 0
        for number, rows in enumerate(batches):
            sums += self.learn(rows, (config.seed, epoch, number)).sum(dim=1) * len(rows)
            done += len(rows)
            if self._watcher is not None:
                mean = (sums / done).tolist()
                seconds = time.monotonic() - began
                self._watcher.on_batch(BatchReport(epoch, done, total, mean[0], mean[1], mean[2], seconds))
        reconstruction, alignment, contrast = (sums / done).tolist()
        with torch.no_grad():
            l2 = config.l2_weight * float(squared_norm(self._names))
        seconds = time.monotonic() - began
        return EpochReport(epoch, reconstruction, alignment, contrast, l2, done, seconds)

    def learn(self, rows: IntArray, seed: tuple[int, ...]) -> Tensor:
        """One step of the optimiser on a batch; L_S, L_A and L_C (3, 3), axes [loss, dimension]."""
        self._optimiser.zero_grad(set_to_none=True)
        losses = self._lesson.losses(self.model, self.head, rows, seed, self.precision)
        torch.autograd.backward(losses.weighted(self.config.weights))
        each = torch.stack((losses.reconstruction, losses.alignment, losses.contrast)).detach()
        # The contrast is of the joint batch already.
        self._team.add_up([*(p.grad for p in self._names if p.grad is not None), each[:2]])
        torch.nn.utils.clip_grad_value_(list(self._names), self.config.clip)
        self._optimiser.step()
        self._steps += 1
        return each

    def _save(self) -> None:
        tensors = {name: parameter.detach() for parameter, name in self._names.items()}
        for parameter, name in self._names.items():
            for moment in ("exp_avg", "exp_avg_sq"):
                state = self._optimiser.state.get(parameter, {})
                tensors[f"{moment}.{name}"] = state.get(moment, torch.zeros_like(parameter))
        checkpoint = Checkpoint(
            tensors={name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()},
            config=self.config.as_dict(),
            data=self._data,
            precision=self.precision,
            steps=self._steps,
            history=tuple(self.history),
        )
        save_checkpoint(self._path, checkpoint)

    def _resume(self) -> None:
        if not self._path.exists():
            self.precision = choose_precision(self.config.precision, self._device)
            return
        checkpoint = load_checkpoint(self._path)
        self._check_same(checkpoint)
        self.precision = checkpoint.precision
        self.history = list(checkpoint.history)
        self._steps = checkpoint.steps
        with torch.no_grad():
            for parameter, name in self._names.items():
                parameter.copy_(checkpoint.tensors[name])
        if self._steps:
            for parameter, name in self._names.items():
                self._optimiser.state[parameter] = {
                    "step": torch.tensor(float(self._steps), device=self._device),
                    "exp_avg": checkpoint.tensors[f"exp_avg.{name}"].to(self._device),
                    "exp_avg_sq": checkpoint.tensors[f"exp_avg_sq.{name}"].to(self._device),
                }

    def _agree(self) -> None:
        """See that all processes begin with the same, and take the first one's precision.

        Raises:
            DataError: this one has something else.
        """
        settings = {name: v for name, v in self.config.as_dict().items() if name not in _OWN}
        mine = {"settings": settings, "data": self._data, "checkpoint": self._steps}
        told = self._team.tell(json.dumps({**mine, "precision": self.precision}))
        first = json.loads(told[0])
        self.precision = first.pop("precision")
        with self._team.together():
            if odd := next((name for name in first if first[name] != mine[name]), None):
                raise DataError(
                    f"{self._folder}: process {self._team.rank} has another {odd} than process 0; start all "
                    "with the same command, on the same files and with the same folder"
                )

    def _check_same(self, checkpoint: Checkpoint) -> None:
        """See that a checkpoint is of this very training.

        Raises:
            DataError: it is of other settings, other data or another precision, or does not fit.
        """
        again = "give another --out, or the settings and data that it was begun with"
        for name, value in self.config.as_dict().items():
            if name not in _FREE and checkpoint.config.get(name) != value:
                raise DataError(
                    f"{self._path}: expected a training with {name} = {value!r}, got one with "
                    f"{checkpoint.config.get(name)!r}; {again}"
                )
        if checkpoint.data != self._data:
            raise DataError(f"{self._path}: expected a training on these data, got one on others; {again}")
        if self.config.precision not in {"auto", checkpoint.precision}:
            raise DataError(f"{self._path}: it was begun in {checkpoint.precision}; {again}")
        moments = ("", "exp_avg.", "exp_avg_sq.")
        shapes = {m + name: tuple(p.shape) for p, name in self._names.items() for m in moments}
        if {name: tuple(t.shape) for name, t in checkpoint.tensors.items()} != shapes:
            raise DataError(f"{self._path}: its parameters are not those of this encoder; {again}")
