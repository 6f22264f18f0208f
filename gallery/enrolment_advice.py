"""What a person's enrolled walks lack: views that were not seen, and walks of another pose model."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

from gallery.store.names import name_key
from gallery.store.records import NewEnrolment, Person, PersonTemplates
from stream.walk_views import VIEWS, View

__all__ = ["coverage_gaps", "pose_model_warnings", "view_advice"]

_WALKING: dict[View, str] = {
    "towards": "towards the sensor",
    "away": "away from the sensor",
    "side": "across the sensor's view",
}
_NAMES_SHOWN = 3

SHORT_S = 5.0
"""Seconds of walking below which more is asked for."""

POOR_QUALITY = 0.5
"""Quality of a walk below which another is asked for."""


def view_advice(person: Person, sensors: Iterable[str]) -> list[str]:
    """Returns the views that are enrolled and those that are missing, a sentence for each kind of sensor.

    There is none for a kind of sensor on which no view is known, or none is missing.
    """
    advice = []
    for sensor in sorted(set(sensors)):
        seen = person.views(sensor)
        missing = [view for view in VIEWS if view not in seen]
        if seen and missing:
            command = f"sge-stream people add-walk {shlex.quote(person.name)} --source S"
            done, to_do = (_join([_WALKING[view] for view in views]) for views in (seen, missing))
            advice.append(
                f"on {sensor}, {person.name} is enrolled walking {done}; "
                f"if people pass so, also enrol walking {to_do}: `{command}`"
            )
    return advice


def pose_model_warnings(
    walks: Iterable[NewEnrolment], stored: Sequence[PersonTemplates], name: str
) -> list[str]:
    """Returns a sentence for each pose model by which other people are enrolled, but not by the walks' own.

    Args:
        walks: to be stored.
        stored: walks of the gallery.
        name: the person who is to have the walks.
    """
    warnings = []
    for sensor, model in sorted({(walk.sensor, walk.pose_model) for walk in walks if walk.pose_model}):
        models: dict[str, set[str | None]] = {}
        for each in stored:
            if each.sensor == sensor and name_key(each.name) != name_key(name):
                models.setdefault(each.name, set()).add(each.pose_model)
        lacking = {owner: found for owner, found in models.items() if model not in found}
        for other in sorted({other for found in lacking.values() for other in found}, key=str):
            owners = [owner for owner, found in lacking.items() if other in found]
            warnings.append(_warning(sensor, str(model), other, owners))
    return warnings


def _warning(sensor: str, model: str, other: str | None, owners: list[str]) -> str:
    more = len(owners) - _NAMES_SHOWN
    names = _join([*owners[:_NAMES_SHOWN], *([f"{more} more"] if more > 0 else [])])
    by = f"the pose model {other}" if other else "a pose model that was not recorded"
    return (
        f"walks of {names} on {sensor} were enrolled with {by}, and this run uses {model}: people are "
        f"recognised worse across two models; enrol these again with {model}"
    )


def _join(texts: Sequence[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def coverage_gaps(person: Person) -> Iterator[str]:
    """Yields what an enrolled person lacks, a phrase each, for each kind of sensor."""
    for sensor in person.sensors:
        walks = [walk for walk in person.enrolments if walk.sensor == sensor]
        if len(walks) < 2:
            yield f"one walk only on {sensor}"
        views = person.views(sensor)
        if len(views) == 1:
            yield f"one view only on {sensor}: {views[0]}"
        if sum(walk.seconds for walk in walks) < SHORT_S:
            yield f"{sum(walk.seconds for walk in walks):.1f} s of walking on {sensor}"
        if max(walk.quality for walk in walks) < POOR_QUALITY:
            yield f"no walk of good quality on {sensor}"
