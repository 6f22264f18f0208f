"""Calibrates a gallery: reads recordings of strangers through the running system, and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from encoder.weights import load_encoder
from gallery.calibration.gallery_calibration import Calibrations, calibrate_index, compare_gallery
from gallery.calibration.report import REPORTED_FPIRS, SensorReport, report_sensor
from gallery.enrolment_advice import coverage_gaps
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import TrackScores
from gallery.scoring.visit_scores import FIRST_WINDOWS, VisitScores
from gallery.store.gallery import Gallery
from gallery.store.records import StrangerRecording
from stream.bus.messages import Verdict
from stream.errors import UserError
from stream.system.compatibility import fit_command
from stream.system.live import Live
from stream.terminal.identify import echo_to
from stream.user_text import readable

__all__ = ["CalibrationReport", "PersonReport", "calibrate"]


@dataclass(frozen=True, slots=True)
class PersonReport:
    """What an enrolled person lacks.

    Attributes:
        name: of the person.
        missing: a phrase each; empty if nothing is missing.
    """

    name: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CalibrationReport:
    """The report on a gallery.

    Attributes:
        sensors: by kind of sensor.
        people: by name.
        notes: what cannot be calibrated, and why.
    """

    sensors: tuple[SensorReport, ...]
    people: tuple[PersonReport, ...]
    notes: tuple[str, ...]


def calibrate(
    gallery: Gallery,
    encoder: Sequence[str],
    strangers: Sequence[str],
    *,
    forget: bool,
    err: Console,
    debug: bool,
) -> CalibrationReport:
    """Calibrates a gallery and reports.

    Args:
        gallery: the gallery.
        encoder: weights; empty for those that ship.
        strangers: recordings of people who are not enrolled; none keeps what is known of strangers.
        forget: forget what is known of strangers.
        err: console for the progress.
        debug: print log lines of the processes.

    Raises:
        UserError: a recording cannot be read, shows nobody who walks, or is of another kind of sensor than
            all enrolled people.
        GalleryError: the gallery cannot be read or written.
    """
    contract = load_encoder(*map(Path, encoder)).contract
    backend = load_backend(contract.id, map(Path, encoder))
    people = gallery.people()
    kinds = sorted({walk.sensor for person in people for walk in person.enrolments})
    index = TemplateIndex.load(gallery, contract.id, backend, kinds)
    visits = compare_gallery(gallery, index)
    notes: list[str] = []
    if strangers:
        gallery.check_writable()
        watcher = _Watcher(index, gallery.url, tuple(encoder), contract.f, echo_to(err, debug))
        found = []
        for number, one in enumerate(strangers, 1):
            err.print(f"{number} of {len(strangers)}: {one}", highlight=False, soft_wrap=True)
            found.append(watcher.visit(one))
        notes += _named(strangers, found, index, calibrate_index(index, visits, []))
        gallery.replace_stranger_recordings(backend.version, found)
    elif forget:
        gallery.replace_stranger_recordings(backend.version, [])
    calibrations = calibrate_index(index, visits, gallery.stranger_recordings(backend.version))
    notes += [
        f"{kind}: uncalibrated, no scores of strangers were measured for this encoder; to fit a back-end: "
        f"{fit_command(encoder)}"
        for kind in kinds
        if kind not in calibrations and index.people_of(kind)
    ]
    return CalibrationReport(
        tuple(
            report_sensor(index, kind, calibrations[kind], visits) for kind in kinds if kind in calibrations
        ),
        tuple(PersonReport(person.name, tuple(coverage_gaps(person))) for person in people),
        tuple(notes if people else ["nobody is enrolled: sge-stream enroll NAME"]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Watcher:
    """Compares recordings of people who are not enrolled, as the live system does.

    Attributes:
        index: of the gallery.
        url: of the gallery.
        encoder: weights.
        f: skeletons of a window.
        echo: receives log lines of the processes.
    """

    index: TemplateIndex
    url: str
    encoder: tuple[str, ...]
    f: int
    echo: Callable[[str], None]

    def visit(self, recording: str) -> StrangerRecording:
        """Returns the visit in a recording: the best score of its tracks."""
        best: StrangerRecording | None = None
        run = Live(
            [recording], self.url, fpir=None, speed=0, encoder=self.encoder, echo=self.echo, history="0"
        )
        with run as live:
            sensor = live.infos[0].sensor
            measured = self._measured(recording, sensor)
            ids = {name: person for person, name in self.index.names.items()}
            for verdict in live.verdicts():
                visit = self._visit(verdict, sensor, measured, ids)
                if visit is not None and (best is None or visit.score > best.score):
                    best = visit
        if best is None:
            raise UserError(f"{recording}: nobody walks for a second in it; leave it out")
        return best

    def _measured(self, recording: str, sensor: str) -> VisitScores:
        if sensor not in self.index.sensors:
            raise UserError(f"{recording}: nobody is enrolled on {sensor}; enrol people on it first")
        measured = self.index.backend.visits_of(sensor)
        if measured is None:
            raise UserError(f"{recording}: {sensor} is uncalibrated with this encoder; fit a back-end first")
        return measured

    def _visit(
        self, verdict: Verdict, sensor: str, measured: VisitScores, ids: Mapping[str, int]
    ) -> StrangerRecording | None:
        """Returns a decision's score as that of a visit; None before the first decision."""
        decision = verdict.decision
        windows = round(verdict.seconds / TrackScores(self.f).seconds_per_window)
        if decision.score is None or windows < FIRST_WINDOWS:
            return None
        if decision.candidate is None or decision.candidate not in ids:  # the latter was enrolled meanwhile
            return None
        people = len(self.index.people_of(sensor))
        score = decision.score - measured.above(windows)
        return StrangerRecording(sensor, score, ids[decision.candidate], people)


def _named(
    recordings: Sequence[str],
    visits: Sequence[StrangerRecording],
    index: TemplateIndex,
    calibrations: Calibrations,
) -> Iterator[str]:
    """Says which recordings would be named, by thresholds that do not rest on them."""
    for recording, visit in zip(recordings, visits, strict=True):
        limit = calibrations[visit.sensor].visit_threshold(REPORTED_FPIRS[0])
        if visit.score >= limit:
            name = index.names[visit.nearest]
            yield (
                f"{readable(recording)} would be named as {name} (score {visit.score:.2f}, threshold "
                f"{limit:.2f}): if it shows {name} or anybody enrolled, calibrate again without it"
            )
