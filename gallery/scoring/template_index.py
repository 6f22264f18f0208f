"""How much what is seen resembles each enrolled person, as each kind of sensor that watches sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.backend import Backend
from gallery.scoring.similarity import FusedTemplates, NearestTemplates
from gallery.scoring.track_statistics import Trail
from gallery.store.gallery import Gallery, PersonTemplates
from stream.body import FloatArray

__all__ = ["TemplateIndex"]


class TemplateIndex:
    """The gallery's templates of one contract, in memory.

    A kind of sensor compares people with what its own kind has enrolled: no pair of kinds has been measured
    to agree.

    Args:
        templates: of the people, in any order.
        backend: of the templates' contract.
        sensors: the kinds of sensors that will watch.
        empty_reason: why there are none, for people.

    Attributes:
        people: ids of all people, growing.
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
        self._empty_reason = empty_reason
        counts: Counter[int] = Counter()
        for entry in ordered:
            counts[entry.person_id] += len(entry.templates)
        sizes = list(counts.values())
        self.owners: NDArray[np.intp] = np.repeat(np.arange(len(sizes)), sizes).astype(np.intp)
        self.sensors = tuple(sorted(set(sensors)))
        self._ordered = ordered
        self._seen = {sensor: _as_seen(ordered, backend, sensor) for sensor in self.sensors}

    @classmethod
    def load(cls, store: Gallery, contract: str, backend: Backend, sensors: Iterable[str]) -> Self:
        """Read every template made under the contract."""
        templates = store.templates(contract)
        others = not templates and bool(store.people())
        reason = "everyone was enrolled with another encoder; enrol again" if others else "nobody is enrolled"
        return cls(templates, backend, sensors, reason)

    def people_of(self, sensor: str) -> tuple[int, ...]:
        """The people whom a kind of sensor can recognise, growing ids."""
        return self._seen[sensor].people

    def empty_reason(self, sensor: str) -> str:
        """Why a kind of sensor can recognise nobody, for people."""
        return "enrolled on another sensor" if self.people else self._empty_reason

    def windows(self, sensor: str, rows: NDArray[np.intp]) -> FloatArray:
        """Templates as a kind of sensor sees them, in the back-end's directions, whoever enrolled them.

        Args:
            sensor: one of `sensors`.
            rows: (m,) places in `owners`.

        Returns:
            (m, f, K) float32.
        """
        templates = np.concatenate([entry.templates for entry in self._ordered])[rows]
        return np.ascontiguousarray(self.backend.directions(templates, sensor))

    def shape(self, sensor: str) -> tuple[int, int]:
        """(f, K): skeletons of a template, and numbers of each in the back-end's directions."""
        _, f, numbers = self.backend.directions(self._ordered[0].templates[:1], sensor).shape
        return f, numbers

    def describe(self, cages: FloatArray, sensor: str) -> FloatArray:
        """Windows (n, f, D) as the kind of sensor compares them; the first axis stays."""
        return self._seen[sensor].describe(cages)

    def scores(self, described: FloatArray, sensor: str) -> NDArray[np.float64]:
        """The likeness of n windows to each of the P people of `people_of`.

        Args:
            described: see `describe`.
            sensor: the kind of sensor that saw them, one of those that watch.

        Returns:
            (n, P) float64.
        """
        return self._seen[sensor].scores(described)

    def trail(self, sensor: str) -> Trail:
        """What gathers a new track as a whole."""
        return Trail(self.backend.fusion(sensor))

    def added(self, trail: Trail, sensor: str) -> NDArray[np.float64] | None:
        """What a track as a whole adds to the mean of its windows' scores, (P,); None where nothing does."""
        seen = self._seen[sensor]
        return seen.added(trail) if isinstance(seen, FusedTemplates) else None


def _as_seen(
    templates: Sequence[PersonTemplates], backend: Backend, sensor: str
) -> FusedTemplates | NearestTemplates:
    own = [entry for entry in templates if entry.sensor == sensor]
    model = backend.fusion(sensor)
    return NearestTemplates(own, backend, sensor) if model is None else FusedTemplates(own, model)
