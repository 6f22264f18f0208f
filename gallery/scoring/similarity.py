"""Similarity of windows to the templates of one kind of sensor: per skeleton, or fused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import is_
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.backend import Backend
from gallery.scoring.cohort import unit
from gallery.scoring.described_windows import DescribedWindows, describe, prepare
from gallery.scoring.descriptions import describe_windows, mean_description
from gallery.scoring.evidence.protocol import Arrays
from gallery.scoring.fusion import EnrolledWalk, FusionModel
from gallery.scoring.track_statistics import TrackStatistics, compare_tracks
from gallery.scoring.walk_numbers import WalkNumbers
from gallery.store.records import PersonTemplates
from stream.body import FloatArray

__all__ = ["FusedTemplates", "NearestTemplates", "WindowScorer"]

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_BLOCK_ROWS = 4096
"""Templates that are compared with a tick's windows at once."""


class WindowScorer(Protocol):
    """Scores windows against the templates of one kind of sensor."""

    people: tuple[int, ...]
    """Ids of the P people, ascending."""

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that windows are compared with."""
        ...

    @property
    def relative(self) -> bool:
        """Whether the score for a person depends on who else is enrolled."""
        ...

    def describe(self, cages: FloatArray) -> DescribedWindows:
        """Describes windows (n, f, D) for `scores`, and for the statistics of their tracks."""
        ...

    def scores(self, described: DescribedWindows) -> Floats:
        """Returns the score of each window for each person, (n, P)."""
        ...

    def track_statistics(self) -> TrackStatistics:
        """Returns empty statistics for a new track."""
        ...

    def track_scores(self, tracks: Sequence[TrackStatistics]) -> list[Floats | None]:
        """Returns what each track adds to the mean of its windows' scores, (P,); None if it adds nothing."""
        ...

    def walk_course(
        self, templates: FloatArray, statistics: FloatArray, windows: Counts, person: int | None = None
    ) -> Floats:
        """Returns the score of a walk for each person after each of its templates, (m, P).

        Track-level evidence is that of the whole walk, with the weight that it has by then.

        Args:
            templates: (m, f, D) float32, as an enrolment stores them.
            statistics: (S,) float32, see `gallery.store.records.NewEnrolment`.
            windows: (m,) number of the walk's windows up to each template.
            person: id of the only person to compare with, (m, 1); None compares with all.
        """
        ...

    def walk_terms(self, templates: FloatArray, statistics: FloatArray, windows: Counts) -> dict[str, Floats]:
        """Returns what the score of a whole walk is the sum of, (P,) each; see `walk_course`.

        `windows` is the mean of its windows' scores; other names are those of `fusion_weights`.
        """
        ...

    def likeness(self, windows: FloatArray, others: FloatArray) -> float | None:
        """Returns how alike two walks are; see `gallery.scoring.template_index.TemplateIndex.likeness`."""
        ...


class NearestTemplates:
    """The paper's average prediction (AP) over nearest templates: predictions per skeleton, averaged.

    Args:
        templates: of one kind of sensor, in the order of their people.
        backend: projects them.
        sensor: the kind of sensor.
        before: for an earlier state of the gallery; see `TemplateIndex`.
    """

    def __init__(
        self,
        templates: Sequence[PersonTemplates],
        backend: Backend,
        sensor: str,
        before: NearestTemplates | None = None,
    ) -> None:
        self.people, self._starts = _owners(templates)
        self._backend = backend
        self._sensor = sensor
        self._directions: WalkNumbers[FloatArray] = WalkNumbers(
            templates,
            lambda walk: backend.directions(walk.templates, sensor),
            None if before is None else before._directions,
        )
        if templates:
            rows = np.concatenate([self._directions.of(walk) for walk in templates])
            self._rows = np.ascontiguousarray(rows.transpose(1, 0, 2))

    @property
    def nbytes(self) -> int:
        """Bytes of the projected templates."""
        return self._rows.nbytes if self.people else 0

    @property
    def relative(self) -> bool:
        """False: each person is compared alone."""
        return False

    def describe(self, cages: FloatArray) -> DescribedWindows:
        """Projects windows (n, f, D) by the back-end, (n, f, K)."""
        compared = self._backend.directions(cages, self._sensor)
        return DescribedWindows(compared, np.zeros(len(cages), np.float32), describe(cages, None))

    def scores(self, described: DescribedWindows) -> Floats:
        """Returns the similarity of windows to each person.

        Each of a window's f skeletons predicts for itself: its cosine similarity to the person's nearest
        template at the same place in the window. The window's prediction is their mean.

        Returns:
            (n, P) float64 in -1..1.
        """
        if not self.people:
            return np.zeros((len(described), 0))
        similar = np.matmul(self._rows, described.compared.transpose(1, 2, 0))
        nearest = np.maximum.reduceat(similar, self._starts, axis=1)
        scores: Floats = nearest.mean(axis=0, dtype=np.float64).T
        return scores

    def track_statistics(self) -> TrackStatistics:
        """Returns statistics of segments alone, which an enrolment stores."""
        return TrackStatistics(None)

    def track_scores(self, tracks: Sequence[TrackStatistics]) -> list[Floats | None]:
        """Returns None for each: only windows are compared."""
        return [None] * len(tracks)

    def walk_course(
        self, templates: FloatArray, statistics: FloatArray, windows: Counts, person: int | None = None
    ) -> Floats:
        """Returns the means of the templates' scores so far, (m, P)."""
        scores = self.scores(self.describe(templates))
        if person is not None:
            scores = scores[:, [self.people.index(person)]]
        return _running_means(scores, windows)

    def walk_terms(self, templates: FloatArray, statistics: FloatArray, windows: Counts) -> dict[str, Floats]:
        """Returns the mean of the windows' scores alone."""
        return {"windows": self.walk_course(templates, statistics, windows)[-1]}

    def likeness(self, windows: FloatArray, others: FloatArray) -> None:
        """Returns None: only enrolled people are compared."""


