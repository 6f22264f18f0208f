"""The losses of the epoch in progress, so that a checkpoint can be written in the middle of it."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["PartialEpoch", "RunningEpoch"]


@dataclass(frozen=True, slots=True)
class PartialEpoch:
    """Progress within the epoch that follows the finished ones.

    Attributes:
        batches: number of its batches trained on; 0 if it has not begun.
        windows: number of windows in these batches.
        losses: L_S, L_A and L_C, each summed over these windows and X, Y and Z, in float32.
        seconds: duration.
    """

    batches: int = 0
    windows: int = 0
    losses: tuple[float, float, float] = (0.0, 0.0, 0.0)
    seconds: float = 0.0


class RunningEpoch:
    """Adds up the losses of an epoch, batch by batch.

    Args:
        begun: progress so far.
        device: of the losses.

    Attributes:
        batches: number of batches trained on.
        windows: number of windows in these batches.
    """

    def __init__(self, begun: PartialEpoch, device: torch.device) -> None:
        self.batches, self.windows = begun.batches, begun.windows
        self._sums = torch.tensor(begun.losses, dtype=torch.float32, device=device)
        self._start = time.monotonic() - begun.seconds

    def add(self, losses: Tensor, windows: int) -> None:
        """Adds a batch.

        Args:
            losses: L_S, L_A and L_C, (3, 3), axes [loss, dimension]; means over the windows.
            windows: number of windows of the batch.
        """
        self._sums += losses.sum(dim=1) * windows
        self.batches += 1
        self.windows += windows

    @property
    def seconds(self) -> float:
        """Duration, without the time between a stop and its resumption."""
        return time.monotonic() - self._start

    def means(self) -> tuple[float, float, float]:
        """Returns L_S, L_A and L_C, means over the windows, summed over X, Y and Z."""
        reconstruction, alignment, contrast = (self._sums / self.windows).tolist()
        return reconstruction, alignment, contrast

    def partial(self) -> PartialEpoch:
        """Returns the progress so far; float32 losses are exact as Python numbers."""
        reconstruction, alignment, contrast = self._sums.tolist()
        return PartialEpoch(self.batches, self.windows, (reconstruction, alignment, contrast), self.seconds)
