"""What the API answers with, beside the records of visits, presence and people."""

from __future__ import annotations

import msgspec

from gallery.store.people_records import PersonRecord
from gallery.store.visit_json import VisitRecord

__all__ = [
    "Adoption",
    "EnrolmentAnswer",
    "ErasureAnswer",
    "Health",
    "HealthSample",
    "JudgedVisit",
    "PersonAnswer",
    "ProcessHealth",
    "SensorCalibration",
    "SourceState",
    "TrackInView",
]


class TrackInView(msgspec.Struct, frozen=True):
    """A track that can be enrolled.

    Attributes:
        track: its number.
        source: the source's name.
        in_view: False if it has ended; it can still be enrolled for a while.
        state: `person`, `unknown` or `collecting`, as in `Decision`.
        person: name of the identified person, or null.
        seconds: seconds of usable walking so far.
        needed_s: seconds of usable walking that an enrolment needs.
        quality: how well the walk would serve as an enrolment, 0..1.
        no_windows: why nothing counts at present, with what to do; empty while something does.
        reason: the explanation of the last decision.
    """

    track: int
    source: str
    in_view: bool
    state: str
    person: str | None
    seconds: float
    needed_s: float
    quality: float
    no_windows: str
    reason: str


class PersonAnswer(PersonRecord, frozen=True, kw_only=True):
    """One enrolled person, and what is missing.

    Attributes:
        missing: what the person's walks lack, a phrase each; empty if nothing is missing.
    """

    missing: tuple[str, ...]


class JudgedVisit(msgspec.Struct, frozen=True):
    """A visit whose truth was recorded.

    Attributes:
        visit: the visit as it is now.
        erased: True if no file of the database holds what was kept of its walk and is no longer needed.
        message: why some is still there, and what completes the erasure; empty if `erased`.
    """

    visit: VisitRecord
    erased: bool
    message: str


class Adoption(msgspec.Struct, frozen=True):
    """A remembered stranger who was enrolled.

    Attributes:
        person: the person.
        visits: number of earlier visits that are now known to be the person's.
        warnings: what the operator should know, a sentence each.
    """

    person: PersonAnswer
    visits: int
    warnings: tuple[str, ...]


class EnrolmentAnswer(msgspec.Struct, frozen=True):
    """A stored enrolment.

    Attributes:
        name: the person's name, as stored.
        seconds: usable walking that was stored.
        templates: number of templates that were stored.
        quality: of the walks together, 0..1.
        quality_cause: why the quality is not higher; may be empty.
        warnings: what the operator should know, a sentence each.
        fits: which enrolled walks the new ones fit, a sentence each.
        views: which views are enrolled and which are missing, a sentence for each kind of sensor.
    """

    name: str
    seconds: float
    templates: int
    quality: float
    quality_cause: str
    warnings: tuple[str, ...]
    fits: tuple[str, ...]
    views: tuple[str, ...]


class ErasureAnswer(msgspec.Struct, frozen=True):
    """A name, or a person, was removed from the gallery.

    Attributes:
        name: the person's name now; of a removed person, the name removed.
        erased: True if no file of the database holds the removed data any more.
        message: why some is still there, and what completes the erasure; empty if `erased`.
    """

    name: str
    erased: bool
    message: str


class SensorCalibration(msgspec.Struct, frozen=True):
    """The calibration of one kind of sensor; `sge-stream calibrate` reports more.

    Attributes:
        sensor: the kind of sensor.
        people: number of people who are enrolled on it.
        calibrated: False if there are no thresholds: nobody is enrolled, or none were
            measured for the encoder.
        provisional: True if too few people were compared for the rate of strangers named to be relied on.
        basis: what the thresholds rest on; empty without thresholds.
        strangers: number of visits of people who are not enrolled that they rest on.
        fpir: accepted share of strangers that are named; null where strangers are not rejected.
        low: of the 95 % interval of that share here; null without thresholds.
        high: likewise.
    """

    sensor: str
    people: int
    calibrated: bool
    provisional: bool
    basis: str
    strangers: int
    fpir: float | None
    low: float | None
    high: float | None


class SourceState(msgspec.Struct, frozen=True):
    """A source of the running system.

    Attributes:
        name: its name.
        sensor: kind of sensor.
        live: False for a recording.
        state: `up`, `down`, `starting` or `ended`.
        problem: why it delivers nothing; empty unless it is down.
        description: the device; may be empty.
        frames: frames so far.
        windows: windows so far.
        dropped: frames and windows dropped so far, by cause.
        in_view: people in view.
        restarts: restarts of its process.
    """

    name: str
    sensor: str
    live: bool
    state: str
    problem: str
    description: str
    frames: int
    windows: int
    dropped: dict[str, int]
    in_view: int
    restarts: int


class ProcessHealth(msgspec.Struct, frozen=True):
    """A process of the running system.

    Attributes:
        process: `encoder`, or with several `encoder 1` and so on; `matcher`; or `capture 1` and so on by the
            number of the source.
        state: as the process says; starts with `down` if it delivers nothing.
        restarts: number of restarts.
        dropped: items dropped so far.
        problem: why it delivers nothing; empty if it works.
    """

    process: str
    state: str
    restarts: int
    dropped: int
    problem: str


class HealthSample(msgspec.Struct, frozen=True):
    """The system at one moment.

    Attributes:
        time: UTC time, ISO 8601.
        latency_p50_ms: median of frame to decision of the last decisions; null before the first.
        latency_p95_ms: the same, 95th percentile.
        frames_per_s: of all sources, since the sample before.
        in_view: people in view.
        dropped: items dropped so far in the run.
    """

    time: str
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    frames_per_s: float
    in_view: int
    dropped: int


class Health(msgspec.Struct, frozen=True):
    """How the system does.

    Attributes:
        phase: `starting`, `running`, `reloading` or `ended`: whether there is a running system.
        ready: as `/readyz` says.
        since: UTC time at which the server started, ISO 8601.
        site: name of the site; may be empty.
        processes: of the running system.
        overload: what was dropped in the last seconds, why, and what to do; empty if nothing was.
        gallery: why the gallery cannot be read; empty if it can.
        clients: open event streams.
        events_dropped: messages that slow clients lost.
        history: of the last ten minutes, oldest first.
    """

    phase: str
    ready: bool
    since: str
    site: str
    processes: tuple[ProcessHealth, ...]
    overload: str
    gallery: str
    clients: int
    events_dropped: int
    history: tuple[HealthSample, ...]
