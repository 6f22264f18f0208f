"""Windows per second of one way to encode, in a process of its own.

    python -m tools.bench.encoder_rounds VARIANT THREADS BATCHES SECONDS

is the process; see `tools.bench.workers`. VARIANT is `plain`, `onnx`, or a precision of
`encoder.inference.Encoder`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from msgspec import convert
from torch import nn

from encoder import onednn
from encoder.inference import Encoder
from encoder.model import GaitEncoder
from encoder.precision import Precision
from encoder.weights import LoadedEncoder, load_encoder
from stream.body import FloatArray
from tools.bench.onnx_models import onnx_available, onnx_function
from tools.bench.workers import Rates, Worker, serve_rounds

__all__ = ["BATCHES", "FP32", "PLAIN", "encoder_variants", "encoder_worker", "reduced_precisions"]

BATCHES = (1, 8, 64, 256)
"""Numbers of windows that are encoded together."""

PLAIN = "plain"
"""The model of `encoder.model` in eager torch, float32."""

ONNX = "onnx"
"""The same, exported to ONNX Runtime."""

FP32: Precision = "fp32"

_Encode = Callable[[FloatArray], object]


def reduced_precisions() -> list[Precision]:
    """Returns the precisions below fp32 that this machine computes faster."""
    return ["bf16"] if onednn.bf16_supported() else []


def encoder_variants() -> list[str]:
    """Returns what can be measured on this machine."""
    return [PLAIN, *([ONNX] if onnx_available() else []), FP32, *reduced_precisions()]


def encoder_worker(variant: str, threads: int, batches: Sequence[int], round_s: float) -> Worker:
    """Starts the process whose rounds give windows per second by the number of windows.

    Args:
        variant: one of `encoder_variants`.
        threads: number of threads.
        batches: numbers of windows.
        round_s: seconds for each number of windows.
    """
    numbers = ",".join(map(str, batches))
    return Worker(__name__, variant, str(threads), numbers, str(round_s), threads=threads)


def _encode(variant: str, threads: int) -> tuple[_Encode, tuple[int, ...]]:
    """Returns the function and the shape of a window."""
    loaded = load_encoder()
    if variant in {PLAIN, ONNX}:
        torch.set_num_threads(threads)
        model = loaded.models[0]
        shape = (model.config.f, model.config.joints, 3)
        if variant == ONNX:
            return onnx_function(_Cages(model), torch.zeros(2, *shape), threads), shape

        def encode(windows: FloatArray) -> object:
            with torch.inference_mode():
                return model.encode(torch.from_numpy(windows)).numpy()

        return encode, shape
    encoder = Encoder(_without_pose(loaded), "cpu", precision=convert(variant, Precision), threads=threads)
    encoder.warm_up()
    return encoder.encode, encoder.window_shape


class _Cages(nn.Module):
    """The CAGEs of a model."""

    def __init__(self, model: GaitEncoder) -> None:
        super().__init__()
        self._model = model

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Returns the CAGEs of windows."""
        return self._model.encode(windows)


def _without_pose(loaded: LoadedEncoder) -> LoadedEncoder:
    """Returns the same encoder without the pose features, which are no part of the network."""
    return replace(loaded, contract=replace(loaded.contract, pose=0))


def _round(encode: _Encode, batches: list[FloatArray], round_s: float) -> Rates:
    rates = {}
    for windows in batches:
        count = 0
        started = time.perf_counter()
        while (elapsed := time.perf_counter() - started) < round_s or not count:
            encode(windows)
            count += 1
        rates[str(len(windows))] = len(windows) * count / elapsed
    return rates


def main() -> None:
    """Measures rounds on request."""
    variant, threads, numbers, round_s = sys.argv[1:]
    encode, shape = _encode(variant, int(threads))
    rng = np.random.default_rng(0)
    batches = [
        np.float32(0.3) * rng.standard_normal((count, *shape), np.float32)
        for count in map(int, numbers.split(","))
    ]
    for windows in batches:
        encode(windows)
    serve_rounds(lambda: _round(encode, batches, float(round_s)))


if __name__ == "__main__":
    main()
