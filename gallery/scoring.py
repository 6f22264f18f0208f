"""How much a window resembles each enrolled person: per-skeleton predictions, averaged (the paper's AP)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gallery.backend import Backend
from gallery.store import Gallery, PersonTemplates
from stream.body import FloatArray

__all__ = ["TemplateIndex"]


class TemplateIndex:
    """The gallery's templates of one contract, in memory, as each kind of sensor that watches sees them.

    Args:
        templates: of the people, in any order.
        backend: of the templates' contract.
        sensors: the kinds of sensors that will watch.
        empty_reason: why there are none, for people.

    Attributes:
        people: ids of the P people, growing.
        names: by id.
        owners: (n,) the person of each template, as a place in `people`; growing.
        sensors: the kinds of sensors that watch.
    """

    def __init__(
        self,
        templates: Sequence[PersonTemplates],
        backend: Backend,
        sensors: Iterable[str],
        empty_reason: str = "nobody is enrolled",
    ) -> None:
        ordered = sorted(templates, key=lambda entry: entry.person_id)
        self.backend = backend
        self.names: dict[int, str] = {entry.person_id: entry.name for entry in ordered}
        self.people: tuple[int, ...] = tuple(self.names)
        self.empty_reason = empty_reason
        counts: Counter[int] = Counter()
        for entry in ordered:
            counts[entry.person_id] += len(entry.templates)
        sizes = list(counts.values())
        self.owners: NDArray[np.intp] = np.repeat(np.arange(len(sizes)), sizes).astype(np.intp)
        self._starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.intp)
        self.sensors = tuple(sorted(set(sensors)))
        self._rows: dict[str, FloatArray] = {}
        for sensor in self.sensors if ordered else ():
            rows = np.concatenate([backend.directions(entry.templates, sensor) for entry in ordered])
            self._rows[sensor] = np.ascontiguousarray(rows.transpose(1, 0, 2))

    @classmethod
    def load(cls, store: Gallery, contract: str, backend: Backend, sensors: Iterable[str]) -> Self:
        """Read every template made under the contract."""
        templates = store.templates(contract)
        others = not templates and bool(store.people())
        reason = "everyone was enrolled with another encoder; enrol again" if others else "nobody is enrolled"
        return cls(templates, backend, sensors, reason)

    def shape(self, sensor: str) -> tuple[int, int]:
        """(f, K): skeletons of a template, and numbers of each as a kind of sensor sees them."""
        f, _, numbers = self._rows[sensor].shape
        return f, numbers

    def windows(self, sensor: str, rows: NDArray[np.intp]) -> FloatArray:
        """Templates as a kind of sensor sees them, in the back-end's directions.

        Args:
            sensor: one of `sensors`.
            rows: (m,) places in `owners`.

        Returns:
            (m, f, K) float32.
        """
        return np.ascontiguousarray(self._rows[sensor][:, rows].transpose(1, 0, 2))

    def scores(self, cages: FloatArray, sensor: str) -> NDArray[np.float64]:
        """The window's similarity to each of `people`.

        Each of its f skeletons predicts for itself: cosine similarity, in the back-end's directions, to the
        person's nearest template of the same place in the window. The window's prediction is their mean.

        Args:
            cages: (f, D) float32.
            sensor: the kind of sensor that saw the window, one of those that watch.

        Returns:
            (P,) float64 in -1..1.
        """
        if not self.people:
            return np.zeros(0)
        probe = self.backend.directions(cages, sensor)
        similar = np.matmul(self._rows[sensor], probe[:, :, None])[:, :, 0]
        nearest = np.maximum.reduceat(similar, self._starts, axis=1)
        scores: NDArray[np.float64] = nearest.mean(axis=0, dtype=np.float64)
        return scores
