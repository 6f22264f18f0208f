"""A recording prepared for comparison: its windows, its templates, and its track-level evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.descriptions import describe_windows
from gallery.scoring.evidence.protocol import Arrays, Evidence
from gallery.scoring.fusion import EnrolledWalk, FusionModel, ReferenceStatistics
from gallery.scoring.track_scores import TemplateMeans
from gallery.scoring.track_statistics import TrackStatistics, stack_states
from stream.body import FloatArray
from tools.evaluation.live.template_similarity import running_means

__all__ = ["ComparedRecording", "FusedTrack", "fused_recording", "reference_statistics"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FusedTrack:
    """The track-level evidence of a recording of n windows.

    Attributes:
        model: the fusion of the kind of sensor.
        background: (n,) background similarity of each window.
        states: the states of each kind of evidence after each window, with a first axis of n.
        single: the same, of each window as a track of its own.
        enrolled: the recording as an enrolled walk.
    """

    model: FusionModel
    background: FloatArray
    states: Sequence[Arrays]
    single: Sequence[Arrays]
    enrolled: EnrolledWalk

    def scores(self, nearest: Floats, quality: Floats, people: ReferenceStatistics) -> tuple[Floats, Floats]:
        """Returns scores as the live system computes them, each (n, P): of single windows, and of the track.

        Args:
            nearest: (n, P) similarity of the windows to each person's nearest template.
            quality: (n,) of the windows.
            people: the people that the recording is compared with.
        """
        windows = self.model.window_scores(nearest, self.background)
        counts = np.arange(1, len(windows) + 1)
        track = running_means(windows, quality) + self.model.track_scores(counts, self.states, people)
        return windows + self.model.track_scores(np.ones_like(counts), self.single, people), track


@dataclass(frozen=True, slots=True, eq=False)
class ComparedRecording:
    """A recording in the numbers of a comparison method.

    Attributes:
        rows: (n, parts, D) float32, its windows, compared by the method's similarity.
        templates: (m, parts, D) float32, by which it is enrolled.
        track: its track-level evidence; None where only windows are compared.
    """

    rows: FloatArray
    templates: FloatArray
    track: FusedTrack | None = None


def fused_recording(model: FusionModel, encoded: FloatArray) -> ComparedRecording:
    """Prepares encoded windows (n, f, D) as the live system does, as a track and as an enrolment."""
    described = describe_windows(encoded)
    rows = model.windows.project(described)
    statistics, states = TrackStatistics(model), []
    for window in encoded:
        statistics.add(window)
        states.append(statistics.states)
    single = [[_state_of_one(evidence, window) for evidence in model.evidence] for window in described]
    enrolled = model.enrol(describe_windows(TemplateMeans.of(encoded)), statistics.segments.mean)
    track = FusedTrack(
        model, model.windows.background(rows), stack_states(states), stack_states(single), enrolled
    )
    return ComparedRecording(rows[:, None], enrolled.windows[:, None], track)


def _state_of_one(evidence: Evidence, described: FloatArray) -> Arrays:
    """Returns the state of a track of one window, from its description (D,)."""
    accumulator = evidence.gather()
    accumulator.add(described, None)
    return accumulator.state


def reference_statistics(people: Sequence[Sequence[ComparedRecording]]) -> ReferenceStatistics | None:
    """Returns the statistics of enrolled people; None where only windows are compared."""
    tracks = [[one.track for one in own if one.track is not None] for own in people]
    if not tracks[0]:
        return None
    return tracks[0][0].model.reference([[track.enrolled for track in own] for own in tracks])
