"""A recording as a way to compare sees it: its windows, its templates, and its course if it is fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.fusion import EnrolledWalk, FusionModel, Portraits, SegmentStandings
from gallery.scoring.segments import describe_windows
from gallery.scoring.track_evidence import Averages
from gallery.scoring.track_statistics import Trail
from stream.body import FloatArray
from tools.evaluation.live.template_similarity import running_means

__all__ = ["Course", "Prepared", "fused", "portraits_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What a fusion knows of a recording beyond its windows.

    Attributes:
        model: of the kind of sensor.
        rows: (n, K) its windows.
        common: (n,) how much each window resembles nobody in particular.
        places: (n, K3) of each window along the discriminants of walks.
        steps: after which windows the segments' standing changed, and what it was from then on.
        enrolled: the recording if it enrols.
    """

    model: FusionModel
    rows: FloatArray
    common: FloatArray
    places: FloatArray
    steps: tuple[tuple[int, SegmentStandings], ...]
    enrolled: EnrolledWalk

    def scores(self, windows: Floats, quality: Floats, people: Portraits) -> tuple[Floats, Floats]:
        """Likenesses of windows (n, P) to people as the live system weighs them: of each, of the track."""
        own = self.model.by_windows(windows, self.common)
        track = running_means(own, quality)
        counts = np.arange(1, len(own) + 1)
        common = np.cumsum(self.common, dtype=np.float64) / counts
        track += self.model.by_means(counts, _so_far(self.rows), common, people)
        track += self.model.by_walks(counts, _so_far(self.places), people)
        track += self.model.by_steadiness(counts, people)
        bounds = [start for start, _ in self.steps] + [len(own)]
        for (start, standing), end in zip(self.steps, bounds[1:], strict=True):
            track[start:end] += self.model.by_segments(counts[start:end], standing, people)
        alone = np.ones(len(own), np.int64)
        own += self.model.by_means(alone, self.rows, self.common.astype(np.float64), people)
        own += self.model.by_walks(alone, self.places, people)
        own += self.model.by_steadiness(alone, people)
        return own, track


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A recording's windows.

    Attributes:
        rows: (n, parts, D) float32, compared as the way's likeness says.
        templates: (m, parts, D) float32, what it is enrolled by.
        course: None where nothing but windows is compared.
    """

    rows: FloatArray
    templates: FloatArray
    course: Course | None = None


def fused(model: FusionModel, encoded: FloatArray) -> Prepared:
    """A recording's encoded windows (n, f, D) as a live track's, and as an enrolment's."""
    described = describe_windows(encoded)
    rows = model.windows(described)
    trail, steps = Trail(model), []
    for place, window in enumerate(encoded):
        before = trail.standing
        trail.add(window)
        if trail.standing is not None and trail.standing is not before:
            steps.append((place, trail.standing))
    enrolled = model.enrolled(describe_windows(Averages.of(encoded)), trail.segments.mean)
    places = model.walks.places(described)
    course = Course(model, rows, model.commonness(rows), places, tuple(steps), enrolled)
    return Prepared(rows[:, None], enrolled.windows[:, None], course)


def _so_far(rows: FloatArray) -> FloatArray:
    """The means of the first, the first two, ... of rows (n, K)."""
    counts = np.arange(1, len(rows) + 1)[:, None]
    found: FloatArray = (np.cumsum(rows, axis=0, dtype=np.float64) / counts).astype(np.float32)
    return found


def portraits_of(people: Sequence[Sequence[Prepared]]) -> Portraits | None:
    """What is known of people, each enrolled by some recordings; None where only windows are compared."""
    courses = [[one.course for one in own if one.course is not None] for own in people]
    if not courses[0]:
        return None
    return courses[0][0].model.portraits([[course.enrolled for course in own] for own in courses])
