"""Searches: every probe of every split, compared with the templates of all people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.fusion import ReferenceStatistics
from stream.body import FloatArray
from tools.evaluation.live.compared_recording import ComparedRecording, reference_statistics
from tools.evaluation.live.comparison_methods import FPIRS, ComparisonMethod
from tools.evaluation.live.scenarios import Draw
from tools.evaluation.live.template_similarity import WalkTemplates, person_scores
from tools.evaluation.metrics.open_set import OpenSetSearches

__all__ = ["MOMENTS", "Searches", "Track", "search"]

MOMENTS: tuple[float | None, ...] = (2.0, 5.0, 10.0, None)
"""Seconds of usable walking; None is the whole walk."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A recording's windows.

    Attributes:
        person: who walks, 0..P-1.
        windows: (n, f, 20, 3) float32, hip-centred, metres, as the live path cuts them; n at least 1.
        quality: (n,) of the windows, 0..1.
    """

    person: int
    windows: FloatArray
    quality: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """n searches: a probe in a split, at M moments (`MOMENTS`), against all of P people.

    Attributes:
        split: (n,) int64, the split.
        track: (n,) int64, the recording.
        walker: (n,) int64, the person who walks.
        person: (n,) int64, the person searched for: the walker, unless labels are shuffled.
        enrolled: (n, P) whether each person is enrolled in the open set.
        windows: (n,) int64, number of windows of the recording.
        hits: (n,) int64, number of windows that, taken alone, score highest for the right one of all P
            people.
        scores: (M, n, P) score for each person, enrolled or not; NaN where the recording is shorter.
        thresholds: (M, n, R) thresholds of the open set for the R of `FPIRS`; NaN where none is known.
        ever: (M, n, R) whether any person was named up to then; None where there are no thresholds over time.
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
    thresholds: Floats
    ever: Bools | None = None
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
            open_set: among enrolled people only; else among all P.
        """
        scores = self._among(moment) if open_set else self.scores[moment]
        own = np.take_along_axis(scores, self.person[:, None], axis=1)
        # A tie is no recognition, and neither is a score of -inf, of people who are not enrolled.
        found: Bools = ((scores >= own).sum(axis=1) == 1) & np.isfinite(own[:, 0])
        return found

    def best(self, moment: int) -> Floats:
        """Returns the score (n,) of the best candidate among enrolled people."""
        found: Floats = self._among(moment).max(axis=1)
        return found

    def named(self, moment: int, rate: int) -> Bools:
        """Returns (n,) whether a person is named at the threshold of one of `FPIRS`; a tie names none."""
        scores, best = self._among(moment), self.best(moment)
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

    def _among(self, moment: int) -> Floats:
        return np.where(self.enrolled, self.scores[moment], -np.inf)


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

    A person's score does not depend on other people's templates, so each recording is prepared once and
    compared with the templates of each recording once; the gallery of a split is a selection of columns.

    Args:
        method: how windows are compared.
        tracks: all recordings.
        draws: the roles in each split; all have the same number of enrolled people.
        seconds_per_window: seconds of walking that each window adds.
        names: for each split, (P,): the label of each person's probes.
        thresholds: (M, R) for methods without thresholds over time.
        progress: called with the share done, 0..1, and the present step.
    """
    prepared: list[ComparedRecording] = []
    for place, track in enumerate(tracks):
        prepared.append(method.prepare(track.windows))
        progress(0.5 * (place + 1) / len(tracks), "prepares")
    used = sorted({place for draw in draws for own in draw.enrolments for place in own})
    column = {place: number for number, place in enumerate(used)}
    templates = WalkTemplates([prepared[place].templates for place in used], method.similarity)
    galleries = [_Gallery.of(draw, column, prepared) for draw in draws]
    longest = max(len(track.windows) for track in tracks)
    enrolled = int(draws[0].enrolled.sum())
    evaluator = _SearchEvaluator.of(method, enrolled, longest, seconds_per_window, thresholds)
    records: list[_SearchRecord] = []
    for place, track in enumerate(tracks):
        splits = [number for number, draw in enumerate(draws) if place in draw.probes]
        nearest = templates.nearest(prepared[place].rows) if splits else None
        # Splits with the same roles share their scores.
        known: dict[bytes, tuple[Floats, Floats]] = {}
        for split in splits:
            gallery = galleries[split]
            assert nearest is not None
            assert column.get(place, -1) not in gallery.columns, (
                "a probe would be compared with its own recording"
            )
            key = gallery.columns.tobytes() + gallery.starts.tobytes()
            if key not in known:
                known[key] = gallery.compare(nearest, prepared[place], track.quality)
            person = int(names[split][track.person])
            records.append(
                evaluator.evaluate(split, place, track.person, person, gallery.enrolled, *known[key])
            )
        progress(0.5 + 0.5 * (place + 1) / len(tracks), "compares")
    return evaluator.searches(records)


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    """The gallery of a split, of all P people.

    Attributes:
        columns: columns of `WalkTemplates.nearest`, person by person.
        starts: (P,) index of each person's first column.
        enrolled: (P,) see `Draw.enrolled`.
        reference: for track-level evidence; None where only windows are compared.
    """

    columns: NDArray[np.intp]
    starts: NDArray[np.intp]
    enrolled: Bools
    reference: ReferenceStatistics | None

    @classmethod
    def of(cls, draw: Draw, column: dict[int, int], prepared: Sequence[ComparedRecording]) -> _Gallery:
        columns = [column[place] for own in draw.enrolments for place in own]
        starts = np.concatenate(([0], np.cumsum([len(own) for own in draw.enrolments])[:-1]))
        people = [[prepared[place] for place in own] for own in draw.enrolments]
        reference = reference_statistics(people)
        return cls(np.array(columns, np.intp), starts.astype(np.intp), draw.enrolled, reference)

    def compare(
        self, nearest: FloatArray, probe: ComparedRecording, quality: Floats
    ) -> tuple[Floats, Floats]:
        """Returns the scores of a probe's windows, and of the track after each window, (n, P)."""
        windows, means = person_scores(nearest, self.columns, self.starts, quality)
        if probe.track is None or self.reference is None:
            return windows, means
        return probe.track.scores(windows, quality, self.reference)


