"""The scores and predictions of one track so far, and the templates by which it can be enrolled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.described_windows import DescribedWindow
from gallery.scoring.ranking import Ranking
from gallery.scoring.track_statistics import TrackStatistics
from gallery.scoring.walk_quality import BoneVariation, WalkQuality, assess_quality, quality_value
from stream.body import FloatArray
from stream.walk_views import View, seen_views
from stream.windows.resampling import RATE_HZ

__all__ = [
    "MAX_TEMPLATES",
    "MIN_WEIGHT",
    "AveragePrediction",
    "TemplateMeans",
    "TrackScores",
]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MAX_TEMPLATES = 64
"""Templates kept of a track, and so of one enrolled walk."""

MIN_WEIGHT = 1e-3
"""The weight of a window of quality 0 in the mean."""


@dataclass(slots=True)
class TemplateMeans:
    """At most `limit` templates for all windows: each the mean of equally many consecutive windows.

    A mean over some tenths of a second is less noisy than any of its windows, and identifies a walk better.
    """

    limit: int = MAX_TEMPLATES
    _sums: list[FloatArray] = field(default_factory=list, repr=False)
    _each: int = 1
    _last: int = 0

    def add(self, cages: FloatArray) -> None:
        """Adds the next window, (f, D) float32."""
        if self._sums and self._last < self._each:
            self._sums[-1] = self._sums[-1] + cages
            self._last += 1
            return
        if len(self._sums) == self.limit:
            self._halve()
            self.add(cages)
            return
        # A copy, since windows are parts of large arrays, which would stay in memory as a whole.
        self._sums.append(cages.copy())
        self._last = 1

    def _halve(self) -> None:
        pairs = [self._sums[n : n + 2] for n in range(0, len(self._sums), 2)]
        self._last = self._each if len(pairs[-1]) == 1 else 2 * self._each
        self._sums = [pair[0] if len(pair) == 1 else pair[0] + pair[1] for pair in pairs]
        self._each *= 2

    def copy(self) -> TemplateMeans:
        """Returns the same means, which grow by themselves."""
        return replace(self, _sums=self._sums.copy())

    @classmethod
    def of(cls, windows: FloatArray) -> FloatArray:
        """Returns the templates (m, f, D) of a whole walk's windows (n, f, D), n at least 1."""
        means = cls()
        for window in windows:
            means.add(window)
        return np.stack(means.rows)

    @staticmethod
    def ends(templates: int, windows: int) -> Counts:
        """Returns the numbers of windows (m,) of a walk up to each of its m templates.

        Args:
            templates: m, at least 1.
            windows: number of the walk's windows; fewer than m, if unknown, count as m.
        """
        total = max(templates, windows)
        each = 1 << int(np.ceil(np.log2(total / templates)))
        ends: Counts = np.minimum(np.arange(1, templates + 1, dtype=np.int64) * each, total)
        return ends

    @property
    def rows(self) -> list[FloatArray]:
        """The templates, in the order of the windows; the last is the mean of the remaining windows."""
        return [total / np.float32(count) for total, count in zip(self._sums, self.counts, strict=True)]

    @property
    def counts(self) -> list[int]:
        """The number of windows of each template."""
        return ([self._each] * (len(self._sums) - 1) + [self._last])[: len(self._sums)]


@dataclass(slots=True)
class AveragePrediction:
    """The recognition network's average prediction (AP) for a track: the mean over its windows.

    It covers the windows since the network is in use; predictions of different networks are never mixed.
    """

    windows: int = 0
    _sums: dict[int, float] = field(default_factory=dict, repr=False)

    def add(self, people: tuple[int, ...], prediction: FloatArray) -> None:
        """Adds a window's prediction, (C,) probabilities of the C people."""
        self.windows += 1
        for person, probability in zip(people, prediction.tolist(), strict=True):
            self._sums[person] = self._sums.get(person, 0.0) + probability

    def copy(self) -> AveragePrediction:
        """Returns the same prediction, which grows by itself."""
        return replace(self, _sums=self._sums.copy())

    def of(self, person: int) -> float:
        """Returns the mean probability of one of the people; there is at least one window."""
        return self._sums[person] / self.windows


@dataclass(slots=True, eq=False)
class _ScoreSums:
    """Weighted sums of window scores, sums of the weights, and numbers of windows, each (P,)."""

    people: tuple[int, ...]
    sums: Floats
    weights: Floats
    counts: Counts
    least: int = 0
    """The lowest of the counts, or less."""

    @classmethod
    def zeros(cls, people: tuple[int, ...] = ()) -> _ScoreSums:
        zeros = np.zeros(len(people))
        return cls(people, zeros, zeros.copy(), np.zeros(len(people), np.int64))

    def for_people(self, people: tuple[int, ...]) -> _ScoreSums:
        """Returns the sums for other people: new people start at 0, removed people are dropped."""
        if people is self.people or people == self.people:  # a long tuple is equal to itself slowly
            return self
        found = self.zeros(people)
        places = {person: place for place, person in enumerate(self.people)}
        both = [(to, places[person]) for to, person in enumerate(people) if person in places]
        to, of = np.array(both, np.intp).reshape(-1, 2).T
        for mine, theirs in ((self.sums, found.sums), (self.weights, found.weights)):
            theirs[to] = mine[of]
        found.counts[to] = self.counts[of]
        found.least = int(found.counts.min()) if people else 0
        return found

    def copy(self) -> _ScoreSums:
        return _ScoreSums(self.people, self.sums.copy(), self.weights.copy(), self.counts.copy(), self.least)

    def add(self, scores: Floats, weight: float) -> None:
        self.sums += weight * scores
        self.weights += weight
        self.counts += 1
        self.least += 1


