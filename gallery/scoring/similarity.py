"""Similarity of windows to the templates of one kind of sensor: per skeleton, or fused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.backend import Backend
from gallery.scoring.descriptions import describe_windows, mean_description
from gallery.scoring.fusion import FusionModel
from gallery.scoring.track_statistics import TrackStatistics
from gallery.store.records import PersonTemplates
from stream.body import FloatArray

__all__ = ["FusedTemplates", "NearestTemplates", "WindowScorer"]

Floats = NDArray[np.float64]


class WindowScorer(Protocol):
    """Scores windows against the templates of one kind of sensor."""

    people: tuple[int, ...]
    """Ids of the P people, ascending."""

    @property
    def relative(self) -> bool:
        """Whether the score for a person depends on who else is enrolled."""
        ...

    def describe(self, cages: FloatArray) -> FloatArray:
        """Prepares windows (n, f, D) for `scores`; the first axis stays."""
        ...

    def scores(self, described: FloatArray) -> Floats:
        """Returns the score of each window for each person, (n, P)."""
        ...

    def track_statistics(self) -> TrackStatistics:
        """Returns empty statistics for a new track."""
        ...

    def track_scores(self, statistics: TrackStatistics) -> Floats | None:
        """Returns what a track adds to the mean of its windows' scores, (P,); None where nothing is added."""
        ...

    def walk_scores(self, templates: FloatArray, statistics: FloatArray, windows: int) -> Floats:
        """Returns the score of a whole walk for each person, (P,), from what an enrolment stores of it.

        Args:
            templates: (m, f, D) float32.
            statistics: (S,) float32, see `gallery.store.records.NewEnrolment`.
            windows: number of the walk's windows.
        """
        ...


class NearestTemplates:
    """The paper's average prediction (AP) over nearest templates: predictions per skeleton, averaged.

    Args:
        templates: of one kind of sensor, in the order of their people.
        backend: projects them.
        sensor: the kind of sensor.
    """

    def __init__(self, templates: Sequence[PersonTemplates], backend: Backend, sensor: str) -> None:
        self.people, self._starts = _owners(templates)
        self._backend = backend
        self._sensor = sensor
        if templates:
            rows = np.concatenate([backend.directions(entry.templates, sensor) for entry in templates])
            self._rows = np.ascontiguousarray(rows.transpose(1, 0, 2))

    @property
    def relative(self) -> bool:
        """False: each person is compared alone."""
        return False

    def describe(self, cages: FloatArray) -> FloatArray:
        """Projects windows (n, f, D) by the back-end, (n, f, K)."""
        return self._backend.directions(cages, self._sensor)

    def scores(self, described: FloatArray) -> Floats:
        """Returns the similarity of windows to each person.

        Each of a window's f skeletons predicts for itself: its cosine similarity to the person's nearest
        template at the same place in the window. The window's prediction is their mean.

        Args:
            described: (n, f, K) float32.

        Returns:
            (n, P) float64 in -1..1.
        """
        if not self.people:
            return np.zeros((len(described), 0))
        similar = np.matmul(self._rows, described.transpose(1, 2, 0))
        nearest = np.maximum.reduceat(similar, self._starts, axis=1)
        scores: Floats = nearest.mean(axis=0, dtype=np.float64).T
        return scores

    def track_statistics(self) -> TrackStatistics:
        """Returns statistics of segments alone, which an enrolment stores."""
        return TrackStatistics(None)

    def track_scores(self, statistics: TrackStatistics) -> Floats | None:
        """Returns None: only windows are compared."""
        return None

    def walk_scores(self, templates: FloatArray, statistics: FloatArray, windows: int) -> Floats:
        """Returns the mean of the templates' scores, (P,)."""
        found: Floats = self.scores(self.describe(templates)).mean(axis=0)
        return found


class FusedTemplates:
    """Whole windows and track-level evidence, see `gallery.scoring.fusion`.

    Args:
        templates: of one kind of sensor, in the order of their people.
        model: of that kind; it compares relative to the mean of these people (`FusionModel.at_site`).
    """

    def __init__(self, templates: Sequence[PersonTemplates], model: FusionModel) -> None:
        self.people, self._starts = _owners(templates)
        by_person = groupby(templates, key=lambda walk: walk.person_id)
        described = [
            [(describe_windows(walk.templates), walk.statistics) for walk in own] for _, own in by_person
        ]
        self._model = model.at_site([mean_description([one for one, _ in own]) for own in described])
        if templates:
            people = [[self._model.enrol(*walk) for walk in own] for own in described]
            self._windows = np.concatenate([walk.windows for walks in people for walk in walks])
            self._reference = self._model.reference(people)

    @property
    def relative(self) -> bool:
        """Whether scores are relative to the mean of the site."""
        return bool(self._model.weights["site"])

    def describe(self, cages: FloatArray) -> FloatArray:
        """Describes windows (n, f, D), (n, D)."""
        return describe_windows(cages)

    def scores(self, described: FloatArray) -> Floats:
        """Returns the similarity to each person's nearest template above the background, weighted.

        Args:
            described: (n, D) float32.

        Returns:
            (n, P) float64.
        """
        if not self.people:
            return np.zeros((len(described), 0))
        windows = self._model.windows.project(described)
        nearest = np.maximum.reduceat(self._windows @ windows.T, self._starts, axis=0).T
        return self._model.window_scores(nearest, self._model.windows.background(windows))

    def track_statistics(self) -> TrackStatistics:
        """Returns empty statistics of all kinds of evidence."""
        return TrackStatistics(self._model)

    def track_scores(self, statistics: TrackStatistics) -> Floats | None:
        """Returns the track-level evidence for each person, (P,); None if no person is enrolled."""
        return statistics.scores(self._reference) if self.people else None

    def walk_scores(self, templates: FloatArray, statistics: FloatArray, windows: int) -> Floats:
        """Returns the mean of the templates' scores plus the track-level evidence, (P,)."""
        if not self.people:
            return np.zeros(0)
        described = describe_windows(templates)
        walk = self._model.enrol(described, statistics)
        evidence = zip(self._model.evidence, walk.evidence, strict=True)
        states = [each.as_track(numbers) for each, numbers in evidence]
        added = self._model.track_scores(np.array([windows]), states, self._reference)
        found: Floats = self.scores(described).mean(axis=0) + added[0]
        return found


def _owners(templates: Sequence[PersonTemplates]) -> tuple[tuple[int, ...], NDArray[np.intp]]:
    """Returns the people, and where the templates of each begin."""
    sizes: dict[int, int] = {}
    for entry in templates:
        sizes[entry.person_id] = sizes.get(entry.person_id, 0) + len(entry.templates)
    starts = np.concatenate(([0], np.cumsum(list(sizes.values()))[:-1])) if sizes else np.zeros(0)
    return tuple(sizes), starts.astype(np.intp)
