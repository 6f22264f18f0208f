"""Telling people apart by three kinds of evidence: single windows, their mean, and seconds of walking.

A window is described by its CAGE and its pose numbers, averaged over its skeletons, and by how much these
vary in it. Projected (principal components, whitened, beside the linear discriminants of people outside the
gallery), it resembles a person as much as that person's nearest template; at first the mean of all windows so
far is compared with the person's mean window as well. The mean description of a track, and the statistics of
some seconds of its pose (`gallery.scoring.segments`), say what single noisy windows hide. Those have
discriminants of their own: of the mean, of how the pose swings, and of how limbs move together.

All likenesses are judged by how much the same walk resembles nobody in particular (`gallery.scoring.cohort`).
That makes scores of different walks, people and sensors' moods comparable, which is what telling strangers
apart needs. So does asking less of people whose own walks resemble each other less: of who is enrolled by
several walks, each is compared with the others (after client-dependent normalisation, Poh and Bengio, ICASSP
2005).

Everything here was fitted once, on people outside the gallery (`tools/backend_fit/fit_backend.py`); who is
enrolled trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from gallery.scoring.cohort import Cohort, Discriminants, Standings, unit
from gallery.scoring.segments import (
    COORDINATION,
    SEGMENT_STEP,
    SEGMENT_WINDOWS,
    STATISTICS,
    SWING,
)
from gallery.scoring.window_directions import WindowDirections
from stream.body import FloatArray

__all__ = ["EnrolledWalk", "FusionModel", "FusionWeights", "Portraits", "SegmentStandings"]

_WINDOWS_ABOVE = 2.0
"""The people who resemble a window most stand out of the cohort by so many standard deviations."""

_STEADINESS_RANGE = (-2.0, 1.0)
"""Below are walks of different people, for all one can tell; above is one walk twice."""

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]


class FusionWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the parts of a score are weighed.

    Attributes:
        discriminants: the length of a window's discriminant part beside its whitened part of length 1.
        windows: of the windows' likeness.
        means: of the likeness of mean windows beside it, fading until a whole segment was seen.
        walks: of the likeness of mean descriptions, growing for a second.
        swing: of the likeness of how the pose swings in segments, growing until a whole segment was seen.
        coordination: of the likeness of how limbs move together in segments, growing for twice as long.
        steadiness: of how much more than usual people's own walks resemble each other, which is taken off,
            growing like the swing's.
        usual: what a walk usually scores against another of the same person.
    """

    discriminants: float = 1.0
    windows: float = 4.0
    means: float = 0.5
    walks: float = 0.2
    swing: float = 0.3
    coordination: float = 0.2
    steadiness: float = 0.0
    usual: float = 0.0


class SegmentStandings(NamedTuple):
    """Where walks, or people, stand by their segments."""

    swing: Standings
    coordination: Standings


class EnrolledWalk(NamedTuple):
    """A walk by which somebody is enrolled, as a model sees it."""

    windows: FloatArray
    """(m, K1 + K2) its templates."""
    walk: FloatArray
    """(K3,) the direction of their mean."""
    segments: FloatArray
    """(K4 + K5,) the direction of its segments in both of their parts."""


class Portraits(NamedTuple):
    """What is known of P people beside their templates."""

    windows: FloatArray
    """(P, K1 + K2) the mean window of each."""
    walks: Standings
    segments: SegmentStandings
    steadiness: Floats
    """(P,) how much more than usual each one's walks resemble each other; 0 where there is but one."""


