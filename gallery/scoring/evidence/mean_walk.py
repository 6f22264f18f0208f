"""Evidence of a track's mean description, projected onto discriminants of people's walks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

from gallery.scoring.cohort import Discriminants, unit
from gallery.scoring.descriptions import SEGMENT_STEP, segment_means
from gallery.scoring.evidence.discriminant_evidence import DiscriminantEvidence
from gallery.scoring.evidence.protocol import Arrays, DiscriminantFitter, WindowsOnly
from gallery.scoring.evidence.running_mean import RunningMean
from gallery.scoring.window_comparison import ProjectedWindows, WindowComparison
from stream.body import FloatArray

__all__ = ["MeanWalk"]


@dataclass(frozen=True, slots=True, eq=False)
class MeanWalk(WindowsOnly, DiscriminantEvidence):
    """Projections of mean descriptions; they reach their full weight after one second."""

    name: ClassVar[str] = "walks"
    default_weight: ClassVar[float] = 0.2
    components: ClassVar[int] = 200
    shrinkage: ClassVar[float] = 0.2
    full_windows: ClassVar[int] = SEGMENT_STEP

    @classmethod
    def empty(cls, windows: WindowComparison) -> Self:
        """Returns evidence without discriminants."""
        return cls(Discriminants.empty(len(windows.directions.mean)))

    @classmethod
    def fit(
        cls, walks: Sequence[FloatArray], windows: WindowComparison, discriminants: DiscriminantFitter
    ) -> Self:
        """Fits discriminants to the mean descriptions of all segments."""
        return cls(discriminants([segment_means(own) for own in walks], cls.components, cls.shrinkage))

    def at_site(self, windows: WindowComparison, moved: FloatArray) -> Self:
        """Returns the evidence with its mean moved as that of the site."""
        return type(self)(replace(self.discriminants, mean=self.discriminants.mean + moved))

    def prepare(self, windows: ProjectedWindows) -> Arrays:
        """Returns projected descriptions (n, K)."""
        return (self.discriminants.project(windows.described),)

    def gather(self) -> _WalkMean:
        """Returns the running mean of projected descriptions."""
        return _WalkMean(RunningMean(self.discriminants.direction_count))

    def enrol(self, windows: ProjectedWindows, segment: FloatArray | None) -> FloatArray:
        """Returns the unit projection (K,) of a walk's mean description."""
        projected: FloatArray = unit(
            self.discriminants.project(windows.described.mean(axis=0, keepdims=True))
        )[0]
        return projected


@dataclass(slots=True)
class _WalkMean:
    _mean: RunningMean

    def add(self, window: Arrays, segment: FloatArray | None) -> None:
        (projected,) = window
        self._mean.add(projected)

    def copy(self) -> _WalkMean:
        return _WalkMean(self._mean.copy())

    @property
    def state(self) -> Arrays:
        return (self._mean.mean,)
