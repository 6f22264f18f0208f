"""Whether training computes in bf16: not every device that can is quicker with it."""

from __future__ import annotations

import time

import torch
from torch import Tensor

from encoder.lstm import DIMENSIONS

__all__ = ["choose_precision"]

_BF16_GAIN = 1.3
"""How much quicker a trial product must be in bf16 before `precision = "auto"` takes it."""


def choose_precision(wanted: str, device: torch.device) -> str:
    """`fp32` or `bf16`; for `auto`, bf16 where a product of the LSTM's size is clearly quicker with it."""
    if wanted != "auto":
        return wanted
    rows = torch.ones(DIMENSIONS, 128, 512, device=device)
    kernel = torch.ones(DIMENSIONS, 512, 1024, device=device)
    low = _quickest(rows.bfloat16(), kernel.bfloat16())
    return "bf16" if _quickest(rows, kernel) > _BF16_GAIN * low else "fp32"


def _quickest(rows: Tensor, kernel: Tensor) -> float:
    times = []
    for _ in range(8):
        began = time.perf_counter()
        # Reading a number waits for the device.
        float(torch.bmm(rows, kernel)[0, 0, 0])
        times.append(time.perf_counter() - began)
    return min(times)
