"""Checkpoints of a training: weights, optimiser state and progress in one file.

The file is safetensors, never pickle; its metadata hold the settings and the history as JSON. The new file is
written beside the old one and then replaces it, so that a crash, a kill or a full disk leaves the previous
checkpoint.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from encoder.tensor_files import read_tensors
from encoder.training.running_epoch import PartialEpoch
from encoder.training.training_progress import EpochReport
from stream.errors import DataError, RunError, UserError, data_errors
from stream.file_writing import remove_unfinished, replace_file

__all__ = ["Checkpoint", "load_checkpoint", "prepare_folder", "save_checkpoint"]

_KIND = "sge-stream training"
_VERSION = "2"
_READABLE_VERSIONS = ("1", _VERSION)
"""Version 1 has no progress within an epoch."""

_SIZE_MARGIN = 1.1  # file system overhead


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """State of a training after some batches.

    Attributes:
        tensors: parameters and the optimiser's moments, by name.
        config: the `encoder.training.train_config.TrainConfig` as plain values.
        data: the digest of the training data.
        precision: `fp32` or `bf16`.
        steps: number of optimiser steps so far.
        history: one report per finished epoch.
        partial: the epoch that has not finished.
    """

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]
    data: str
    precision: str
    steps: int
    history: tuple[EpochReport, ...] = ()
    partial: PartialEpoch = field(default_factory=PartialEpoch)


def prepare_folder(folder: Path, size: int) -> None:
    """Creates the folder of a training and checks that the disk has room for checkpoints.

    Args:
        folder: created if missing.
        size: size of a checkpoint in bytes.

    Raises:
        UserError: the folder cannot be created or written to, or its disk has no room for two checkpoints.
    """
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(probe, b"")
        probe.unlink()
        remove_unfinished(folder)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written to ({error.strerror}); give another --out") from error
    needed, free = int(2 * _SIZE_MARGIN * size), shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{folder}: expected room for two checkpoints, {needed / 1e6:.0f} MB, but the disk has "
            f"{free / 1e6:.0f} MB; free some space or give another --out"
        )


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Writes a checkpoint; it replaces the previous one.

    Raises:
        RunError: the file cannot be written; the previous checkpoint is still there.
    """
    training = {
        "config": checkpoint.config,
        "data": checkpoint.data,
        "precision": checkpoint.precision,
        "steps": checkpoint.steps,
        "history": [asdict(report) for report in checkpoint.history],
        "partial": asdict(checkpoint.partial),
    }
    metadata = {"kind": _KIND, "version": _VERSION, "training": json.dumps(training)}
    try:
        replace_file(path, save(dict(checkpoint.tensors), metadata), sync=True)
    except OSError as error:
        kept = f"{path} still holds an earlier state" if path.exists() else "nothing is lost"
        epoch = len(checkpoint.history) + bool(checkpoint.partial.batches)
        raise RunError(
            f"{path}: the checkpoint of epoch {epoch} cannot be written ({error.strerror}); {kept}: "
            "free some space and run the same command again"
        ) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Reads a checkpoint.

    Raises:
        DataError: the file is unreadable, or of another kind or version.
    """
    metadata, tensors = read_tensors(
        path,
        lambda cause: (
            f"{path}: expected a checkpoint of a training, but it is unreadable ({cause}); remove it to "
            "start again, or give another --out"
        ),
    )
    if metadata.get("kind") != _KIND or metadata.get("version") not in _READABLE_VERSIONS:
        raise DataError(f"{path}: expected a training checkpoint of version {_VERSION}; give another --out")
    with data_errors(lambda cause: f"{path}: its training metadata are malformed ({cause}); remove it"):
        training = json.loads(metadata["training"])
        history = tuple(EpochReport(**report) for report in training.pop("history"))
        values = training.pop("partial", {})
        partial = PartialEpoch(**values | {"losses": tuple(values["losses"])}) if values else PartialEpoch()
        return Checkpoint(tensors=tensors, history=history, partial=partial, **training)
