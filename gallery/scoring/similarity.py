"""The templates of one kind of sensor, and how windows and segments resemble them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.backend import Backend
from gallery.scoring.fusion import FusionModel
from gallery.scoring.segments import describe_windows
from gallery.scoring.track_statistics import Trail
from gallery.store.records import PersonTemplates
from stream.body import FloatArray

__all__ = ["FusedTemplates", "NearestTemplates"]

Floats = NDArray[np.float64]


class NearestTemplates:
    """Per-skeleton predictions, averaged: the paper's AP over the nearest templates.

    Args:
        templates: of one kind of sensor, in the order of their people.
        backend: projects them.
        sensor: the kind of sensor.

    Attributes:
        people: ids of the P people, growing.
    """

    def __init__(self, templates: Sequence[PersonTemplates], backend: Backend, sensor: str) -> None:
        self.people, self._starts = _owners(templates)
        self._backend = backend
        self._sensor = sensor
        if templates:
            rows = np.concatenate([backend.directions(entry.templates, sensor) for entry in templates])
            self._rows = np.ascontiguousarray(rows.transpose(1, 0, 2))

    def describe(self, cages: FloatArray) -> FloatArray:
        """Windows (n, f, D) in the back-end's directions, (n, f, K)."""
        return self._backend.directions(cages, self._sensor)

    def scores(self, described: FloatArray) -> Floats:
        """The similarity of windows to each of `people`.

        Each of a window's f skeletons predicts for itself: cosine similarity, in the back-end's directions,
        to the person's nearest template of the same place in the window. The window's prediction is their
        mean.

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


class FusedTemplates:
    """Windows as wholes, and segments beside them; see `gallery.scoring.fusion`.

    Args:
        templates: of one kind of sensor, in the order of their people.
        model: of that kind.

    Attributes:
        people: ids of the P people, growing.
    """

    def __init__(self, templates: Sequence[PersonTemplates], model: FusionModel) -> None:
        self.people, self._starts = _owners(templates)
        self._model = model
        if templates:
            each = groupby(templates, key=lambda walk: walk.person_id)
            people = [
                [model.enrolled(describe_windows(walk.templates), walk.statistics) for walk in person]
                for _, person in each
            ]
            self._windows = np.concatenate([walk.windows for person in people for walk in person])
            self._portraits = model.portraits(people)

    def describe(self, cages: FloatArray) -> FloatArray:
        """Windows (n, f, D) described as wholes, (n, D)."""
        return describe_windows(cages)

    def scores(self, described: FloatArray) -> Floats:
        """The weighed likeness of windows to each of `people`: the nearest template's, above the common one.

        Args:
            described: (n, D) float32.

        Returns:
            (n, P) float64.
        """
        if not self.people:
            return np.zeros((len(described), 0))
        windows = self._model.windows(described)
        nearest = np.maximum.reduceat(self._windows @ windows.T, self._starts, axis=0).T
        return self._model.by_windows(nearest, self._model.commonness(windows))

    def added(self, trail: Trail) -> Floats | None:
        """What a track as a whole adds to the mean of its windows' scores, (P,); None where nothing does."""
        return trail.added(self._portraits) if self.people else None


def _owners(templates: Sequence[PersonTemplates]) -> tuple[tuple[int, ...], NDArray[np.intp]]:
    """The people, and where the templates of each begin."""
    sizes: dict[int, int] = {}
    for entry in templates:
        sizes[entry.person_id] = sizes.get(entry.person_id, 0) + len(entry.templates)
    starts = np.concatenate(([0], np.cumsum(list(sizes.values()))[:-1])) if sizes else np.zeros(0)
    return tuple(sizes), starts.astype(np.intp)
