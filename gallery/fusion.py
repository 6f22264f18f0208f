"""Telling people apart by three kinds of evidence: single windows, their mean, and seconds of walking.

A window is described by its CAGE and its pose numbers, averaged over its skeletons, and by how much these
vary in it. Projected (principal components, whitened, beside the linear discriminants of people outside the
gallery), it resembles a person as much as that person's nearest template; at first the mean of all windows so
far is compared with the person's mean window as well. The mean description of a track, and the statistics of
some seconds of its pose (`gallery.segments`), say what single noisy windows hide. Those have discriminants of
their own.

All likenesses are judged by how much the same walk resembles nobody in particular (`gallery.cohort`). That
makes scores of different walks, people and sensors' moods comparable, which is what telling strangers apart
needs. So does asking less of people whose own walks resemble each other less: of who is enrolled by several
walks, each is compared with the others (after client-dependent normalisation, Poh and Bengio, ICASSP 2005).

Everything here was fitted once, on people outside the gallery (`tools/fit_backend.py`); who is enrolled
trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from encoder.pose import POSE
from gallery.cohort import Cohort, Discriminants, Standings, unit
from gallery.directions import WindowDirections
from gallery.segments import SEGMENT_STEP, SEGMENT_WINDOWS, Segments, describe_windows
from stream.body import FloatArray

__all__ = ["EnrolledWalk", "FusionModel", "FusionWeights", "Portraits", "Trail"]

_WINDOWS_ABOVE = 2.0
"""The people who resemble a window most stand out of the cohort by so many standard deviations."""

_STEADIEST = (-2.0, 1.0)
"""More says that walks are of different people, or that they are one."""

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class FusionWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the parts of a score are weighed.

    Attributes:
        discriminants: the length of a window's discriminant part beside its whitened part of length 1.
        windows: of the windows' likeness.
        means: of the likeness of mean windows beside it, fading until a whole segment was seen.
        walks: of the likeness of mean descriptions, growing for a second.
        segments: of the segments' likeness, growing until a whole segment was seen.
        steadiness: of what people's own walks have in common, which is taken off, growing like the segments'.
        usual: what a walk usually scores against another of the same person.
    """

    discriminants: float = 1.0
    windows: float = 4.0
    means: float = 0.5
    walks: float = 0.2
    segments: float = 0.3
    steadiness: float = 0.0
    usual: float = 0.0


class EnrolledWalk(NamedTuple):
    """A walk by which somebody is enrolled, as a model sees it."""

    windows: FloatArray
    """(m, K1 + K2) its templates."""
    walk: FloatArray
    """(K3,) the direction of their mean."""
    segments: FloatArray
    """(K4,) the direction of its segments."""


class Portraits(NamedTuple):
    """What is known of P people beside their templates."""

    windows: FloatArray
    """(P, K1 + K2) the mean window of each."""
    walks: Standings
    segments: Standings
    steady: Floats
    """(P,) how much more than usual each one's walks resemble each other; 0 where there is but one."""