@dataclass(slots=True)
class TrackScores:
    """The scores of one track.

    Args:
        f: skeletons of a window; windows start f // 2 skeletons apart.
        statistics: of the whole track.
        templates: by which the track can be enrolled.
        predicted: by the recognition network; without windows where there is none.
        bones: variation of the bone lengths so far.
        views: numbers of windows of each view that is known.
        pose_model: the model that estimated the poses; empty if there is none.
    """

    f: int
    statistics: TrackStatistics = field(
        default_factory=lambda: TrackStatistics(None), repr=False, compare=False
    )
    windows: int = 0
    templates: TemplateMeans = field(default_factory=TemplateMeans)
    predicted: AveragePrediction = field(default_factory=AveragePrediction)
    bones: BoneVariation = field(default_factory=BoneVariation, repr=False, compare=False)
    views: Counter[View] = field(default_factory=Counter)
    pose_model: str = ""
    _sums: _ScoreSums = field(default_factory=_ScoreSums.zeros, repr=False, compare=False)

    def add(
        self,
        quality: float,
        cages: FloatArray,
        people: tuple[int, ...],
        scores: Floats,
    ) -> None:
        """Adds a window.

        Args:
            quality: of the window, 0..1.
            cages: (f, D) float32.
            people: ids of the P people scored.
            scores: (P,) float64, the window's score for each.
        """
        (described,) = self.statistics.describe(cages[None])
        self.add_described(quality, cages, people, scores, described)

    def add_described(
        self,
        quality: float,
        cages: FloatArray,
        people: tuple[int, ...],
        scores: Floats,
        described: DescribedWindow | None,
    ) -> None:
        """Adds a window that is described for the track's statistics; see `add`."""
        if described is not None:
            self.statistics.add_described(described)
            self.bones.add(described.trunk)
        self.windows += 1
        self.templates.add(cages)
        self._sums = self._sums.for_people(people)
        self._sums.add(scores, max(quality, MIN_WEIGHT))

    def copy(self) -> TrackScores:
        """Returns the same scores, which grow by themselves."""
        return replace(
            self,
            statistics=self.statistics.copy(),
            templates=self.templates.copy(),
            predicted=self.predicted.copy(),
            bones=self.bones.copy(),
            views=self.views.copy(),
            _sums=self._sums.copy(),
        )

    def compare_anew(self, people: tuple[int, ...], compare: Callable[[FloatArray], Floats]) -> None:
        """Compares the windows so far with a changed gallery, by the templates that are kept of them.

        Each person keeps the number of windows compared; removed people are dropped.

        Args:
            people: ids of the P people.
            compare: returns the scores (m, P) of windows (m, f, D).
        """
        self._sums = self._sums.for_people(people)
        if self.windows:
            scores = compare(np.stack(self.templates.rows))
            self._sums.sums = np.average(scores, axis=0, weights=self.templates.counts) * self._sums.weights

    def forget_scores(self) -> None:
        """Forgets the scores of all people."""
        self._sums = _ScoreSums.zeros()

    def ranking(self, people: tuple[int, ...], min_windows: int = 1, added: Floats | None = None) -> Ranking:
        """Returns the scores of people that were compared over enough windows, best first.

        Args:
            people: ids of P people.
            min_windows: the number of windows from which a person is ranked.
            added: (P,) track-level evidence, added to the mean of the windows' scores; None adds nothing.
        """
        sums = self._sums.for_people(people)
        least = max(min_windows, 1)
        if sums.least >= least:
            scores = sums.sums / sums.weights
            return Ranking(people, scores if added is None else scores + added, sums.counts)
        among = np.flatnonzero(sums.counts >= least)
        scores = sums.sums[among] / sums.weights[among]
        return Ranking(people, scores if added is None else scores + added[among], sums.counts, among)

    @property
    def seconds(self) -> float:
        """Seconds of usable walking."""
        return self.windows * self.seconds_per_window

    @property
    def seconds_per_window(self) -> float:
        """Seconds of walking that each further window adds."""
        return (self.f // 2) / RATE_HZ

    @property
    def seen_views(self) -> tuple[View, ...]:
        """The views that the walk so far shows."""
        seconds = {view: windows * self.seconds_per_window for view, windows in self.views.items()}
        return seen_views(seconds, self.seconds)

    @property
    def quality_value(self) -> float:
        """The value of `quality`."""
        return quality_value(self.seconds, self.bones.value) if self.windows else 0.0

    @property
    def quality(self) -> WalkQuality:
        """How well the track serves as an enrolment; 0 without windows."""
        return assess_quality(self.seconds, self.bones.value) if self.windows else WalkQuality(0.0, "")
