"""A remembered stranger becomes an enrolled person, with the checks of an enrolment."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gallery.enrolment import MIN_SECONDS
from gallery.enrolment_checks import DEFAULT_FPIR
from gallery.store.gallery import Gallery
from gallery.store.history import UnknownVisitError
from gallery.store.history_records import VisitWalk, visitor_name
from gallery.store.records import Person
from gallery.visits.review import GalleryComparison
from gallery.visits.walk_comparison import compare_walk
from stream.consent import Consent
from stream.errors import UserError

__all__ = ["Adopted", "adopt_visitor", "visitor_number"]

_VISITOR = re.compile(r"(?:visitor\s+)?([0-9]{1,18})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Adopted:
    """A stranger who was enrolled.

    Attributes:
        person: with the walks that were kept.
        visits: number of earlier visits that are now known to be the person's.
        warnings: what is doubtful, a sentence each.
    """

    person: Person
    visits: int
    warnings: tuple[str, ...]


def visitor_number(text: str) -> int:
    """Returns the number of a remembered stranger, given as `visitor 7` or `7`.

    Raises:
        UserError: the text is neither.
    """
    found = _VISITOR.fullmatch(text.strip())
    if found is None:
        msg = f'expected a remembered stranger, such as "visitor 7", got {text!a:.60}'
        raise UserError(msg)
    return int(found[1])


def adopt_visitor(
    gallery: Gallery,
    number: int,
    name: str,
    consent: Consent,
    *,
    consent_note: str = "",
    weights: Sequence[Path] = (),
    force: bool = False,
) -> Adopted:
    """Enrols a remembered stranger with the walks that are kept of the visits.

    Args:
        gallery: remembers the stranger.
        number: of the stranger.
        name: of the person.
        consent: whose consent it is.
        consent_note: who gave it and where that is recorded; may be empty.
        weights: of the encoder, for a back-end beside them.
        force: enrols a stranger who is recognised as somebody who is enrolled, too.

    Raises:
        UnknownVisitError: nothing is kept of the stranger.
        UserError: too little walking is, or it is recognised as somebody's.
        GalleryError: the name is taken or cannot be used, or the gallery cannot be written.
    """
    walks = gallery.history.walks_of(number)
    if not walks:
        raise _nothing_kept(gallery, number)
    enough = [walk for walk in walks if walk.seconds >= MIN_SECONDS - 1e-6]
    if not enough:
        seconds = max(walk.seconds for walk in walks)
        msg = (
            f"{visitor_name(number)} showed {seconds:.1f} s of usable walking at a time, at least "
            f"{MIN_SECONDS:g} s are needed; enrol the person while they walk: sge-stream enroll NAME"
        )
        raise UserError(msg)
    warnings = _check(GalleryComparison(gallery, weights), enough, number, name, force=force)
    person, visits = gallery.adopt(number, name, enough, consent.value, consent_note)
    return Adopted(person, visits, tuple(warnings))


def _nothing_kept(gallery: Gallery, number: int) -> UnknownVisitError:
    name = visitor_name(number)
    if any(visit.visitor == name for visit in gallery.history.visits()):
        return UnknownVisitError(
            f"of {name} times and scores are stored, and no walk any more: the time for which strangers are "
            "remembered is over, or they were enrolled; enrol the person while they walk: "
            "sge-stream enroll NAME"
        )
    return UnknownVisitError(
        f"no {name} is known; strangers get numbers where they are remembered (sge-stream watch "
        "--remember-strangers 7d), and of others nothing is kept that somebody could be enrolled by"
    )


def _check(
    comparison: GalleryComparison, walks: Sequence[VisitWalk], number: int, name: str, *, force: bool
) -> list[str]:
    """Returns warnings.

    Raises:
        UserError: a walk is recognised as an enrolled person's.
    """
    warnings = []
    for walk in walks:
        index, calibrations = comparison.of(walk)
        compared = compare_walk(index, calibrations, walk, DEFAULT_FPIR)
        if not compared or compared[0].threshold is None or compared[0].score < compared[0].threshold:
            continue
        best = index.names[compared[0].person]
        fact = (
            f"a walk of {visitor_name(number)} is recognised as {best}: score {compared[0].score:.3f}, "
            f"threshold {compared[0].threshold:.3f}"
        )
        if calibrations[walk.sensor].provisional:
            warnings.append(f"{fact}; the threshold is provisional")
        elif force:
            warnings.append(fact)
        else:
            msg = f"{fact}. If it is {best}, record that in the visits instead: sge-stream visits deny ID "
            msg += f"--was {shlex.quote(best)}; if it is {name}, give --force"
            raise UserError(msg)
    return warnings
