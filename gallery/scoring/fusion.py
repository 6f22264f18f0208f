"""The fusion of window similarity and track-level evidence into one score.

A window is described by its CAGE and its pose features, averaged over its skeletons, and by their variation
in the window (`gallery.scoring.descriptions`). Projected onto principal components and discriminants
(`gallery.scoring.window_comparison`), its score for a person is its similarity to the nearest of that
person's templates. A track's score is the mean of its windows' scores plus the track-level evidence
that is registered in `gallery.scoring.evidence.registry`.

All similarities are normalised by a cohort (`gallery.scoring.cohort`), which makes scores of different walks,
people and sensors comparable; the rejection of strangers needs that. Scores also depend on within-person
consistency: people whose enrolled walks are less similar to each other than usual get higher scores, others
lower ones (client-dependent normalisation, after Poh and Bengio, ICASSP 2005).

Everything here is fitted once, on people outside the gallery (`tools/backend_fit`). Enrolment trains nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import NamedTuple, Self

import numpy as np

from gallery.scoring.cohort import Cohort
from gallery.scoring.descriptions import SEGMENT_WINDOWS
from gallery.scoring.evidence.protocol import ArrayReader, Arrays, Counts, Evidence, Floats
from gallery.scoring.evidence.registry import EVIDENCE, STATISTICS, statistics_slice
from gallery.scoring.window_comparison import ProjectedWindows, WindowComparison, WindowDirections
from stream.body import FloatArray

__all__ = [
    "EnrolledWalk",
    "FusionModel",
    "PreparedWindows",
    "ReferenceStatistics",
    "Similarities",
    "fusion_weights",
]

_CONSISTENCY_RANGE = (-2.0, 1.0)
"""Below it, walks differ as those of two people do; above it, they are one walk enrolled twice."""

_LONG_TRACK = np.array([1_000_000])
"""Number of windows at which every share has reached its final value."""


def fusion_weights(**given: float) -> dict[str, float]:
    """Returns the weights of a fusion by name, with the defaults of those not given.

    - `discriminants`: length of a window's discriminant part, relative to a whitened part of length 1.
    - `windows`: weight of the mean of the windows' scores.
    - the name of each kind of evidence (`EvidenceKind.name`): weight of its similarity.
    - `site`: weight of one enrolled person in the mean description of the site, relative to the mean of the
      fit; 0 compares relative to the mean of the fit. See `FusionModel.at_site`.
    - `steadiness`: weight of within-person consistency, which is subtracted.
    - `usual`: usual score of a walk against another walk of the same person.

    Raises:
        ValueError: a name is unknown.
    """
    weights = {"discriminants": 1.0, "windows": 4.0}
    weights |= {kind.name: kind.default_weight for kind in EVIDENCE}
    weights |= {"site": 0.0, "steadiness": 0.0, "usual": 0.0}
    if unknown := sorted(given.keys() - weights.keys()):
        raise ValueError(f"weights: expected {', '.join(weights)}, got {unknown[0]}")
    return weights | given


class EnrolledWalk(NamedTuple):
    """An enrolled walk, prepared for comparison."""

    windows: FloatArray
    """(m, K) its projected templates."""
    evidence: tuple[FloatArray, ...]
    """The numbers of each kind of evidence."""
    complete: bool
    """Whether its segment statistics are known."""


class PreparedWindows(NamedTuple):
    """n windows of a track, prepared for comparison."""

    windows: ProjectedWindows
    """For the comparison of single windows."""
    evidence: tuple[Arrays, ...]
    """What each kind of evidence gathers of each window, with first axes of n."""


class ReferenceStatistics(NamedTuple):
    """Statistics of P enrolled people, beside their templates."""

    evidence: tuple[Arrays, ...]
    """Of each kind of evidence."""
    consistency: Floats
    """(P,) within-person consistency: similarity of each person's walks, above the usual; 0 for one walk."""

    def of(self, place: int) -> Self:
        """Returns the statistics of one person."""
        one = slice(place, place + 1)
        evidence = tuple(tuple(array[one] for array in each) for each in self.evidence)
        return type(self)(evidence, self.consistency[one])


Similarities = Callable[[int], Floats]
"""Returns the similarity of n tracks to P people by the evidence at a place in `EVIDENCE`, (n, P)."""


