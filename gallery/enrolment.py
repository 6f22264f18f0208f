"""Enrolment of tracks of the running system: selects them, checks how much walking they show, stores them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gallery.matcher import Matcher
from gallery.open_set_decision import Track
from gallery.store.gallery import Gallery
from gallery.store.records import NewEnrolment
from stream.bus.messages import EnrolReply, EnrolRequest
from stream.errors import UserError

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
    """Walks that may be stored as one new person.

    Attributes:
        name: the person's name, as requested.
        consent_by: how the person gave consent.
        walks: at least one.
    """

    name: str
    consent_by: str
    walks: tuple[NewEnrolment, ...]


def prepare_enrolment(matcher: Matcher, contract: str, request: EnrolRequest) -> PreparedEnrolment:
    """Selects the requested tracks, one walk for each; uses the matcher's memory only, not the gallery.

    Raises:
        UserError: there is no such track, no person or several people are in view, or too little walking was
            seen.
    """
    tracks = [_find(matcher, number) for number in request.tracks] or [_only_one(matcher)]
    min_seconds = max(LOWEST_MIN_SECONDS, request.seconds or MIN_SECONDS)
    walks = tuple(_walk(matcher, track, contract, min_seconds) for track in tracks)
    return PreparedEnrolment(request.name, request.consent_by, walks)


def store_enrolment(gallery: Gallery, prepared: PreparedEnrolment) -> EnrolReply:
    """Stores all walks as one new person, or nothing.

    Raises:
        GalleryError: the name exists or is invalid, or the gallery cannot be written.
    """
    gallery.enrol(prepared.name, prepared.walks, consent_by=prepared.consent_by)
    return EnrolReply(
        windows=sum(len(walk.templates) for walk in prepared.walks),
        seconds=sum(walk.seconds for walk in prepared.walks),
        quality=float(np.mean([walk.quality for walk in prepared.walks])),
    )


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
        quality=scores.quality,
        templates=np.stack(scores.templates.rows),
        statistics=scores.statistics.segments.mean,
    )