class _Consistency(NamedTuple):
    """The within-person consistency of these walks; see `FusionModel.consistency`."""

    walks: tuple[EnrolledWalk, ...]
    value: float


class FusedTemplates:
    """Whole windows and track-level evidence, see `gallery.scoring.fusion`.

    Args:
        templates: of one kind of sensor, in the order of their people.
        model: of that kind; it compares relative to the mean of these people (`FusionModel.at_site`).
        before: for an earlier state of the gallery; see `TemplateIndex`.
    """

    def __init__(
        self, templates: Sequence[PersonTemplates], model: FusionModel, before: FusedTemplates | None = None
    ) -> None:
        self.people, self._starts = _owners(templates)
        by_person = [list(own) for _, own in groupby(templates, key=lambda walk: walk.person_id)]
        self._described: WalkNumbers[FloatArray] | None = None
        if model.weights["site"]:
            known = None if before is None else before._described
            described = WalkNumbers(templates, lambda walk: describe_windows(walk.templates), known)
            model = model.at_site([mean_description([described.of(w) for w in own]) for own in by_person])
            self._described = described
        self._model = model
        before = before if before is not None and before._model is model else None
        self._enrolled: WalkNumbers[EnrolledWalk] = WalkNumbers(
            templates, self._enrol, None if before is None else before._enrolled
        )
        self._consistency: dict[int, _Consistency] = {}
        if templates:
            people = [[self._enrolled.of(walk) for walk in own] for own in by_person]
            self._windows = np.concatenate([walk.windows for walks in people for walk in walks])
            self._reference = self._model.reference(people, self._consistencies(people, before))

    def _enrol(self, walk: PersonTemplates) -> EnrolledWalk:
        known = self._described
        described = describe_windows(walk.templates) if known is None else known.of(walk)
        return self._model.enrol(described, walk.statistics)

    def _consistencies(
        self, people: Sequence[Sequence[EnrolledWalk]], before: FusedTemplates | None
    ) -> list[float]:
        """Returns the within-person consistency of each person; people whose walks are known keep theirs."""
        earlier = {} if before is None else before._consistency
        for person, walks in zip(self.people, people, strict=True):
            known = earlier.get(person)
            same = known is not None and len(known.walks) == len(walks)
            if known is None or not (same and all(map(is_, known.walks, walks))):
                known = _Consistency(tuple(walks), self._model.consistency(walks))
            self._consistency[person] = known
        return [self._consistency[person].value for person in self.people]

    @property
    def nbytes(self) -> int:
        """Bytes of the projected templates."""
        return self._windows.nbytes if self.people else 0

    @property
    def relative(self) -> bool:
        """Whether scores are relative to the mean of the site."""
        return bool(self._model.weights["site"])

    def describe(self, cages: FloatArray) -> DescribedWindows:
        """Describes and projects windows (n, f, D)."""
        return prepare(cages, self._model)

    def scores(self, described: DescribedWindows) -> Floats:
        """Returns the similarity to each person's nearest template above the background, weighted.

        Returns:
            (n, P) float64.
        """
        if not self.people:
            return np.zeros((len(described), 0))
        return self._compare(described.compared, described.background, self._windows, self._starts)

    def track_statistics(self) -> TrackStatistics:
        """Returns empty statistics of all kinds of evidence."""
        return TrackStatistics(self._model)

    def track_scores(self, tracks: Sequence[TrackStatistics]) -> list[Floats | None]:
        """Returns the track-level evidence of each track, (P,); None if no person is enrolled."""
        return compare_tracks(tracks, self._reference) if self.people else [None] * len(tracks)

    def walk_course(
        self, templates: FloatArray, statistics: FloatArray, windows: Counts, person: int | None = None
    ) -> Floats:
        """Returns the means of the templates' scores so far plus the track-level evidence, (m, P)."""
        if not self.people:
            return np.zeros((len(templates), 0))
        walk, states = self._as_track(templates, statistics)
        stored, starts, reference = self._windows, self._starts, self._reference
        if person is not None:
            place = self.people.index(person)
            stored = stored[starts[place] : (*starts[1:], len(stored))[place]]
            starts, reference = starts[:1], reference.of(place)
        background = self._model.windows.background(walk.windows)
        scores = self._compare(walk.windows, background, stored, starts)
        return _running_means(scores, windows) + self._model.track_scores(windows, states, reference)

    def walk_terms(self, templates: FloatArray, statistics: FloatArray, windows: Counts) -> dict[str, Floats]:
        """Returns the mean of the windows' scores and each kind of track-level evidence."""
        if not self.people:
            return {}
        walk, states = self._as_track(templates, statistics)
        background = self._model.windows.background(walk.windows)
        compared = self._compare(walk.windows, background, self._windows, self._starts)
        found = {"windows": _running_means(compared, windows)[-1]}
        similarities = self._model.similarities(states, self._reference)
        for name, term in self._model.track_terms(windows[-1:], similarities, self._reference):
            found[name] = term[-1]
        return found

    def _as_track(self, templates: FloatArray, statistics: FloatArray) -> tuple[EnrolledWalk, list[Arrays]]:
        """Returns a stored walk, prepared for comparison, and the states that it has as a track."""
        walk = self._enrolled.known(templates, statistics)
        if walk is None:
            walk = self._model.enrol(describe_windows(templates), statistics)
        evidence = zip(self._model.evidence, walk.evidence, strict=True)
        return walk, [each.as_track(numbers) for each, numbers in evidence]

    def likeness(self, windows: FloatArray, others: FloatArray) -> float:
        """Returns the similarity of the mean windows of two walks above their background."""
        compared = self._model.windows
        means = [compared.project(describe_windows(walk)).mean(axis=0) for walk in (windows, others)]
        pair = unit(np.stack(means))
        return float(pair[0] @ pair[1] - compared.background(pair).mean())

    def _compare(
        self, windows: FloatArray, background: FloatArray, stored: FloatArray, starts: NDArray[np.intp]
    ) -> Floats:
        """Returns the scores of projected windows for the people whose templates begin at `starts`."""
        return self._model.window_scores(_nearest(windows, stored, starts), background)


