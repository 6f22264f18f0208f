"""Running track-level statistics: the state of each kind of evidence over a track's windows."""

from __future__ import annotations

import numpy as np

from encoder.pose import POSE_WIDTH
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.evidence.protocol import Arrays, Floats
from gallery.scoring.evidence.registry import EVIDENCE, statistics_slice
from gallery.scoring.fusion import FusionModel, ReferenceStatistics
from gallery.scoring.segments import Segments
from stream.body import FloatArray

__all__ = ["TrackStatistics", "stack_states"]


class TrackStatistics:
    """The statistics of one track while its windows come in.

    Args:
        model: of the kind of sensor; None gathers segment statistics only.

    Attributes:
        segments: the track's segments, which an enrolment stores.
    """

    def __init__(self, model: FusionModel | None) -> None:
        self._model = model
        self.segments = Segments()
        self._accumulators = [] if model is None else [evidence.gather() for evidence in model.evidence]

    def add(self, rows: FloatArray) -> None:
        """Adds the next window, (f, D); one without pose features behind its CAGEs is left out."""
        if rows.shape[1] <= POSE_WIDTH:
            return
        described = describe_windows(rows[None])[0]
        segment = self.segments.add(described)
        for kind, accumulator in zip(EVIDENCE, self._accumulators, strict=False):
            accumulator.add(described, None if segment is None else segment[statistics_slice(kind)])

    @property
    def states(self) -> list[Arrays]:
        """The state of each kind of evidence so far."""
        return [accumulator.state for accumulator in self._accumulators]

    def scores(self, people: ReferenceStatistics) -> Floats | None:
        """Returns what the track adds to the mean of its windows' scores, (P,); None without a fusion."""
        if self._model is None or not self.segments.windows:
            return None
        added = self._model.track_scores(
            np.array([self.segments.windows]), stack_states([self.states]), people
        )
        first: Floats = added[0]
        return first


def stack_states(states: list[list[Arrays]]) -> list[Arrays]:
    """Stacks the states of n moments: for each kind of evidence its arrays, with a first axis of n."""
    by_kind = zip(*states, strict=True)
    return [tuple(np.stack(each) for each in zip(*moments, strict=True)) for moments in by_kind]
