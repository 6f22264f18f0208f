"""Equivalence of the timed steps, and the table of speeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from encoder.training.train_config import TrainConfig
from encoder.training.trainer import Trainer
from tools.trials.training_speed import PLAIN, PlainStep, Speed, measure, speed_table, synthetic_spans

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


def test_every_step_has_equally_many_rounds() -> None:
    speeds = measure(SMALL, 0)
    assert speeds[0].name == "our step, fp32"
    assert speeds[-1].name == PLAIN
    assert {len(speed.rates) for speed in speeds} == {3}
    assert all(rate > 0 for speed in speeds for rate in speed.rates)


def test_the_table_shows_median_range_and_the_quoted_speed() -> None:
    screen = StringIO()
    speeds = [Speed("our step, fp32", (300.0, 310.0, 500.0)), Speed(PLAIN, (100.0, 155.0, 160.0))]
    Console(file=screen, width=160).print(speed_table(speeds, 1, "cpu"))
    text = screen.getvalue()
    for part in ("310", "300 to 500", "2.00", "155", "100 to 160", "1.00", "quoted", "413"):
        assert part in text
