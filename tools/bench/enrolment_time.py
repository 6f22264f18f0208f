"""Seconds from an enrolment to the first decision that knows the person, in a large gallery, by step."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import msgspec
from rich.table import Table

from gallery.calibration.gallery_calibration import calibrate_gallery
from gallery.matcher import Matcher
from gallery.matcher_settings import SourceCard
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment
from stream.bus.messages import Tick, WindowRow
from stream.consent import Consent
from stream.errors import RunError
from tools.backend_fit.offline_pipeline import WalkCages, stored_walk
from tools.bench.augmented_people import base_walks, many_people
from tools.bench.request import Report
from tools.bench.spread import Spread, bench_table, spread_of

__all__ = ["PEOPLE", "RELATIVE_SENSOR", "EnrolmentFigures", "enrolment_table", "measure_enrolment"]

PEOPLE = 1_000
"""People who are enrolled before."""

RELATIVE_SENSOR = "kinect-v2"
"""Scores of this kind of sensor are relative to the site, so each enrolment changes those of all people."""

STEPS = {
    "store": "store the walk",
    "load": "load what changed",
    "calibrate": "calibrate the thresholds",
    "decide": "take the new index, and decide on a window",
}
"""What is done, by its name in the figures."""

_ENROLMENTS = 3


class EnrolmentFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of an enrolment.

    Attributes:
        people: enrolled before.
        sensor: the kind of sensor that the walks count as; empty for a simulated one.
        relative: whether its scores are relative to the site.
        steps_s: of each step; see `STEPS`.
        all_s: of all steps together.
        fresh_s: seconds to load and calibrate the same gallery as a whole, as at the start.
    """

    people: int
    sensor: str = ""
    relative: bool = False
    steps_s: dict[str, Spread]
    all_s: Spread
    fresh_s: float


def measure_enrolment(
    report: Report,
    people: int = PEOPLE,
    enrolments: int = _ENROLMENTS,
    data: Path | None = None,
    sensor: str = "",
) -> EnrolmentFigures:
    """Enrols people one after the other in a gallery that is in use.

    Args:
        report: receives lines about the progress.
        people: enrolled before.
        enrolments: number of people enrolled then, at most 10.
        data: see `tools.bench.gallery_growth.measure_growth`.
        sensor: the kind of sensor that the walks count as; empty for that of the walks.
    """
    report(f"matcher: enrolments in a gallery of {people:,} people{f' of {sensor}' if sensor else ''}")
    contract, walks = base_walks(1, data)
    if sensor:
        walks = [replace(walk, sensor=sensor) for walk in walks]
    with (
        tempfile.TemporaryDirectory(prefix="sge-bench-") as folder,
        open_gallery(str(Path(folder) / "gallery.db")) as gallery,
    ):
        for n, walk in enumerate(many_people(contract, walks, people), 1):
            gallery.enrol(f"p{n}", [walk], Consent.STATED.value)
        started = time.perf_counter()
        subject = _Running(gallery, contract, walks[0].sensor)
        fresh_s = time.perf_counter() - started
        every = [subject.enrol(f"new {n}", walks[n]) for n in range(enrolments)]
        relative = subject.relative
    return EnrolmentFigures(
        people=people,
        sensor=sensor,
        relative=relative,
        steps_s={step: spread_of([each[step] for each in every]) for step in STEPS},
        all_s=spread_of([sum(each.values()) for each in every]),
        fresh_s=fresh_s,
    )


def enrolment_table(figures: EnrolmentFigures) -> Table:
    """Returns the table of seconds."""
    named = {STEPS[step]: each for step, each in figures.steps_s.items()} | {"all": figures.all_s}
    rows = [[name, each.text, each.range_text] for name, each in named.items()]
    kind = f" of {figures.sensor}" if figures.sensor else ""
    site = ", scores relative to the site" if figures.relative else ""
    return bench_table(
        f"Matcher: an enrolment beside {figures.people:,} people{kind}{site}, to a decision",
        ["", "s", "range"],
        rows,
        f"loading and calibrating the whole gallery: {figures.fresh_s:.2f} s",
    )


class _Running:
    """A matcher that follows a gallery, as the matcher process does."""

    def __init__(self, gallery: Gallery, contract: str, sensor: str) -> None:
        self._gallery = gallery
        self._contract = contract
        self._sensor = sensor
        self._backend = load_backend(contract)
        self._index = TemplateIndex.load(gallery, contract, self._backend, [sensor])
        calibrations = calibrate_gallery(gallery, self._index)
        f, _ = self._index.shape(sensor)
        self._matcher = Matcher(
            (SourceCard("a", sensor, live=True),), f, 0.05, self._index, calibrations=calibrations
        )

    @property
    def relative(self) -> bool:
        """Whether scores are relative to the site."""
        return self._index.relative(self._sensor)

    def enrol(self, name: str, walk: WalkCages) -> dict[str, float]:
        """Enrols a walk; returns the seconds of each step."""
        stored = stored_walk(walk.cages, self._sensor)
        enrolment = NewEnrolment(
            self._contract, self._sensor, stored.seconds, 1.0, stored.templates, stored.statistics
        )
        marks = [time.perf_counter()]
        self._gallery.enrol(name, [enrolment], Consent.STATED.value)
        marks.append(time.perf_counter())
        index = TemplateIndex.load(
            self._gallery, self._contract, self._backend, [self._sensor], before=self._index
        )
        marks.append(time.perf_counter())
        calibrations = calibrate_gallery(self._gallery, index)
        marks.append(time.perf_counter())
        self._index = index
        self._matcher.replace_index(index, calibrations)
        track = len(index.people)
        row = WindowRow(track, 0, 100_000_000, 0, 0.9)
        (decision,) = self._matcher.observe(
            Tick(0, 0, 0, "c", (1, *walk.cages.shape[1:]), (row,)), walk.cages[:1]
        )
        marks.append(time.perf_counter())
        if decision.candidate != name:
            raise RunError(f"expected {name} as the candidate, got {decision.candidate}")
        return {step: end - begin for step, begin, end in zip(STEPS, marks, marks[1:], strict=False)}
