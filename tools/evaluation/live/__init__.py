"""The protocol `live`: open-set identification as the live system does it.

    sge-stream evaluate kgbd --data DATA --protocol live [--people 101-164] [--method shipped,raw,...]

The people are unknown to the shipped encoder; some are enrolled from one or more walks, the others are
strangers. The seed draws roles and walks for each split. `LiveRow` defines the figures.
"""

from __future__ import annotations

from tools.evaluation.live.comparison_methods import FPIRS, SHIPPED, Shipped, load_shipped
from tools.evaluation.live.live_protocol import CALIBRATION_PEOPLE, live_trial
from tools.evaluation.live.live_result import LiveResult, LiveRow
from tools.evaluation.live.scenarios import SCENARIOS, Scenario
from tools.evaluation.live.search_figures import moment_name
from tools.evaluation.live.searches import MOMENTS, Searches

__all__ = [
    "CALIBRATION_PEOPLE",
    "FPIRS",
    "MOMENTS",
    "SCENARIOS",
    "SHIPPED",
    "LiveResult",
    "LiveRow",
    "Scenario",
    "Searches",
    "Shipped",
    "live_trial",
    "load_shipped",
    "moment_name",
]
