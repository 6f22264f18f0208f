"""Scenarios of the protocol `live`: which recordings enrol people, which are probes, and their draws."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stream.errors import UserError

__all__ = ["SCENARIOS", "Choice", "Draw", "Recording", "Scenario", "draw_splits", "name_order"]

Choice = Literal["drawn", "first"]
"""Which takes enrol a person: drawn for each split, or always the first."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Description of a recording, without its windows.

    Attributes:
        person: name of the person.
        take: the passage, which several sensors may have recorded.
        view: position of the sensor; empty if the data set has none.
        condition: manner of walking; empty if the data set has none.
    """

    person: str
    take: str
    view: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Conditions on enrolments and probes.

    Attributes:
        name: of the scenario.
        data_set: a key of `tools.datasets.dataset_registry.DATASETS`.
        text: a description for users.
        people: the default of `--people`; None for all people.
        enrol_condition: of recordings that enrol; None for any.
        probe_conditions: of probes; empty for any.
        enrol_view: of recordings that enrol; None for any.
        probe_view: of probes; None for any.
        drawn_views: number of views, drawn for each split, that enrol; the others are probes. 0 does not
            separate views.
        every_view: the takes that enrol a person cycle through the views.
    """

    name: str
    data_set: str
    text: str
    people: str | None = None
    enrol_condition: str | None = None
    probe_conditions: tuple[str, ...] = ()
    enrol_view: str | None = None
    probe_view: str | None = None
    drawn_views: int = 0
    every_view: bool = False

    def enrols(self, recording: Recording) -> bool:
        """Returns whether the recording can enrol, regardless of a split's drawn views."""
        return self.enrol_condition in (None, recording.condition) and self.enrol_view in (
            None,
            recording.view,
        )

    def probes(self, recording: Recording) -> bool:
        """Returns whether the recording can be a probe, regardless of a split's drawn views."""
        conditions = self.probe_conditions or (recording.condition,)
        return recording.condition in conditions and self.probe_view in (None, recording.view)


_UCALGARY_PEOPLE = "201-206,208,209,211-214"
"""There is no 210, and run 1 of 207 is a bad recording: without it 207 cannot be enrolled and tested."""

_RGB_PEOPLE = ",".join(
    ("Diz_002", "Diz_004", "Diz_006", "Diz_009", *(f"Val_{number:03d}" for number in range(2, 29, 2)))
)
"""People at even places of the sorted names; the back-end that ships is fitted on the others."""


def _patho(name: str, text: str, condition: str, views: int = 0) -> Scenario:
    return Scenario(f"patho-{name}", "patho", text, "6-10", "normal", (condition,), drawn_views=views)


def _ucalgary(name: str, text: str, *conditions: str) -> Scenario:
    return Scenario(f"ucalgary-{name}", "ucalgary", text, _UCALGARY_PEOPLE, "N", conditions)


