"""The candidates of a track by their scores. Only those that are asked for are sorted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

__all__ = ["CandidateScore", "Ranking"]


class CandidateScore(NamedTuple):
    """The score of a person as the candidate of a track."""

    person: int
    score: float
    """The mean of the windows' scores, weighted by their quality, plus the track-level evidence."""
    windows: int
    """The number of windows compared."""


class Ranking(Sequence[CandidateScore]):
    """Candidates, best first; of equal scores the lower id is first.

    Args:
        people: ids of P people, ascending.
        scores: (m,) finite scores of those who are ranked, in the order of `people`.
        windows: (P,) the numbers of windows that each of the people was compared over.
        places: (m,) places in `people` of those who are ranked; None for all.
    """

    def __init__(
        self,
        people: tuple[int, ...],
        scores: NDArray[np.float64],
        windows: NDArray[np.int64],
        places: NDArray[np.intp] | None = None,
    ) -> None:
        self._people = people
        self._scores = scores
        self._windows = windows
        self._places = places
        self._first = self._best()

    def __len__(self) -> int:
        return len(self._scores)

    def __iter__(self) -> Iterator[CandidateScore]:
        return iter(self[:])

    @overload
    def __getitem__(self, rank: int) -> CandidateScore: ...

    @overload
    def __getitem__(self, rank: slice) -> list[CandidateScore]: ...

    def __getitem__(self, rank: int | slice) -> CandidateScore | list[CandidateScore]:
        if isinstance(rank, slice):
            return [self._candidate(n) for n in self._order[rank].tolist()]
        if 0 <= rank < len(self._first):
            return self._first[rank]
        return self._candidate(int(self._order[rank]))

    @property
    def best(self) -> CandidateScore | None:
        """The best candidate; None without any."""
        return self._first[0] if self._first else None

    @property
    def runner_up(self) -> CandidateScore | None:
        """The second-best candidate; None with fewer than two."""
        return self._first[1] if len(self._first) > 1 else None

    def near(self, difference: float) -> list[CandidateScore]:
        """Returns the candidates whose scores are less than a difference below the best, best first."""
        near = np.flatnonzero(self._scores.max(initial=-np.inf) - self._scores < difference)
        return [self._candidate(n) for n in near[np.argsort(-self._scores[near], kind="stable")].tolist()]

    @property
    def _order(self) -> NDArray[np.intp]:
        return np.argsort(-self._scores, kind="stable")

    def _best(self) -> list[CandidateScore]:
        """Returns the first two, which every decision needs, without sorting all."""
        if not len(self):
            return []
        best = int(self._scores.argmax())
        found = [self._candidate(best)]
        parts = self._scores[:best], self._scores[best + 1 :]
        ends = [
            int(part.argmax()) + start for part, start in zip(parts, (0, best + 1), strict=True) if len(part)
        ]
        if ends:
            found.append(self._candidate(max(ends, key=lambda place: self._scores[place])))
        return found

    def _candidate(self, place: int) -> CandidateScore:
        person = place if self._places is None else int(self._places[place])
        return CandidateScore(self._people[person], float(self._scores[place]), int(self._windows[person]))
