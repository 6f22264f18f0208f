"""The stage `matcher`: measurement and table of the computing time per window."""

from __future__ import annotations

from io import StringIO

import pytest
import torch
from rich.console import Console

from tools.bench.matcher import MatcherFigures, matcher_table, measure_matcher


@pytest.mark.slow
def test_both_have_equally_many_rounds_and_torch_keeps_its_threads() -> None:
    before = torch.get_num_threads()
    figures = measure_matcher(people=2, tracks=3, seconds=0.0)
    assert len(figures.encoder) == len(figures.system) >= 60
    assert min(*figures.encoder, *figures.system) > 0
    assert torch.get_num_threads() == before


def test_the_table_shows_medians_ranges_and_the_ratio() -> None:
    figures = MatcherFigures(people=7, tracks=5, encoder=(1.0, 2.0, 3.0), system=(2.5, 3.0, 3.5))
    assert figures.ratio == pytest.approx(1.5)
    written = StringIO()
    Console(file=written, width=80).print(matcher_table(figures))
    text = written.getvalue()
    for expected in ("5 together, 7 people", "2.00", "1.10 to 2.90", "3.00", "1.50"):
        assert expected in text
