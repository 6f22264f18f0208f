"""Chooses the precision of the training: bf16 only on devices where it is faster."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from encoder.lstm import DIMENSIONS

__all__ = ["choose_precision"]

_BF16_GAIN = 1.3
"""Speed-up of a trial product in bf16 above which `precision = "auto"` chooses bf16."""


def choose_precision(wanted: str, device: torch.device) -> str:
    """Returns `fp32` or `bf16`; for `auto`, bf16 if a product of the LSTM's size is clearly faster."""
    if wanted != "auto":
        return wanted
    rows = torch.ones(DIMENSIONS, 128, 512, device=device)
    kernel = torch.ones(DIMENSIONS, 512, 1024, device=device)
    bf16_s = _best_time_s(rows.bfloat16(), kernel.bfloat16())
    return "bf16" if _best_time_s(rows, kernel) > _BF16_GAIN * bf16_s else "fp32"


def _best_time_s(rows: Tensor, kernel: Tensor) -> float:
    times = []
    for _ in range(8):
        began = time.perf_counter()
        # Reading a number waits until the device has finished.
        float(torch.bmm(rows, kernel)[0, 0, 0])
        times.append(time.perf_counter() - began)
    return min(times)