@dataclass(frozen=True, slots=True, eq=False)
class FusionModel:
    """What was fitted for one kind of sensor, or for any.

    A part that was not fitted has no directions (K1, K3, K4 or K5 is 0), or a cohort of zeros, and says
    nothing.

    Attributes:
        directions: of descriptions (D,) of windows, K1 + K2.
        cohort: of windows, (K1 + K2).
        walks: (D, K3) of means of descriptions.
        swing: K4, of the numbers `SWING` of segments (`gallery.scoring.segments`).
        coordination: K5, of their numbers `COORDINATION`.
        weights: of the parts.
    """

    directions: WindowDirections
    cohort: Cohort
    walks: Discriminants
    swing: Discriminants
    coordination: Discriminants
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
        if len(statistics) != STATISTICS:
            # Enrolled when segments had other numbers: they say nothing.
            segments = np.zeros(self.swing.numbers + self.coordination.numbers, np.float32)
        else:
            segments = self.segments(statistics[None])[0]
        return EnrolledWalk(self.windows(described), unit(walk)[0], segments)

    def segments(self, statistics: FloatArray) -> FloatArray:
        """The directions (n, K4 + K5) of segments (n, S): two unit vectors side by side."""
        swing = self.swing.places(statistics[:, SWING])
        coordination = self.coordination.places(statistics[:, COORDINATION])
        return np.concatenate((unit(swing), unit(coordination)), axis=1)

    def segment_standings(self, directions: FloatArray) -> SegmentStandings:
        """Where sums (n, K4 + K5) of segments' directions stand."""
        swing, coordination = np.split(directions, [self.swing.numbers], axis=1)
        return SegmentStandings(self.swing.standings(swing), self.coordination.standings(coordination))

    def portraits(self, people: Iterable[Sequence[EnrolledWalk]]) -> Portraits:
        """What is known of P enrolled people beside their templates."""
        means, walks, segments, steadiness = [], [], [], []
        for own in people:
            means.append(unit(np.concatenate([one.windows for one in own]).mean(axis=0)))
            walks.append(np.sum([one.walk for one in own], axis=0))
            segments.append(np.sum([one.segments for one in own], axis=0))
            steadiness.append(self._steadiness(own))
        standings = self.walks.standings(np.stack(walks)), self.segment_standings(np.stack(segments))
        return Portraits(np.stack(means), *standings, np.array(steadiness))

    def _steadiness(self, own: Sequence[EnrolledWalk]) -> float:
        """How much more than usual a person's walks resemble each other, within `_STEADINESS_RANGE`.

        0 where it is not known. Short walks resemble each other less; they resemble strangers less, too.
        """
        known = len(own) > 1 and all(one.segments.any() for one in own)
        if not known or not self.weights.steadiness:
            return 0.0
        alike = [self._likeness(*pair) for pair in permutations(own, 2)]
        return float(np.clip(np.mean(alike) - self.weights.usual, *_STEADINESS_RANGE))

    def _likeness(self, probe: EnrolledWalk, enrolled: EnrolledWalk) -> float:
        """What a whole walk scores against another that somebody is enrolled by."""
        nearest = (probe.windows @ enrolled.windows.T).max(axis=1, keepdims=True)
        windows = self.by_windows(nearest, self.commonness(probe.windows))
        walks = [self.walks.standings(walk.walk[None]) for walk in (probe, enrolled)]
        segments = [self.segment_standings(walk.segments[None]) for walk in (probe, enrolled)]
        parts = (self.weights.walks * walks[0].likeness(walks[1]), *self._by_parts(*segments))
        return float(windows.mean()) + sum(float(part[0, 0]) for part in parts)

    def by_windows(self, nearest: FloatArray | Floats, common: FloatArray | Floats) -> Floats:
        """What windows score, (n, P).

        Args:
            nearest: (n, P) the likeness of n windows to each person's nearest template.
            common: (n,) their `commonness`.
        """
        above: Floats = nearest.astype(np.float64) - common[:, None]
        return self.weights.windows * above

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

    def by_segments(self, counts: Counts, standing: SegmentStandings, people: Portraits) -> Floats:
        """What a track's segments add to the means of (n,) so many windows' scores, (n, P), growing."""
        swing, coordination = self._by_parts(standing, people.segments)
        growing = np.minimum(1.0, counts / SEGMENT_WINDOWS)[:, None]
        # A covariance of 21 numbers needs more windows than a spread does.
        slower = np.minimum(1.0, counts / (2 * SEGMENT_WINDOWS))[:, None]
        return growing * swing + slower * coordination

    def _by_parts(self, standing: SegmentStandings, people: SegmentStandings) -> tuple[Floats, Floats]:
        swing = self.weights.swing * standing.swing.likeness(people.swing)
        return swing, self.weights.coordination * standing.coordination.likeness(people.coordination)

    def by_steadiness(self, counts: Counts, people: Portraits) -> Floats:
        """What people's steadiness adds after (n,) windows, (n, P): more than 0 for the unsteady."""
        growing = np.minimum(1.0, counts / SEGMENT_WINDOWS)
        return -self.weights.steadiness * growing[:, None] * people.steadiness
