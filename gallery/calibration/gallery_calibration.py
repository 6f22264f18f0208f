"""Calibrations of a whole gallery: one for each kind of sensor, kept in the gallery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import groupby

from gallery.calibration.site_calibration import SiteCalibration, calibrate_site
from gallery.calibration.stranger_visits import enrolled_visits
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery
from gallery.store.history_records import DeniedVisit
from gallery.store.records import StrangerRecording, StrangerVisit
from stream.errors import GalleryError

__all__ = [
    "Calibrations",
    "calibrate_gallery",
    "calibrate_index",
    "compare_gallery",
    "measured_elsewhere",
]

Calibrations = Mapping[str, SiteCalibration]
"""By kind of sensor; none for kinds without people, or without visit scores measured elsewhere."""


def measured_elsewhere(index: TemplateIndex) -> Calibrations:
    """Returns calibrations by what was measured elsewhere alone."""
    return calibrate_index(index, [], [])


def calibrate_gallery(gallery: Gallery, index: TemplateIndex) -> Calibrations:
    """Returns the calibrations of a gallery; compares what is not compared yet, and stores the scores.

    If they cannot be stored, they are compared again next time.

    Args:
        gallery: where scores are kept.
        index: of its templates.

    Raises:
        GalleryError: the gallery cannot be read.
    """
    visits = compare_gallery(gallery, index)
    version = index.backend.version
    return calibrate_index(
        index, visits, gallery.stranger_recordings(version), gallery.history.denied(version)
    )


def compare_gallery(gallery: Gallery, index: TemplateIndex) -> list[StrangerVisit]:
    """Returns the visits of a gallery's walks to its other people; see `calibrate_gallery`."""
    version = index.backend.version
    known = gallery.stranger_visits(version) if version else []
    found = [visit for sensor in index.sensors for visit in enrolled_visits(index, sensor, known)]
    inside = {walk.walk_id for walk in index.walks if walk.sensor in index.sensors}
    others = [visit for visit in known if visit.walk_id not in inside]
    if version and not set(found) <= set(known):
        with suppress(GalleryError):
            gallery.keep_visits(version, [*others, *found])
    return found


def calibrate_index(
    index: TemplateIndex,
    visits: Sequence[StrangerVisit],
    recordings: Sequence[StrangerRecording],
    denied: Sequence[DeniedVisit] = (),
) -> Calibrations:
    """Returns the calibrations by given visits.

    Args:
        index: of a gallery's templates.
        visits: of enrolled walks to the other people.
        recordings: of people who are not enrolled.
        denied: visits that were said to be a person's and were not.
    """
    scores = {visit.walk_id: visit.score for visit in visits}
    found = {}
    for sensor in index.sensors:
        measured, people = index.backend.visits_of(sensor), index.people_of(sensor)
        if measured is None or not people:
            continue
        walks = [walk for walk in index.walks if walk.sensor == sensor and walk.walk_id in scores]
        enrolled = {
            person: [scores[walk.walk_id] for walk in own]
            for person, own in groupby(walks, key=lambda walk: walk.person_id)
        }
        strangers = [(each.people, each.score) for each in recordings if each.sensor == sensor]
        highest: dict[int, tuple[float, int]] = {}
        for each in denied:
            if each.sensor == sensor:
                visit = (each.score - measured.above(each.windows), each.people)
                highest[each.person_id] = max(visit, highest.get(each.person_id, visit))
        # One of each person: the same stranger may come again and again.
        strangers += [(count, score) for score, count in highest.values()]
        limits = {person: score for person, (score, _) in highest.items()}
        found[sensor] = calibrate_site(measured, len(people), enrolled, strangers, limits)
    return found
