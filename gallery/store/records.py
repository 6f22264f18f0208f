"""Records that the gallery takes and returns. Templates are biometric data: no repr shows their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from stream.body import FloatArray
from stream.walk_views import VIEWS, View, read_views

__all__ = [
    "Enrolment",
    "Erasure",
    "NewEnrolment",
    "Person",
    "PersonTemplates",
    "StrangerRecording",
    "StrangerVisit",
]


def _no_statistics() -> FloatArray:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class NewEnrolment:
    """One walk of a person, to be stored.

    Attributes:
        contract_id: contract of the encoder; only templates of one contract are compared.
        sensor: kind of sensor that recorded the walk.
        seconds: duration of usable walking; more than 0.
        quality: 0..1.
        templates: (n, f, D) float32: the CAGEs of n windows of f skeletons, or of means of such windows.
        statistics: (S,) float32: means of its segments' statistics (`gallery.scoring.segments`); empty for
            templates without pose features.
        pose_model: the model that estimated the poses; None for a sensor that measures joints, or not known.
        view: the views that the walk shows, see `stream.walk_views`; None if not known.
    """

    contract_id: str
    sensor: str
    seconds: float
    quality: float
    templates: FloatArray = field(repr=False)
    statistics: FloatArray = field(repr=False, default_factory=_no_statistics)
    pose_model: str | None = None
    view: str | None = None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One stored walk of a person.

    Attributes:
        contract_id: contract of the encoder.
        sensor: kind of sensor that recorded the walk.
        seconds: duration of usable walking.
        quality: 0..1.
        windows: number of templates, one per window.
        created_at: time of enrolment, UTC.
        pose_model: as `NewEnrolment.pose_model`; None for walks of older programs.
        view: as `NewEnrolment.view`; None for walks of older programs.
    """

    contract_id: str
    sensor: str
    seconds: float
    quality: float
    windows: int
    created_at: datetime
    pose_model: str | None = None
    view: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One enrolled person.

    Attributes:
        name: as stored, see `gallery.store.names.clean_name`.
        enrolled_at: time of enrolment, UTC.
        consent_at: time of consent, UTC.
        consent_by: whose consent it is, a value of `stream.consent.Consent`.
        enrolments: the person's walks, oldest first; at least one.
        consent_note: who gave it and where that is recorded, in the words of the operator; may be empty.
    """

    name: str
    enrolled_at: datetime
    consent_at: datetime
    consent_by: str
    enrolments: tuple[Enrolment, ...]
    consent_note: str = ""

    @property
    def windows(self) -> int:
        """Number of templates of all walks."""
        return sum(walk.windows for walk in self.enrolments)

    @property
    def seconds(self) -> float:
        """Duration of usable walking of all walks."""
        return sum(walk.seconds for walk in self.enrolments)

    @property
    def sensors(self) -> tuple[str, ...]:
        """Kinds of sensors that recorded the person, each once, in order of name."""
        return tuple(sorted({walk.sensor for walk in self.enrolments}))

    def views(self, sensor: str) -> tuple[View, ...]:
        """Views that the walks of a kind of sensor show, each once, in the order of `VIEWS`."""
        walks = [read_views(walk.view) for walk in self.enrolments if walk.sensor == sensor]
        return tuple(view for view in VIEWS if any(view in seen for seen in walks))

    @property
    def contracts(self) -> tuple[str, ...]:
        """Contracts of the person's templates, each once, in order."""
        return tuple(sorted({walk.contract_id for walk in self.enrolments}))


@dataclass(frozen=True, slots=True, eq=False)
class PersonTemplates:
    """Templates of one walk.

    Attributes:
        person_id: id of the person; does not change with the name, and is never reused.
        name: name of the person.
        sensor: kind of sensor that recorded the walk.
        templates: (n, f, D) float32: the CAGEs of n windows of f skeletons, or of means of such windows, in
            order of time.
        statistics: (S,) float32, as `NewEnrolment.statistics`; of another length if an older program wrote
            them, in which case the segments are not compared.
        pose_model: as `Enrolment.pose_model`.
        view: as `Enrolment.view`.
        walk_id: id of the walk; stays with it when people are renamed or merged, and is never reused.
        seconds: duration of usable walking; 0 if unknown.
        created_at: time of enrolment, UTC; None if unknown.
    """

    person_id: int
    name: str
    sensor: str
    templates: FloatArray = field(repr=False)
    statistics: FloatArray = field(repr=False, default_factory=_no_statistics)
    pose_model: str | None = None
    view: str | None = None
    walk_id: int = 0
    seconds: float = 0.0
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StrangerVisit:
    """The visit of an enrolled walk, as of a stranger, to the other people.

    Attributes:
        walk_id: id of the walk.
        score: its visit score (`gallery.scoring.visit_scores`).
        nearest: id of the person who has that score.
        people: number of people enrolled on that kind of sensor when it was compared with all.
        newest: id of the newest walk that it was compared with.
    """

    walk_id: int
    score: float
    nearest: int
    people: int
    newest: int


@dataclass(frozen=True, slots=True)
class StrangerRecording:
    """The visit of a person who is not enrolled, from a recording; nothing of the person is kept.

    Attributes:
        sensor: kind of sensor.
        score: the visit score.
        nearest: id of the enrolled person who has that score.
        people: number of people enrolled on that kind of sensor when it was compared.
    """

    sensor: str
    score: float
    nearest: int
    people: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """Result of erasing the bytes of removed data.

    Attributes:
        done: True if the database's files no longer hold them. False if they are in no list and no search,
            but not yet overwritten; the next opening or removal tries again.
        reason: why they are not overwritten and what to do; empty if `done`.
    """

    done: bool
    reason: str = ""
