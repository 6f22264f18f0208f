"""The matcher: follows the tracks of all sources and scores their windows.

From window to decision: `Matcher.observe` adds the scores of a window to its track, and
`gallery.open_set_decision` decides on the track. The matcher uses neither sockets nor clocks: the same ticks
give the same decisions.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from gallery.calibration.gallery_calibration import Calibrations, measured_elsewhere
from gallery.matcher_settings import SourceCard
from gallery.open_set_decision import FIRST_DECISION_S, DecisionRule, Track, TrackDecision
from gallery.recognition.reranking import Predictor, Reranking
from gallery.run_enrolments import RunEnrolments
from gallery.scoring.described_windows import DescribedWindow
from gallery.scoring.recent_windows import RecentWindows, ScoredWindow
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import AveragePrediction, TrackScores
from stream.body import FloatArray
from stream.bus.messages import Tick, TrackNote, TrackSplit, WindowRow
from stream.windows.body_change import SENSORS

__all__ = ["Matcher"]

MAX_ENDED = 32
"""Ended tracks that can still be enrolled; with many sources, two of each."""


_Prediction = tuple[tuple[int, ...], FloatArray] | None
_Scores = tuple[FloatArray, tuple[int, ...], NDArray[np.float64], DescribedWindow | None, _Prediction]


class Matcher:
    """Compares the tracks of all sources with one gallery.

    Args:
        sources: one for each source number.
        f: skeletons of a window.
        fpir: the rate of strangers that may be named; None accepts the best candidate always.
        index: the gallery's templates, and the back-end that compares them.
        reranking: chooses among several accepted people; None names the one with the best score.
        calibrations: of the gallery; None for those by what was measured elsewhere alone.

    Attributes:
        sources: as given.
        index: the current index; see `replace_index`.
        calibrations: give the thresholds, by kind of sensor.
        tracks: those in view, by number.
        ended: the latest tracks that left, by number.
        enrolled: the tracks enrolled in this run.
    """

    def __init__(
        self,
        sources: Sequence[SourceCard],
        f: int,
        fpir: float | None,
        index: TemplateIndex,
        reranking: Reranking | None = None,
        calibrations: Calibrations | None = None,
    ) -> None:
        self.sources = sources
        self.index = index
        self.calibrations = measured_elsewhere(index) if calibrations is None else calibrations
        self.tracks: dict[int, Track] = {}
        self.ended: OrderedDict[int, Track] = OrderedDict()
        self.enrolled = RunEnrolments()
        self._by_source: list[dict[int, Track]] = [{} for _ in sources]
        self._f = f
        self._fpir = fpir
        self._reranking = reranking
        self._rule = DecisionRule(sources, fpir, index, self.calibrations, reranking)

    def observe(self, tick: Tick, cages: FloatArray) -> list[TrackDecision]:
        """Processes the next tick of a source and decides on every track in it.

        Args:
            tick: rows, notes and ended tracks.
            cages: (n, f, D) float32, one window for each row.
        """
        (decisions,) = self.observe_all([(tick, cages)])
        return decisions

    def observe_all(self, ticks: Sequence[tuple[Tick, FloatArray]]) -> list[list[TrackDecision]]:
        """Processes the next ticks of different sources together, which costs less than one after the other.

        The last bits of a score depend on what is compared together.

        Args:
            ticks: see `observe`; at most one of each source.

        Returns:
            The decisions on the tracks of each tick.
        """
        deciding = _Deciding(self._rule)
        found = [
            self._follow(tick, windows, deciding)
            for (tick, _), windows in zip(ticks, self._compare(ticks), strict=True)
        ]
        deciding.finish()
        return found

    def _follow(
        self, tick: Tick, windows: Sequence[ScoredWindow], deciding: _Deciding
    ) -> list[TrackDecision]:
        """Follows a tick with its windows; returns the list that receives the decisions."""
        self._count_lost(tick, range(len(tick.rows)))
        leaving = {*tick.ended, *(split.track for split in tick.splits)}
        last = [n for n, row in enumerate(tick.rows) if row.track in leaving]
        others = [n for n, row in enumerate(tick.rows) if row.track not in leaving]
        decisions: list[TrackDecision] = []
        decisions += self._follow_notes(tick, [note for note in tick.notes if note.track in leaving])
        if last:
            self._follow_windows(tick, windows, last, deciding, decisions)
            deciding.finish()
        for split in tick.splits:
            decisions += self._split(tick, split, others)
        for number in tick.ended:
            decisions += self.end(number)
        decisions += self._follow_notes(tick, [note for note in tick.notes if note.track not in leaving])
        self._follow_windows(tick, windows, others, deciding, decisions)
        return decisions

    def _follow_notes(self, tick: Tick, notes: Sequence[TrackNote]) -> list[TrackDecision]:
        """Opens new tracks and decides on those without windows."""
        decisions: list[TrackDecision] = []
        for note in notes:
            track = self._track(tick.source, note.track, note.time_ns)
            track.last_ns, track.no_windows = note.time_ns, note.reason
            if note.reason is not None or track.scores.seconds < FIRST_DECISION_S:
                decisions.append(self._rule.decide(track))
        return decisions

    def _count_lost(self, tick: Tick, to_come: Sequence[int]) -> None:
        """Counts the windows of each track that were cut and have not arrived.

        Args:
            tick: gives the number of windows that were cut.
            to_come: places of its windows that are not yet added to their tracks.
        """
        coming = Counter(tick.rows[place].track for place in to_come)
        for number, cut in tick.cut.items():
            if number in self.tracks or coming[number]:
                track = self._track(tick.source, number, 0)
                track.lost = max(0, cut - coming[number] - track.scores.windows)

    def _compare(self, ticks: Sequence[tuple[Tick, FloatArray]]) -> list[list[ScoredWindow]]:
        """Compares the windows of ticks with the gallery, all at once for each kind of sensor."""
        by_sensor: dict[str, list[int]] = {}
        for place, (tick, _) in enumerate(ticks):
            if tick.rows:
                by_sensor.setdefault(self.sources[tick.source].sensor, []).append(place)
        found: list[list[ScoredWindow]] = [[] for _ in ticks]
        for sensor, places in by_sensor.items():
            blocks = [ticks[place][1] for place in places]
            windows = self._score(blocks[0] if len(blocks) == 1 else np.concatenate(blocks), sensor)
            for place in places:
                tick = ticks[place][0]
                found[place] = [
                    ScoredWindow(
                        row.start_ns, row.end_ns, row.quality, *next(windows), row.view, tick.pose_model
                    )
                    for row in tick.rows
                ]
        return found

    def _score(self, cages: FloatArray, sensor: str) -> Iterator[_Scores]:
        """Yields windows (n, f, D) with what a `ScoredWindow` has of their comparison."""
        people, described = self.index.people_of(sensor), self.index.describe(cages, sensor)
        scores = self.index.scores(described, sensor)
        predictor = self._reranking.predictor if self._reranking else None
        if predictor is None:
            predictions: Iterable[_Prediction] = repeat(None)
        else:
            predictions = ((predictor.people, each) for each in predictor.predict(cages, sensor))
        return zip(cages, repeat(people), scores, described, predictions)

    def _follow_windows(
        self,
        tick: Tick,
        windows: Sequence[ScoredWindow],
        places: Sequence[int],
        deciding: _Deciding,
        decisions: list[TrackDecision],
    ) -> None:
        """Adds some windows of a tick to their tracks, to decide on these."""
        for place in places:
            row, window = tick.rows[place], windows[place]
            track = self._track(tick.source, row.track, row.start_ns)
            deciding.before_change(track)
            track.last_ns, track.no_windows = row.end_ns, None
            _add(track, window)
            deciding.add(track, row, decisions)

    def _split(self, tick: Tick, split: TrackSplit, to_come: Sequence[int]) -> list[TrackDecision]:
        """Ends a track as it was before its body changed, and gives the windows since then to another."""
        track = self.tracks.get(split.track)
        if track is None or track.recent is None:
            return []
        track.scores, later = track.recent.split(split.since_ns)
        track.successor, track.no_windows = split.successor, None
        track.last_ns = min(track.last_ns, split.since_ns)
        successor = self._track(tick.source, split.successor, split.since_ns)
        for window in later:
            _add(successor, window)
            successor.last_ns = max(successor.last_ns, window.end_ns)
        self._count_lost(tick, to_come)
        decisions = self.end(split.track)
        return [*decisions, self._rule.decide(successor)] if later else decisions

    def end(self, number: int) -> list[TrackDecision]:
        """Ends a track; returns its final decision, or none if there is no such track."""
        track = self.tracks.pop(number, None)
        if track is None:
            return []
        del self._by_source[track.source][number]
        track.recent = None
        self.ended[number] = track
        self.ended.move_to_end(number)
        while len(self.ended) > max(MAX_ENDED, 2 * len(self.sources)):
            self.ended.popitem(last=False)
        return [self._rule.decide(track, final=True)]

    def end_source(self, source: int) -> list[TrackDecision]:
        """Ends every track of a source."""
        return [decision for number in list(self._by_source[source]) for decision in self.end(number)]

    def end_missing(self, tick: Tick) -> list[TrackDecision]:
        """Ends the tracks of a device that left the view before a tick, with a dropped one."""
        present = {*tick.open, *tick.ended, *(row.track for row in tick.rows)}
        missing = [number for number in self._by_source[tick.source] if number not in present]
        return [decision for number in missing for decision in self.end(number)]

    def replace_index(self, index: TemplateIndex, calibrations: Calibrations | None = None) -> None:
        """Switches to a changed gallery; tracks keep their scores of people who are still enrolled.

        Where scores depend on who else is enrolled, tracks in view are compared anew with these people, and
        ended ones with nobody until they are to be enrolled (`gallery.enrolment_checks`).
        The recognition network of the earlier gallery and its predictions are dropped.

        Args:
            index: of the changed gallery.
            calibrations: see the class.
        """
        self.index = index
        self.calibrations = measured_elsewhere(index) if calibrations is None else calibrations
        self.enrolled.follow(index)
        self._rule = DecisionRule(self.sources, self._fpir, index, self.calibrations, self._reranking)
        if self._reranking is not None:
            self._reranking.predictor = None
        for track in self.tracks.values():
            self._compare_anew(track)
        for track in self.ended.values():
            if index.relative(self.sources[track.source].sensor):
                track.scores.forget_scores()
        for track in (*self.tracks.values(), *self.ended.values()):
            track.scores.predicted = AveragePrediction()
            if track.recent is not None:
                track.recent.forget_predictions()

    def _compare_anew(self, track: Track) -> None:
        """Compares the windows of a track with a changed gallery, where earlier scores no longer hold."""
        sensor = self.sources[track.source].sensor
        if not self.index.relative(sensor):
            return

        def compare(windows: FloatArray) -> NDArray[np.float64]:
            return self.index.scores(self.index.describe(windows, sensor), sensor)

        for known in (track.scores, track.recent):
            if known is not None:
                known.compare_anew(self.index.people_of(sensor), compare)

    @property
    def decision_rule(self) -> DecisionRule:
        """The present rule."""
        return self._rule

    def rule(self, default_fpir: float) -> DecisionRule:
        """Returns the present rule; one with a default FPIR where this run rejects no strangers."""
        if self._fpir is not None:
            return self._rule
        return DecisionRule(self.sources, default_fpir, self.index, self.calibrations)

    def use_predictor(self, predictor: Predictor) -> None:
        """Re-ranks by a recognition network from now on.

        Args:
            predictor: trained on the gallery of `index`.

        Raises:
            ValueError: this matcher does not re-rank, or the network was trained on other people.
        """
        if self._reranking is None or predictor.people != self.index.people:
            raise ValueError("expected a network of the people of this gallery, for a matcher that re-ranks")
        self._reranking.predictor = predictor

    def _track(self, source: int, number: int, time_ns: int) -> Track:
        track = self.tracks.get(number)
        if track is None:
            splits = self.sources[source].sensor in SENSORS
            recent = RecentWindows(self._no_scores(source)) if splits else None
            track = Track(number, source, self._no_scores(source), time_ns, recent=recent)
            self.tracks[number] = self._by_source[source][number] = track
        return track

    def _no_scores(self, source: int) -> TrackScores:
        return TrackScores(self._f, self.index.track_statistics(self.sources[source].sensor))


def _add(track: Track, window: ScoredWindow) -> None:
    window.add_to(track.scores)
    if track.recent is not None:
        track.recent.add(window, track.scores)


class _Deciding:
    """Decides on many tracks at once, and on each after every one of its windows.

    Args:
        rule: decides.
    """

    def __init__(self, rule: DecisionRule) -> None:
        self._rule = rule
        self._waiting: dict[int, tuple[Track, WindowRow, list[TrackDecision]]] = {}

    def before_change(self, track: Track) -> None:
        """Decides on what waits if that would change now."""
        if track.number in self._waiting:
            self.finish()

    def add(self, track: Track, row: WindowRow, decisions: list[TrackDecision]) -> None:
        """Adds a track to decide on as it is now, its newest window, and the list for the decision."""
        self._waiting[track.number] = track, row, decisions

    def finish(self) -> None:
        """Decides on all that waits, in the order of `add`."""
        waiting = list(self._waiting.values())
        self._waiting.clear()
        found = self._rule.decide_all([(track, row) for track, row, _ in waiting])
        for (_, _, decisions), decision in zip(waiting, found, strict=True):
            decisions.append(decision)
