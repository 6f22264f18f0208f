"""The stage `encoder`: its figures are complete and agree with each other; the operations are counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import msgspec
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from encoder.attention import Alignment, Attention
from encoder.model import EncoderConfig, GaitEncoder
from stream.errors import RunError
from tests.tools.bench.screens import shown
from tools.bench.encoder import encoder_tables, measure_encoder
from tools.bench.encoder_rounds import encoder_variants
from tools.bench.flops import window_flops
from tools.bench.products import PRODUCT, installed_libraries
from tools.bench.workers import Rates, Worker

SMALL = EncoderConfig(f=4, joints=5, hidden=8, layers=3)


@pytest.mark.parametrize(
    "config",
    [
        EncoderConfig(),
        SMALL,
        replace(SMALL, layers=1, alignment=Alignment.GENERAL),
        replace(SMALL, attention=Attention.NONE),
    ],
    ids=str,
)
def test_the_operations_are_those_that_torch_counts(config: EncoderConfig) -> None:
    model = GaitEncoder(config)
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model.encode(torch.zeros(2, config.f, config.joints, 3))
    assert counter.get_total_flops() == 2 * window_flops(config)


def test_a_window_of_the_shipped_encoder_takes_72_5_million() -> None:
    assert window_flops(EncoderConfig()) == 72_548_352


def test_a_process_that_fails_is_reported_with_its_last_words() -> None:
    with (
        pytest.raises(RunError, match=r"products nothing 1 0.*KeyError"),
        Worker("tools.bench.products", "nothing", "1", "0", threads=1) as worker,
    ):
        worker.round()


@pytest.mark.slow
def test_every_library_and_variant_is_measured() -> None:
    lines: list[str] = []
    figures = measure_encoder(0, lines.append, cores=1, batches=(1, 3), round_s=0)
    assert lines == ["encoder: 1 thread"]
    written = msgspec.to_builtins(figures)
    assert written.keys() >= {
        "best_product_gflops", "best_product_by", "fp32_gflops", "fp32_share", "windows_per_s", "reduced",
    }  # fmt: skip
    assert [each.library for each in figures.yardstick] == installed_libraries()
    assert all(each.gflops.low > 0 for each in figures.yardstick)
    assert [(run.variant, run.windows) for run in figures.runs] == [
        (variant, windows) for variant in encoder_variants() for windows in (1, 3)
    ]
    for run in figures.runs:
        rate = run.windows_per_s
        assert 0 < rate.low <= rate.median <= rate.high
        assert rate.rounds >= 3
        assert run.times_plain == 1 or run.variant != "plain"
    assert PRODUCT == (256, 1024, 1024)
    assert "256 x 1024 x 1024" in shown(encoder_tables(figures))


class GivenRates:
    """A worker whose rounds all have given rates."""

    def __init__(self, rates: Rates) -> None:
        self._rates = rates

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def round(self) -> Rates:
        return self._rates


def test_the_figures_outside_the_runs_are_those_with_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    def product(library: str, threads: int, _: float) -> GivenRates:
        return GivenRates({"product": 100.0 * threads + (library == "torch")})

    def encoding(variant: str, threads: int, batches: Sequence[int], _: float) -> GivenRates:
        return GivenRates({str(count): 10.0 * threads * count + len(variant) for count in batches})

    monkeypatch.setattr("tools.bench.encoder.product_worker", product)
    monkeypatch.setattr("tools.bench.encoder.encoder_worker", encoding)
    lines: list[str] = []
    figures = measure_encoder(0, lines.append, cores=2, batches=(1, 3))
    assert lines == ["encoder: 1 thread", "encoder: 2 threads"]
    assert {(each.library, each.threads) for each in figures.yardstick} == {
        (name, threads) for name in installed_libraries() for threads in (1, 2)
    }
    assert (figures.best_product_by, figures.best_product_gflops) == ("torch", 201.0)
    assert figures.windows_per_s == {"1": 24.0, "3": 64.0}
    assert figures.fp32_gflops == pytest.approx(64.0 * 72.548352 / 1000)
    assert figures.fp32_share == pytest.approx(figures.fp32_gflops / 201.0)
    (plain,) = [run for run in figures.runs if (run.variant, run.threads, run.windows) == ("plain", 1, 3)]
    assert plain.share == pytest.approx(35.0 * 72.548352 / 1000 / 101.0)
    (ours,) = [run for run in figures.runs if (run.variant, run.threads, run.windows) == ("fp32", 2, 3)]
    assert ours.times_plain == pytest.approx(64.0 / 65.0)
