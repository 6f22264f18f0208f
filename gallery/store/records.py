"""What crosses the gallery's boundary. Templates are biometric data: no repr shows their numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from stream.body import FloatArray

__all__ = ["Enrolment", "Erasure", "NewEnrolment", "Person", "PersonTemplates"]


def _no_statistics() -> FloatArray:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class NewEnrolment:
    """One walk of a person, to be stored.

    Attributes:
        contract_id: of what made the templates; only templates of one contract are compared.
        sensor: the kind of sensor that saw the walk.
        seconds: of usable walking; more than 0.
        quality: 0..1.
        templates: (n, f, D) float32: the CAGEs of n windows of f skeletons, or of means of such windows.
        statistics: (S,) float32: the means of its segments' statistics (`gallery.scoring.segments`); empty
            for templates without pose numbers.
    """

    contract_id: str
    sensor: str
    seconds: float
    quality: float
    templates: FloatArray = field(repr=False)
    statistics: FloatArray = field(repr=False, default_factory=_no_statistics)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One stored walk of a person.

    Attributes:
        contract_id: of what made the templates.
        sensor: the kind of sensor that saw the walk.
        seconds: of usable walking.
        quality: 0..1.
        windows: how many templates it has, one a window.
        created_at: UTC.
    """

    contract_id: str
    sensor: str
    seconds: float
    quality: float
    windows: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who was enrolled.

    Attributes:
        name: as it was written.
        enrolled_at: UTC.
        consent_at: UTC.
        consent_by: `asked` (the person answered) or `--yes` (the operator answered on the command line).
        enrolments: the person's walks, oldest first; at least one.
    """

    name: str
    enrolled_at: datetime
    consent_at: datetime
    consent_by: str
    enrolments: tuple[Enrolment, ...]

    @property
    def windows(self) -> int:
        """Templates of all walks."""
        return sum(walk.windows for walk in self.enrolments)

    @property
    def seconds(self) -> float:
        """Usable walking of all walks."""
        return sum(walk.seconds for walk in self.enrolments)

    @property
    def sensors(self) -> tuple[str, ...]:
        """The kinds of sensors that saw the person, each once, in order of name."""
        return tuple(sorted({walk.sensor for walk in self.enrolments}))

    @property
    def contracts(self) -> tuple[str, ...]:
        """The contracts of the person's templates, each once, in order."""
        return tuple(sorted({walk.contract_id for walk in self.enrolments}))


@dataclass(frozen=True, slots=True, eq=False)
class PersonTemplates:
    """The templates of one walk.

    Attributes:
        person_id: of the person; stays theirs when they are renamed, and is never used again.
        name: of the person.
        sensor: the kind of sensor that saw the walk.
        templates: (n, f, D) float32: the CAGEs of n windows of f skeletons, or of means of such windows, in
            order of time.
        statistics: (S,) float32, as `NewEnrolment.statistics`; of another length if an older program wrote
            them, and then the segments say nothing.
    """

    person_id: int
    name: str
    sensor: str
    templates: FloatArray = field(repr=False)
    statistics: FloatArray = field(repr=False, default_factory=_no_statistics)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What became of the bytes of removed data.

    Attributes:
        done: True where the database's files no longer hold them. False: they are out of every list
            and every search, but not yet overwritten; the next opening or removal tries again.
        reason: why not yet, with the mend; empty where `done`.
    """

    done: bool
    reason: str = ""
