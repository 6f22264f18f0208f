"""Trains an encoder on one pretext task, epoch by epoch; the training can be killed and resumed at any time.

All random numbers depend only on the seed, the epoch and the batch, and a checkpoint holds the remaining
state. So on a CPU a resumed training gives exactly the bits of an uninterrupted one. With several processes
(`encoder.training.distributed`) all of them read the checkpoint, and process 0 writes it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
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
from encoder.training.spans import IntArray, Spans, epoch_batches
from encoder.training.train_config import TrainConfig
from encoder.training.training_progress import BatchReport, EpochReport, TrainingCallback
from encoder.weights import seeded_state
from stream.errors import DataError, RunError, UserError

__all__ = ["CHECKPOINT", "Trainer"]

CHECKPOINT = "checkpoint.safetensors"
"""Name of the checkpoint in a training folder."""

_CHANGEABLE_ON_RESUME = {"epochs", "device", "threads", "precision"}
"""Settings that may differ from the checkpoint's; `precision` has a check of its own."""

_PER_PROCESS = {"device", "threads", "precision"}
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

    Attributes:
        model: the encoder.
        head: the contrastive projection.
        history: one report per finished epoch.
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
    ) -> None:
        (self._pretext,) = config.pretexts
        self.config = config
        self._spans = spans
        self._data = spans.digest
        self._folder = folder
        self._callback = callback
        self._group = group
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
        self._steps = 0

    @property
    def _checkpoint_path(self) -> Path:
        return self._folder / CHECKPOINT

    def run(self) -> None:
        """Trains until `config.epochs` epochs are finished, and writes a checkpoint after each.

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
            while len(self.history) < self.config.epochs:
                report = self._epoch(len(self.history) + 1)
                with self._group.raise_together():
                    self._check_finite(report)
                    self.history.append(report)
                    if self._group.is_main:
                        self._save()
                if self._callback is not None:
                    self._callback.on_epoch(report)

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

    def _check_finite(self, report: EpochReport) -> None:
        if not np.isfinite([report.reconstruction, report.alignment, report.contrast, report.l2]).all():
            raise RunError(
                f"epoch {report.epoch}: the loss is not finite; {self._checkpoint_path} holds epoch "
                f"{report.epoch - 1}: start again in another folder with a lower learning_rate"
            )

    def _epoch(self, epoch: int) -> EpochReport:
        config = self.config
        start = time.monotonic()
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
            sums += self.train_step(rows, (config.seed, epoch, number)).sum(dim=1) * len(rows)
            done += len(rows)
            if self._callback is not None:
                mean = (sums / done).tolist()
                seconds = time.monotonic() - start
                self._callback.on_batch(BatchReport(epoch, done, total, mean[0], mean[1], mean[2], seconds))
        reconstruction, alignment, contrast = (sums / done).tolist()
        with torch.no_grad():
            l2 = config.l2_weight * float(squared_norm(self._parameter_names))
        seconds = time.monotonic() - start
        return EpochReport(epoch, reconstruction, alignment, contrast, l2, done, seconds)

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
        tensors = {name: parameter.detach() for parameter, name in self._parameter_names.items()}
        for parameter, name in self._parameter_names.items():
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
        save_checkpoint(self._checkpoint_path, checkpoint)

    def _resume(self) -> None:
        if not self._checkpoint_path.exists():
            self.precision = choose_precision(self.config.precision, self._device)
            return
        checkpoint = load_checkpoint(self._checkpoint_path)
        self._check_same(checkpoint)
        self.precision = checkpoint.precision
        self.history = list(checkpoint.history)
        self._steps = checkpoint.steps
        with torch.no_grad():
            for parameter, name in self._parameter_names.items():
                parameter.copy_(checkpoint.tensors[name])
        if self._steps:
            for parameter, name in self._parameter_names.items():
                self._optimiser.state[parameter] = {
                    "step": torch.tensor(float(self._steps), device=self._device),
                    "exp_avg": checkpoint.tensors[f"exp_avg.{name}"].to(self._device),
                    "exp_avg_sq": checkpoint.tensors[f"exp_avg_sq.{name}"].to(self._device),
                }

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

    def _check_same(self, checkpoint: Checkpoint) -> None:
        """Checks that a checkpoint belongs to this training.

        Raises:
            DataError: it has other settings, other data, another precision or other parameters.
        """
        fix = "give another --out, or the settings and data that it was started with"
        for name, value in self.config.as_dict().items():
            if name not in _CHANGEABLE_ON_RESUME and checkpoint.config.get(name) != value:
                raise DataError(
                    f"{self._checkpoint_path}: expected a training with {name} = {value!r}, got one with "
                    f"{checkpoint.config.get(name)!r}; {fix}"
                )
        if checkpoint.data != self._data:
            raise DataError(
                f"{self._checkpoint_path}: expected a training on these data, got one on other data; {fix}"
            )
        if self.config.precision not in {"auto", checkpoint.precision}:
            raise DataError(f"{self._checkpoint_path}: it was started in {checkpoint.precision}; {fix}")
        moments = ("", "exp_avg.", "exp_avg_sq.")
        shapes = {m + name: tuple(p.shape) for p, name in self._parameter_names.items() for m in moments}
        if {name: tuple(t.shape) for name, t in checkpoint.tensors.items()} != shapes:
            raise DataError(f"{self._checkpoint_path}: its parameters are not those of this encoder; {fix}")
