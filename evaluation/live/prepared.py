"""A recording as a way to compare sees it: rows for its windows, and segments where the way has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluation.live.scoring import kept_places, running_means
from gallery.fusion import FusionModel, SegmentStanding, SegmentStandings, Trail
from gallery.likeness import walk_segments
from stream.body import FloatArray

__all__ = ["Course", "Prepared", "fused_course"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What a fusion knows of a recording beyond its windows.

    Attributes:
        model: of the kind of sensor.
        common: (n,) how much each window resembles nobody in particular.
        steps: after which windows the segments' standing changed, what it was from then on, and its weight at
            each of those windows.
        enrolled: (K3,) where the recording's segments stand if it enrols.
    """

    model: FusionModel
    common: FloatArray
    steps: tuple[tuple[int, SegmentStanding], ...]
    weights: Floats
    enrolled: FloatArray

    def scores(self, windows: Floats, quality: Floats, people: SegmentStandings) -> tuple[Floats, Floats]:
        """Likenesses of windows (n, P) to people as the live system weighs them: of each, of the track."""
        own = self.model.weights.windows * (windows - self.common[:, None])
        track = running_means(own, quality)
        bounds = [start for start, _ in self.steps] + [len(own)]
        for (start, standing), end in zip(self.steps, bounds[1:], strict=True):
            track[start:end] += self.weights[start:end, None] * self.model.likeness(standing, people)
        return own, track

    def people(self, enrolments: Sequence[Sequence[Course]]) -> SegmentStandings:
        """Where the segments of people stand, each enrolled by some recordings."""
        return SegmentStandings.of(
            [self.model.standing(np.sum([one.enrolled for one in own], axis=0)) for own in enrolments]
        )


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A recording's windows.

    Attributes:
        rows: (n, parts, D) float32, compared as the way's likeness says.
        course: None where nothing but windows is compared.
    """

    rows: FloatArray
    course: Course | None = None


def fused_course(model: FusionModel, described: FloatArray) -> tuple[FloatArray, Course]:
    """The rows (n, 1, K) of a recording's descriptions (n, D), and its course, as a live track's."""
    seen = model.windows(described)
    trail, steps = Trail(model), []
    weights = np.zeros(len(described))
    for place, window in enumerate(described):
        before = trail.standing
        trail.add(window)
        weights[place] = trail.weight
        if trail.standing is not None and trail.standing is not before:
            steps.append((place, trail.standing))
    kept = described[kept_places(len(described))]
    enrolled = walk_segments(model, kept, len(kept) / len(described))
    return seen[:, None], Course(model, model.commonness(seen), tuple(steps), weights, enrolled)
