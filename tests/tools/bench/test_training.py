"""The stage `training`: equivalence of the timed steps, figures of real processes, and the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from encoder.training.train_config import TrainConfig
from encoder.training.trainer import Trainer
from tests.tools.bench.screens import shown
from tools.bench.spread import Spread
from tools.bench.training import TrainingFigures, TrainingRun, measure_training, training_table
from tools.bench.training_steps import PlainStep, synthetic_spans

SMALL = TrainConfig(f=4, hidden=5, batch=16, precision="fp32", device="cpu", threads=1)


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    "settings",
    [{}, {"contrast": "none", "attention": "bas"}, {"pretext": "sorting", "contrast": "within"}],
    ids=str,
)
def test_the_plain_step_computes_what_our_step_computes(settings: dict[str, Any], tmp_path: Path) -> None:
    config = replace(SMALL, **settings)
    spans = synthetic_spans(config, recordings=3, windows=8)
    ours, plain = Trainer(config, spans, tmp_path), PlainStep(config, spans, torch.device("cpu"))
    for number in range(3):
        rows = np.arange(8 * number, 8 * number + 8)
        torch.testing.assert_close(
            plain.train_step(rows, (number,)), ours.train_step(rows, (number,)), rtol=1e-4, atol=1e-5
        )
    for one, other in zip(plain.model.parameters(), ours.model.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_every_way_to_train_has_figures_that_agree() -> None:
    lines: list[str] = []
    figures = measure_training(0, lines.append, config=SMALL, scaling=(2,))
    assert lines == [f"training: {len(figures.runs)} ways in turn"]
    ways = [(run.variant, run.processes) for run in figures.runs]
    assert ways[:2] == [("plain", 1), ("fp32", 1)]
    assert ways[-1][1] == 2
    for run in figures.runs:
        rate = run.windows_per_s
        assert 0 < rate.low <= rate.median <= rate.high
        assert rate.rounds == 3
        assert run.times_plain == pytest.approx(rate.median / figures.runs[0].windows_per_s.median)
        assert run.processes > 1 or run.times_one == 1


def test_the_table_shows_rates_ratios_and_the_quoted_speed() -> None:
    runs = tuple(
        TrainingRun(
            variant=name,
            processes=count,
            threads=1,
            windows_per_s=Spread(rate, rate - 10, rate + 10, 3),
            times_plain=rate / 155,
            times_one=1.0,
        )
        for name, count, rate in (("plain", 1, 155.0), ("bf16", 1, 310.0), ("bf16", 2, 4310.0))
    )
    text = shown([training_table(TrainingFigures(device="auto", runs=runs, quoted=413.0))])
    for part in ("310", "300-320", "4,300-4,320", "2.00", "27.81", "Quoted", "413"):
        assert part in text
