"""The templates of the gallery in memory, compared separately for each kind of sensor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.backend import Backend
from gallery.scoring.described_windows import DescribedWindows
from gallery.scoring.similarity import FusedTemplates, NearestTemplates, WindowScorer
from gallery.scoring.track_statistics import TrackStatistics
from gallery.store.gallery import Gallery
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from stream.decision import ReasonCode

__all__ = ["TemplateIndex"]


class TemplateIndex:
    """The gallery's templates of one contract.

    A probe is compared only with templates of its own kind of sensor: no pair of kinds has been measured to
    give comparable scores.

    Args:
        templates: of all people, in any order.
        backend: of the templates' contract.
        sensors: the kinds of sensors in the run.
        without_people: why there are no templates, if there are none.
        before: the index of an earlier state of the gallery, whose numbers are taken for walks that have not
            changed; they are the same as without it.

    Attributes:
        people: ids of all people, ascending.
        names: by id.
        owners: (n,) the person of each template, as a place in `people`; ascending.
        sensors: the kinds of sensors in the run.
        walks: every enrolled walk, by ascending person.
    """

    def __init__(
        self,
        templates: Sequence[PersonTemplates],
        backend: Backend,
        sensors: Iterable[str],
        without_people: ReasonCode = "nobody-enrolled",
        before: TemplateIndex | None = None,
    ) -> None:
        ordered = sorted(templates, key=lambda entry: entry.person_id)
        self.backend = backend
        self.names: dict[int, str] = {entry.person_id: entry.name for entry in ordered}
        self.people: tuple[int, ...] = tuple(self.names)
        self._without_people: ReasonCode = without_people
        counts: Counter[int] = Counter()
        for entry in ordered:
            counts[entry.person_id] += len(entry.templates)
        sizes = list(counts.values())
        self.owners: NDArray[np.intp] = np.repeat(np.arange(len(sizes)), sizes).astype(np.intp)
        self.sensors = tuple(sorted(set(sensors)))
        self.walks = tuple(ordered)
        earlier = before._scorers if before is not None and before.backend is backend else {}
        self._scorers: dict[str, WindowScorer] = {
            sensor: _scorer(ordered, backend, sensor, earlier.get(sensor)) for sensor in self.sensors
        }

    @classmethod
    def load(
        cls,
        gallery: Gallery,
        contract: str,
        backend: Backend,
        sensors: Iterable[str],
        before: TemplateIndex | None = None,
    ) -> Self:
        """Reads the templates of the contract; of walks that `before` has, not again."""
        templates = gallery.templates(contract, () if before is None else before.walks)
        others = not templates and bool(gallery.people())
        return cls(templates, backend, sensors, "other-encoder" if others else "nobody-enrolled", before)

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that windows are compared with, without the templates in `walks`."""
        return sum(scorer.nbytes for scorer in self._scorers.values())

    def people_of(self, sensor: str) -> tuple[int, ...]:
        """Returns the ids of the people that a kind of sensor can recognise, ascending."""
        return self._scorers[sensor].people

    def relative(self, sensor: str) -> bool:
        """Returns whether scores of a kind of sensor depend on who else is enrolled.

        They are then not comparable with those of another index; see `TrackScores.compare_anew`.
        """
        return self._scorers[sensor].relative

    def why_nobody(self, sensor: str) -> ReasonCode:
        """Returns why a track was compared with no person."""
        if self.people_of(sensor):
            return "not-compared"
        return "other-sensor" if self.people else self._without_people

    def windows(self, sensor: str, rows: NDArray[np.intp]) -> FloatArray:
        """Returns templates projected for a kind of sensor, whichever sensor they were enrolled by.

        Args:
            sensor: one of `sensors`.
            rows: (m,) places in `owners`.

        Returns:
            (m, f, K) float32.
        """
        templates = np.concatenate([entry.templates for entry in self.walks])[rows]
        return np.ascontiguousarray(self.backend.directions(templates, sensor))

    def shape(self, sensor: str) -> tuple[int, int]:
        """Returns (f, K): skeletons of a template, and numbers of each after projection."""
        _, f, numbers = self.backend.directions(self.walks[0].templates[:1], sensor).shape
        return f, numbers

    def describe(self, cages: FloatArray, sensor: str) -> DescribedWindows:
        """Describes windows (n, f, D) for `scores`, and for the statistics of their tracks."""
        return self._scorers[sensor].describe(cages)

    def scores(self, described: DescribedWindows, sensor: str) -> NDArray[np.float64]:
        """Returns the scores of n windows for each of the P people of `people_of`.

        Args:
            described: see `describe`.
            sensor: the kind of sensor of the probe, one of `sensors`.

        Returns:
            (n, P) float64.
        """
        return self._scorers[sensor].scores(described)

    def track_statistics(self, sensor: str) -> TrackStatistics:
        """Returns empty statistics for a new track."""
        return self._scorers[sensor].track_statistics()

    def track_scores(
        self, tracks: Sequence[TrackStatistics], sensor: str
    ) -> list[NDArray[np.float64] | None]:
        """Returns what each track adds to the mean of its windows' scores, (P,); None if it adds nothing."""
        return self._scorers[sensor].track_scores(tracks)

    def walk_course(
        self,
        templates: FloatArray,
        statistics: FloatArray,
        windows: NDArray[np.int64],
        sensor: str,
        person: int | None = None,
    ) -> NDArray[np.float64]:
        """Returns the score of a stored walk for each of the P people after each of its templates, (m, P).

        It is a little higher than the score of the same walk as a track where templates are means of windows;
        see `gallery.enrolment_checks`.

        Args:
            templates: (m, f, D) float32, of the walk.
            statistics: (S,) float32, of the walk.
            windows: (m,) number of the walk's windows up to each template.
            sensor: the kind of sensor of the walk, one of `sensors`.
            person: id of the only person to compare with, (m, 1); None compares with all.
        """
        return self._scorers[sensor].walk_course(templates, statistics, windows, person)

    def likeness(self, windows: FloatArray, others: FloatArray, sensor: str) -> float | None:
        """Returns how alike two walks are, above what people of the kind of sensor have in common.

        Args:
            windows: (n, f, D) float32, of one walk.
            others: (m, f, D) float32, of the other.
            sensor: the kind of sensor of both, one of `sensors`.

        Returns:
            Above 0 if they are more alike than other people; None where only enrolled people are compared.
        """
        return self._scorers[sensor].likeness(windows, others)

    def walk_terms(
        self, templates: FloatArray, statistics: FloatArray, windows: NDArray[np.int64], sensor: str
    ) -> dict[str, NDArray[np.float64]]:
        """Returns what the score of a whole stored walk is the sum of, (P,) each, by name.

        Arguments are those of `walk_course`, whose last row is their sum.
        """
        return self._scorers[sensor].walk_terms(templates, statistics, windows)

    def without(self, person: int, sensor: str) -> TemplateIndex:
        """Returns the index of one kind of sensor as it would be if a person were not enrolled."""
        others = [walk for walk in self.walks if walk.person_id != person and walk.sensor == sensor]
        return TemplateIndex(others, self.backend, [sensor])


def _scorer(
    templates: Sequence[PersonTemplates], backend: Backend, sensor: str, before: WindowScorer | None
) -> WindowScorer:
    own = [entry for entry in templates if entry.sensor == sensor]
    model = backend.fusion(sensor)
    if model is None:
        return NearestTemplates(
            own, backend, sensor, before if isinstance(before, NearestTemplates) else None
        )
    return FusedTemplates(own, model, before if isinstance(before, FusedTemplates) else None)
