"""The open-set decision on one track: a person is named, a stranger is rejected, or more walking is needed.

The candidate is the person with the best score. The track is `unknown` where the candidate's score is below
the threshold for the requested FPIR (a stranger), where two people have the best score, where the kind of
sensor has no threshold, or where nobody is enrolled on it. Thresholds come from the calibration of the
gallery (`gallery.calibration`); those of a track hold for all decisions on it together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.calibration.gallery_calibration import Calibrations
from gallery.calibration.site_calibration import SiteCalibration
from gallery.decision_reasons import NOBODY, Reason, no_windows_code
from gallery.matcher_settings import SourceCard
from gallery.recognition.reranking import Reranking
from gallery.scoring.ranking import CandidateScore, Ranking
from gallery.scoring.recent_windows import RecentWindows
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import TrackScores
from stream.bus.messages import WindowRow
from stream.decision import ReasonCode, State

__all__ = ["EQUAL_SCORES", "FIRST_DECISION_S", "MOST_SURE", "DecisionRule", "Track", "TrackDecision"]

FIRST_DECISION_S = 1.0
"""Usable walking before the first decision: about one stride."""

EQUAL_SCORES = 0.5e-4
"""Difference of scores that is shown as a margin of 0.0000; one walk under two names differs by rounding."""

MOST_SURE = 99
"""Largest confidence that is said, percent: what was measured supports no more."""

_NAMES_SHOWN = 3

_STRANGER = Reason("stranger", "score is below the threshold")


@dataclass(slots=True)
class Track:
    """One passage of a person in front of one source.

    Attributes:
        number: unique in the run.
        source: number of the source.
        scores: evidence so far.
        last_ns: the source's time of the latest window or note.
        no_windows: why the track gives no windows at present; None while it gives some.
        recent: its newest windows, which can still be taken back; None once it has ended, and on kinds of
            sensors whose tracks are never split.
        lost: number of its windows that never arrived.
        successor: number of the track that another person has since this track was split; None if it was not.
    """

    number: int
    source: int
    scores: TrackScores
    last_ns: int
    no_windows: str | None = None
    recent: RecentWindows | None = None
    lost: int = 0
    successor: int | None = None


@dataclass(frozen=True, slots=True)
class TrackDecision:
    """The decision on a track at one moment; see `stream.decision.Decision` for the fields.

    Attributes:
        candidate_id: id of the candidate.
        window: the one that led to it; None if none did.
    """

    track: Track
    time_ns: int
    state: State
    candidate: str | None
    score: float | None
    threshold: float | None
    margin: float | None
    reason: str
    reason_code: ReasonCode
    runner_up: str | None = None
    runner_up_score: float | None = None
    confidence: int | None = None
    final: bool = False
    window: WindowRow | None = None
    seconds: float = 0.0
    quality: float = 0.0
    lost_windows: int = 0
    calibration: str | None = None
    provisional: bool = False
    candidate_id: int | None = None


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """Decides on tracks by their scores.

    Attributes:
        sources: one for each source number.
        fpir: the share of strangers that may be named during a visit; None names the best candidate always.
        index: the gallery's templates, and the back-end that compares them.
        calibrations: give the thresholds, by kind of sensor.
        reranking: chooses among several accepted people; None names the one with the best score.
    """

    sources: Sequence[SourceCard]
    fpir: float | None
    index: TemplateIndex
    calibrations: Calibrations
    reranking: Reranking | None = None

    def decide(self, track: Track, *, final: bool = False, window: WindowRow | None = None) -> TrackDecision:
        """Decides on a track.

        Args:
            track: with its scores so far.
            final: whether the track has ended.
            window: the window that led to this decision, for its latency.
        """
        return self._decide(track, self.ranking(track), final=final, window=window)

    def decide_all(self, tracks: Sequence[tuple[Track, WindowRow]]) -> list[TrackDecision]:
        """Decides on different tracks at once.

        Args:
            tracks: each with its scores so far, and when the frame arrived that led to this decision.
        """
        by_sensor: dict[str, list[Track]] = {}
        for track, _ in tracks:
            by_sensor.setdefault(self._sensor(track), []).append(track)
        added: dict[int, NDArray[np.float64] | None] = {}
        for sensor, own in by_sensor.items():
            found = self.index.track_scores([track.scores.statistics for track in own], sensor)
            added.update(zip((track.number for track in own), found, strict=True))
        return [
            self._decide(track, self._ranking(track, added[track.number]), window=window)
            for track, window in tracks
        ]

    def _decide(
        self, track: Track, ranking: Ranking, *, final: bool = False, window: WindowRow | None = None
    ) -> TrackDecision:
        """Decides on a track with the candidates that it has; see `decide`."""
        best = first = ranking.best
        threshold = self.threshold(track, best)
        state: State = "collecting"
        if track.scores.seconds < FIRST_DECISION_S:
            code, reason = _progress(track)
        else:
            state, (code, reason) = self._accept_or_reject(track, ranking, threshold)
        if state == "person" and self.reranking is not None:
            accepted = self._accepted(track, ranking)
            best, how = self.reranking.choose(accepted, track.scores.predicted, _min_windows(track))
            threshold = self.threshold(track, best)
            reason = f"{reason}; {how}" if how else reason
        calibration = self.calibration(track) if threshold is not None else None
        if calibration is not None and calibration.provisional and state != "collecting":
            reason = f"{reason}; provisional: the threshold rests on {calibration.basis}"
        if track.no_windows and state != "collecting" and not final:
            reason = f"{reason}; no new windows: {track.no_windows}"
        if final:
            reason += _what_was_missed(track)
        # Re-ranking may choose another than the first.
        other = ranking.runner_up if best == first else first
        return TrackDecision(
            track,
            track.last_ns,
            state,
            candidate=self.index.names[best.person] if best else None,
            score=best.score if best else None,
            threshold=threshold,
            margin=best.score - other.score if best and other else None,
            reason=reason,
            reason_code=code,
            runner_up=self.index.names[other.person] if other else None,
            runner_up_score=other.score if other else None,
            confidence=self._confidence(track, best, code),
            final=final,
            window=window,
            seconds=track.scores.seconds,
            quality=track.scores.quality_value,
            lost_windows=track.lost,
            calibration=calibration.basis if calibration else None,
            provisional=calibration is not None and calibration.provisional,
            candidate_id=best.person if best else None,
        )

    def _accept_or_reject(
        self, track: Track, ranking: Ranking, threshold: float | None
    ) -> tuple[State, Reason]:
        """Accepts the best candidate, or rejects the track as a stranger's, with the reason."""
        best = ranking.best
        if best is None:
            why = self.index.why_nobody(self._sensor(track))
            return "unknown", Reason(why, NOBODY[why])
        if self.fpir is not None and threshold is None:
            text = f"uncalibrated: no threshold is known for {self._sensor(track)}"
            return "unknown", Reason("uncalibrated", text)
        accepted = threshold is None or best.score >= threshold
        if not accepted:
            return "unknown", self._rejected(track, best)
        if equal := self._equal(ranking):
            text = f"{_count(len(equal))} people fit equally well: {_listed(equal)}"
            return "unknown", Reason("ambiguous", text)
        if self.fpir is None:
            text = "best candidate; strangers are not rejected"
            return "person", Reason("strangers-not-rejected", text)
        return "person", Reason("accepted", "score reaches the threshold")

    def _rejected(self, track: Track, best: CandidateScore) -> Reason:
        """Returns why the best candidate is not accepted."""
        calibration = self.calibration(track)
        if calibration is None or self.fpir is None:
            return _STRANGER
        if best.score < calibration.threshold(self.fpir, best.windows):
            return _STRANGER
        name = self.index.names[best.person]
        return Reason("denied-visit", f"score is no higher than that of a denied visit of {name}")

    def _confidence(self, track: Track, best: CandidateScore | None, code: ReasonCode) -> int | None:
        """Returns the probability in percent that what is said of the candidate is right."""
        named = code in ("accepted", "strangers-not-rejected")
        if best is None or not (named or code == "stranger"):
            return None
        fit, calibration = self.index.backend.confidence_of(self._sensor(track)), self.calibration(track)
        if fit is None or calibration is None:
            return None
        standardised = calibration.standardised(best.score, best.windows)
        right = fit.probability(standardised, best.windows)
        return min(MOST_SURE, max(100 - MOST_SURE, round(100 * (right if named else 1 - right))))

    def _equal(self, ranking: Ranking) -> list[str]:
        """Returns the names whose margin to the best is shown as 0, by name; none if the best is alone."""
        best, other = ranking.best, ranking.runner_up
        if best is None or other is None or best.score - other.score >= EQUAL_SCORES:
            return []
        return sorted(self.index.names[each.person] for each in ranking.near(EQUAL_SCORES))

    def ranking(self, track: Track) -> Ranking:
        """Returns the candidates, best first, without people enrolled too recently to be compared."""
        (added,) = self.index.track_scores([track.scores.statistics], self._sensor(track))
        return self._ranking(track, added)

    def _ranking(self, track: Track, added: NDArray[np.float64] | None) -> Ranking:
        """Returns the candidates of a track with the track-level evidence (P,) that is added."""
        people = self.index.people_of(self._sensor(track))
        return track.scores.ranking(people, _min_windows(track), added)

    def _accepted(self, track: Track, ranking: Ranking) -> list[CandidateScore]:
        """Returns the candidates whose own score reaches the threshold, if there is one."""
        limits = [self.threshold(track, each) for each in ranking]
        return [s for s, limit in zip(ranking, limits, strict=True) if limit is None or s.score >= limit]

    def threshold(self, track: Track, candidate: CandidateScore | None) -> float | None:
        """Returns the score from which a candidate is accepted; None if it is not known or not needed."""
        if self.fpir is None or candidate is None:
            return None
        calibration = self.calibration(track)
        if calibration is None:
            return None
        return calibration.threshold(self.fpir, candidate.windows, candidate.person)

    def calibration(self, track: Track) -> SiteCalibration | None:
        """Returns what gives the thresholds of a track; None where there is nothing."""
        return self.calibrations.get(self._sensor(track))

    def _sensor(self, track: Track) -> str:
        return self.sources[track.source].sensor


