"""Searches: every probe of every split, with what the live system decides on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.evaluation.live.comparison_methods import FPIRS, ComparisonMethod
from tools.evaluation.live.scenarios import Draw
from tools.evaluation.live.split_comparisons import Comparison, Track, compare_splits
from tools.evaluation.metrics.open_set import OpenSetSearches

__all__ = ["MOMENTS", "Searches", "search"]

MOMENTS: tuple[float | None, ...] = (2.0, 5.0, 10.0, None)
"""Seconds of usable walking; None is the whole walk."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """n searches: a probe in a split, at M moments (`MOMENTS`), against P people.

    Attributes:
        split: (n,) int64, the split.
        track: (n,) int64, the recording.
        walker: (n,) int64, the person who walks.
        person: (n,) int64, the person searched for: the walker, unless labels are shuffled.
        enrolled: (n, P) whether each person is enrolled in the open set.
        windows: (n,) int64, number of windows of the recording.
        hits: (n,) int64, number of windows that, taken alone, score highest for the right person, with all P
            people enrolled.
        scores: (M, n, P) score for each person, with all P people enrolled (closed set); NaN where the
            recording is shorter.
        open_scores: (M, n, P) the same with the people of `enrolled` enrolled (open set); -inf for others.
        thresholds: (M, n, R) thresholds of the open set for the R of `FPIRS`; NaN where none is known.
        ever: (M, n, R) whether any person was named up to then; None where there are no thresholds over time.
        ever_right: (M, n, R) whether the right person was named up to then, and nobody else.
        settled: (n, R) seconds of walking until the right name was decided on for the rest of the walk;
            infinite if never; None as with `ever`.
    """

    split: Ints
    track: Ints
    walker: Ints
    person: Ints
    enrolled: Bools
    windows: Ints
    hits: Ints
    scores: Floats
    open_scores: Floats
    thresholds: Floats
    ever: Bools | None = None
    ever_right: Bools | None = None
    settled: Floats | None = None

    @property
    def mated(self) -> Bools:
        """(n,) whether the person searched for is enrolled in the open set."""
        found: Bools = self.enrolled[np.arange(len(self.person)), self.person]
        return found

    def lasting(self, moment: int) -> Ints:
        """Returns the searches whose recording lasts until a moment, as places 0..n-1."""
        return np.flatnonzero(~np.isnan(self.scores[moment, :, 0]))

    def right(self, moment: int, *, open_set: bool) -> Bools:
        """Returns (n,) whether the right person scores highest; False where the recording is shorter.

        Args:
            moment: of `MOMENTS`.
            open_set: with the people of `enrolled` enrolled; else with all P.
        """
        scores = self.open_scores[moment] if open_set else self.scores[moment]
        own = np.take_along_axis(scores, self.person[:, None], axis=1)
        # A tie is no recognition, and neither is a score of -inf, of people who are not enrolled.
        found: Bools = ((scores >= own).sum(axis=1) == 1) & np.isfinite(own[:, 0])
        return found

    def best(self, moment: int) -> Floats:
        """Returns the score (n,) of the best candidate of the open set."""
        found: Floats = self.open_scores[moment].max(axis=1)
        return found

    def named(self, moment: int, rate: int) -> Bools:
        """Returns (n,) whether a person is named at the threshold of one of `FPIRS`; a tie names none."""
        scores, best = self.open_scores[moment], self.best(moment)
        alone = (scores == best[:, None]).sum(axis=1) == 1
        found: Bools = alone & (best >= self.thresholds[moment, :, rate])
        return found

    def open_set(self, moment: int) -> OpenSetSearches:
        """Returns the searches of a moment against the enrolled half, without any threshold."""
        lasting = self.lasting(moment)
        mated = self.mated[lasting]
        best = self.best(moment)[lasting]
        right = np.where(self.right(moment, open_set=True)[lasting], best, -np.inf)
        walker = self.walker[lasting]
        people = self.scores.shape[2]
        return OpenSetSearches(right[mated], walker[mated], best[~mated], walker[~mated], people)

    def genuine(self, moment: int) -> Floats:
        """Returns the genuine scores, one for each search that lasts until the moment."""
        lasting = self.lasting(moment)
        found: Floats = self.scores[moment, lasting, self.person[lasting]]
        return found

    def impostor(self, moment: int) -> Floats:
        """Returns the impostor scores, (searches that last, P - 1)."""
        lasting = self.lasting(moment)
        others = np.arange(self.scores.shape[2]) != self.person[lasting, None]
        found: Floats = self.scores[moment, lasting][others].reshape(len(lasting), len(others.T) - 1)
        return found


def search(
    method: ComparisonMethod,
    tracks: Sequence[Track],
    draws: Sequence[Draw],
    *,
    seconds_per_window: float,
    names: Sequence[Ints],
    thresholds: Floats | None = None,
    progress: Callable[[float, str], object] = lambda done, text: None,
) -> Searches:
    """Searches with every probe of every split.

    Args:
        method: how windows are compared.
        tracks: all recordings.
        draws: the roles in each split; all have the same number of enrolled people.
        seconds_per_window: seconds of walking that each window adds.
        names: for each split, (P,): the label of each person's probes.
        thresholds: (M, R) for methods without thresholds over time.
        progress: called with the share done, 0..1, and the present step.
    """
    evaluator = _SearchEvaluator(seconds_per_window, method.thresholds is not None, thresholds)
    records: list[_SearchRecord] = []
    for found in compare_splits(method, tracks, draws, progress):
        walker = tracks[found.track].person
        person = int(names[found.split][walker])
        records.append(evaluator.evaluate(found, walker, person, draws[found.split].enrolled))
    records.sort(key=lambda record: (record.track, record.split))
    return evaluator.searches(records)


@dataclass(frozen=True, slots=True, eq=False)
class _SearchRecord:
    """One search; see `Searches` for the fields."""

    split: int
    track: int
    walker: int
    person: int
    enrolled: Bools
    windows: int
    hits: int
    scores: Floats
    open_scores: Floats
    thresholds: Floats
    ever: Bools
    ever_right: Bools
    settled: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _SearchEvaluator:
    """Evaluates searches at all moments, with decisions after each window.

    Attributes:
        seconds_per_window: seconds of walking that each window adds.
        decides: whether the method has thresholds.
        fixed: (M, R) thresholds at the moments, for a method without its own; None without any.
    """

    seconds_per_window: float
    decides: bool
    fixed: Floats | None

    def evaluate(self, found: Comparison, walker: int, person: int, enrolled: Bools) -> _SearchRecord:
        windows = found.windows
        length, people = windows.shape
        best = windows[:, person] == windows.max(axis=1)
        alone = (windows == windows[:, person, None]).sum(axis=1) == 1
        over_time = np.full((length, len(FPIRS)), np.nan) if found.thresholds is None else found.thresholds
        named, right = _decisions(found.open_set, person, over_time)
        scores, open_scores = np.full((2, len(MOMENTS), people), np.nan)
        thresholds = np.full((len(MOMENTS), len(FPIRS)), np.nan)
        ever, ever_right = np.zeros((2, len(MOMENTS), len(FPIRS)), np.bool_)
        for m, seconds in enumerate(MOMENTS):
            last = length if seconds is None else round(seconds / self.seconds_per_window)
            if last <= length:
                scores[m], open_scores[m] = found.closed_set[last - 1], found.open_set[last - 1]
                thresholds[m] = over_time[last - 1] if self.fixed is None else self.fixed[m]
                ever[m] = named[:last].any(axis=0)
                ever_right[m] = right[:last].any(axis=0) & ~(named & ~right)[:last].any(axis=0)
        wrong = [np.flatnonzero(~right[:, rate]) for rate in range(len(FPIRS))]
        settled = [(w[-1] + 2 if len(w) else 1) * self.seconds_per_window for w in wrong]
        settled = [s if right[-1, rate] else np.inf for rate, s in enumerate(settled)]
        hits = int((best & alone).sum())
        return _SearchRecord(
            found.split,
            found.track,
            walker,
            person,
            enrolled,
            length,
            hits,
            scores,
            open_scores,
            thresholds,
            ever,
            ever_right,
            np.array(settled),
        )

    def searches(self, records: Sequence[_SearchRecord]) -> Searches:
        ids = [(each.split, each.track, each.walker, each.person) for each in records]
        split, track, walker, person = np.array(ids, np.int64).T
        return Searches(
            split,
            track,
            walker,
            person,
            np.stack([each.enrolled for each in records]),
            np.array([each.windows for each in records], np.int64),
            np.array([each.hits for each in records], np.int64),
            np.stack([each.scores for each in records], axis=1),
            np.stack([each.open_scores for each in records], axis=1),
            np.stack([each.thresholds for each in records], axis=1),
            np.stack([each.ever for each in records], axis=1) if self.decides else None,
            np.stack([each.ever_right for each in records], axis=1) if self.decides else None,
            np.stack([each.settled for each in records]) if self.decides else None,
        )


def _decisions(scores: Floats, person: int, thresholds: Floats) -> tuple[Bools, Bools]:
    """Returns (n, R) whether a person is named after each window, and whether it is the right one."""
    best = scores.max(axis=1)
    alone = (scores == best[:, None]).sum(axis=1) == 1
    named = (best[:, None] >= thresholds) & alone[:, None]
    right = named & (scores[:, person] == best)[:, None]
    return named, right
