"""Base classes of evidence that compares projections onto discriminants."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from encoder.pose import POSE_WIDTH
from gallery.scoring.cohort import Cohort, CohortStatistics, Discriminants, unit
from gallery.scoring.descriptions import SEGMENT_STEP, SEGMENT_WINDOWS, segment_slices
from gallery.scoring.evidence.protocol import ArrayReader, Arrays, Counts, DiscriminantFitter, Floats
from gallery.scoring.window_comparison import ProjectedWindows, WindowComparison
from stream.body import FloatArray

__all__ = ["DiscriminantEvidence", "SegmentEvidence"]


@dataclass(frozen=True, slots=True, eq=False)
class DiscriminantEvidence:
    """Cohort-normalised similarity of projections; base of the kinds of evidence with discriminants.

    Attributes:
        discriminants: of the kind's numbers.
    """

    discriminants: Discriminants

    name: ClassVar[str]
    default_weight: ClassVar[float]
    components: ClassVar[int]
    """The most principal components that the discriminants are combinations of."""
    shrinkage: ClassVar[float]
    """Of the within-person covariance."""
    first_window: ClassVar[int] = 1
    """Number of windows from which the evidence counts."""
    full_windows: ClassVar[int]
    """Number of windows from which it has its full weight."""

    def as_track(self, enrolled: FloatArray) -> Arrays:
        """Returns the projection with a first axis of 1."""
        return (enrolled[None],)

    def reference(self, people: Sequence[Sequence[FloatArray]]) -> Arrays:
        """Returns the cohort statistics of each person's summed projections."""
        return self.discriminants.statistics(np.stack([np.sum(own, axis=0) for own in people]))

    def similarity(self, states: Arrays, reference: Arrays) -> Floats:
        """Compares projections (n, K) with P people, normalised by the cohort."""
        (projected,) = states
        return self.discriminants.statistics(projected).similarity(CohortStatistics(*reference))

    def weight(self, weights: Mapping[str, float]) -> float:
        """Returns the weight of the kind's own name."""
        return weights[self.name]

    def share(self, windows: Counts) -> Floats:
        """Returns 0 before `first_window`, then a share that rises to 1 at `full_windows`."""
        share: Floats = np.minimum(1.0, windows / self.full_windows)
        return np.where(windows < self.first_window, 0.0, share)

    def arrays(self) -> Mapping[str, FloatArray]:
        """Returns the discriminants and their cohort."""
        own = self.discriminants
        return {
            "mean": own.mean,
            "matrix": own.matrix,
            "cohort.mean": own.cohort.mean,
            "cohort.covariance": own.cohort.covariance,
        }

    @classmethod
    def read(cls, arrays: ArrayReader, windows: WindowComparison) -> Self:
        """Reads the discriminants and their cohort."""
        cohort = Cohort(arrays("cohort.mean", 1), arrays("cohort.covariance", 2))
        return cls(Discriminants(arrays("mean", 1), arrays("matrix", 2), cohort))


@dataclass(frozen=True, slots=True, eq=False)
class SegmentEvidence(DiscriminantEvidence, ABC):
    """Evidence of the statistics of segments; base of the kinds that define such statistics."""

    numbers: ClassVar[int]
    first_window: ClassVar[int] = SEGMENT_STEP
    components: ClassVar[int] = 400
    shrinkage: ClassVar[float] = 0.1

    @staticmethod
    @abstractmethod
    def statistics(pose: FloatArray) -> FloatArray:
        """See `EvidenceKind.statistics`."""

    @classmethod
    def empty(cls, windows: WindowComparison) -> Self:
        """Returns evidence without discriminants."""
        return cls(Discriminants.empty(cls.numbers))

    @classmethod
    def fit(
        cls, walks: Sequence[FloatArray], windows: WindowComparison, discriminants: DiscriminantFitter
    ) -> Self:
        """Fits discriminants to the statistics of all segments."""
        rows = [
            np.stack([cls.statistics(own[part, :POSE_WIDTH]) for part in segment_slices(len(own))])
            for own in walks
        ]
        return cls(discriminants(rows, cls.components, cls.shrinkage))

    def at_site(self, windows: WindowComparison, moved: FloatArray) -> Self:
        """Returns the same: the site's mean of segment statistics is not known."""
        return self

    def prepare(self, windows: ProjectedWindows) -> Arrays:
        """Returns nothing: only segments count."""
        return ()

    def gather(self) -> _SegmentSum:
        """Returns the sum of the projected segments."""
        return _SegmentSum(self.discriminants, np.zeros(self.discriminants.direction_count, np.float32))

    def enrol(self, windows: ProjectedWindows, segment: FloatArray | None) -> FloatArray:
        """Returns the unit projection (K,) of a walk's mean segment; zeros if it is not known."""
        if segment is None:
            return np.zeros(self.discriminants.direction_count, np.float32)
        projected: FloatArray = unit(self.discriminants.project(segment[None]))[0]
        return projected


@dataclass(slots=True)
class _SegmentSum:
    """The sum of the unit projections of a track's whole segments; before the first, the newest alone."""

    _discriminants: Discriminants
    _sum: FloatArray
    _windows: int = 0

    def copy(self) -> _SegmentSum:
        return replace(self)

    def add(self, window: Arrays, segment: FloatArray | None) -> None:
        self._windows += 1
        if segment is None:
            return
        newest = unit(self._discriminants.project(segment[None]))[0]
        # Until the first whole segment, the next one contains all of this one.
        self._sum = newest if self._windows <= SEGMENT_WINDOWS else self._sum + newest

    @property
    def state(self) -> Arrays:
        return (self._sum,)
