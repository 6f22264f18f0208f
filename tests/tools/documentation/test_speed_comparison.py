"""Figures of speed on several machines side by side."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tools.bench.encoder import EncoderFigures, EncoderRun, Reduced, Yardstick
from tools.bench.figures_file import write_figures
from tools.bench.machine import describe_machine
from tools.bench.spread import Spread
from tools.documentation.speed_comparison import speed_comparison


def _spread(value: float) -> Spread:
    return Spread(median=value, low=value, high=value, rounds=3)


def _run(variant: str, threads: int, windows: int, share: float, times_plain: float) -> EncoderRun:
    return EncoderRun(
        variant=variant,
        threads=threads,
        windows=windows,
        windows_per_s=_spread(1000.0),
        gflops=1.0,
        share=share,
        times_plain=times_plain,
    )


def _encoder(reduced: Reduced) -> EncoderFigures:
    products = {("numpy", 1): 90.0, ("torch", 1): 100.0, ("numpy", 2): 150.0, ("torch", 2): 120.0}
    runs = [_run("fp32", 2, 256, 0.9, 2.0), _run("fp32", 2, 64, 0.4, 2.0)]
    runs += [_run("fp32", 1, 1, 0.1, 0.8), _run("fp32", 1, 256, 0.8, 1.5), _run("bf16", 1, 256, 1.5, 2.5)]
    return EncoderFigures(
        threads=2,
        window_mflop=72.5,
        product="256 x 1024 x 1024",
        best_product_gflops=150.0,
        best_product_by="numpy",
        fp32_gflops=135.0,
        fp32_share=0.9,
        windows_per_s={},
        reduced=reduced,
        yardstick=tuple(
            Yardstick(library=library, threads=threads, gflops=_spread(rate))
            for (library, threads), rate in products.items()
        ),
        runs=tuple(runs),
        quoted={},
    )


def _write(path: Path, cpu: str, reduced: Reduced) -> Path:
    machine = msgspec.structs.replace(describe_machine(), cpu=cpu)
    path.parent.mkdir(exist_ok=True)
    write_figures(path, msgspec.to_builtins({"machine": machine, "encoder": _encoder(reduced)}))
    return path


def test_each_machine_has_a_column_and_what_it_lacks_is_left_out(tmp_path: Path) -> None:
    here = _write(tmp_path / "speed.json", "Plain", Reduced())
    _write(tmp_path / "speed" / "other.json", "Wide", Reduced(precision="bf16", times_fp32=1.7))
    cores = describe_machine().cores
    heading, _, *lines = speed_comparison(here, tmp_path / "speed").splitlines()
    assert heading == f"|  | Plain, {cores} cores | Wide, {cores} cores |"
    assert lines == [
        "| best fp32 product, all cores, GFLOP/s | 150 | 150 |",
        "| over that of one core | 1.50 | 1.50 |",
        "| fp32, 256 windows: share of it | 90 % | 90 % |",
        "| fp32, 64 windows: share of it | 40 % | 40 % |",
        "| fp32, one window, one core: time over eager torch | 1.25 | 1.25 |",
        "| fp32, 256 windows, one core: rate over eager torch | 1.50 | 1.50 |",
        "| bf16, 256 windows, one core: rate over eager torch | - | 2.50 |",
        "| bf16 over fp32, 256 windows, all cores | - | 1.70 |",
    ]
