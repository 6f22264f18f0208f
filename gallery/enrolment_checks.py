"""Checks of walks before they are enrolled: known people, known recordings, walks of different people.

A walk is compared with the gallery as in its track's decisions (`gallery.open_set_decision`), with the run's
FPIR, or `DEFAULT_FPIR` in a run that rejects no strangers. People whom the track was not compared with for
long enough, because they were enrolled after it began, are compared with the walk as it would be stored.

`python -m tools.trials.enrolment_checks` measures what the checks refuse and report.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray

from gallery.matcher import Matcher
from gallery.open_set_decision import DecisionRule, Track
from gallery.scoring.backend import Backend
from gallery.scoring.same_recording import is_same_recording
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import TemplateMeans
from gallery.store.names import name_key
from gallery.store.records import NewEnrolment, PersonTemplates
from stream.body import FloatArray

__all__ = [
    "CONTRADICTING_SHARE",
    "DEFAULT_FPIR",
    "Findings",
    "LabelledWalk",
    "Refusal",
    "check_walks",
    "contradiction_limit",
    "mutual_score",
]

DEFAULT_FPIR = 0.01
"""The rate of new people who may be refused, in a run without a rate of its own."""

CONTRADICTING_SHARE = 0.02
"""Two walks of one person contradict each other if more than this share of strangers' walks fit as well.

Chosen on KGBD people 1-100 in four parts, each compared by a fusion of the others: it reports 1 % of the
pairs of walks of one person, and 98 % of the pairs of walks of two.
"""

_NEAREST_PEOPLE = 3
"""People with the best scores, whose walks may be the same recording: a copy has the highest."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledWalk:
    """A walk with what the checks need of it.

    Attributes:
        label: names the walk in messages.
        sensor: kind of sensor.
        windows: number of its windows.
        templates: (m, f, D) float32, as stored.
        statistics: (S,) float32, as stored.
    """

    label: str
    sensor: str
    windows: int
    templates: FloatArray = field(repr=False)
    statistics: FloatArray = field(repr=False)

    @classmethod
    def of(cls, label: str, walk: NewEnrolment | PersonTemplates, windows: int | None = None) -> Self:
        """Returns a stored walk; without a number of windows, that of its templates."""
        count = len(walk.templates) if windows is None else windows
        return cls(label, walk.sensor, count, walk.templates, walk.statistics)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason not to store walks.

    Attributes:
        fact: what was found, a sentence without its full stop.
        remedy: what to do, a sentence.
    """

    fact: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.fact}. {self.remedy}"


@dataclass(slots=True)
class Findings:
    """What the checks found.

    Attributes:
        refusals: reasons not to store the walks.
        warnings: what is doubtful, a sentence each.
        fits: how well each walk fits the person it is added to, a sentence each.
    """

    refusals: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    fits: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Compared:
    """A person's score for a walk."""

    name: str
    score: float
    threshold: float | None

    @property
    def recognised(self) -> bool:
        return self.threshold is not None and self.score >= self.threshold

    def __str__(self) -> str:
        limit = "" if self.threshold is None else f", threshold {self.threshold:.3f}"
        return f"score {self.score:.3f}{limit}"


def check_walks(
    matcher: Matcher, tracks: Sequence[Track], walks: Sequence[NewEnrolment], name: str, *, add: bool
) -> Findings:
    """Compares walks with the gallery, with what was enrolled in this run, and with each other.

    Nothing is refused on a kind of sensor without thresholds. A walk that is recognised is reported where
    these are provisional, and refused elsewhere.

    Args:
        matcher: has the gallery in memory.
        tracks: at least one.
        walks: of these tracks, as they would be stored.
        name: the person who is to have the walks.
        add: whether that person is enrolled already.
    """
    check = _Check(matcher, matcher.rule(DEFAULT_FPIR), name, add)
    labelled = []
    for place, (track, walk) in enumerate(zip(tracks, walks, strict=True), 1):
        label = f"walk {place} (track {track.number} of {matcher.sources[track.source].name})"
        labelled.append(LabelledWalk.of(label, walk, track.scores.windows))
        check.against_gallery(track, labelled[-1])
    for first, second in combinations(labelled, 2):
        check.against_each_other(first, second)
    return check.findings


