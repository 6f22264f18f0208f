"""What is known of one track so far: summed scores and predictions, and what it would be enrolled by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.track_statistics import Trail
from stream.body import FloatArray
from stream.bus.messages import Row
from stream.windows.cutting import RATE_HZ

__all__ = ["LEAST_WEIGHT", "MAX_KEPT", "AveragePrediction", "Averages", "Evidence", "Standing"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

MAX_KEPT = 64
"""Rows kept of a track, and so templates of one enrolled walk."""


@dataclass(slots=True)
class Averages:
    """At most `limit` rows for all windows added: each the mean of as many windows that follow each other.

    A mean of some tenths of a second is less noisy than any window of it, and tells a walk better.
    """

    limit: int = MAX_KEPT
    _sums: list[FloatArray] = field(default_factory=list, repr=False)
    _each: int = 1
    _last: int = 0

    def add(self, cages: FloatArray) -> None:
        """Add the next window, (f, D) float32."""
        if self._sums and self._last < self._each:
            self._sums[-1] = self._sums[-1] + cages
            self._last += 1
            return
        if len(self._sums) == self.limit:
            self._halve()
            self.add(cages)
            return
        self._sums.append(cages)
        self._last = 1

    def _halve(self) -> None:
        pairs = [self._sums[n : n + 2] for n in range(0, len(self._sums), 2)]
        self._last = self._each if len(pairs[-1]) == 1 else 2 * self._each
        self._sums = [pair[0] if len(pair) == 1 else pair[0] + pair[1] for pair in pairs]
        self._each *= 2

    @classmethod
    def of(cls, windows: FloatArray) -> FloatArray:
        """The means (m, f, D) of windows (n, f, D) that are all there; n at least 1."""
        kept = cls()
        for window in windows:
            kept.add(window)
        return np.stack(kept.rows)

    @property
    def rows(self) -> list[FloatArray]:
        """The means, in the order of the windows; the last is of those that are left."""
        counts = [self._each] * (len(self._sums) - 1) + [self._last]
        return [total / np.float32(count) for total, count in zip(self._sums, counts, strict=False)]


LEAST_WEIGHT = 1e-3
"""Of a window in the mean, however poor it is."""


class Standing(NamedTuple):
    """How a person stands as the candidate of a track."""

    person: int
    score: float
    """The mean over the windows compared, weighed by their quality, and what the segments add."""
    windows: int
    """How many those were."""


@dataclass(slots=True)
class AveragePrediction:
    """The recognition network's prediction for a track: the mean of its windows' predictions (AP).

    It covers the windows that came since the network is in use; those of another network are never mixed in.
    """

    windows: int = 0
    _sums: dict[int, float] = field(default_factory=dict, repr=False)

    def add(self, people: tuple[int, ...], prediction: FloatArray) -> None:
        """Add a window's prediction, (C,) probabilities of the C people."""
        self.windows += 1
        for person, probability in zip(people, prediction.tolist(), strict=True):
            self._sums[person] = self._sums.get(person, 0.0) + probability

    def of(self, person: int) -> float:
        """The mean probability of one of the people; there is at least one window."""
        return self._sums[person] / self.windows


@dataclass(slots=True, eq=False)
class _Compared:
    """What windows scored against P people: sums, the weights of these, and how many windows, each (P,)."""

    people: tuple[int, ...]
    sums: Floats
    weights: Floats
    counts: Counts

    @classmethod
    def nothing(cls, people: tuple[int, ...] = ()) -> _Compared:
        """Nothing yet, of nobody or of these."""
        zeros = np.zeros(len(people))
        return cls(people, zeros, zeros.copy(), np.zeros(len(people), np.int64))

    def of(self, people: tuple[int, ...]) -> _Compared:
        """The same with other people: who is new was compared with nothing, who is gone is forgotten."""
        if people == self.people:
            return self
        found = self.nothing(people)
        places = {person: place for place, person in enumerate(self.people)}
        both = [(to, places[person]) for to, person in enumerate(people) if person in places]
        to, of = np.array(both, np.intp).reshape(-1, 2).T
        for mine, theirs in ((self.sums, found.sums), (self.weights, found.weights)):
            theirs[to] = mine[of]
        found.counts[to] = self.counts[of]
        return found

    def add(self, scores: Floats, weight: float) -> None:
        """Add a window's scores, (P,)."""
        self.sums += weight * scores
        self.weights += weight
        self.counts += 1


@dataclass(slots=True)
class Evidence:
    """The evidence of one track.

    Args:
        f: skeletons a window; windows start f // 2 skeletons apart.
        trail: it as a whole.
        predicted: by the recognition network; without windows where there is none.
    """

    f: int
    trail: Trail = field(default_factory=lambda: Trail(None), repr=False, compare=False)
    windows: int = 0
    kept: Averages = field(default_factory=Averages)
    predicted: AveragePrediction = field(default_factory=AveragePrediction)
    _quality: float = 0.0
    _compared: _Compared = field(default_factory=_Compared.nothing, repr=False, compare=False)

    def add(
        self,
        row: Row,
        cages: FloatArray,
        people: tuple[int, ...],
        scores: Floats,
    ) -> None:
        """Add a window.

        Args:
            row: when it was, and how good.
            cages: (f, D) float32.
            people: ids of the P people scored.
            scores: (P,) float64, the window's similarity to each.
        """
        self.trail.add(cages)
        self.windows += 1
        self._quality += row.quality
        self.kept.add(cages)
        self._compared = self._compared.of(people)
        self._compared.add(scores, max(row.quality, LEAST_WEIGHT))

    def ranking(self, people: tuple[int, ...], least: int = 1, added: Floats | None = None) -> list[Standing]:
        """How those of `people` stand who were compared over at least so many windows, best first.

        Args:
            people: ids of P people.
            least: windows.
            added: (P,) to the mean of the windows' scores; None adds nothing.
        """
        compared = self._compared.of(people)
        among = np.flatnonzero(compared.counts >= max(least, 1))
        scores = compared.sums[among] / compared.weights[among]
        if added is not None:
            scores = scores + added[among]
        ids, counts = np.array(people, np.int64)[among], compared.counts[among]
        order = np.lexsort((ids, -scores))
        found = (ids[order].tolist(), scores[order].tolist(), counts[order].tolist())
        return [Standing(*each) for each in zip(*found, strict=True)]

    @property
    def seconds(self) -> float:
        """Seconds of usable walking."""
        return self.windows * self.seconds_per_window

    @property
    def seconds_per_window(self) -> float:
        """By how much each further window lengthens the walking seen."""
        return (self.f // 2) / RATE_HZ

    @property
    def quality(self) -> float:
        """Mean joint confidence, 0..1."""
        return self._quality / self.windows if self.windows else 0.0
