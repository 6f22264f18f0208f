"""Who is enrolled from which recordings, and which are searched with: scenarios and their draws."""

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
"""Which of a person's takes enrol: drawn anew for each split, or always the first."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is known of a recording before its windows are looked at.

    Attributes:
        person: who walks.
        take: which passage; several sensors may have recorded the same one.
        view: where the sensor stood; empty where the data set does not say so.
        condition: how the person walked; empty where the data set does not say so.
    """

    person: str
    take: str
    view: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What enrolments and probes have to be like.

    Attributes:
        name: how it is called.
        data_set: a key of `tools.datasets.dataset.DATASETS`.
        text: what is asked, for people.
        people: who takes part where nobody says otherwise, as `--people` takes it; None is everybody.
        enrol_condition: of the recordings that enrol; None takes all.
        probe_condition: of the recordings that are searched with; None takes all.
        enrol_view: as with conditions.
        probe_view: as with conditions.
        drawn_views: so many of the views, drawn for each split, enrol, and the others are searched with; 0
            does not part them.
        every_view: a person's takes that enrol come from their views in turn.
    """

    name: str
    data_set: str
    text: str
    people: str | None = None
    enrol_condition: str | None = None
    probe_condition: str | None = None
    enrol_view: str | None = None
    probe_view: str | None = None
    drawn_views: int = 0
    every_view: bool = False

    def enrols(self, recording: Recording) -> bool:
        """Whether the recording is such as enrol; the views of a split are not asked for."""
        return self.enrol_condition in (None, recording.condition) and self.enrol_view in (
            None,
            recording.view,
        )

    def probes(self, recording: Recording) -> bool:
        """Whether the recording is such as are searched with; the views of a split are not asked for."""
        return self.probe_condition in (None, recording.condition) and self.probe_view in (
            None,
            recording.view,
        )


def _patho(name: str, text: str, condition: str, views: int = 0) -> Scenario:
    return Scenario(
        f"patho-{name}", "patho", text, "6-10", "normal", probe_condition=condition, drawn_views=views
    )


_ALL = (
    Scenario("kgbd", "kgbd", "enrolled from walks, searched with other walks", "101-164"),
    _patho("normal", "enrolled walking normally, searched with other normal walks", "normal"),
    _patho("antalgic", "enrolled walking normally, searched with an imitated antalgic gait", "antalgic"),
    _patho("lurch", "enrolled walking normally, searched with an imitated lurching gait", "lurch"),
    _patho("views", "enrolled by three of six sensors, searched with the other three", "normal", views=3),
    Scenario(
        "rgb-away",
        "rgb",
        "enrolled walking towards the camera, searched walking away from it",
        enrol_view="towards",
        probe_view="away",
    ),
    Scenario(
        "rgb-towards",
        "rgb",
        "enrolled walking away from the camera, searched walking towards it",
        enrol_view="away",
        probe_view="towards",
    ),
    Scenario(
        "rgb-both",
        "rgb",
        "enrolled walking towards the camera and away from it, searched walking either way",
        every_view=True,
    ),
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({scenario.name: scenario for scenario in _ALL})
"""Every scenario by its name."""


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """The roles of one split.

    Attributes:
        enrolments: for each of the P people the recordings, as places in the list, that enrol.
        probes: recordings that are searched with; none is of a take that enrols.
        enrolled: (P,) who is enrolled in the open set; the others are strangers.
    """

    enrolments: tuple[tuple[int, ...], ...]
    probes: tuple[int, ...]
    enrolled: NDArray[np.bool_]


def name_order(name: str) -> tuple[tuple[bool, int, str], ...]:
    """A key that sorts names as people do: numbers in them by their size."""
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
    """Draw the roles of all splits.

    A person's takes depend on the seed, the split and that person alone, not on who else takes part.

    Args:
        recordings: of all people.
        people: the P people, in their order.
        scenario: which recordings may have which role.
        splits: how many.
        seed: of all draws.
        enrol: takes of each person that enrol, at least 1.
        choice: how they are chosen.
        enrolled: how many of the people are enrolled in the open set.

    Raises:
        UserError: somebody has no recording for a role, or there are too few people.
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
        inside, outside = _parted_views(recordings, scenario, [seed, split])
        enrolments, probes = [], []
        for person in people:
            own = [place for place, recording in enumerate(recordings) if recording.person == person]
            given = [n for n in own if scenario.enrols(recordings[n]) and _within(recordings[n], inside)]
            takes = sorted({recordings[n].take for n in given}, key=name_order)
            if choice == "drawn":
                order = np.random.default_rng([seed, split, zlib.crc32(person.encode())])
                takes = [takes[n] for n in order.permutation(len(takes))]
            if scenario.every_view:
                takes = _in_turn(takes, {recordings[n].take: recordings[n].view for n in given})
            chosen = set(takes[:enrol])
            asked = [n for n in own if scenario.probes(recordings[n]) and _within(recordings[n], outside)]
            asked = [n for n in asked if recordings[n].take not in chosen]
            if not chosen or not asked:
                raise UserError(
                    f"person {person} has no usable walk {'to be searched with' if chosen else 'to enrol'} "
                    f"in scenario {scenario.name}, with {enrol} to enrol from; leave the person out"
                )
            enrolments.append(tuple(n for n in given if recordings[n].take in chosen))
            probes += asked
        draws.append(Draw(tuple(enrolments), tuple(probes), np.isin(np.arange(len(people)), half)))
    return draws


def _in_turn(takes: Sequence[str], views: Mapping[str, str]) -> list[str]:
    """One take of each view, then another of each, and so on, each view's in their order."""
    turns: dict[str, int] = {}
    placed = []
    for take in takes:
        turn = turns.get(views[take], 0)
        turns[views[take]] = turn + 1
        placed.append((turn, take))
    return [take for _, take in sorted(placed, key=lambda each: each[0])]


def _within(recording: Recording, views: frozenset[str] | None) -> bool:
    return views is None or recording.view in views


def _parted_views(
    recordings: Sequence[Recording], scenario: Scenario, seed: list[int]
) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """The views that enrol and those that are searched with; None does not ask for any."""
    if not scenario.drawn_views:
        return None, None
    views = sorted({recording.view for recording in recordings})
    if len(views) <= scenario.drawn_views:
        raise UserError(
            f"scenario {scenario.name} parts views: expected more than {scenario.drawn_views}, "
            f"got {len(views)}"
        )
    order = [views[n] for n in np.random.default_rng(seed).permutation(len(views))]
    return frozenset(order[: scenario.drawn_views]), frozenset(order[scenario.drawn_views :])
