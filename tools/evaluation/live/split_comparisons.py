"""Comparisons of every probe of every split, with all people enrolled and with the split's half of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gallery.scoring.fusion import FusionModel, ReferenceStatistics
from stream.body import FloatArray
from tools.evaluation.live.compared_recording import (
    ComparedRecording,
    FusedRecording,
    fusion_at_site,
)
from tools.evaluation.live.comparison_methods import ComparisonMethod
from tools.evaluation.live.scenarios import Draw
from tools.evaluation.live.template_similarity import WalkTemplates, person_scores

__all__ = ["Comparison", "Track", "compare_splits"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Progress = Callable[[float, str], object]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A recording's windows.

    Attributes:
        person: who walks, 0..P-1.
        windows: (n, f, 20, 3) float32, hip-centred, metres, as the live path cuts them; n at least 1.
        quality: (n,) of the windows, 0..1.
    """

    person: int
    windows: FloatArray
    quality: Floats


class Comparison(NamedTuple):
    """A probe of n windows in a split, compared with P people."""

    split: int
    """The split."""
    track: int
    """The recording."""
    windows: Floats
    """(n, P) scores of each window as a track of its own, with all people enrolled."""
    closed_set: Floats
    """(n, P) scores of the track after each window, with all people enrolled."""
    open_set: Floats
    """(n, P) the same with the split's half enrolled; -inf for the others."""
    thresholds: Floats | None
    """(n, R) thresholds of the split's gallery for `FPIRS`; None without thresholds of the method."""


def compare_splits(
    method: ComparisonMethod, tracks: Sequence[Track], draws: Sequence[Draw], progress: Progress
) -> Iterator[Comparison]:
    """Compares the probes of all splits, each with the galleries of its split.

    Args:
        method: how windows are compared.
        tracks: all recordings.
        draws: the roles in each split.
        progress: called with the share done, 0..1, and the present step.

    Yields:
        Every probe of every split, in any order.
    """
    prepared = []
    for place, track in enumerate(tracks):
        prepared.append(method.prepare(track.windows))
        progress(0.5 * (place + 1) / len(tracks), "prepares")
    for draw in draws:
        own = {place for places in draw.enrolments for place in places}
        assert own.isdisjoint(draw.probes), "a probe would be compared with its own recording"
    limits = _thresholds(method, prepared, tracks, draws)
    if method.site is None:
        found = _compare_once(method, prepared, tracks, draws, progress)
    else:
        found = _compare_at_sites(method.site, prepared, tracks, draws, progress)
    for each in found:
        known = limits[each.split]
        yield each if known is None else each._replace(thresholds=known[: len(each.open_set)])


def _thresholds(
    method: ComparisonMethod,
    prepared: Sequence[ComparedRecording],
    tracks: Sequence[Track],
    draws: Sequence[Draw],
) -> list[Floats | None]:
    """Returns the thresholds of each split's gallery, over the windows of the longest track."""
    if method.thresholds is None:
        return [None] * len(draws)
    longest = max(len(track.windows) for track in tracks)
    galleries = [
        [[prepared[place] for place in own] for own in compress(draw.enrolments, draw.enrolled)]
        for draw in draws
    ]
    return [method.thresholds(people, longest) for people in galleries]


def _compare_once(
    method: ComparisonMethod,
    prepared: Sequence[ComparedRecording],
    tracks: Sequence[Track],
    draws: Sequence[Draw],
    progress: Progress,
) -> Iterator[Comparison]:
    """Compares by a method whose score for a person does not depend on the other people enrolled.

    Each recording is compared with the templates of each recording once: the gallery of a split is a
    selection of columns.
    """
    used = sorted({place for draw in draws for own in draw.enrolments for place in own})
    column = {place: number for number, place in enumerate(used)}
    templates = WalkTemplates([prepared[place].templates for place in used], method.similarity)
    galleries = [_Gallery.of(draw, column, prepared) for draw in draws]
    for place, track in enumerate(tracks):
        splits = [number for number, draw in enumerate(draws) if place in draw.probes]
        nearest = templates.nearest(prepared[place].rows) if splits else None
        # Splits with the same roles share their scores.
        known: dict[bytes, tuple[Floats, Floats]] = {}
        for split in splits:
            gallery = galleries[split]
            assert nearest is not None
            key = gallery.columns.tobytes() + gallery.starts.tobytes()
            if key not in known:
                known[key] = gallery.compare(nearest, prepared[place], track.quality)
            windows, means = known[key]
            open_set = np.where(draws[split].enrolled, means, -np.inf)
            yield Comparison(split, place, windows, means, open_set, None)
        progress(0.5 + 0.5 * (place + 1) / len(tracks), "compares")


