"""The `Decision` record that users receive, and its JSON; `gallery.open_set_decision` makes the decision."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Decision", "MatcherName", "ReasonCode", "State", "to_json"]

State = Literal["person", "unknown", "collecting"]
"""`person`: identified; `unknown`: no enrolled person fits; `collecting`: too little walking so far."""

ReasonCode = Literal[
    "accepted",
    "strangers-not-rejected",
    "stranger",
    "ambiguous",
    "denied-visit",
    "uncalibrated",
    "nobody-enrolled",
    "gallery-gone",
    "other-sensor",
    "other-encoder",
    "not-compared",
    "too-little-walking",
    "overloaded",
    "standing",
    "sitting",
    "hidden",
    "too-far",
    "unsteady",
    "implausible-body",
    "tracking-gap",
    "few-frames",
    "interrupted",
    "gallery-changed",
]
"""Why a decision has its state; a program can rely on these words."""

MatcherName = Literal["fusion", "nearest", "rn"]
"""Method of comparing tracks with the gallery; see `stream.system.settings.Settings`."""


class Decision(msgspec.Struct, frozen=True):
    """One identification result of one track at time `t`; one line of `--json`.

    Attributes:
        id: unique identifier of this decision.
        source: the source's name: its label, or as given, in a uniform spelling, and without user, password
            and query.
        track: number of the track, unique in the run.
        t: seconds since the source started.
        time: UTC time of the decision, ISO 8601.
        state: `person` (identified), `unknown` (enough walking observed, no enrolled person fits) or
            `collecting` (not enough walking observed yet).
        person: name of the identified person; null unless the state is `person`.
        candidate: name of the best candidate in every state; null while no person is enrolled or no window
            was compared.
        score: evidence for the candidate; higher is stronger. `fusion`: weighted sum of cohort-normalised
            similarities, unbounded. `nearest` and `rn`: mean similarity of the track's skeletons to the
            person's nearest templates.
        threshold: lowest score at which the candidate is accepted; null with `--fpir off`, or if the sensor
            is uncalibrated.
        margin: `score` minus the score of the best other person; null with a single candidate.
        reason: explanation of the state, for people; its words may change.
        latency_ms: milliseconds from the arrival of the frame that completed the window to this decision;
            null if no frame triggered the decision.
        final: True for the last decision of the track.
        lost_windows: number of the track's windows so far that were never compared, because the system was
            overloaded or one of its processes was restarted; always 0 for a file.
        calibration: what the threshold rests on: `other sites only`, or how many enrolled people and
            strangers were compared at this one; null without a threshold.
        provisional: True if the threshold rests on too few people for the rate of strangers named to be
            relied on.
        reason_code: why the decision has its state, as one of a closed list of words.
        runner_up: name of the second-best candidate; null with a single candidate.
        runner_up_score: the score of `runner_up`, for it what `score` is for the candidate.
        confidence: probability in percent, 1 to 99, that the decision is right: that `person` walks, or, if
            the track is a stranger's, that the candidate does not; null if neither is said, or if it was not
            measured for the kind of sensor and the matcher.
    """

    id: str
    source: str
    track: int
    t: float
    time: str
    state: State
    person: str | None
    candidate: str | None
    score: float | None
    threshold: float | None
    margin: float | None
    reason: str
    latency_ms: float | None
    final: bool
    lost_windows: int = 0
    calibration: str | None = None
    provisional: bool = False
    reason_code: ReasonCode = "too-little-walking"
    runner_up: str | None = None
    runner_up_score: float | None = None
    confidence: int | None = None


def to_json(decision: Decision) -> bytes:
    """Returns the decision as one line of JSON in UTF-8, without a newline."""
    return msgspec.json.encode(decision)
