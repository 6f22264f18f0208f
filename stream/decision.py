"""What the system says about a track, as users read it."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Decision", "MatcherName", "State", "to_json"]

State = Literal["person", "unknown", "collecting"]
"""`person` is named; `unknown` fits no enrolled person; `collecting` has shown too little walking so far."""

MatcherName = Literal["fusion", "nearest", "rn"]
"""How tracks are compared with the gallery; see `stream.system.settings.Settings`."""


class Decision(msgspec.Struct, frozen=True):
    """One line of `--json`: who a track is, as far as is known at `t`.

    Attributes:
        id: unique to this line.
        source: the source's name, as it was given.
        track: the track's number, unique in the run.
        t: seconds since the source began.
        time: UTC of the decision, ISO 8601.
        state: `person` (named), `unknown` (seen enough, nobody enrolled fits), `collecting` (not yet).
        person: the name, null unless the state is `person`.
        candidate: always the best name so far; null while nobody is enrolled or nothing was seen.
        score: evidence for the candidate, the mean similarity of the track's skeletons to the person's.
        threshold: the score from which the candidate is accepted; null for `--fpir off`, or none known.
        margin: score minus the next best person's; null with one person.
        reason: why this state.
        latency_ms: from the arrival of the frame that completed the window to this decision; null where no
            frame brought it.
        final: the track's last line.
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


def to_json(decision: Decision) -> bytes:
    """One line of JSON in UTF-8, without its newline."""
    return msgspec.json.encode(decision)
