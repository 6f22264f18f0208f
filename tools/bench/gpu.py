"""Stage `gpu`: the encoder's rate on a GPU beside a product of matrices, and the time of one window."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec
import numpy as np
import torch
from rich.table import Table

from encoder.inference import Encoder, resolve_device
from encoder.model import GaitEncoder
from encoder.weights import load_encoder
from stream.body import FloatArray
from tools.bench.flops import window_flops
from tools.bench.request import Report
from tools.bench.spread import Spread, bench_table, spread_of
from tools.bench.workers import rounds_for

__all__ = ["BATCHES", "GpuFigures", "GpuRun", "gpu_table", "measure_gpu"]

BATCHES = (1, 64, 1_024, 16_384)
"""Numbers of windows that are encoded together."""

PRODUCT = 8_192
"""Rows and columns of the matrices of the yardstick."""

PLAIN, LIVE = "plain", "live"

_ALONE = 300
"""Windows that are encoded one after the other, for the percentiles of their time."""


class GpuRun(msgspec.Struct, frozen=True, kw_only=True):
    """Rate of one way to encode, with one number of windows.

    Attributes:
        variant: `plain` (the model at once, eager) or `live` (as the live system encodes).
        windows: encoded together.
        windows_per_s: rate, with the transfer of windows and encodings.
        gflops: the same, by the operations of a window.
        share: `gflops` of the yardstick.
    """

    variant: str
    windows: int
    windows_per_s: Spread
    gflops: float
    share: float


class GpuFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the stage.

    Attributes:
        device: its name.
        product: rows and columns of the yardstick's matrices.
        product_gflops: of their product in float32, without TF32, by torch.
        runs: all variants and numbers of windows.
        alone_p50_ms: half of the single windows took less in the live system's encoder.
        alone_p99_ms: 99 %.
    """

    device: str
    product: int
    product_gflops: Spread
    runs: tuple[GpuRun, ...]
    alone_p50_ms: float
    alone_p99_ms: float


def measure_gpu(
    seconds: float,
    report: Report,
    *,
    device: str = "cuda",
    batches: Sequence[int] = BATCHES,
    product: int = PRODUCT,
    alone: int = _ALONE,
) -> GpuFigures:
    """Measures products and encoders in turn.

    Args:
        seconds: minimum duration; at least three rounds are measured.
        report: is told what is measured.
        device: see `encoder.inference.resolve_device`.
        batches: numbers of windows that are encoded together.
        product: rows and columns of the yardstick's matrices.
        alone: number of windows that are encoded one after the other.

    Raises:
        UserError: this machine has no such device.
    """
    target = resolve_device(device)
    report(f"gpu: {_name(target)}")
    loaded = load_encoder()
    encoder = Encoder(loaded, device)
    encoder.warm_up()
    random = np.random.default_rng(0)
    windows = np.float32(0.3) * random.standard_normal((max(batches), *encoder.window_shape), np.float32)
    ways = {LIVE: encoder.encode, PLAIN: _plain(loaded.models[0], target)}
    products: list[float] = []
    rates: dict[tuple[str, int], list[float]] = defaultdict(list)
    multiply = _product(target, product)
    for count in batches:
        ways[PLAIN](windows[:count])  # as the other way, it is warm before it is measured
    for _ in rounds_for(seconds):
        products.append(2 * product**3 / _seconds(multiply) / 1e9)
        for count in batches:
            for name, encode in ways.items():
                rates[name, count].append(count / _seconds(lambda: encode(windows[:count])))  # noqa: B023
    best = spread_of(products)
    times = [1000 * _seconds(lambda: encoder.encode(windows[:1])) for _ in range(alone)]
    return GpuFigures(
        device=_name(target),
        product=product,
        product_gflops=best,
        runs=_runs(rates, batches, window_flops(loaded.models[0].config) / 1e9, best.median),
        alone_p50_ms=float(np.percentile(times, 50)),
        alone_p99_ms=float(np.percentile(times, 99)),
    )


def _runs(
    rates: Mapping[tuple[str, int], Sequence[float]], batches: Sequence[int], gflop: float, best: float
) -> tuple[GpuRun, ...]:
    return tuple(
        GpuRun(
            variant=name,
            windows=count,
            windows_per_s=(rate := spread_of(rates[name, count])),
            gflops=rate.median * gflop,
            share=rate.median * gflop / best,
        )
        for name in (PLAIN, LIVE)
        for count in batches
    )


def _plain(model: GaitEncoder, device: torch.device) -> Callable[[FloatArray], object]:
    """Returns the eager computation of a model that `Encoder` has moved to the device."""

    def encode(windows: FloatArray) -> object:
        with torch.inference_mode():
            return model.encode(torch.from_numpy(windows).to(device)).cpu()

    return encode


def _product(device: torch.device, size: int) -> Callable[[], object]:
    """Returns a product that has ended on the device when the call returns."""
    left, right = torch.ones(size, size, device=device), torch.ones(size, size, device=device)

    def multiply() -> float:
        return float(torch.mm(left, right)[0, 0])

    multiply()
    return multiply


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"


def gpu_table(figures: GpuFigures) -> Table:
    """Returns the table of rates."""
    rows = [
        [
            run.variant,
            f"{run.windows:,}",
            run.windows_per_s.text,
            run.windows_per_s.range_text,
            f"{run.gflops:,.0f}",
            f"{100 * run.share:.1f} %",
        ]
        for run in figures.runs
    ]
    size = figures.product
    return bench_table(
        f"Encoder on {figures.device}, fp32",
        ["", "windows", "windows/s", "range", "GFLOP/s", "share"],
        rows,
        f"share: of torch's product {size} x {size} x {size}, {figures.product_gflops.text} GFLOP/s. plain: "
        "the model at once; live: as the live system encodes. One window in the live system: "
        f"p50 {figures.alone_p50_ms:.1f}, p99 {figures.alone_p99_ms:.1f} ms",
    )