@dataclass(frozen=True, slots=True, eq=False)
class _SearchRecord:
    """One search; see `Searches` for the fields."""

    ids: tuple[int, int, int, int]  # split, track, walker, person
    enrolled: Bools
    windows: int
    hits: int
    scores: Floats
    thresholds: Floats
    ever: Bools
    settled: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _SearchEvaluator:
    """Evaluates searches at all moments, with decisions after each window.

    Attributes:
        seconds_per_window: seconds of walking that each window adds.
        over_time: (n, R) thresholds after each window; NaN without thresholds of the method.
        decides: whether the method has thresholds.
        fixed: (M, R) thresholds at the moments, in place of `over_time`; None to use `over_time`.
    """

    seconds_per_window: float
    over_time: Floats
    decides: bool
    fixed: Floats | None

    @classmethod
    def of(
        cls, method: ComparisonMethod, people: int, windows: int, seconds: float, fixed: Floats | None
    ) -> _SearchEvaluator:
        over_time = np.full((windows, len(FPIRS)), np.nan)
        if method.thresholds is not None:
            over_time = method.thresholds(people, windows)
        return cls(seconds, over_time, method.thresholds is not None, fixed)

    def evaluate(
        self,
        split: int,
        place: int,
        walker: int,
        person: int,
        enrolled: Bools,
        windows: Floats,
        means: Floats,
    ) -> _SearchRecord:
        length, people = windows.shape
        best = windows[:, person] == windows.max(axis=1)
        alone = (windows == windows[:, person, None]).sum(axis=1) == 1
        over_time = self.over_time[:length]
        named, right = _decisions(means, enrolled, person, over_time)
        scores = np.full((len(MOMENTS), people), np.nan)
        thresholds = np.full((len(MOMENTS), len(FPIRS)), np.nan)
        ever = np.zeros((len(MOMENTS), len(FPIRS)), np.bool_)
        for m, seconds in enumerate(MOMENTS):
            last = length if seconds is None else round(seconds / self.seconds_per_window)
            if last <= length:
                scores[m] = means[last - 1]
                thresholds[m] = over_time[last - 1] if self.fixed is None else self.fixed[m]
                ever[m] = named[:last].any(axis=0)
        wrong = [np.flatnonzero(~right[:, rate]) for rate in range(len(FPIRS))]
        settled = [(w[-1] + 2 if len(w) else 1) * self.seconds_per_window for w in wrong]
        settled = [s if right[-1, rate] else np.inf for rate, s in enumerate(settled)]
        ids = (split, place, walker, person)
        hits = int((best & alone).sum())
        return _SearchRecord(ids, enrolled, length, hits, scores, thresholds, ever, np.array(settled))

    def searches(self, records: Sequence[_SearchRecord]) -> Searches:
        split, track, walker, person = np.array([each.ids for each in records], np.int64).T
        return Searches(
            split,
            track,
            walker,
            person,
            np.stack([each.enrolled for each in records]),
            np.array([each.windows for each in records], np.int64),
            np.array([each.hits for each in records], np.int64),
            np.stack([each.scores for each in records], axis=1),
            np.stack([each.thresholds for each in records], axis=1),
            np.stack([each.ever for each in records], axis=1) if self.decides else None,
            np.stack([each.settled for each in records]) if self.decides else None,
        )


def _decisions(means: Floats, enrolled: Bools, person: int, thresholds: Floats) -> tuple[Bools, Bools]:
    """Returns (n, R) whether a person is named after each window, and whether it is the right one."""
    candidates = means[:, enrolled]
    best = candidates.max(axis=1)
    alone = (candidates == best[:, None]).sum(axis=1) == 1
    named = (best[:, None] >= thresholds) & alone[:, None]
    right = named & (enrolled[person] & (means[:, person] == best))[:, None]
    return named, right