def _nearest(windows: FloatArray, stored: FloatArray, starts: NDArray[np.intp]) -> FloatArray:
    """Returns the similarity of windows (n, K) to the nearest of each person's templates, (n, P).

    Args:
        windows: of unit length.
        stored: (m, K) all templates, by person.
        starts: (P,) where those of each person begin.
    """
    nearest = np.empty((len(starts), len(windows)), np.float32)
    ends = np.append(starts[1:], len(stored))
    first = 0
    while first < len(starts):
        begin = starts[first]
        # Blocks of whole people whose similarities stay in the processor's cache; at least one person.
        past = max(first + 1, int(np.searchsorted(ends, begin + _BLOCK_ROWS, side="right")))
        similar = stored[begin : ends[past - 1]] @ windows.T
        np.maximum.reduceat(similar, starts[first:past] - begin, axis=0, out=nearest[first:past])
        first = past
    return nearest.T


def _running_means(scores: Floats, windows: Counts) -> Floats:
    """Returns the means over the windows so far, of the scores (m, P) of means of windows."""
    weights = np.diff(windows, prepend=0)
    found: Floats = np.cumsum(weights[:, None] * scores, axis=0) / windows[:, None]
    return found


def _owners(templates: Sequence[PersonTemplates]) -> tuple[tuple[int, ...], NDArray[np.intp]]:
    """Returns the people, and where the templates of each begin."""
    sizes: dict[int, int] = {}
    for entry in templates:
        sizes[entry.person_id] = sizes.get(entry.person_id, 0) + len(entry.templates)
    starts = np.concatenate(([0], np.cumsum(list(sizes.values()))[:-1])) if sizes else np.zeros(0)
    return tuple(sizes), starts.astype(np.intp)
