"""Every probe of every split before everybody's templates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.fusion import Portraits
from stream.body import FloatArray
from tools.evaluation.live.comparison_methods import FPIRS, Way
from tools.evaluation.live.prepared_recording import Prepared, portraits_of
from tools.evaluation.live.scenarios import Draw
from tools.evaluation.live.template_similarity import WalkTemplates, person_means
from tools.evaluation.metrics.open_set import OpenSet

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
    """n searches: a probe in a split, after M moments (`MOMENTS`), against all of P people.

    Attributes:
        split: (n,) int64, of which split.
        track: (n,) int64, which recording.
        walker: (n,) int64, who walks.
        person: (n,) int64, who is searched for: the walker, unless probes go under wrong names.
        enrolled: (n, P) who is enrolled in the open set.
        windows: (n,) int64, how many the recording has.
        hits: (n,) int64, how many of them, each for itself, resemble the right one of all P people most.
        scores: (M, n, P) the evidence for each person, enrolled or not; NaN where the recording is shorter.
        thresholds: (M, n, R) at which the open set's candidates are returned, for the R of `FPIRS`; NaN where
            none is known.
        ever: (M, n, R) whether anybody was named until then; None where there are no thresholds over time.
        settled: (n, R) seconds of walking until the right name was decided on for good; infinite where it
            never was; None as with `ever`.
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
        """(n,) whether who is searched for is enrolled in the open set."""
        found: Bools = self.enrolled[np.arange(len(self.person)), self.person]
        return found

    def lasting(self, moment: int) -> Ints:
        """The searches whose recording lasts until a moment, as places 0..n-1."""
        return np.flatnonzero(~np.isnan(self.scores[moment, :, 0]))

    def right(self, moment: int, *, open_set: bool) -> Bools:
        """(n,) whether the right person scores higher than all others; False where the recording is shorter.

        Args:
            moment: of `MOMENTS`.
            open_set: among the enrolled only; else among all P.
        """
        scores = self._among(moment) if open_set else self.scores[moment]
        own = np.take_along_axis(scores, self.person[:, None], axis=1)
        # An equal score is no recognition, and so is one of nobody, which is -inf.
        found: Bools = ((scores >= own).sum(axis=1) == 1) & np.isfinite(own[:, 0])
        return found

    def best(self, moment: int) -> Floats:
        """(n,) the score of the best candidate among the enrolled."""
        found: Floats = self._among(moment).max(axis=1)
        return found

    def named(self, moment: int, rate: int) -> Bools:
        """(n,) whether anybody is named at the threshold of one of `FPIRS`; two equal ones are nobody."""
        scores, best = self._among(moment), self.best(moment)
        alone = (scores == best[:, None]).sum(axis=1) == 1
        found: Bools = alone & (best >= self.thresholds[moment, :, rate])
        return found

    def open_set(self, moment: int) -> OpenSet:
        """The searches of a moment before the enrolled half, without any threshold."""
        lasting = self.lasting(moment)
        mated = self.mated[lasting]
        best = self.best(moment)[lasting]
        right = np.where(self.right(moment, open_set=True)[lasting], best, -np.inf)
        walker = self.walker[lasting]
        people = self.scores.shape[2]
        return OpenSet(right[mated], walker[mated], best[~mated], walker[~mated], people)

    def genuine(self, moment: int) -> Floats:
        """Scores against the right person, one for each search that lasts."""
        lasting = self.lasting(moment)
        found: Floats = self.scores[moment, lasting, self.person[lasting]]
        return found

    def impostor(self, moment: int) -> Floats:
        """Scores against others, (searches that last, P - 1)."""
        lasting = self.lasting(moment)
        others = np.arange(self.scores.shape[2]) != self.person[lasting, None]
        found: Floats = self.scores[moment, lasting][others].reshape(len(lasting), len(others.T) - 1)
        return found

    def _among(self, moment: int) -> Floats:
        return np.where(self.enrolled, self.scores[moment], -np.inf)


