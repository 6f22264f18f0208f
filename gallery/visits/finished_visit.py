"""A visit that has ended, with what later comparisons need of it."""

from __future__ import annotations

from dataclasses import dataclass

from stream.body import FloatArray
from stream.visits.events import Left

__all__ = ["FinishedVisit"]


@dataclass(frozen=True, slots=True, eq=False)
class FinishedVisit:
    """A visit that has ended.

    Attributes:
        left: the event that tells of its end; `visitor` is filled in later where strangers are remembered.
        sensor: the kind of sensor.
        contract: of the encoder of `cages`.
        pose_model: the model that estimated its poses; empty if there is none.
        views: from which sides the sensor saw the person, as `stream.walk_views.format_views` writes them.
        windows: number of windows that `cages` are means of.
        cages: (m, f, D) float32, templates as an enrolment has them; m is 0 without usable walking.
        statistics: (S,) float32 of its segments, as an enrolment has them; None where there are none.
        candidates: ids of the people of `left.candidates`, in order.
        person: id of the identified person; None if nobody was identified.
    """

    left: Left
    sensor: str
    contract: str
    pose_model: str
    views: str
    windows: int
    cages: FloatArray
    statistics: FloatArray | None
    candidates: tuple[int, ...]
    person: int | None
