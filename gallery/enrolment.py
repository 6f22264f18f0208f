"""Enrolling tracks that the matcher has watched: which ones, was enough seen, and into the gallery."""

from __future__ import annotations

import numpy as np

from gallery.matcher import Matcher, Track
from gallery.store.gallery import Gallery, NewEnrolment
from stream.bus.messages import Ask, Reply
from stream.errors import UserError

__all__ = ["LEAST_SECONDS", "MIN_SECONDS", "enrol_tracks"]

MIN_SECONDS = 3.0
"""Usable walking that a walk must show to be enrolled: two to three strides."""

LEAST_SECONDS = 1.5
"""The least that may be asked for instead: one stride, of somebody who was in view no longer."""


def enrol_tracks(matcher: Matcher, store: Gallery, contract: str, ask: Ask) -> Reply:
    """Store the tracks asked for as one new person, each track one walk; all of it or nothing.

    Raises:
        UserError: no such track, nobody or several people in view, too little seen.
        GalleryError: the name exists or cannot be used, or the gallery cannot be written.
    """
    tracks = [_find(matcher, number) for number in ask.tracks] or [_only_one(matcher)]
    least = max(LEAST_SECONDS, ask.seconds or MIN_SECONDS)
    walks = [_walk(matcher, track, contract, least) for track in tracks]
    store.enrol(ask.name, walks, consent_by=ask.consent_by)
    return Reply(
        windows=sum(len(walk.templates) for walk in walks),
        seconds=sum(walk.seconds for walk in walks),
        quality=float(np.mean([walk.quality for walk in walks])),
    )


def _find(matcher: Matcher, number: int) -> Track:
    track = matcher.tracks.get(number) or matcher.ended.get(number)
    if track is None:
        seen = ", ".join(str(n) for n in matcher.tracks) or "none"
        msg = f"there is no track {number}; in view: {seen}"
        raise UserError(msg)
    return track


def _only_one(matcher: Matcher) -> Track:
    if len(matcher.tracks) == 1:
        return next(iter(matcher.tracks.values()))
    if not matcher.tracks:
        msg = "nobody is in view; enrol while the person walks, or give --track N"
        raise UserError(msg)
    seen = ", ".join(str(number) for number in matcher.tracks)
    msg = f"{len(matcher.tracks)} people are in view (tracks {seen}); let one walk alone, or give --track N"
    raise UserError(msg)


def _walk(matcher: Matcher, track: Track, contract: str, least: float) -> NewEnrolment:
    evidence = track.evidence
    if evidence.seconds < least - 1e-6:
        msg = (
            f"track {track.number} showed {evidence.seconds:.1f} s of usable walking, "
            f"at least {least:g} s are needed; let the person walk longer in full view"
        )
        raise UserError(msg)
    return NewEnrolment(
        contract_id=contract,
        sensor=matcher.sources[track.source].sensor,
        seconds=evidence.seconds,
        quality=evidence.quality,
        templates=np.stack(evidence.kept.rows),
        statistics=evidence.trail.segments.mean,
    )