_ALL = (
    Scenario("kgbd", "kgbd", "enrolled from walks, tested on other walks", "101-164"),
    _patho("normal", "enrolled walking normally, tested on other normal walks", "normal"),
    _patho("antalgic", "enrolled walking normally, tested on an imitated antalgic gait", "antalgic"),
    _patho("lurch", "enrolled walking normally, tested on an imitated lurching gait", "lurch"),
    _patho("views", "enrolled by three of six sensors, tested on the other three", "normal", views=3),
    _ucalgary("normal", "enrolled by one normal run, tested on another (with --enroll 1)", "N"),
    _ucalgary("arm", "enrolled by normal runs, tested with one arm held still", "AL", "AR"),
    Scenario(
        "rgb-away",
        "rgb",
        "enrolled walking towards the camera, tested walking away from it",
        _RGB_PEOPLE,
        enrol_view="towards",
        probe_view="away",
    ),
    Scenario(
        "rgb-towards",
        "rgb",
        "enrolled walking away from the camera, tested walking towards it",
        _RGB_PEOPLE,
        enrol_view="away",
        probe_view="towards",
    ),
    Scenario(
        "rgb-both",
        "rgb",
        "enrolled walking towards the camera and away from it, tested walking either way",
        _RGB_PEOPLE,
        every_view=True,
    ),
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({scenario.name: scenario for scenario in _ALL})
"""Every scenario by its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The roles of one split.

    Attributes:
        enrolments: for each of the P people the recordings that enrol, as places in the list.
        probes: recordings to search with; none is of a take that enrols.
        enrolled: (P,) whether each person is enrolled in the open set; the others are strangers.
    """

    enrolments: tuple[tuple[int, ...], ...]
    probes: tuple[int, ...]
    enrolled: NDArray[np.bool_]


def name_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Returns a key for natural sorting: numbers in names by their value."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts)


def draw_splits(
    recordings: Sequence[Recording],
    people: Sequence[str],
    scenario: Scenario,
    *,
    splits: int,
    seed: int,
    enrol: int,
    choice: Choice,
    enrolled: int,
) -> list[Draw]:
    """Draws the roles of all splits.

    The takes of a person depend on the seed, the split and that person only, not on the other people.

    Args:
        recordings: of all people.
        people: the P people, in their order.
        scenario: which recordings may have which role.
        splits: number of splits.
        seed: of all draws.
        enrol: number of takes that enrol each person, at least 1.
        choice: how they are chosen.
        enrolled: number of people enrolled in the open set.

    Raises:
        UserError: a person has no recording for a role, or there are too few people.
    """
    if not 1 <= enrolled < len(people) or len(people) < 4:
        raise UserError(
            f"an open set needs at least 4 people, some enrolled and some strangers, got {len(people)}, of "
            f"whom {enrolled} enrolled; take more people"
        )
    random = np.random.default_rng(seed)
    halves = [random.permutation(len(people))[:enrolled] for _ in range(splits)]
    draws = []
    for split, half in enumerate(halves):
        inside, outside = _draw_views(recordings, scenario, [seed, split])
        enrolments, probes = [], []
        for person in people:
            own = [place for place, recording in enumerate(recordings) if recording.person == person]
            enrolling = [n for n in own if scenario.enrols(recordings[n]) and _within(recordings[n], inside)]
            takes = sorted({recordings[n].take for n in enrolling}, key=name_order)
            if choice == "drawn":
                order = np.random.default_rng([seed, split, zlib.crc32(person.encode())])
                takes = [takes[n] for n in order.permutation(len(takes))]
            if scenario.every_view:
                takes = _in_turn(takes, {recordings[n].take: recordings[n].view for n in enrolling})
            chosen = set(takes[:enrol])
            probing = [n for n in own if scenario.probes(recordings[n]) and _within(recordings[n], outside)]
            probing = [n for n in probing if recordings[n].take not in chosen]
            if not chosen or not probing:
                raise UserError(
                    f"person {person} has no usable walk {'to test on' if chosen else 'to enrol from'} "
                    f"in scenario {scenario.name}, with {enrol} to enrol from; enrol from fewer walks "
                    "(--enroll), or leave the person out (--people)"
                )
            enrolments.append(tuple(n for n in enrolling if recordings[n].take in chosen))
            probes += probing
        draws.append(Draw(tuple(enrolments), tuple(probes), np.isin(np.arange(len(people)), half)))
    return draws


def _in_turn(takes: Sequence[str], views: Mapping[str, str]) -> list[str]:
    """Orders takes by cycling through the views, keeping the order within each view."""
    turns: dict[str, int] = {}
    placed = []
    for take in takes:
        turn = turns.get(views[take], 0)
        turns[views[take]] = turn + 1
        placed.append((turn, take))
    return [take for _, take in sorted(placed, key=lambda each: each[0])]


def _within(recording: Recording, views: frozenset[str] | None) -> bool:
    return views is None or recording.view in views


def _draw_views(
    recordings: Sequence[Recording], scenario: Scenario, seed: list[int]
) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """Returns the views that enrol and the views of probes; None for any view."""
    if not scenario.drawn_views:
        return None, None
    views = sorted({recording.view for recording in recordings})
    if len(views) <= scenario.drawn_views:
        raise UserError(
            f"scenario {scenario.name} separates views: expected more than {scenario.drawn_views}, "
            f"got {len(views)}"
        )
    order = [views[n] for n in np.random.default_rng(seed).permutation(len(views))]
    return frozenset(order[: scenario.drawn_views]), frozenset(order[scenario.drawn_views :])
