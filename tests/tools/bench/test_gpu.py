"""The stage `gpu`, measured on the CPU in tiny settings: no machine of the tests need have a GPU."""

from __future__ import annotations

import pytest
import torch
from rich.console import Console

from stream.errors import UserError
from tests.tools.bench.screens import shown
from tools.bench.command import bench
from tools.bench.gpu import GpuFigures, GpuRun, gpu_table, measure_gpu
from tools.bench.request import BenchRequest
from tools.bench.spread import spread_of
from tools.bench.stages import choose_stages


def test_all_ways_are_measured_with_all_numbers_of_windows() -> None:
    lines: list[str] = []
    figures = measure_gpu(0.0, lines.append, device="cpu", batches=(1, 3), product=64, alone=4)
    assert lines == ["gpu: CPU"]
    ways = [(run.variant, run.windows) for run in figures.runs]
    assert ways == [("plain", 1), ("plain", 3), ("live", 1), ("live", 3)]
    for run in figures.runs:
        assert run.windows_per_s.rounds == 3
        assert run.share == pytest.approx(run.gflops / figures.product_gflops.median)
        assert run.gflops == pytest.approx(run.windows_per_s.median * 0.0725, rel=0.01)
    assert 0 < figures.alone_p50_ms <= figures.alone_p99_ms


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA GPU")
def test_without_a_gpu_the_stage_is_left_out_and_says_why_if_it_is_named() -> None:
    assert "gpu" not in choose_stages(())
    with pytest.raises(UserError, match="--only gpu: torch finds no usable CUDA GPU"):
        bench(BenchRequest(only=("gpu",)), Console(quiet=True), Console(quiet=True))


def test_the_table_shows_all_figures() -> None:
    rates = spread_of([9e4, 1e5])
    run = GpuRun(variant="live", windows=1024, windows_per_s=rates, gflops=6900.0, share=0.138)
    figures = GpuFigures(
        device="Some GPU",
        product=8192,
        product_gflops=spread_of([50_000.0]),
        runs=(run,),
        alone_p50_ms=2.5,
        alone_p99_ms=4.0,
    )
    text = " ".join(shown([gpu_table(figures)]).split())
    for expected in (
        "Some GPU",
        "1,024",
        "95,000",
        "6,900",
        "13.8 %",
        "50,000 GFLOP/s",
        "p50 2.5, p99 4.0 ms",
    ):
        assert expected in text
