"""Observes sources until each has shown the walking that was asked for, and selects the tracks to enrol."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from gallery.enrolment import LOWEST_MIN_SECONDS, MIN_SECONDS
from stream.bus.messages import Verdict
from stream.errors import UserError
from stream.system.live import Live
from stream.terminal.enrol_progress import EnrolProgress, WatchedWalk, what_counts
from stream.terminal.walk_observer import WalkObserver
from stream.windows.window_advice import not_counted

__all__ = ["WantedWalks", "observe_walks"]

LIVE_SECONDS = 10.0
"""Default amount of walking for an enrolment from a live source."""

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class WantedWalks:
    """Walks that a user asks for.

    Attributes:
        tracks: tracks to enrol, one walk each; of a source without one, the only person in view.
        seconds: seconds of walking to wait for; None for 10 of a live source, all of a file.
    """

    tracks: tuple[int, ...] = ()
    seconds: float | None = None

    @property
    def least(self) -> float:
        """Seconds of walking without which a walk is not stored."""
        return self.seconds or MIN_SECONDS


def observe_walks(live: Live, sources: Sequence[str], wanted: WantedWalks, err: Console) -> list[int]:
    """Observes the sources until each has shown enough walking; returns the tracks to enrol.

    Args:
        live: the running system.
        sources: its sources, as given.
        wanted: what to take of them.
        err: for the progress.

    Raises:
        UserError: nobody, several people or too little walking was seen.
        SgeError: a source was lost.
    """
    watched = _watched(live, wanted)
    with EnrolProgress(watched, err) as progress:
        while not live.done:
            verdict = live.next(_POLL_S)
            if verdict is not None:
                source = live.source_of(verdict.decision.track)
                for each in watched:
                    if each.source == source:
                        each.observer.update(verdict)
                        _refuse_live_crowd(live, each)
                if note := _passed_too_soon(live, verdict, watched):
                    progress.write(note)
            progress.update([_what_counts(live, each) for each in watched])
            if all(_is_complete(live, each) for each in watched):
                break
        for cut_off in live.cut_off():
            progress.write(f"warning: {cut_off}")
        tracks = [
            number for each in watched if (number := _selected(live, sources, wanted, each)) is not None
        ]
        if len(tracks) == len(watched):
            progress.end()
            return tracks
    raise _missing_walk(watched, wanted.least)


def _watched(live: Live, wanted: WantedWalks) -> list[WatchedWalk]:
    """Returns the given tracks, and each source without a given track."""
    given = [(live.source_of(number), number) for number in wanted.tracks]
    others = set(range(len(live.infos))) - {source for source, _ in given}
    watched = []
    for source, number in sorted([*given, *((each, 0) for each in others)]):
        info = live.infos[source]
        asked = wanted.seconds if info.finite else wanted.seconds or LIVE_SECONDS
        watched.append(WatchedWalk(source, info.name, asked, WalkObserver(number or None)))
    return watched


def _refuse_live_crowd(live: Live, watched: WatchedWalk) -> None:
    """Raises `UserError` if two people walk before a live source; a file is read on, to list everybody."""
    crowd = watched.observer.crowd
    if crowd is not None and live.infos[watched.source].live:
        first, second = crowd.tracks
        msg = (
            f"two people are in view of {watched.name} (tracks {first} and {second}, {crowd.t:.1f} s); let "
            "one person walk alone, or select a track with --track"
        )
        raise UserError(msg)


def _what_counts(live: Live, watched: WatchedWalk) -> str:
    """Returns who is in view and why nothing counts; nothing of a source that has ended."""
    if live.ended(watched.source):
        return ""
    statuses = [
        child.status
        for child in live.supervisor.children
        if (child.role, child.index) == ("capture", watched.source) and child.status is not None
    ]
    frames = any(status.counters.get("frames", 0) > 0 for status in statuses)
    outage = live.outages.down.get(watched.source, "")
    return what_counts(watched, frames=frames or bool(watched.observer.in_view), outage=outage)


def _is_complete(live: Live, watched: WatchedWalk) -> bool:
    """Returns True if the source has ended, or has shown the requested walking of one person."""
    if live.ended(watched.source):
        return True
    observer = watched.observer
    return watched.asked is not None and observer.seconds >= watched.asked and observer.crowd is None


def _selected(live: Live, sources: Sequence[str], wanted: WantedWalks, watched: WatchedWalk) -> int | None:
    """Returns the track to enrol; None if none walked long enough.

    Raises:
        UserError: several did, or two at the same time.
    """
    enough = math.inf if watched.asked is None else watched.asked
    found = watched.observer.candidates(enough, wanted.least)
    if len(found) < 2:
        return found[0] if found else None
    raise _several_walks(watched, found, () if any(info.live for info in live.infos) else sources)


def _several_walks(watched: WatchedWalk, tracks: Sequence[int], files: Sequence[str]) -> UserError:
    observer = watched.observer
    walks = [(number, observer.walks[number]) for number in tracks]
    listed = ", ".join(
        f"track {number} ({walk.seconds:.1f} s of walking, from {walk.first:.1f} to {walk.last:.1f} s)"
        for number, walk in walks
    )
    what = (
        f"several tracks walked one after the other in {watched.name}"
        if observer.crowd is None
        else f"two people are in view of {watched.name} at {observer.crowd.t:.1f} s"
    )
    sources = " ".join(f"--source {shlex.quote(file)}" for file in files)
    pictures = f"`sge-stream enroll --list {sources}` draws each, and " if files else ""
    options = " or ".join(f"--track {number}" for number in tracks)
    return UserError(f"{what}: {listed}; {pictures}the same command with {options} takes one")


def _passed_too_soon(live: Live, verdict: Verdict, watched: Sequence[WatchedWalk]) -> str | None:
    """Returns a note on a track that left before it had walked as much as is waited for."""
    number, seconds = verdict.decision.track, verdict.seconds
    source = live.source_of(number)
    asked = next(
        (each.asked for each in watched if each.source == source and each.observer.counts(number)), None
    )
    if asked is None or not live.infos[source].live or not (verdict.decision.final and 0 < seconds < asked):
        return None
    least = math.floor(seconds * 2) / 2
    less = f"end with Ctrl-C and give --seconds {least:g}" if least >= LOWEST_MIN_SECONDS else "come nearer"
    return (
        f"track {number} left after {seconds:.1f} s of the {asked:g} s asked for; a new one begins at 0 s: "
        f"walk longer in one pass, or {less}"
    )


def _missing_walk(watched: Sequence[WatchedWalk], needed: float) -> UserError:
    for each in watched:
        if each.observer.track is not None and not each.observer.walks:
            found = ", ".join(map(str, sorted(each.observer.others))) or "none"
            text = f"no walking track {each.observer.track}; walking tracks: {found}. No person was enrolled"
            return UserError(text)
    least = min(watched, key=lambda each: each.observer.seconds)
    seconds = least.observer.seconds
    found = f"only {seconds:.1f} s of usable walking" if seconds else "no person walked in full view"
    why = not_counted(least.observer.causes)
    return UserError(f"{least.name}: {found}; at least {needed:g} s are needed{why}. No person was enrolled")