@dataclass(frozen=True, slots=True, eq=False)
class _Gallery:
    """Some enrolled people.

    Attributes:
        columns: columns of `WalkTemplates.nearest`, person by person.
        starts: (P,) index of each person's first column.
        reference: for track-level evidence; None where only windows are compared.
    """

    columns: NDArray[np.intp]
    starts: NDArray[np.intp]
    reference: ReferenceStatistics | None

    @classmethod
    def of(cls, draw: Draw, column: dict[int, int], prepared: Sequence[ComparedRecording]) -> _Gallery:
        columns = [column[place] for own in draw.enrolments for place in own]
        fused = [[one for place in own if (one := prepared[place].fused)] for own in draw.enrolments]
        reference = None
        if fused[0]:
            model = fused[0][0].track.model
            reference = model.reference([[one.enrolled for one in own] for own in fused])
        return cls(np.array(columns, np.intp), _starts(draw.enrolments), reference)

    def compare(
        self, nearest: FloatArray, probe: ComparedRecording, quality: Floats
    ) -> tuple[Floats, Floats]:
        """Returns the scores of a probe's windows, and of the track after each window, (n, P)."""
        windows, means = person_scores(nearest, self.columns, self.starts, quality)
        if probe.fused is None or self.reference is None:
            return windows, means
        track = probe.fused.track
        return track.single_scores(windows, self.reference), track.scores(windows, quality, self.reference)


def _compare_at_sites(
    fusion: FusionModel,
    prepared: Sequence[ComparedRecording],
    tracks: Sequence[Track],
    draws: Sequence[Draw],
    progress: Progress,
) -> Iterator[Comparison]:
    """Compares by a fusion that is centred on the people enrolled: anew for each gallery."""
    fused = [recording.fused for recording in prepared if recording.fused]
    for split, draw in enumerate(draws):
        enrolled = [[fused[place] for place in own] for own in draw.enrolments]
        everyone = _Site.of(fusion, enrolled)
        half = _Site.of(fusion, list(compress(enrolled, draw.enrolled)))
        for place in draw.probes:
            quality = tracks[place].quality
            windows, closed_set = everyone.compare(fused[place], quality)
            open_set = np.full_like(closed_set, -np.inf)
            open_set[:, draw.enrolled] = half.compare(fused[place], quality, single=False)[1]
            yield Comparison(split, place, windows, closed_set, open_set, None)
        progress(0.5 + 0.5 * (split + 1) / len(draws), "compares")


@dataclass(frozen=True, slots=True, eq=False)
class _Site:
    """Some enrolled people, and the fusion centred on them.

    Attributes:
        model: the fusion.
        templates: of the W walks that enrol them, person by person.
        starts: (P,) index of each person's first walk.
        reference: for track-level evidence.
    """

    model: FusionModel
    templates: WalkTemplates
    starts: NDArray[np.intp]
    reference: ReferenceStatistics

    @classmethod
    def of(cls, fusion: FusionModel, people: Sequence[Sequence[FusedRecording]]) -> _Site:
        model = fusion_at_site(fusion, [[one.described for one in own] for own in people])
        walks = [[one.described.enrolled(model) for one in own] for own in people]
        templates = WalkTemplates([walk.windows[:, None] for own in walks for walk in own], "product")
        return cls(model, templates, _starts(walks), model.reference(walks))

    def compare(
        self, probe: FusedRecording, quality: Floats, *, single: bool = True
    ) -> tuple[Floats, Floats]:
        """Returns the scores of a probe's windows, and of the track after each window, (n, P).

        Those of windows are 0 unless `single`.
        """
        track = probe.described.track(self.model, probe.track, single=single)
        nearest = self.templates.nearest(track.rows[:, None])
        windows, _ = person_scores(nearest, np.arange(nearest.shape[2]), self.starts, quality)
        means = track.scores(windows, quality, self.reference)
        return track.single_scores(windows, self.reference) if single else np.zeros_like(means), means


def _starts(people: Sequence[Sequence[object]]) -> NDArray[np.intp]:
    """Returns the index (P,) of each person's first recording, where they follow person by person."""
    return np.cumsum([0, *(len(own) for own in people[:-1])]).astype(np.intp)
