"""Enrols people from recordings, and identifies them, in this process, for tests of something else."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

from gallery.enrolment import prepare_enrolment, store_enrolment
from gallery.store.gallery import open_gallery
from stream.bus.messages import EnrolRequest
from stream.consent import Consent
from stream.recording import read_recording
from tools.trials.visits.replay import LivePath, decided
from tools.trials.visits.stage import StagedSource

__all__ = ["enrol_recordings", "identified"]


def enrol_recordings(gallery: Path, name: str, *recordings: Path, encoder: Path | None = None) -> None:
    """Stores all walks of recordings as one person's, as `sge-stream enroll NAME --source ...` does.

    Args:
        gallery: its file.
        name: of the person.
        recordings: of that person alone.
        encoder: custom weights; None: those that ship.
    """
    path = _live_path(encoder)
    replayed = path.replay([_staged(recording) for recording in recordings])
    matcher = path.matcher(replayed.cards, [])
    for _ in decided(replayed, matcher):
        pass
    request = EnrolRequest(name, tuple(sorted(matcher.ended)), Consent.STATED.value)
    with open_gallery(str(gallery)) as store:
        store_enrolment(store, prepare_enrolment(matcher, path.contract, request))


def identified(gallery: Path, recording: Path) -> dict[int, str | None]:
    """Returns the person of the last decision on each track of a recording; None is an unknown person."""
    path = _live_path(None)
    replayed = path.replay([_staged(recording)])
    with open_gallery(str(gallery), create=False) as store:
        matcher = path.matcher(replayed.cards, store.templates(path.contract))
    named: dict[int, str | None] = {}
    for _, decisions in decided(replayed, matcher):
        named |= {each.track.number: each.candidate if each.state == "person" else None for each in decisions}
    return named


@cache
def _live_path(encoder: Path | None) -> LivePath:
    return LivePath(*([] if encoder is None else [encoder]))


def _staged(recording: Path) -> StagedSource:
    with read_recording(recording) as frames:
        return StagedSource(frames.info, tuple(frames), (), Counter())  # nobody asks whose a body was
