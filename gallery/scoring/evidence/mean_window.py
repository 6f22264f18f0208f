"""Evidence of a track's mean window, for the first segment: its similarity to people's mean windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from gallery.scoring.cohort import unit
from gallery.scoring.descriptions import SEGMENT_WINDOWS
from gallery.scoring.evidence.protocol import (
    ArrayReader,
    Arrays,
    Counts,
    DiscriminantFitter,
    Floats,
    WindowsOnly,
)
from gallery.scoring.evidence.running_mean import RunningMean
from gallery.scoring.window_comparison import ProjectedWindows, WindowComparison
from stream.body import FloatArray

__all__ = ["MeanWindow"]


@dataclass(frozen=True, slots=True, eq=False)
class MeanWindow(WindowsOnly):
    """Mean windows, above their background similarity; nothing is fitted beyond the window comparison.

    Attributes:
        windows: projects windows.
    """

    windows: WindowComparison

    name: ClassVar[str] = "means"
    default_weight: ClassVar[float] = 0.5

    @classmethod
    def empty(cls, windows: WindowComparison) -> Self:
        """Returns the same as `read`: nothing is fitted."""
        return cls(windows)

    @classmethod
    def read(cls, arrays: ArrayReader, windows: WindowComparison) -> Self:
        """Reads nothing."""
        return cls(windows)

    @classmethod
    def fit(
        cls, walks: Sequence[FloatArray], windows: WindowComparison, discriminants: DiscriminantFitter
    ) -> Self:
        """Fits nothing."""
        return cls(windows)

    def at_site(self, windows: WindowComparison, moved: FloatArray) -> Self:
        """Returns the evidence of windows centred at the site."""
        return type(self)(windows)

    def prepare(self, windows: ProjectedWindows) -> Arrays:
        """Returns projected windows (n, K) and their background similarity (n,)."""
        return windows.directions, windows.background

    def gather(self) -> _WindowMeans:
        """Returns the running mean of projected windows and of their background similarity."""
        return _WindowMeans(RunningMean(self.windows.directions.direction_count))

    def enrol(self, windows: ProjectedWindows, segment: FloatArray | None) -> FloatArray:
        """Returns the projected templates (m, K) of a walk."""
        return windows.directions

    def as_track(self, enrolled: FloatArray) -> Arrays:
        """Returns the mean of projected templates and of their background similarity."""
        return enrolled.mean(axis=0)[None], self.windows.background(enrolled).mean(dtype=np.float64)[None]

    def reference(self, people: Sequence[Sequence[FloatArray]]) -> Arrays:
        """Returns each person's mean window, (P, K) of unit length."""
        return (np.stack([unit(np.concatenate(own).mean(axis=0)) for own in people]),)

    def similarity(self, states: Arrays, reference: Arrays) -> Floats:
        """Returns the similarity of mean windows above the mean background similarity."""
        means, background = states
        above: Floats = (means @ reference[0].T).astype(np.float64) - background[:, None]
        return above

    def weight(self, weights: Mapping[str, float]) -> float:
        """Returns a share of the weight of single windows."""
        return weights["windows"] * weights[self.name]

    def share(self, windows: Counts) -> Floats:
        """Returns a share that falls from 1 to 0 over the first segment."""
        share: Floats = 1 - np.minimum(1.0, windows / SEGMENT_WINDOWS)
        return share

    def arrays(self) -> Mapping[str, FloatArray]:
        """Returns none."""
        return {}


@dataclass(slots=True)
class _WindowMeans:
    _mean: RunningMean
    _background: float = 0.0

    def add(self, window: Arrays, segment: FloatArray | None) -> None:
        projected, background = window
        self._mean.add(projected)
        self._background += (float(background) - self._background) / self._mean.count

    def copy(self) -> _WindowMeans:
        return _WindowMeans(self._mean.copy(), self._background)

    @property
    def state(self) -> Arrays:
        return self._mean.mean, np.array(self._background)
