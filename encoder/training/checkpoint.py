"""What a training needs to go on: weights, the optimiser's state and how far it is, in one file.

The file is safetensors, never pickle; its metadata hold the rest as JSON. It is written beside its place and
moved there whole, so that a crash, a kill or a full disk leaves the checkpoint before it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from stream.errors import DataError, RunError, UserError

__all__ = ["Checkpoint", "EpochReport", "load_checkpoint", "prepare_folder", "save_checkpoint"]

_KIND = "sge-stream training"
_VERSION = "1"
_SPARE = 1.1  # the file system's own needs


@dataclass(frozen=True, slots=True)
class EpochReport:
    """An epoch's figures: means over its windows, sums of X, Y and Z.

    Attributes:
        epoch: counted from 1.
        reconstruction: L_S.
        alignment: L_A.
        contrast: L_C, the mean over the batches.
        l2: beta ||Theta||^2 at the end of the epoch.
        windows: how many were learnt from.
        seconds: how long it took.
    """

    epoch: int
    reconstruction: float
    alignment: float
    contrast: float
    l2: float
    windows: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A training after some epochs.

    Attributes:
        tensors: parameters and the optimiser's moments, by name.
        config: the `TrainConfig` as plain values.
        data: the digest of the training data.
        precision: `fp32` or `bf16`.
        steps: of the optimiser.
        history: a report for each epoch done.
    """

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]
    data: str
    precision: str
    steps: int
    history: tuple[EpochReport, ...] = field(default=())


def prepare_folder(folder: Path, size: int) -> None:
    """Make the folder of a training and see that checkpoints will fit.

    Args:
        folder: made where it is missing.
        size: bytes of a checkpoint.

    Raises:
        UserError: the folder cannot be made or written to, or its disk has no room for two checkpoints.
    """
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise UserError(f"{folder}: cannot be written to ({error.strerror}); give another --out") from error
    needed, free = int(2 * _SPARE * size), shutil.disk_usage(folder).free
    if free < needed:
        raise UserError(
            f"{folder}: expected room for two checkpoints, {needed / 1e6:.0f} MB, the disk has "
            f"{free / 1e6:.0f} MB; make room or give another --out"
        )


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint in place of the one that is there.

    Raises:
        RunError: it cannot be written; the one that was there still is.
    """
    training = {
        "config": checkpoint.config,
        "data": checkpoint.data,
        "precision": checkpoint.precision,
        "steps": checkpoint.steps,
        "history": [asdict(report) for report in checkpoint.history],
    }
    metadata = {"kind": _KIND, "version": _VERSION, "training": json.dumps(training)}
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(save(dict(checkpoint.tensors), metadata))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        kept = f"{path} still holds an earlier epoch" if path.exists() else "nothing is lost"
        raise RunError(
            f"{path}: the checkpoint of epoch {len(checkpoint.history)} cannot be written "
            f"({error.strerror}); {kept}: make room and start the same command again"
        ) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DataError: it is unreadable, or of another kind or version.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError) as error:
        raise DataError(
            f"{path}: expected a checkpoint of a training, got something unreadable ({error}); remove it to "
            "begin again, or give another --out"
        ) from error
    if (metadata.get("kind"), metadata.get("version")) != (_KIND, _VERSION):
        raise DataError(f"{path}: expected a training's checkpoint, version {_VERSION}; give another --out")
    try:
        training = json.loads(metadata["training"])
        history = tuple(EpochReport(**report) for report in training.pop("history"))
        return Checkpoint(tensors=tensors, history=history, **training)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: its account of the training is malformed ({error}); remove it") from error