def _progress(track: Track) -> Reason:
    """Returns how much walking was seen before the first decision, and what is in its way."""
    seen = f"seen {track.scores.seconds:.1f} of {FIRST_DECISION_S:.1f} s"
    if track.no_windows:
        return Reason(no_windows_code(track.no_windows), f"{seen}: {track.no_windows}")
    lost = track.lost * track.scores.seconds_per_window
    enough = track.scores.seconds + lost >= FIRST_DECISION_S
    return Reason("overloaded" if enough else "too-little-walking", seen)


def _what_was_missed(track: Track) -> str:
    """Returns what a user must know about the whole track, for the reason of its final decision."""
    text = ""
    if track.successor is not None:
        text += f"; then the body changed, see track {track.successor}"
    if track.lost:
        text += f"; {track.lost} {'window was' if track.lost == 1 else 'windows were'} lost"
    return text


def _min_windows(track: Track) -> int:
    """Returns the number of windows from which a comparison counts."""
    first = math.ceil(FIRST_DECISION_S / track.scores.seconds_per_window - 1e-9)
    return min(first, track.scores.windows)


def _count(people: int) -> str:
    return "two" if people == 2 else str(people)


def _listed(names: Sequence[str]) -> str:
    """Returns names as `A, B and C`; of more than a few, the first and how many others there are."""
    shown = list(names[:_NAMES_SHOWN])
    rest = len(names) - len(shown)
    last = f"{rest} others" if rest > 1 else (names[-1] if rest else shown.pop())
    return f"{', '.join(shown)} and {last}"
