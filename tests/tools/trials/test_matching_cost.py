"""Measurement and table of the computing time per window."""

from __future__ import annotations

from io import StringIO

import pytest
import torch
from rich.console import Console

from tools.trials.matching_cost import Cost, cost_table, measure


@pytest.mark.slow
def test_both_have_equally_many_rounds_and_torch_keeps_its_threads() -> None:
    before = torch.get_num_threads()
    cost = measure(people=2, tracks=3, seconds=0.0)
    assert len(cost.encoder) == len(cost.system) >= 60
    assert min(*cost.encoder, *cost.system) > 0
    assert torch.get_num_threads() == before


def test_the_table_shows_medians_ranges_and_the_ratio() -> None:
    cost = Cost(encoder=(1.0, 2.0, 3.0), system=(2.5, 3.0, 3.5))
    assert cost.ratio == pytest.approx(1.5)
    written = StringIO()
    Console(file=written, width=110).print(cost_table(cost, people=7, tracks=5))
    text = written.getvalue()
    for expected in ("5 together, 7 people", "2.00", "1.10 to 2.90", "3.00", "1.50"):
        assert expected in text
