"""The interface of track-level evidence: what a whole track adds to the mean of its windows' scores.

One kind of evidence is one module here and one line in `gallery.scoring.evidence.registry`. The live matcher
(`gallery.scoring.track_statistics`, `gallery.scoring.fusion`), the fitting (`tools.backend_fit.fusion_fit`)
and the evaluation (`tools.evaluation.live`) go through this interface, and `tests/gallery/scoring/evidence`
runs one contract suite over all registered kinds.

Steps that a kind implements, beside `at_site`:

1. describe: `statistics` computes numbers of a segment, if the kind needs its own.
2. gather: `prepare` computes the numbers of many windows at once; `gather` returns an accumulator for a
   track, which receives those of each window, and each new segment.
3. enrol: `enrol` computes the numbers of one enrolled walk; `reference` computes statistics of all people.
4. compare: `similarity` compares gathered states with the reference statistics.
5. weigh: `weight` and `share` give the factor of the similarity after a number of windows.
6. store: `fit` computes arrays, `arrays` names them, `read` reads them from a back-end's file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.cohort import Discriminants
from gallery.scoring.window_comparison import ProjectedWindows, WindowComparison
from stream.body import FloatArray

__all__ = [
    "Accumulator",
    "ArrayReader",
    "Arrays",
    "Counts",
    "DiscriminantFitter",
    "Evidence",
    "EvidenceKind",
    "Floats",
    "WindowsOnly",
]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Arrays = tuple[NDArray[np.floating[Any]], ...]
"""Numbers of one kind of evidence: of a track, or of P people along the first axis of each array."""


class ArrayReader(Protocol):
    """Reads the arrays of one kind of evidence from a back-end's file."""

    def __call__(self, name: str, axes: int) -> FloatArray:
        """Returns the finite float32 array of that name and number of axes.

        Raises:
            ValueError: there is no such array.
        """
        ...


class DiscriminantFitter(Protocol):
    """Fits linear discriminants of people; provided by `tools.backend_fit`."""

    def __call__(self, walks: Sequence[FloatArray], components: int, shrinkage: float) -> Discriminants:
        """Fits discriminants to rows (m, S) of each walk.

        Args:
            walks: rows of every training walk, in the order of the walks of `EvidenceKind.fit`.
            components: the most principal components that the discriminants are combinations of.
            shrinkage: of the within-person covariance, 0..1.
        """
        ...


class Accumulator(Protocol):
    """Gathers one kind of evidence while the windows of a track come in."""

    def add(self, window: Arrays, segment: FloatArray | None) -> None:
        """Adds the next window.

        Args:
            window: its numbers: one place of the arrays of `Evidence.prepare`.
            segment: (numbers,) the kind's own statistics of the segment that this window completes; None if
                it completes none.
        """
        ...

    @property
    def state(self) -> Arrays:
        """What was gathered so far; the shapes do not change while a track grows."""
        ...

    def copy(self) -> Self:
        """Returns an accumulator of its own for the same windows."""
        ...


class Evidence(Protocol):
    """One kind of evidence, fitted for one kind of sensor."""

    name: ClassVar[str]

    def at_site(self, windows: WindowComparison, moved: FloatArray) -> Self:
        """Returns the evidence for a site whose walks have another mean description.

        Args:
            windows: the comparison of windows, centred at the site.
            moved: (D,) mean description of the site, less that of the fit.
        """
        ...

    def prepare(self, windows: ProjectedWindows) -> Arrays:
        """Returns what an accumulator gathers of each of n windows, with a first axis of n; may be empty."""
        ...

    def gather(self) -> Accumulator:
        """Returns an empty accumulator for a new track."""
        ...

    def enrol(self, windows: ProjectedWindows, segment: FloatArray | None) -> FloatArray:
        """Returns the numbers of one enrolled walk.

        Args:
            windows: its m templates.
            segment: (numbers,) the kind's own mean segment statistics; None if they are not known.
        """
        ...

    def as_track(self, enrolled: FloatArray) -> Arrays:
        """Returns an enrolled walk's numbers as the state of one long track, each with a first axis of 1."""
        ...

    def reference(self, people: Sequence[Sequence[FloatArray]]) -> Arrays:
        """Returns the reference statistics of P people, each given by the numbers of their enrolled walks."""
        ...

    def similarity(self, states: Arrays, reference: Arrays) -> Floats:
        """Compares n states, stacked along a new first axis, with P people, (n, P)."""
        ...

    def weight(self, weights: Mapping[str, float]) -> float:
        """Returns the factor of the full similarity in a score, from the weights of a fusion."""
        ...

    def share(self, windows: Counts) -> Floats:
        """Returns the share (n,), 0..1, of the full weight after each of n numbers of windows."""
        ...

    def arrays(self) -> Mapping[str, FloatArray]:
        """Returns the fitted arrays by their names in a back-end's file, without the kind's own name."""
        ...


class EvidenceKind(Protocol):
    """A registered kind of evidence: the class that implements `Evidence`."""

    @property
    def name(self) -> str:
        """The name of its weight, and the first part of the names of its arrays."""
        ...

    @property
    def default_weight(self) -> float:
        """The weight where none is given."""
        ...

    @property
    def numbers(self) -> int:
        """The number of segment statistics of its own; 0 for none."""
        ...

    def statistics(self, pose: FloatArray) -> FloatArray:
        """Returns the kind's own statistics (numbers,) float32 of a segment.

        Args:
            pose: (m, POSE_WIDTH) pose numbers of the segment's m > 0 windows, without CAGEs.
        """
        ...

    def empty(self, windows: WindowComparison) -> Evidence:
        """Returns evidence that was not fitted, for fusions that give it the weight 0."""
        ...

    def read(self, arrays: ArrayReader, windows: WindowComparison) -> Evidence:
        """Reads fitted evidence.

        Raises:
            ValueError: an array is missing or has a wrong shape.
        """
        ...

    def fit(
        self, walks: Sequence[FloatArray], windows: WindowComparison, discriminants: DiscriminantFitter
    ) -> Evidence:
        """Fits the evidence to the window descriptions (m, D) of training walks."""
        ...


class WindowsOnly:
    """Mixin for kinds of evidence without segment statistics of their own."""

    __slots__ = ()

    numbers: ClassVar[int] = 0

    @staticmethod
    def statistics(pose: FloatArray) -> FloatArray:
        """Returns no statistics."""
        return np.zeros(0, np.float32)