def mutual_score(first: LabelledWalk, second: LabelledWalk, backend: Backend) -> float:
    """Returns the mean score of two walks of one kind of sensor against each other."""
    return (_score_against(first, second, backend) + _score_against(second, first, backend)) / 2


def contradiction_limit(first: LabelledWalk, second: LabelledWalk, backend: Backend) -> float | None:
    """Returns the mutual score below which two walks contradict each other; None if it is not known."""
    impostors = backend.impostors.get(first.sensor)
    windows = min(first.windows, second.windows)
    return None if impostors is None else impostors.exceeded_by(CONTRADICTING_SHARE, windows)


_Owned = list[tuple[str, LabelledWalk]]


@dataclass(slots=True)
class _Check:
    matcher: Matcher
    rule: DecisionRule
    name: str
    add: bool
    findings: Findings = field(default_factory=Findings)

    def against_gallery(self, track: Track, walk: LabelledWalk) -> None:
        """Looks for the walk, or its person, among the enrolled people."""
        stored = self._stored(walk.sensor)
        compared = self._compare(track, walk)
        known = self._known(track, walk, stored, compared)
        if known is not None:
            owner, fact = known
            own = next((each for each in compared if each.name == owner), None)
            self._refuse(walk.sensor, f"{fact} ({own})" if own else fact, self._remedy(owner))
        if self.add:
            self._report_fit(walk, compared)
        if not compared:
            return
        if compared[0].threshold is None:
            self._warn_uncalibrated(walk, compared[0])
        elif known is None and compared[0].recognised and not self._is_own(compared[0].name):
            fact = f"{walk.label} is recognised as {compared[0].name}: {compared[0]}"
            if self.matcher.calibrations[walk.sensor].provisional:
                self.findings.warnings.append(f"{fact}; the threshold is provisional")
            else:
                self._refuse(walk.sensor, fact, self._remedy(compared[0].name))
        elif known is None and self.add:
            for owner, other in stored:
                if self._is_own(owner):
                    self._report_contradiction(walk, other)

    def against_each_other(self, first: LabelledWalk, second: LabelledWalk) -> None:
        """Looks for one recording given twice, and for walks of two people."""
        if first.sensor != second.sensor:
            return
        if is_same_recording(first.templates, second.templates):
            fact = f"{first.label} and {second.label} are one recording, or overlap"
            self._refuse(first.sensor, fact, "Give each recording once, or --force")
        else:
            self._report_contradiction(first, second)

    def _report_contradiction(self, first: LabelledWalk, second: LabelledWalk) -> None:
        backend = self.matcher.index.backend
        limit = contradiction_limit(first, second, backend)
        score = mutual_score(first, second, backend)
        if limit is not None and score < limit:
            self.findings.warnings.append(
                f"{first.label} and {second.label} contradict each other: score {score:.3f}, expected of one "
                f"person {limit:.3f} or more; see whether both show {self.name}"
            )

    def _compare(self, track: Track, walk: LabelledWalk) -> list[_Compared]:
        """Returns the people of the walk's kind of sensor, best first."""
        index = self.matcher.index
        people = index.people_of(walk.sensor)
        scores = {each.person: each.score for each in self.rule.ranking(track)}
        if len(scores) < len(people):
            whole = _walk_scores(index, walk)
            for person, score in zip(people, whole.tolist(), strict=True):
                scores.setdefault(person, score)
        found = [(index.names[person], score) for person, score in scores.items()]
        found += [
            (name, _score_against(walk, other, index.backend)) for name, other in self._unread(walk.sensor)
        ]
        calibration = self.matcher.calibrations.get(walk.sensor)
        fpir = self.rule.fpir or DEFAULT_FPIR
        limit = None if calibration is None else calibration.threshold(fpir, walk.windows)
        return sorted((_Compared(*each, limit) for each in found), key=lambda each: -each.score)

    def _known(
        self, track: Track, walk: LabelledWalk, stored: _Owned, compared: Sequence[_Compared]
    ) -> tuple[str, str] | None:
        """Returns the person who has the walk already, and the reason; None if there is none."""
        entry = self.matcher.enrolled.of_track(track.number)
        if entry is not None:
            return entry.name, f"track {entry.track} was enrolled as {entry.name} already"
        near = {each.name for each in compared[:_NEAREST_PEOPLE]}
        for owner, other in stored:
            if owner in near and is_same_recording(walk.templates, other.templates):
                return owner, f"{walk.label} is a recording that {owner} was enrolled from, or overlaps it"
        return None

    def _stored(self, sensor: str) -> _Owned:
        """Returns the enrolled walks of a kind of sensor, each with its person's name."""
        return [
            *(
                (each.name, LabelledWalk.of(f"a walk of {each.name}", each))
                for each in self.matcher.index.walks
                if each.sensor == sensor
            ),
            *self._unread(sensor),
        ]

    def _unread(self, sensor: str) -> _Owned:
        """Returns those that were enrolled in this run and are not in the index yet."""
        unread = [(entry.name, entry.walk) for entry in self.matcher.enrolled.unread]
        return [
            (name, LabelledWalk.of(f"a walk of {name}", walk))
            for name, walk in unread
            if walk is not None and walk.sensor == sensor
        ]

    def _remedy(self, owner: str) -> str:
        if self._is_own(owner):
            return "Give another walk, or --force"
        command = f"sge-stream people add-walk {shlex.quote(owner)} --source S"
        return f"If this is {owner}, add other walks: `{command}`; if not, give --force"

    def _report_fit(self, walk: LabelledWalk, compared: Sequence[_Compared]) -> None:
        own = next((each for each in compared if self._is_own(each.name)), None)
        if own is None:
            self.findings.fits.append(f"{walk.label} is the first of {self.name} on {walk.sensor}")
        elif own.threshold is not None and not own.recognised:
            self.findings.fits.append(f"{walk.label} would not have been recognised as {own.name}: {own}")
        else:
            self.findings.fits.append(f"{walk.label} fits {own.name}: {own}")

    def _warn_uncalibrated(self, walk: LabelledWalk, best: _Compared) -> None:
        self.findings.warnings.append(
            f"{walk.label} cannot be judged: no threshold is known for {walk.sensor}; it fits "
            f"{best.name} best, {best}"
        )

    def _refuse(self, sensor: str, fact: str, remedy: str) -> None:
        """Adds a refusal; a warning on a kind of sensor without thresholds."""
        if self.matcher.index.backend.visits_of(sensor) is None:
            self.findings.warnings.append(fact)
        else:
            self.findings.refusals.append(Refusal(fact, remedy))

    def _is_own(self, name: str) -> bool:
        return self.add and name_key(name) == name_key(self.name)


def _score_against(probe: LabelledWalk, other: LabelledWalk, backend: Backend) -> float:
    """Returns the score of a walk against another of the same kind of sensor."""
    person = PersonTemplates(1, "", other.sensor, other.templates, other.statistics)
    index = TemplateIndex([person], backend, [other.sensor])
    return float(_walk_scores(index, probe)[0])


def _walk_scores(index: TemplateIndex, walk: LabelledWalk) -> NDArray[np.float64]:
    """Returns the score of a whole walk for each person of its kind of sensor, (P,)."""
    ends = TemplateMeans.ends(len(walk.templates), walk.windows)
    course = index.walk_course(walk.templates, walk.statistics, ends, walk.sensor)
    last: NDArray[np.float64] = course[-1]
    return last