def search(
    way: Way,
    tracks: Sequence[Track],
    draws: Sequence[Draw],
    *,
    seconds_per_window: float,
    names: Sequence[Ints],
    thresholds: Floats | None = None,
    told: Callable[[float, str], object] = lambda done, text: None,
) -> Searches:
    """Search with every probe of every split.

    A person's score depends on nobody else's templates, so each recording is described once and compared
    with the templates of each recording once; a split's gallery is a choice of columns.

    Args:
        way: how windows are compared.
        tracks: all recordings.
        draws: the roles in each split; all have as many people enrolled.
        seconds_per_window: by how much each window lengthens the walking seen.
        names: for each split, (P,): under whose name each person's probes go.
        thresholds: (M, R) of ways that have none over time.
        told: is told how it goes.
    """
    prepared: list[Prepared] = []
    for place, track in enumerate(tracks):
        prepared.append(way.prepare(track.windows))
        told(0.5 * (place + 1) / len(tracks), "describes")
    used = sorted({place for draw in draws for own in draw.enrolments for place in own})
    column = {place: number for number, place in enumerate(used)}
    templates = WalkTemplates([prepared[place].templates for place in used], way.likeness)
    galleries = [_Gallery.of(draw, column, prepared) for draw in draws]
    longest = max(len(track.windows) for track in tracks)
    enrolled = int(draws[0].enrolled.sum())
    follower = _Follower.of(way, enrolled, longest, seconds_per_window, thresholds)
    found: list[_Found] = []
    for place, track in enumerate(tracks):
        splits = [number for number, draw in enumerate(draws) if place in draw.probes]
        nearest = templates.nearest(prepared[place].rows) if splits else None
        # With roles that do not change, splits share their columns.
        known: dict[bytes, tuple[Floats, Floats]] = {}
        for split in splits:
            gallery = galleries[split]
            assert nearest is not None
            assert column.get(place, -1) not in gallery.columns, "a probe would meet its own recording"
            key = gallery.columns.tobytes() + gallery.starts.tobytes()
            if key not in known:
                known[key] = gallery.compare(nearest, prepared[place], track.quality)
            person = int(names[split][track.person])
            found.append(follower.follow(split, place, track.person, person, gallery.enrolled, *known[key]))
        told(0.5 + 0.5 * (place + 1) / len(tracks), "compares")
    return follower.searches(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    columns: NDArray[np.intp]
    starts: NDArray[np.intp]
    enrolled: Bools
    portraits: Portraits | None

    @classmethod
    def of(cls, draw: Draw, column: dict[int, int], prepared: Sequence[Prepared]) -> _Gallery:
        columns = [column[place] for own in draw.enrolments for place in own]
        starts = np.concatenate(([0], np.cumsum([len(own) for own in draw.enrolments])[:-1]))
        people = [[prepared[place] for place in own] for own in draw.enrolments]
        portraits = portraits_of(people)
        return cls(np.array(columns, np.intp), starts.astype(np.intp), draw.enrolled, portraits)

    def compare(self, nearest: FloatArray, probe: Prepared, quality: Floats) -> tuple[Floats, Floats]:
        """Scores of each of a probe's windows, and of the track after each, (n, P)."""
        windows, means = person_means(nearest, self.columns, self.starts, quality)
        if probe.course is None or self.portraits is None:
            return windows, means
        return probe.course.scores(windows, quality, self.portraits)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    ids: tuple[int, int, int, int]  # split, track, walker, person
    enrolled: Bools
    windows: int
    hits: int
    scores: Floats
    thresholds: Floats
    ever: Bools
    settled: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Follower:
    seconds_per_window: float
    over_time: Floats
    decides: bool
    fixed: Floats | None

    @classmethod
    def of(cls, way: Way, people: int, windows: int, seconds: float, fixed: Floats | None) -> _Follower:
        over_time = np.full((windows, len(FPIRS)), np.nan)
        if way.thresholds is not None:
            over_time = way.thresholds(people, windows)
        return cls(seconds, over_time, way.thresholds is not None, fixed)

    def follow(
        self,
        split: int,
        place: int,
        walker: int,
        person: int,
        enrolled: Bools,
        windows: Floats,
        means: Floats,
    ) -> _Found:
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
        return _Found(ids, enrolled, length, hits, scores, thresholds, ever, np.array(settled))

    def searches(self, found: Sequence[_Found]) -> Searches:
        split, track, walker, person = np.array([each.ids for each in found], np.int64).T
        return Searches(
            split,
            track,
            walker,
            person,
            np.stack([each.enrolled for each in found]),
            np.array([each.windows for each in found], np.int64),
            np.array([each.hits for each in found], np.int64),
            np.stack([each.scores for each in found], axis=1),
            np.stack([each.thresholds for each in found], axis=1),
            np.stack([each.ever for each in found], axis=1) if self.decides else None,
            np.stack([each.settled for each in found]) if self.decides else None,
        )


def _decisions(means: Floats, enrolled: Bools, person: int, thresholds: Floats) -> tuple[Bools, Bools]:
    """(n, R) whether anybody is named after each window, and whether it is who is searched for."""
    candidates = means[:, enrolled]
    best = candidates.max(axis=1)
    alone = (candidates == best[:, None]).sum(axis=1) == 1
    named = (best[:, None] >= thresholds) & alone[:, None]
    right = named & (enrolled[person] & (means[:, person] == best))[:, None]
    return named, right
