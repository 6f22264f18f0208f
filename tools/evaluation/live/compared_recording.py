"""A recording prepared for comparison: its windows, its templates, and its track-level evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.descriptions import describe_windows, mean_description
from gallery.scoring.evidence.protocol import Arrays, Evidence
from gallery.scoring.evidence.registry import EVIDENCE, statistics_slice
from gallery.scoring.fusion import EnrolledWalk, FusionModel, ReferenceStatistics
from gallery.scoring.segments import Segments
from gallery.scoring.track_scores import TemplateMeans
from gallery.scoring.window_comparison import ProjectedWindows
from gallery.store.records import PersonTemplates
from stream.body import FloatArray
from tools.evaluation.live.template_similarity import running_means

__all__ = [
    "ComparedRecording",
    "DescribedRecording",
    "FusedRecording",
    "FusedTrack",
    "fused_recording",
    "fusion_at_site",
]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FusedTrack:
    """The track-level evidence of a recording of n windows.

    Attributes:
        model: the fusion of the kind of sensor.
        rows: (n, K) projected windows.
        background: (n,) background similarity of each window.
        states: the states of each kind of evidence after each window, with a first axis of n.
        single: the same, of each window as a track of its own; empty where these are not compared.
    """

    model: FusionModel
    rows: FloatArray
    background: FloatArray
    states: Sequence[Arrays]
    single: Sequence[Arrays]

    def scores(self, nearest: Floats, quality: Floats, people: ReferenceStatistics) -> Floats:
        """Returns the scores (n, P) of the track after each window, as the live system computes them.

        Args:
            nearest: (n, P) similarity of the windows to each person's nearest template.
            quality: (n,) of the windows.
            people: the people that the recording is compared with.
        """
        windows = self.model.window_scores(nearest, self.background)
        counts = np.arange(1, len(windows) + 1)
        return running_means(windows, quality) + self.model.track_scores(counts, self.states, people)

    def single_scores(self, nearest: Floats, people: ReferenceStatistics) -> Floats:
        """Returns the scores (n, P) of each window as a track of its own; see `scores`."""
        windows = self.model.window_scores(nearest, self.background)
        counts = np.ones(len(windows), np.int64)
        return windows + self.model.track_scores(counts, self.single, people)


@dataclass(frozen=True, slots=True, eq=False)
class DescribedRecording:
    """A recording of n windows, described as the live system does, before any comparison.

    Attributes:
        windows: (n, D) descriptions of its windows.
        segments: for each window the statistics (S,) of the segment that ends with it, where one does.
        templates: (m, D) descriptions of the templates by which it is enrolled.
        statistics: (S,) mean statistics of its segments.
    """

    windows: FloatArray
    segments: tuple[FloatArray | None, ...]
    templates: FloatArray
    statistics: FloatArray

    @classmethod
    def of(cls, encoded: FloatArray) -> DescribedRecording:
        """Describes encoded windows (n, f, D)."""
        windows, segments = describe_windows(encoded), Segments()
        found = tuple(segments.add(window) for window in windows)
        return cls(windows, found, describe_windows(TemplateMeans.of(encoded)), segments.mean)

    def enrolled(self, model: FusionModel) -> EnrolledWalk:
        """Returns the recording as an enrolled walk."""
        return model.enrol(self.templates, self.statistics)

    def track(
        self, model: FusionModel, known: FusedTrack | None = None, *, single: bool = True
    ) -> FusedTrack:
        """Returns the recording as a track.

        Args:
            model: the fusion of the kind of sensor.
            known: the track of a fusion that may share evidence with this one, whose states are then taken.
            single: whether each window is compared as a track of its own as well.
        """
        windows = model.windows.prepare(self.windows)
        states, alone = [], []
        for place, evidence in enumerate(model.evidence):
            shared = known is not None and known.model.evidence[place] is evidence
            if known is not None and shared:
                states.append(known.states[place])
            else:
                own = statistics_slice(EVIDENCE[place])
                states.append(_states(evidence, windows, [_part(each, own) for each in self.segments]))
            if single:
                alone.append(known.single[place] if known and shared else _states_of_one(evidence, windows))
        return FusedTrack(model, windows.directions, windows.background, states, alone)


@dataclass(frozen=True, slots=True, eq=False)
class FusedRecording:
    """A recording in the numbers of a fusion.

    Attributes:
        described: its descriptions, which serve at every site.
        track: the recording as a track, relative to the mean of the fit.
        enrolled: the recording as an enrolled walk, relative to the mean of the fit.
    """

    described: DescribedRecording
    track: FusedTrack
    enrolled: EnrolledWalk


@dataclass(frozen=True, slots=True, eq=False)
class ComparedRecording:
    """A recording in the numbers of a comparison method.

    Attributes:
        rows: (n, parts, D) float32, its windows, compared by the method's similarity.
        templates: (m, parts, D) float32, by which it is enrolled.
        fused: its numbers in a fusion; None where only windows are compared.
        stored: what an enrolment stores of it; None for methods without thresholds of their own.
    """

    rows: FloatArray
    templates: FloatArray
    fused: FusedRecording | None = None
    stored: PersonTemplates | None = None


def fused_recording(
    model: FusionModel, encoded: FloatArray, stored: PersonTemplates | None = None
) -> ComparedRecording:
    """Prepares encoded windows (n, f, D) as the live system does, as a track and as an enrolment."""
    described = DescribedRecording.of(encoded)
    track, enrolled = described.track(model), described.enrolled(model)
    fused = FusedRecording(described, track, enrolled)
    return ComparedRecording(track.rows[:, None], enrolled.windows[:, None], fused, stored)


def fusion_at_site(model: FusionModel, people: Sequence[Sequence[DescribedRecording]]) -> FusionModel:
    """Returns the fusion for the site where these people are enrolled, by their recordings."""
    return model.at_site([mean_description([one.templates for one in own]) for own in people])


def _states(evidence: Evidence, windows: ProjectedWindows, segments: Sequence[FloatArray | None]) -> Arrays:
    """Returns the states of a track after each of its n windows, with a first axis of n."""
    accumulator, found = evidence.gather(), []
    gathered = evidence.prepare(windows)
    for n, segment in enumerate(segments):
        accumulator.add(tuple(numbers[n] for numbers in gathered), segment)
        found.append(accumulator.state)
    return tuple(np.stack(arrays) for arrays in zip(*found, strict=True))


def _states_of_one(evidence: Evidence, windows: ProjectedWindows) -> Arrays:
    """Returns the states of n tracks of one window each."""
    found = []
    gathered = evidence.prepare(windows)
    for n in range(len(windows.described)):
        accumulator = evidence.gather()
        accumulator.add(tuple(numbers[n] for numbers in gathered), None)
        found.append(accumulator.state)
    return tuple(np.stack(arrays) for arrays in zip(*found, strict=True))


def _part(segment: FloatArray | None, own: slice) -> FloatArray | None:
    return None if segment is None else segment[own]