@dataclass(frozen=True, slots=True, eq=False)
class FusionModel:
    """A fusion, fitted for one kind of sensor or for any.

    Attributes:
        windows: compares single windows.
        evidence: one for each kind in `EVIDENCE`, in that order; empty where it was not fitted.
        weights: see `fusion_weights`.
    """

    windows: WindowComparison
    evidence: tuple[Evidence, ...]
    weights: Mapping[str, float]

    @classmethod
    def of_windows(cls, directions: WindowDirections, weights: Mapping[str, float]) -> Self:
        """Returns a fusion without a cohort and without fitted evidence."""
        windows = WindowComparison.without_cohort(directions, weights["discriminants"])
        return cls(windows, tuple(kind.empty(windows) for kind in EVIDENCE), weights)

    def with_evidence(self, *fitted: Evidence) -> Self:
        """Returns the fusion with its evidence of the same kinds replaced."""
        by_name = {evidence.name: evidence for evidence in fitted}
        return replace(self, evidence=tuple(by_name.get(own.name, own) for own in self.evidence))

    @classmethod
    def read(cls, arrays: ArrayReader, weights: Mapping[str, float]) -> Self:
        """Reads a fusion from a back-end's arrays.

        A kind of evidence without a weight is newer than the back-end: it stays empty and gets the weight 0.
        A back-end without a weight of the site is older than the portable directions, and has none.

        Raises:
            ValueError: an array is missing or malformed, or a weight belongs to no kind of evidence.
        """
        mean = arrays("directions.mean", 1)
        directions = WindowDirections(
            mean,
            arrays("directions.whitening", 2),
            arrays("directions.discriminants", 2),
            arrays("directions.portable", 2) if "site" in weights else np.zeros((len(mean), 0), np.float32),
        )
        cohort = Cohort(arrays("cohort.mean", 1), arrays("cohort.covariance", 2))
        silent = {kind.name: 0.0 for kind in EVIDENCE if kind.name not in weights}
        known = fusion_weights(**weights, **silent)
        windows = WindowComparison(directions, cohort, known["discriminants"])

        def evidence(name: str) -> ArrayReader:
            return lambda own, axes: arrays(f"{name}.{own}", axes)

        fitted = tuple(
            kind.empty(windows) if kind.name in silent else kind.read(evidence(kind.name), windows)
            for kind in EVIDENCE
        )
        return cls(windows, fitted, known)

    def arrays(self) -> dict[str, FloatArray]:
        """Returns the fitted arrays by their names in a back-end's file."""
        directions, cohort = self.windows.directions, self.windows.cohort
        found = {
            "directions.mean": directions.mean,
            "directions.whitening": directions.whitening,
            "directions.discriminants": directions.discriminants,
            "directions.portable": directions.portable,
            "cohort.mean": cohort.mean,
            "cohort.covariance": cohort.covariance,
        }
        for evidence in self.evidence:
            found |= {f"{evidence.name}.{name}": array for name, array in evidence.arrays().items()}
        return found

    def at_site(self, people: Sequence[FloatArray]) -> Self:
        """Returns the fusion for the site where these people were enrolled.

        A sensor, its place and its room change the descriptions of everybody alike, and similarities of all
        walks to each other rise with it. So descriptions are compared relative to the mean of the site: the
        mean of the enrolled people and of the fit, which counts as `1 / site` people.

        Args:
            people: (D,) mean description of each enrolled person's walks; may be empty.
        """
        weight = self.weights["site"]
        if not (weight and people):
            return self
        own = self.windows.directions.mean
        moved = (weight / (1 + weight * len(people)) * (np.stack(people) - own).sum(axis=0)).astype(
            np.float32
        )
        windows = self.windows.centred_at(own + moved)
        evidence = tuple(each.at_site(windows, moved) for each in self.evidence)
        return replace(self, windows=windows, evidence=evidence)

    def prepare(self, described: FloatArray) -> PreparedWindows:
        """Prepares windows of tracks, described as (n, D), for comparison."""
        windows = self.windows.prepare(described)
        return PreparedWindows(windows, tuple(evidence.prepare(windows) for evidence in self.evidence))

    def enrol(self, described: FloatArray, statistics: FloatArray) -> EnrolledWalk:
        """Prepares an enrolled walk for comparison.

        Args:
            described: (m, D) descriptions of its templates.
            statistics: (S,) mean statistics of its segments; not used if an older version stored them with
                another length.
        """
        complete = len(statistics) == STATISTICS
        windows = self.windows.prepare(described)
        numbers = [
            evidence.enrol(windows, statistics[statistics_slice(kind)] if complete else None)
            for kind, evidence in zip(EVIDENCE, self.evidence, strict=True)
        ]
        return EnrolledWalk(windows.directions, tuple(numbers), complete)

    def reference(
        self, people: Iterable[Sequence[EnrolledWalk]], consistency: Sequence[float] | None = None
    ) -> ReferenceStatistics:
        """Returns the reference statistics of P people.

        Args:
            people: each given by their enrolled walks.
            consistency: the `consistency` of each, if it is known.
        """
        own = list(people)
        if consistency is None:
            consistency = [self.consistency(walks) for walks in own]
        evidence = [
            each.reference([[walk.evidence[place] for walk in walks] for walks in own])
            for place, each in enumerate(self.evidence)
        ]
        return ReferenceStatistics(tuple(evidence), np.array(consistency))

    def window_scores(self, nearest: FloatArray | Floats, background: FloatArray | Floats) -> Floats:
        """Returns the scores of single windows, (n, P).

        Args:
            nearest: (n, P) similarity of n windows to each person's nearest template.
            background: (n,) see `WindowComparison.background`.
        """
        above: Floats = nearest.astype(np.float64) - background[:, None]
        return self.weights["windows"] * above

    def track_scores(self, windows: Counts, states: Sequence[Arrays], people: ReferenceStatistics) -> Floats:
        """Returns the weighted track-level evidence, added to the means of the windows' scores, (n, P).

        Args:
            windows: (n,) windows of each track so far.
            states: the stacked states of each kind of evidence, with a first axis of n; of 1, if the tracks
                are moments of one whose evidence is known as a whole.
            people: the people that the tracks are compared with.
        """
        return self.sum_terms(windows, self.similarities(states, people), people)

    def sum_terms(self, windows: Counts, similarities: Similarities, people: ReferenceStatistics) -> Floats:
        """Returns the sum of `track_terms`, (n, P)."""
        total: Floats = np.zeros((len(windows), len(people.consistency)))
        for _, term in self.track_terms(windows, similarities, people):
            total += term
        return total

    def similarities(self, states: Sequence[Arrays], people: ReferenceStatistics) -> Similarities:
        """Returns the comparison of gathered states; see `track_scores`."""

        def compare(place: int) -> Floats:
            return self.evidence[place].similarity(states[place], people.evidence[place])

        return compare

    def track_terms(
        self, windows: Counts, similarities: Similarities, people: ReferenceStatistics
    ) -> Iterator[tuple[str, Floats]]:
        """Yields what `track_scores` is the sum of, (n, P) each, with the name of its weight.

        Args:
            windows: (n,) windows of each track so far.
            similarities: asked for each kind that has a weight by then.
            people: the people that the tracks are compared with.
        """
        for place, evidence in enumerate(self.evidence):
            weight = evidence.weight(self.weights) * evidence.share(windows)
            if weight.any():
                # One state may be that of all moments, which is then compared once.
                yield evidence.name, weight[:, None] * similarities(place)
        growing = np.minimum(1.0, windows / SEGMENT_WINDOWS)
        yield "steadiness", -self.weights["steadiness"] * growing[:, None] * people.consistency

    def consistency(self, walks: Sequence[EnrolledWalk]) -> float:
        """Returns the mean score of a person's walks against each other, above the usual score.

        It is clipped to `_CONSISTENCY_RANGE`, and 0 if it is not known. Short walks score lower against each
        other, and against strangers as well.
        """
        known = len(walks) > 1 and all(walk.complete for walk in walks)
        if not known or not self.weights["steadiness"]:
            return 0.0
        scores = [self._walk_score(*pair) for pair in permutations(walks, 2)]
        return float(np.clip(np.mean(scores) - self.weights["usual"], *_CONSISTENCY_RANGE))

    def _walk_score(self, probe: EnrolledWalk, enrolled: EnrolledWalk) -> float:
        """Returns the score of a whole enrolled walk against another."""
        nearest = (probe.windows @ enrolled.windows.T).max(axis=1, keepdims=True)
        windows = self.window_scores(nearest, self.windows.background(probe.windows))
        added = 0.0
        for evidence, own, other in zip(self.evidence, probe.evidence, enrolled.evidence, strict=True):
            weight = evidence.weight(self.weights) * float(evidence.share(_LONG_TRACK)[0])
            if weight:
                found = evidence.similarity(evidence.as_track(own), evidence.reference([[other]]))
                added += weight * float(found[0, 0])
        return float(windows.mean()) + added
