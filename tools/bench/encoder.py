"""Stage `encoder`: windows per second beside eager torch and the fastest matrix product of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import msgspec
from rich.table import Table

from encoder.weights import load_encoder
from tools.bench.encoder_rounds import (
    BATCHES,
    FP32,
    PLAIN,
    encoder_variants,
    encoder_worker,
    reduced_precisions,
)
from tools.bench.flops import window_flops
from tools.bench.machine import core_count
from tools.bench.products import installed_libraries, product_text, product_worker
from tools.bench.request import Report
from tools.bench.spread import Spread, bench_table, spread_of
from tools.bench.workers import measure_in_turn

__all__ = [
    "QUOTED",
    "EncoderFigures",
    "EncoderRun",
    "Reduced",
    "Yardstick",
    "encoder_tables",
    "measure_encoder",
]

QUOTED = {"lean": 1605.0, "as written": 896.0}
"""Windows per second of the authors' published TensorFlow code, 256 windows, one thread of a 2-core AMD EPYC
with AVX-512 and bf16; 1.4 and 0.8 times eager torch there. Quoted, not measured here."""

_ROUND_S = 0.2


class Yardstick(msgspec.Struct, frozen=True, kw_only=True):
    """Rate of one library's matrix product.

    Attributes:
        library: numpy, torch or onnxruntime.
        threads: its threads.
        gflops: of the product `tools.bench.products.PRODUCT` in float32.
    """

    library: str
    threads: int
    gflops: Spread


class EncoderRun(msgspec.Struct, frozen=True, kw_only=True):
    """Rate of one way to encode, at one batch size.

    Attributes:
        variant: `plain` (eager torch), `onnx` (the same in ONNX Runtime), or a precision of the encoder.
        threads: its threads.
        windows: encoded together.
        windows_per_s: rate.
        gflops: the same, by the operations of a window.
        share: `gflops` of the best product with the same threads.
        times_plain: rate over that of `plain` with the same threads and windows.
    """

    variant: str
    threads: int
    windows: int
    windows_per_s: Spread
    gflops: float
    share: float
    times_plain: float


class Reduced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Rates in a precision below float32, with all cores; empty if the processor has none.

    Attributes:
        precision: its name.
        gflops: at the most windows, 256.
        times_fp32: rate over that in float32, at 256 windows.
        windows_per_s: medians by the number of windows.
    """

    precision: str = ""
    gflops: float = 0.0
    times_fp32: float = 0.0
    windows_per_s: dict[str, float] = {}


class EncoderFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of the stage; what stands outside `runs` and `yardstick` is with all cores.

    Attributes:
        threads: all cores.
        window_mflop: operations of one window, millions.
        product: size of the yardstick's product.
        best_product_gflops: the best fp32 product.
        best_product_by: the library of it.
        fp32_gflops: encoder in float32, at the most windows, 256.
        fp32_share: of the best product.
        windows_per_s: encoder in float32, medians by the number of windows.
        reduced: the fastest precision below float32; empty if the processor has none.
        yardstick: all products.
        runs: all variants, threads and numbers of windows.
        quoted: windows per second of the authors' code; see `QUOTED`.
    """

    threads: int
    window_mflop: float
    product: str
    best_product_gflops: float
    best_product_by: str
    fp32_gflops: float
    fp32_share: float
    windows_per_s: dict[str, float]
    reduced: Reduced
    yardstick: tuple[Yardstick, ...]
    runs: tuple[EncoderRun, ...]
    quoted: dict[str, float]


def measure_encoder(
    seconds: float,
    report: Report,
    *,
    cores: int | None = None,
    batches: Sequence[int] = BATCHES,
    round_s: float = _ROUND_S,
) -> EncoderFigures:
    """Measures products and encoders with one thread and with all cores, in interleaved rounds.

    Args:
        seconds: minimum duration with each number of threads; at least three rounds are measured.
        report: is told what is measured.
        cores: number of threads that stands for all cores; None for those of this machine.
        batches: numbers of windows that are encoded together, ascending.
        round_s: seconds of a round for each number of windows, and for each product.

    Raises:
        RunError: a process that measures failed.
    """
    cores = cores or core_count()
    yardstick: list[Yardstick] = []
    runs: list[EncoderRun] = []
    mflop = window_flops(load_encoder().models[0].config) / 1e6
    for threads in sorted({1, cores}):
        report(f"encoder: {threads} {'thread' if threads == 1 else 'threads'}")
        measured = _interleave(threads, seconds, batches, round_s)
        products = [
            Yardstick(library=name, threads=threads, gflops=spread_of(measured[name]["product"]))
            for name in installed_libraries()
        ]
        yardstick += products
        best = max(each.gflops.median for each in products)
        runs += _runs(threads, measured, mflop, best)
    return _figures(cores, mflop, yardstick, runs)


def _interleave(
    threads: int, seconds: float, batches: Sequence[int], round_s: float
) -> dict[str, dict[str, list[float]]]:
    """Returns worker -> what it computed -> rate of each round."""
    workers = chain(
        ((name, product_worker(name, threads, round_s)) for name in installed_libraries()),
        ((variant, encoder_worker(variant, threads, batches, round_s)) for variant in encoder_variants()),
    )
    return measure_in_turn(workers, seconds, warm_up=True)


def _runs(
    threads: int, measured: dict[str, dict[str, list[float]]], mflop: float, best: float
) -> list[EncoderRun]:
    runs = []
    for variant in encoder_variants():
        for windows, rates in measured[variant].items():
            rate = spread_of(rates)
            gflops = rate.median * mflop / 1000
            plain = spread_of(measured[PLAIN][windows]).median
            runs.append(
                EncoderRun(
                    variant=variant,
                    threads=threads,
                    windows=int(windows),
                    windows_per_s=rate,
                    gflops=gflops,
                    share=gflops / best,
                    times_plain=rate.median / plain,
                )
            )
    return runs


def _figures(cores: int, mflop: float, yardstick: list[Yardstick], runs: list[EncoderRun]) -> EncoderFigures:
    best = max((each for each in yardstick if each.threads == cores), key=lambda each: each.gflops.median)
    fp32 = _medians(runs, FP32, cores)
    largest = str(max(run.windows for run in runs))
    gflops = fp32[largest] * mflop / 1000
    reduced: list[Reduced] = []
    for precision in reduced_precisions():
        rates = _medians(runs, precision, cores)
        reduced.append(
            Reduced(
                precision=precision,
                gflops=rates[largest] * mflop / 1000,
                times_fp32=rates[largest] / fp32[largest],
                windows_per_s=rates,
            )
        )
    return EncoderFigures(
        threads=cores,
        window_mflop=mflop,
        product=product_text(),
        best_product_gflops=best.gflops.median,
        best_product_by=best.library,
        fp32_gflops=gflops,
        fp32_share=gflops / best.gflops.median,
        windows_per_s=fp32,
        reduced=max(reduced, key=lambda each: each.gflops, default=Reduced()),
        yardstick=tuple(yardstick),
        runs=tuple(runs),
        quoted=QUOTED,
    )


def _medians(runs: list[EncoderRun], variant: str, threads: int) -> dict[str, float]:
    return {
        str(run.windows): run.windows_per_s.median
        for run in runs
        if (run.variant, run.threads) == (variant, threads)
    }


def encoder_tables(figures: EncoderFigures) -> tuple[Table, ...]:
    """Returns the tables of the yardstick and of the encoder."""
    products = [
        [each.library, str(each.threads), each.gflops.text, each.gflops.range_text]
        for each in figures.yardstick
    ]
    rows = [
        [
            run.variant,
            str(run.threads),
            str(run.windows),
            run.windows_per_s.text,
            run.windows_per_s.range_text,
            f"{run.gflops:,.0f}",
            f"{100 * run.share:.0f} %",
            f"{run.times_plain:.2f}",
        ]
        for run in figures.runs
    ]
    quoted = ", ".join(f"{name} {rate:,.0f}" for name, rate in figures.quoted.items())
    caption = (
        f"{figures.window_mflop:.1f} MFLOP a window; plain: the model in eager torch; onnx: "
        "the same in ONNX Runtime. Quoted: the authors' "
        f"TensorFlow code, 256 windows, 1 thread of a 2-core AMD EPYC: {quoted} windows/s, 1.4 and 0.8 times "
        "plain."
    )
    return (
        bench_table(
            f"Yardstick: fp32 product {figures.product}",
            ["library", "threads", "GFLOP/s", "range"],
            products,
        ),
        bench_table(
            "Encoder",
            ["", "threads", "windows", "windows/s", "range", "GFLOP/s", "share", "x plain"],
            rows,
            caption,
        ),
    )
