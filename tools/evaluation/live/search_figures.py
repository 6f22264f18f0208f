"""The figures of one comparison method over all searches, with confidence intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tools.evaluation.live.comparison_methods import FPIRS
from tools.evaluation.live.searches import MOMENTS, Searches
from tools.evaluation.metrics.bootstrap import Estimate, bootstrap_estimates
from tools.evaluation.metrics.open_set import DetCurve, ScoreSeparation, weighted_mean, weighted_median

__all__ = ["moment_name", "search_figures", "thresholds_of"]

Floats = NDArray[np.float64]
Figures = Callable[[Floats], Mapping[str, float]]

_PERCENT = 100.0


def moment_name(moment: int) -> str:
    """Returns `2s`, `5s`, `10s` or `walk`."""
    seconds = MOMENTS[moment]
    return "walk" if seconds is None else f"{seconds:g}s"


def search_figures(searches: Searches, people: int, seed: int) -> dict[str, Estimate | None]:
    """Returns all figures of one method, see `tools.evaluation.live.LiveRow`; None where undefined.

    Args:
        searches: of the method.
        people: P.
        seed: of the bootstrap.
    """
    found = bootstrap_estimates(lambda weights: _windows(searches, weights), people, seed)
    for moment in range(len(MOMENTS)):
        found |= bootstrap_estimates(_at(searches, moment), people, seed)
    return found


def thresholds_of(searches: Searches) -> Floats:
    """Returns the lowest thresholds (M, R) that keep the rates of `FPIRS` at each moment, or NaN."""
    found = np.full((len(MOMENTS), len(FPIRS)), np.nan)
    ones = np.ones(searches.enrolled.shape[1])
    for moment in range(len(MOMENTS)):
        if det := searches.open_set(moment).det(ones):
            found[moment] = [det.threshold_at(rate) for rate in FPIRS]
    return found


def _windows(searches: Searches, weights: Floats) -> dict[str, float]:
    weighted = weights[searches.walker] * searches.windows
    return {"rank1_window": _PERCENT * weighted_mean(searches.hits / searches.windows, weighted)}


def _at(searches: Searches, moment: int) -> Figures:
    """Returns the figures of one moment; open-set figures of the whole walk have no suffix."""
    name = moment_name(moment)
    suffix = "" if MOMENTS[moment] is None else f"_{name}"
    lasting = searches.lasting(moment)
    walker, mated = searches.walker[lasting], searches.mated[lasting]
    closed = searches.right(moment, open_set=False)[lasting]
    open_set = searches.open_set(moment)
    people = searches.scores.shape[2]
    separation = ScoreSeparation(searches.genuine(moment), searches.impostor(moment), walker, people)
    rates = _Rates(searches, moment)

    def figures(weights: Floats) -> dict[str, float]:
        counts = weights[walker]
        found = {f"rank1_{name}": _PERCENT * weighted_mean(closed, counts)}
        found |= _of_det(open_set.det(weights), suffix)
        found |= rates.figures(counts, mated, suffix)
        found[f"d_prime{suffix}"] = separation.d_prime(weights)
        found[f"eer{suffix}"] = _PERCENT * separation.eer(weights)
        if MOMENTS[moment] is None:
            found |= _seconds(searches, weights)
        return found

    return figures


def _of_det(det: DetCurve | None, suffix: str) -> dict[str, float]:
    found = {f"eer_search{suffix}": _PERCENT * det.eer if det else np.nan}
    for rate in FPIRS:
        key = f"fnir_at_fpir{_PERCENT * rate:g}{suffix}"
        found[key] = _PERCENT * det.fnir_at(rate) if det else np.nan
    return found


class _Rates:
    """Realised FPIR and FNIR at thresholds set beforehand."""

    def __init__(self, searches: Searches, moment: int) -> None:
        lasting = searches.lasting(moment)
        self._known = not np.isnan(searches.thresholds[moment][lasting]).any() and len(lasting) > 0
        right = searches.right(moment, open_set=True)
        self._named = [searches.named(moment, rate)[lasting] for rate in range(len(FPIRS))]
        self._right = [named & right[lasting] for named in self._named]
        self._ever = None if searches.ever is None else searches.ever[moment, lasting]
        self._ever_right = None if searches.ever_right is None else searches.ever_right[moment, lasting]

    def figures(self, counts: Floats, mated: NDArray[np.bool_], suffix: str) -> dict[str, float]:
        found: dict[str, float] = {}
        for rate, fpir in enumerate(FPIRS):
            at = ("" if rate == 0 else f"{_PERCENT * fpir:g}") + suffix
            names = ("fpir_realised", "fnir_realised", "fpir_ever", "fnir_ever")
            values = dict.fromkeys((f"{name}{at}" for name in names), np.nan)
            if self._known:
                values[f"fpir_realised{at}"] = _share(self._named[rate], counts, ~mated)
                values[f"fnir_realised{at}"] = _share(~self._right[rate], counts, mated)
            if self._known and self._ever is not None:
                values[f"fpir_ever{at}"] = _share(self._ever[:, rate], counts, ~mated)
            if self._known and self._ever_right is not None:
                values[f"fnir_ever{at}"] = _share(~self._ever_right[:, rate], counts, mated)
            found |= values
        return found


def _share(values: NDArray[np.bool_], counts: Floats, chosen: NDArray[np.bool_]) -> float:
    return _PERCENT * weighted_mean(values[chosen], counts[chosen])


def _seconds(searches: Searches, weights: Floats) -> dict[str, float]:
    found: dict[str, float] = {}
    for rate, fpir in enumerate(FPIRS):
        name = "seconds_to_name" + ("" if rate == 0 else f"{_PERCENT * fpir:g}")
        found[name] = np.nan
        if searches.settled is not None:
            settled = searches.settled[:, rate]
            decided = np.isfinite(settled)
            found[name] = weighted_median(settled[decided], weights[searches.walker[decided]])
    return found
