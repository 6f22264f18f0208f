"""Enrolment of tracks of the running system: selects them, checks their walks, stores them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gallery.enrolment_advice import pose_model_warnings, view_advice
from gallery.enrolment_checks import Findings, check_walks
from gallery.matcher import Matcher
from gallery.open_set_decision import Track
from gallery.run_enrolments import RunEnrolment
from gallery.scoring.walk_quality import WalkQuality, assess_together
from gallery.store.gallery import Gallery
from gallery.store.names import clean_name
from gallery.store.records import NewEnrolment
from stream.bus.messages import MAX_TEXT, EnrolReply, EnrolRequest
from stream.errors import UserError
from stream.walk_views import format_views

__all__ = [
    "LOWEST_MIN_SECONDS",
    "MIN_SECONDS",
    "PreparedEnrolment",
    "prepare_enrolment",
    "store_enrolment",
]

MIN_SECONDS = 3.0
"""Usable walking that a track needs to be enrolled, unless less is requested: two to three strides."""

LOWEST_MIN_SECONDS = 1.5
"""The least that can be requested instead: one stride, for a person who has left the view."""


@dataclass(frozen=True, slots=True)
class PreparedEnrolment:
    """Walks that may be stored.

    Attributes:
        name: the person's name, as requested.
        consent_by: whose consent it is, a value of `stream.consent.Consent`.
        consent_note: who gave it and where that is recorded; may be empty.
        walks: at least one.
        quality: of the walks together.
        add: whether they are added to an enrolled person.
        findings: what the checks found.
        tracks: the walks' tracks, which are that person's once the walks are stored.
    """

    name: str
    consent_by: str
    consent_note: str
    walks: tuple[NewEnrolment, ...]
    quality: WalkQuality
    add: bool
    findings: Findings
    tracks: tuple[RunEnrolment, ...]

    def end(self, state: Literal["stored", "failed"]) -> None:
        """Records whether the walks were stored; if they were not, the tracks belong to no person."""
        for entry in self.tracks:
            entry.state = state


def prepare_enrolment(matcher: Matcher, contract: str, request: EnrolRequest) -> PreparedEnrolment:
    """Selects the requested tracks, one walk for each, and checks them against the gallery in memory.

    The tracks count as the person's from now on: `store_enrolment` must follow, or `PreparedEnrolment.end`.

    Raises:
        UserError: there is no such track, no person or several people are in view, too little walking was
            seen, or the walks are known or another person's and the request does not force them.
    """
    tracks = _select(matcher, request.tracks)
    min_seconds = max(LOWEST_MIN_SECONDS, request.seconds or MIN_SECONDS)
    walks = tuple(_walk(matcher, track, contract, min_seconds) for track in tracks)
    name = clean_name(request.name)
    findings = check_walks(matcher, tracks, walks, name, add=request.add)
    if findings.refusals and not request.force:
        raise UserError(str(findings.refusals[0]))
    findings.warnings[:0] = [refusal.fact for refusal in findings.refusals]
    findings.warnings += pose_model_warnings(walks, matcher.index.walks, name)
    entries = matcher.enrolled.begin(name, [track.number for track in tracks], walks)
    quality = assess_together([(track.scores.seconds, track.scores.bones.value) for track in tracks])
    return PreparedEnrolment(
        name, request.consent_by, request.consent_note, walks, quality, request.add, findings, tuple(entries)
    )


def store_enrolment(gallery: Gallery, prepared: PreparedEnrolment) -> EnrolReply:
    """Stores all walks, or nothing.

    Raises:
        GalleryError: the name is invalid, or exists for a new person, or does not exist for an added walk; or
            the gallery cannot be written.
    """
    try:
        if prepared.add:
            person = gallery.add_walks(prepared.name, prepared.walks)
        else:
            person = gallery.enrol(
                prepared.name,
                prepared.walks,
                consent_by=prepared.consent_by,
                consent_note=prepared.consent_note,
            )
    except BaseException:
        prepared.end("failed")
        raise
    prepared.end("stored")
    return EnrolReply(
        windows=sum(len(walk.templates) for walk in prepared.walks),
        seconds=sum(walk.seconds for walk in prepared.walks),
        quality=prepared.quality.value,
        warnings=tuple(text[:MAX_TEXT] for text in prepared.findings.warnings),
        fits=tuple(text[:MAX_TEXT] for text in prepared.findings.fits),
        quality_cause=prepared.quality.cause,
        views=tuple(
            text[:MAX_TEXT] for text in view_advice(person, {walk.sensor for walk in prepared.walks})
        ),
    )


def _select(matcher: Matcher, numbers: Sequence[int]) -> list[Track]:
    twice = [number for number, times in Counter(numbers).items() if times > 1]
    if twice:
        raise UserError(f"track {twice[0]} is given twice; give each track once")
    return [_find(matcher, number) for number in numbers] or [_only_one(matcher)]


def _find(matcher: Matcher, number: int) -> Track:
    track = matcher.tracks.get(number) or matcher.ended.get(number)
    if track is None:
        in_view = ", ".join(str(n) for n in matcher.tracks) or "none"
        msg = f"there is no track {number}; in view: {in_view}"
        raise UserError(msg)
    return track


def _only_one(matcher: Matcher) -> Track:
    if len(matcher.tracks) == 1:
        return next(iter(matcher.tracks.values()))
    if not matcher.tracks:
        msg = "nobody is in view; enrol while the person walks, or give --track N"
        raise UserError(msg)
    in_view = ", ".join(str(number) for number in matcher.tracks)
    msg = (
        f"{len(matcher.tracks)} people are in view (tracks {in_view}); let one walk alone, or give --track N"
    )
    raise UserError(msg)


def _walk(matcher: Matcher, track: Track, contract: str, min_seconds: float) -> NewEnrolment:
    scores = track.scores
    if scores.seconds < min_seconds - 1e-6:
        msg = (
            f"track {track.number} showed {scores.seconds:.1f} s of usable walking, "
            f"at least {min_seconds:g} s are needed; let the person walk longer in full view"
        )
        raise UserError(msg)
    return NewEnrolment(
        contract_id=contract,
        sensor=matcher.sources[track.source].sensor,
        seconds=scores.seconds,
        quality=scores.quality.value,
        templates=np.stack(scores.templates.rows),
        statistics=scores.statistics.segments.mean,
        pose_model=scores.pose_model or None,
        view=format_views(scores.seen_views) or None,
    )