@dataclass(frozen=True, slots=True, eq=False)
class FusionModel:
    """What was fitted for one kind of sensor, or for any.

    A part that was not fitted has no directions (K1, K3 or K4 is 0), or a cohort of zeros, and says nothing.

    Attributes:
        directions: of descriptions (D,) of windows, K1 + K2.
        cohort: of windows, (K1 + K2).
        walks: (D, K3) of means of descriptions.
        segments: (S, K4) of segments, see `gallery.segments.segment_statistics`.
        weights: of the parts.
    """

    directions: WindowDirections
    cohort: Cohort
    walks: Discriminants
    segments: Discriminants
    weights: FusionWeights

    def windows(self, described: FloatArray) -> FloatArray:
        """Descriptions (n, D) as unit vectors (n, K1 + K2) whose products say how alike windows are."""
        return self.directions.windows(described, self.weights.discriminants)

    def commonness(self, windows: FloatArray) -> FloatArray:
        """(n,) how much windows (n, K1 + K2) resemble nobody in particular."""
        _, common, spread = self.cohort.standings(windows)
        found: FloatArray = common + np.float32(_WINDOWS_ABOVE) * spread
        return found

    def enrolled(self, described: FloatArray, statistics: FloatArray) -> EnrolledWalk:
        """A walk's templates (m, D), described, and the mean statistics (S,) of its segments."""
        walk = self.walks.places(described.mean(axis=0, keepdims=True))
        segments = self.segments.places(statistics[None])
        return EnrolledWalk(self.windows(described), unit(walk)[0], unit(segments)[0])

    def portraits(self, people: Iterable[Sequence[EnrolledWalk]]) -> Portraits:
        """What is known of P enrolled people beside their templates."""
        means, walks, segments, steady = [], [], [], []
        for own in people:
            means.append(unit(np.concatenate([one.windows for one in own]).mean(axis=0)))
            walks.append(np.sum([one.walk for one in own], axis=0))
            segments.append(np.sum([one.segments for one in own], axis=0))
            steady.append(self._steadiness(own))
        standings = self.walks.standings(np.stack(walks)), self.segments.standings(np.stack(segments))
        return Portraits(np.stack(means), *standings, np.array(steady))

    def _steadiness(self, own: Sequence[EnrolledWalk]) -> float:
        """How much more than usual a person's walks resemble each other, within `_STEADIEST`."""
        if len(own) < 2 or not self.weights.steadiness:
            return 0.0
        alike = [self._likeness(one, other) for one in own for other in own if one is not other]
        return float(np.clip(np.mean(alike) - self.weights.usual, *_STEADIEST))

    def _likeness(self, probe: EnrolledWalk, enrolled: EnrolledWalk) -> float:
        """What a whole walk scores against another that somebody is enrolled by."""
        nearest = (probe.windows @ enrolled.windows.T).max(axis=1)
        above = (nearest - self.commonness(probe.windows)).mean(dtype=np.float64)
        score = self.weights.windows * float(above)
        for weight, part, one, other in (
            (self.weights.walks, self.walks, probe.walk, enrolled.walk),
            (self.weights.segments, self.segments, probe.segments, enrolled.segments),
        ):
            stands, stand = (part.standings(direction[None]) for direction in (one, other))
            score += weight * float(stands.likeness(stand)[0, 0])
        return score

    def by_means(self, counts: Counts, means: FloatArray, common: Floats, people: Portraits) -> Floats:
        """What the means of a track's windows add to the means of their scores, (n, P), fading.

        Args:
            counts: (n,) of how many windows.
            means: (n, K1 + K2) of them.
            common: (n,) the means of their `commonness`.
            people: with whom they are compared.
        """
        fading = 1 - np.minimum(1.0, counts / SEGMENT_WINDOWS)
        above = (means @ people.windows.T).astype(np.float64) - common[:, None]
        added: Floats = (self.weights.windows * self.weights.means * fading)[:, None] * above
        return added

    def by_walks(self, counts: Counts, places: FloatArray, people: Portraits) -> Floats:
        """What the means (n, K3) of so many windows' places in `walks` add, (n, P), growing for a second."""
        growing = np.minimum(1.0, counts / SEGMENT_STEP)
        likeness = self.walks.standings(places).likeness(people.walks)
        return self.weights.walks * growing[:, None] * likeness

    def by_segments(self, counts: Counts, standing: Standings, people: Portraits) -> Floats:
        """What a track's segments add to the means of (n,) so many windows' scores, (n, P), growing."""
        growing = np.minimum(1.0, counts / SEGMENT_WINDOWS)
        return self.weights.segments * growing[:, None] * standing.likeness(people.segments)

    def by_steadiness(self, counts: Counts, people: Portraits) -> Floats:
        """What people's steadiness adds after (n,) windows, (n, P): more than 0 for the unsteady."""
        growing = np.minimum(1.0, counts / SEGMENT_WINDOWS)
        return -self.weights.steadiness * growing[:, None] * people.steady


class Trail:
    """What is known of one track as a whole, while its windows come in.

    Args:
        model: of the kind of sensor; None gathers the statistics of segments alone.

    Attributes:
        segments: their statistics.
        standing: where the segments stand so far, as one; None before the first second.
    """

    def __init__(self, model: FusionModel | None) -> None:
        self._model = model
        self.segments = Segments()
        self.standing: Standings | None = None
        self._sum: FloatArray | float = 0.0
        self._mean = self._place = np.zeros((), np.float32)
        self._common = 0.0

    def add(self, rows: FloatArray) -> None:
        """Add the next window, (f, D); one without pose numbers behind its CAGEs says nothing."""
        if rows.shape[1] <= POSE:
            return
        described = describe_windows(rows[None])
        newest = self.segments.add(described[0])
        if self._model is None:
            return
        seen = self._model.windows(described)
        windows = self.segments.windows
        self._mean = _moved(self._mean, seen, windows)
        self._place = _moved(self._place, self._model.walks.places(described), windows)
        self._common += (float(self._model.commonness(seen)[0]) - self._common) / windows
        if newest is None:
            return
        segment = unit(self._model.segments.places(newest[None]))
        # Before the first whole segment each stands for itself: the next has all of it.
        self._sum = segment if windows <= SEGMENT_WINDOWS else self._sum + segment
        self.standing = self._model.segments.standings(np.asarray(self._sum))

    def added(self, people: Portraits) -> Floats | None:
        """What the track adds to the mean of its windows' scores, (P,); None where nothing is compared."""
        if self._model is None or not self.segments.windows:
            return None
        counts = np.array([self.segments.windows])
        added = self._model.by_means(counts, self._mean, np.array([self._common]), people)
        added = added + self._model.by_walks(counts, self._place, people)
        added = added + self._model.by_steadiness(counts, people)
        if self.standing is not None:
            added = added + self._model.by_segments(counts, self.standing, people)
        first: Floats = added[0]
        return first


def _moved(mean: FloatArray, newest: FloatArray, count: int) -> FloatArray:
    """The mean of so many, the newest among them, from the mean of those before."""
    found: FloatArray = mean + (newest - mean) / np.float32(count)
    return found
