"""Trains an encoder on one pretext task, epoch by epoch; the training can be killed and resumed at any time.

A checkpoint is written after each epoch, every few minutes within an epoch, and at a stop. All random numbers
depend only on the seed, the epoch and the batch, and a checkpoint holds the remaining state. So on a CPU a
resumed training gives exactly the bits of an uninterrupted one. With several processes
(`encoder.training.distributed`) all of them read the checkpoint, and process 0 writes it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from encoder.model import GaitEncoder
from encoder.training.batch_losses import BatchLosses, span_length_and_step
from encoder.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    prepare_folder,
    save_checkpoint,
)
from encoder.training.contrast import Contrast, seeded_head
from encoder.training.distributed import SINGLE_PROCESS, ProcessGroup
from encoder.training.losses import squared_norm
from encoder.training.precision import choose_precision
from encoder.training.resuming import check_resumable, optimised_tensors, restore_optimised
from encoder.training.running_epoch import PartialEpoch, RunningEpoch
from encoder.training.spans import IntArray, Spans, epoch_batches
from encoder.training.train_config import MACHINE_SETTINGS, TrainConfig
from encoder.training.training_progress import BatchReport, EpochReport, TrainingCallback
from encoder.weights import seeded_state
from stream.errors import DataError, RunError, UserError

__all__ = ["CHECKPOINT", "Trainer"]

CHECKPOINT = "checkpoint.safetensors"
"""Name of the checkpoint in a training folder."""

_PER_PROCESS = MACHINE_SETTINGS | {"precision"}
"""Settings that may differ between the processes of a training."""


def _check_spans(spans: Spans, length: int) -> None:
    shape = spans.skeletons.shape
    if len(shape) != 4 or (shape[1], shape[3]) != (length, 3):
        raise DataError(f"spans: expected (N, {length}, J, 3), got {shape}; cut them again")
    if not len(spans) or len(spans.recording) != len(spans):
        raise DataError(
            f"spans: expected at least one, each with its recording, got {len(spans)} spans and "
            f"{len(spans.recording)} recordings; cut them again"
        )
    if not np.isfinite(spans.skeletons).all():
        raise DataError(
            "spans: expected finite metres, got NaN or infinity; leave out walks with such values"
        )


class Trainer:
    """Trains one encoder.

    Args:
        config: the settings, with one pretext task.
        spans: the training data, cut as `span_length_and_step` says, with any number of joints; the same in
            every process.
        folder: the folder of the checkpoint; created if missing. If it holds a checkpoint, training resumes.
        callback: receives the progress; optional.
        group: the processes of the training.
        stop: asked after each batch whether to end the training with a checkpoint; `run` then returns.

    Attributes:
        model: the encoder.
        head: the contrastive projection.
        history: one report per finished epoch.
        partial: progress within the next epoch, as in the last checkpoint.
        precision: `fp32` or `bf16`, as chosen.

    Raises:
        UserError: the folder cannot be used, the device does not exist, or the skeletons cannot be mirrored.
        DataError: the spans or the checkpoint do not match the settings, or the processes differ in them.
        RunError: another process of the training failed or cannot be reached.
    """

    def __init__(
        self,
        config: TrainConfig,
        spans: Spans,
        folder: Path,
        callback: TrainingCallback | None = None,
        group: ProcessGroup = SINGLE_PROCESS,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        (self._pretext,) = config.pretexts
        self.config = config
        self._spans = spans
        self._data = spans.digest
        self._folder = folder
        self._callback = callback
        self._group = group
        self._stop = stop
        with group.raise_together():
            _check_spans(spans, span_length_and_step(config, self._pretext)[0])
            self._device = group.device(config.device)
            if config.threads:
                torch.set_num_threads(config.threads)
            self._build()
            if group.is_main:
                prepare_folder(folder, 3 * sum(p.numel() * p.element_size() for p in self._parameter_names))
        with group.raise_together():
            self._resume()
        self._check_processes()

    def _build(self) -> None:
        config = self.config
        self._losses = BatchLosses(config, self._spans, self._device, self._group)
        encoder = config.encoder_config(self._pretext, self._spans.joints)
        self.model = GaitEncoder(encoder)
        self.model.load_state_dict(seeded_state(encoder, config.seed))
        self.model.train().to(self._device)
        self.head = seeded_head(config.f, config.hidden, config.seed).to(self._device)
        self._parameter_names: dict[Tensor, str] = {
            parameter: f"{part}.{name}"
            for part, module in (("encoder", self.model), ("head", self.head))
            for name, parameter in module.named_parameters()
            if part == "encoder" or self._losses.contrasts
        }
        # Adam adds weight_decay times a parameter to its gradient: 2 beta Theta, the gradient of the last
        # term of Eq. 16. Clipping applies to the gradient of the losses only.
        self._optimiser = torch.optim.Adam(
            list(self._parameter_names),
            lr=config.learning_rate,
            weight_decay=2 * config.l2_weight,
            fused=True,
        )
        self.history: list[EpochReport] = []
        self.partial = PartialEpoch()
        self._steps = 0

    @property
    def _checkpoint_path(self) -> Path:
        return self._folder / CHECKPOINT

    def run(self) -> bool:
        """Trains until `config.epochs` epochs are finished.

        Returns:
            True if all epochs are finished; False if `stop` of any process asked for an earlier end.

        Raises:
            UserError: another training uses the folder.
            RunError: a loss is not finite, or a checkpoint cannot be written.
        """
        with ExitStack() as stack:
            with self._group.raise_together():
                if self._group.is_main:
                    stack.enter_context(self._locked())
                    if not self._checkpoint_path.exists():
                        self._save()  # reports a full disk now, not after the first epoch
            self._saved_at = time.monotonic()
            stopping = False
            while len(self.history) < self.config.epochs and not stopping:
                stopping = self._train_epoch(len(self.history) + 1)
        return len(self.history) >= self.config.epochs

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self._folder / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout as error:
            raise UserError(
                f"{self._folder}: another training uses this folder; wait for it, or give another --out"
            ) from error
        try:
            yield
        finally:
            lock.release()

    def _train_epoch(self, epoch: int) -> bool:
        """Trains on the remaining batches of an epoch; returns whether `stop` asked for the end."""
        seed = self.config.seed
        batches = self._batches(epoch)
        total = sum(len(rows) for rows in batches)
        running = RunningEpoch(self.partial, self._device)
        stopping = False
        for number in range(running.batches, len(batches)):
            running.add(self.train_step(batches[number], (seed, epoch, number)), len(batches[number]))
            if self._callback is not None:
                report = BatchReport(epoch, running.windows, total, *running.means(), running.seconds)
                self._callback.on_batch(report)
            stopping, due = self._group.anywhere(self._stop(), self._checkpoint_due())
            if (stopping or due) and running.windows < total:
                self._advance(running.partial(), self._report(epoch, running))
                if stopping:
                    return True
        report_of_all = self._report(epoch, running)
        self._advance(PartialEpoch(), report_of_all, finished=True)
        if self._callback is not None:
            self._callback.on_epoch(report_of_all)
        return stopping

    def _batches(self, epoch: int) -> list[IntArray]:
        config, contrast = self.config, Contrast(self.config.contrast)
        sizes = {"size": config.batch, "reach": config.reach}
        return list(epoch_batches(self._spans, contrast, **sizes, seed=config.seed, epoch=epoch))

    def _checkpoint_due(self) -> bool:
        period = 60 * self.config.checkpoint_minutes
        return self._group.is_main and 0 < period <= time.monotonic() - self._saved_at

    def _report(self, epoch: int, running: RunningEpoch) -> EpochReport:
        with torch.no_grad():
            l2 = self.config.l2_weight * float(squared_norm(self._parameter_names))
        return EpochReport(epoch, *running.means(), l2, running.windows, running.seconds)

    def _advance(self, partial: PartialEpoch, report: EpochReport, *, finished: bool = False) -> None:
        """Writes a checkpoint of the state reached, unless a loss is not finite."""
        with self._group.raise_together():
            if not np.isfinite([report.reconstruction, report.alignment, report.contrast, report.l2]).all():
                raise RunError(
                    f"epoch {report.epoch}: the loss is not finite; {self._checkpoint_path} holds an earlier "
                    "state: start again in another folder with a lower learning_rate"
                )
            self.partial = partial
            if finished:
                self.history.append(report)
            if self._group.is_main:
                self._save()
        self._saved_at = time.monotonic()

    def train_step(self, rows: IntArray, seed: tuple[int, ...]) -> Tensor:
        """Runs one optimiser step on a batch; returns L_S, L_A and L_C, (3, 3), axes [loss, dimension]."""
        self._optimiser.zero_grad(set_to_none=True)
        losses = self._losses.losses(self.model, self.head, rows, seed, self.precision)
        torch.autograd.backward(losses.weighted(self.config.weights))
        values = torch.stack((losses.reconstruction, losses.alignment, losses.contrast)).detach()
        # The contrastive loss is that of the joint batch already.
        gradients = [p.grad for p in self._parameter_names if p.grad is not None]
        self._group.sum_over_processes([*gradients, values[:2]])
        torch.nn.utils.clip_grad_value_(list(self._parameter_names), self.config.clip)
        self._optimiser.step()
        self._steps += 1
        return values

    def _save(self) -> None:
        checkpoint = Checkpoint(
            tensors=optimised_tensors(self._parameter_names, self._optimiser),
            config=self.config.as_dict(),
            data=self._data,
            precision=self.precision,
            steps=self._steps,
            history=tuple(self.history),
            partial=self.partial,
        )
        save_checkpoint(self._checkpoint_path, checkpoint)

    def _resume(self) -> None:
        if not self._checkpoint_path.exists():
            self.precision = choose_precision(self.config.precision, self._device)
            return
        checkpoint = load_checkpoint(self._checkpoint_path)
        check_resumable(self._checkpoint_path, checkpoint, self.config, self._data, self._parameter_names)
        self.precision = checkpoint.precision
        self.history = list(checkpoint.history)
        self.partial = checkpoint.partial
        self._steps = checkpoint.steps
        restore_optimised(checkpoint, self._parameter_names, self._optimiser)

    def _check_processes(self) -> None:
        """Checks that all processes start with the same state, and uses the precision of process 0.

        Raises:
            DataError: this process differs from process 0.
        """
        settings = {name: v for name, v in self.config.as_dict().items() if name not in _PER_PROCESS}
        own = {"settings": settings, "data": self._data, "checkpoint": self._steps}
        states = self._group.exchange(json.dumps({**own, "precision": self.precision}))
        first = json.loads(states[0])
        self.precision = first.pop("precision")
        with self._group.raise_together():
            if different := next((name for name in first if first[name] != own[name]), None):
                raise DataError(
                    f"{self._folder}: process {self._group.rank} has different {different} than process 0; "
                    "start all with the same command, on the same files and with the same folder"
                )
