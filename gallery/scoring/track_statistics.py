"""Running track-level statistics: the state of each kind of evidence over a track's windows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gallery.scoring.described_windows import DescribedWindow, describe
from gallery.scoring.evidence.protocol import Arrays, Floats
from gallery.scoring.evidence.registry import EVIDENCE, statistics_slice
from gallery.scoring.fusion import FusionModel, ReferenceStatistics
from gallery.scoring.segments import Segments
from stream.body import FloatArray

__all__ = ["TrackStatistics", "compare_tracks", "stack_states"]


class TrackStatistics:
    """The statistics of one track while its windows come in.

    Args:
        model: of the kind of sensor; None gathers segment statistics only.

    Attributes:
        segments: the track's segments, which an enrolment stores.
    """

    def __init__(self, model: FusionModel | None) -> None:
        self.segments = Segments()
        self._model = model
        self._accumulators = [] if model is None else [evidence.gather() for evidence in model.evidence]
        self._own = [statistics_slice(kind) for kind in EVIDENCE]
        self._by_segments: dict[int, tuple[ReferenceStatistics, Floats]] = {}
        """Similarities (P,) by the kinds of evidence that change with a new segment only, and with whom."""

    def copy(self) -> TrackStatistics:
        """Returns the same statistics, which grow by themselves."""
        copied = TrackStatistics(None)
        copied._model, copied.segments = self._model, self.segments.copy()
        copied._accumulators = [accumulator.copy() for accumulator in self._accumulators]
        return copied

    def describe(self, rows: FloatArray) -> tuple[DescribedWindow | None, ...]:
        """Describes windows (n, f, D) for `add_described`."""
        return describe(rows, self._model)

    def add(self, rows: FloatArray) -> None:
        """Adds the next window, (f, D); one without pose features behind its CAGEs is left out."""
        (described,) = self.describe(rows[None])
        if described is not None:
            self.add_described(described)

    def add_described(self, window: DescribedWindow) -> None:
        """Adds the next window, described for the kind of sensor."""
        segment = self.segments.add(window.pose)
        if segment is not None:
            self._by_segments.clear()
        for own, accumulator, numbers in zip(self._own, self._accumulators, window.evidence, strict=False):
            accumulator.add(numbers, None if segment is None else segment[own])

    @property
    def states(self) -> list[Arrays]:
        """The state of each kind of evidence so far."""
        return [accumulator.state for accumulator in self._accumulators]

    def scores(self, people: ReferenceStatistics) -> Floats | None:
        """Returns what the track adds to the mean of its windows' scores, (P,); None without a fusion."""
        (found,) = compare_tracks([self], people)
        return found


def compare_tracks(tracks: Sequence[TrackStatistics], people: ReferenceStatistics) -> list[Floats | None]:
    """Returns what each track adds to the mean of its windows' scores, (P,); None without a fusion.

    Args:
        tracks: of one kind of sensor.
        people: whom they are compared with.
    """
    by_model: dict[FusionModel, list[int]] = {}
    for place, track in enumerate(tracks):
        if track._model is not None and track.segments.windows:
            by_model.setdefault(track._model, []).append(place)
    found: list[Floats | None] = [None] * len(tracks)
    for model, places in by_model.items():
        for place, added in zip(places, _compare(model, [tracks[n] for n in places], people), strict=True):
            found[place] = added
    return found


def _compare(model: FusionModel, tracks: Sequence[TrackStatistics], people: ReferenceStatistics) -> Floats:
    def similarities(kind: int) -> Floats:
        if EVIDENCE[kind].numbers:
            return np.stack([_by_segments(model, track, kind, people) for track in tracks])
        states = [track._accumulators[kind].state for track in tracks]
        return model.evidence[kind].similarity(_stack(states), people.evidence[kind])

    return model.sum_terms(np.array([track.segments.windows for track in tracks]), similarities, people)


def _by_segments(
    model: FusionModel, track: TrackStatistics, kind: int, people: ReferenceStatistics
) -> Floats:
    """Returns the similarities (P,) of a track by evidence of segments, compared once for each segment."""
    others, found = track._by_segments.get(kind, (None, None))
    if others is not people or found is None:
        states = _stack([track._accumulators[kind].state])
        found = model.evidence[kind].similarity(states, people.evidence[kind])[0]
        track._by_segments[kind] = people, found
    return found


def stack_states(states: list[list[Arrays]]) -> list[Arrays]:
    """Stacks the states of n moments: for each kind of evidence its arrays, with a first axis of n."""
    return [_stack(moments) for moments in zip(*states, strict=True)]


def _stack(states: Sequence[Arrays]) -> Arrays:
    return tuple(np.stack(each) for each in zip(*states, strict=True))
