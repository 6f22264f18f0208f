"""Progress of a training: reports after batches and epochs, and the callback that receives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["BatchReport", "EpochReport", "TrainingCallback"]


@dataclass(frozen=True, slots=True)
class EpochReport:
    """Losses of an epoch: means over its windows, summed over X, Y and Z.

    Attributes:
        epoch: counted from 1.
        reconstruction: L_S.
        alignment: L_A.
        contrast: L_C, the mean over the batches.
        l2: beta ||Theta||^2 at the end of the epoch.
        windows: number of windows trained on.
        seconds: duration.
    """

    epoch: int
    reconstruction: float
    alignment: float
    contrast: float
    l2: float
    windows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class BatchReport:
    """Progress of an epoch after a batch; the losses are means since the start of the epoch.

    Attributes:
        epoch: counted from 1.
        windows: number of windows of this epoch trained on so far.
        total_windows: number of windows of the whole epoch.
        reconstruction: L_S.
        alignment: L_A.
        contrast: L_C.
        seconds: time since the start of the epoch.
    """

    epoch: int
    windows: int
    total_windows: int
    reconstruction: float
    alignment: float
    contrast: float
    seconds: float


class TrainingCallback(Protocol):
    """Receives the progress of a training."""

    def on_batch(self, report: BatchReport) -> None:
        """Is called after each batch."""
        ...

    def on_epoch(self, report: EpochReport) -> None:
        """Is called after each epoch, when its checkpoint is written."""
        ...
