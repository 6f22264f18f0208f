"""Figures with their intervals, as they are shown."""

from __future__ import annotations

from tools.evaluation.metrics.bootstrap import percent_text


def test_a_share_is_shown_in_percent_with_its_interval() -> None:
    assert percent_text((0.936, 0.809, 1.0)) == "93.6 (80.9-100.0)"
    assert percent_text((0.936, 0.809, 1.0), " %") == "93.6 % (80.9-100.0)"
    assert percent_text(None) == "none"
