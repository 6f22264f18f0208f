"""Enrolment from the terminal: of a person in front of sources, or of a track of the running system."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from msgspec.structs import replace
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from gallery.enrolment import LOWEST_MIN_SECONDS, MIN_SECONDS
from gallery.store.gallery import open_gallery
from gallery.store.names import clean_name, name_taken
from gallery.store.store_protocol import MissingGalleryError
from stream.bus.messages import EnrolReply, EnrolRequest, Verdict
from stream.errors import UserError
from stream.system.live import Live
from stream.system.matcher_client import request_enrolment
from stream.system.run_folder import Run, running
from stream.system.settings import Settings
from stream.terminal.identify import start_live
from stream.terminal.prompt import confirm

__all__ = ["EnrolPlan", "ObservedWalk", "WalkObserver", "enrol"]

LIVE_SECONDS = 10.0
"""Default amount of walking for an enrolment from a live source."""

MAX_SECONDS = 3600.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class EnrolPlan:
    """An enrolment that the user requests.

    Attributes:
        name: name of the person.
        settings: sources, gallery, device, speed.
        tracks: tracks to enrol, one walk each; empty for the only one in view of each source.
        seconds: seconds of walking to wait for; None for the default.
        yes: True if consent was given and no confirmation is needed.
        add: True adds the walks to the enrolled person of that name.
        force: True stores walks that the checks refuse.
    """

    name: str
    settings: Settings
    tracks: tuple[int, ...] = ()
    seconds: float | None = None
    yes: bool = False
    add: bool = False
    force: bool = False


@dataclass(slots=True)
class ObservedWalk:
    """The walking of a track: times of its first and last window (source seconds), amount and quality."""

    first: float
    last: float
    seconds: float = 0.0
    quality: float = 0.0


@dataclass(slots=True)
class WalkObserver:
    """Collects the walking in one source, to select the track of the person to enrol.

    Attributes:
        track: the only track that counts; None for all.
        walks: observed walks by track number.
        others: other tracks that walked, if `track` is given.
    """

    track: int | None = None
    walks: dict[int, ObservedWalk] = field(default_factory=dict)
    others: set[int] = field(default_factory=set)

    def update(self, verdict: Verdict) -> None:
        """Adds a verdict to its track.

        Raises:
            UserError: two people walk at the same time.
        """
        decision = verdict.decision
        if decision.final or decision.latency_ms is None:
            return
        if self.track not in (None, decision.track):
            self.others.add(decision.track)
            return
        walk = self.walks.setdefault(decision.track, ObservedWalk(decision.t, decision.t))
        walk.last, walk.seconds, walk.quality = decision.t, verdict.seconds, verdict.quality
        for number, other in self.walks.items():
            if number != decision.track and other.last >= walk.first:
                msg = (
                    f"two people are in view of {decision.source} (tracks {number} and {decision.track}, "
                    f"{decision.t:.1f} s); let one person walk alone, or select a track with --track"
                )
                raise UserError(msg)

    @property
    def seconds(self) -> float:
        """Usable walking of the longest walk, in seconds."""
        return max((walk.seconds for walk in self.walks.values()), default=0.0)

    def select_track(self, enough: float = math.inf) -> int | None:
        """Returns the track to enrol, or None if no track is long enough.

        Args:
            enough: requested seconds of walking; if exactly one track has as much, it is selected.

        Raises:
            UserError: several tracks, one after the other, are long enough; they may be different people.
        """
        least = min(MIN_SECONDS, enough)
        candidates = [number for number, walk in self.walks.items() if walk.seconds >= least]
        complete = [number for number in candidates if self.walks[number].seconds >= enough]
        if len(complete) == 1:
            return complete[0]
        if len(candidates) > 1:
            numbers = ", ".join(str(number) for number in candidates)
            msg = f"several tracks walked one after the other (tracks {numbers}); select one with --track"
            raise UserError(msg)
        return candidates[0] if candidates else None


@dataclass(frozen=True, slots=True)
class _Watched:
    """A source, or one track of it, that is to give a walk."""

    source: int
    observer: WalkObserver


def enrol(plan: EnrolPlan, *, out: Console, err: Console, debug: bool) -> None:
    """Enrols a person, or adds walks to one, and prints the quality of the walks.

    Raises:
        UserError: the name exists (does not exist, for added walks), consent is missing, no person or several
            people walked, or too little, or the walks are refused (`gallery.enrolment_checks`).
    """
    name = clean_name(plan.name)
    if plan.seconds is not None and not LOWEST_MIN_SECONDS <= plan.seconds <= MAX_SECONDS:
        limits = f"{LOWEST_MIN_SECONDS} to {MAX_SECONDS:.0f} s"
        msg = f"--seconds: expected {limits} of walking, got {plan.seconds:g}"
        raise UserError(msg)
    url, name, exists = _examine_gallery(plan, name)
    running_system = None if plan.settings.sources else _running_system(url)
    if running_system is not None and plan.settings.encoder:
        msg = "the running system has its own encoder; omit --encoder, or give --source"
        raise UserError(msg)
    request = EnrolRequest(
        name, plan.tracks, _consent(name, plan.yes), plan.seconds or 0.0, plan.add, plan.force
    )
    if running_system is None:
        with start_live(plan.settings, err, debug) as live:
            request = replace(request, tracks=tuple(_observe_walks(live, plan, err)))
            reply = request_enrolment(live.run, request)
    else:
        reply = request_enrolment(running_system, request)
    if not exists:
        out.print(f"made the gallery {url.removeprefix('sqlite:///')}", highlight=False, soft_wrap=True)
    for warning in reply.warnings:
        err.print(f"warning: {warning}", highlight=False, soft_wrap=True)
    for fit in reply.fits:
        out.print(fit, highlight=False, soft_wrap=True)
    out.print(_summary(request, reply), highlight=False, soft_wrap=True)
    for advice in reply.views:
        out.print(advice, highlight=False, soft_wrap=True)


def _examine_gallery(plan: EnrolPlan, name: str) -> tuple[str, str, bool]:
    """Returns the gallery's URL, the name as it is stored, and whether there is a gallery already.

    Raises:
        UserError: the gallery cannot be used, or the name exists (does not exist, for added walks).
    """
    try:
        with open_gallery(plan.settings.gallery, create=False) as store:
            store.check_writable()  # before anybody walks
            if plan.add:
                name = store.person(name).name
            elif store.has(name):
                raise name_taken(name)
            return store.url, name, True
    except MissingGalleryError as missing:
        if plan.add:
            raise
        return missing.url, name, False


def _consent(name: str, yes: bool) -> str:
    confirm(f"Does {name} agree that a template of their gait is stored?", yes)
    return "--yes" if yes else "asked"


def _observe_walks(live: Live, plan: EnrolPlan, err: Console) -> list[int]:
    """Observes the sources until each has shown enough walking; returns the tracks to enrol."""
    enough = plan.seconds or LIVE_SECONDS
    watched = _watched(live, plan)
    with _progress(err) as bar:
        task = bar.add_task("walking", total=1.0, quality=0.0)
        while not live.done:
            verdict = live.next(_POLL_S)
            if verdict is not None:
                source = live.source_of(verdict.decision.track)
                for each in watched:
                    if each.source == source:
                        each.observer.update(verdict)
                if note := _passed_too_soon(live, plan, verdict, watched):
                    bar.console.print(note, highlight=False, soft_wrap=True)
                _update_progress(bar, task, [each.observer for each in watched], enough)
            if all(_is_complete(live, plan, each) for each in watched):
                break
        for cut_off in live.cut_off():
            bar.console.print(f"warning: {cut_off}", highlight=False, soft_wrap=True)
        selected = [
            each.observer.select_track(enough if _waits(live, plan, each.source) else math.inf)
            for each in watched
        ]
        tracks = [number for number in selected if number is not None]
        if len(tracks) == len(watched):
            bar.update(task, completed=1.0)
            return tracks
    raise _missing_walk(live, watched, min(MIN_SECONDS, enough))


def _watched(live: Live, plan: EnrolPlan) -> list[_Watched]:
    """Returns the given tracks, and each source without a given track."""
    given = [_Watched(live.source_of(number), WalkObserver(number)) for number in plan.tracks]
    others = set(range(len(live.infos))) - {each.source for each in given}
    return sorted([*given, *(_Watched(n, WalkObserver()) for n in others)], key=lambda each: each.source)


def _waits(live: Live, plan: EnrolPlan, source: int) -> bool:
    """Returns True if a source is observed for an amount of walking, not to its end."""
    return plan.seconds is not None or not live.infos[source].finite


def _is_complete(live: Live, plan: EnrolPlan, watched: _Watched) -> bool:
    """Returns True if the source has ended, or has shown the requested walking."""
    if live.ended(watched.source):
        return True
    enough = plan.seconds or LIVE_SECONDS
    return _waits(live, plan, watched.source) and watched.observer.seconds >= enough


def _passed_too_soon(live: Live, plan: EnrolPlan, verdict: Verdict, watched: list[_Watched]) -> str | None:
    """Returns a note on a track that left before it had walked as much as is waited for."""
    number, seconds = verdict.decision.track, verdict.seconds
    source, enough = live.source_of(number), plan.seconds or LIVE_SECONDS
    followed = any(each.source == source and each.observer.track in (None, number) for each in watched)
    left = verdict.decision.final and 0 < seconds < enough
    if not (left and followed and _waits(live, plan, source)):
        return None
    least = math.floor(seconds * 2) / 2
    less = f"end with Ctrl-C and give --seconds {least:g}" if least >= LOWEST_MIN_SECONDS else "come nearer"
    return (
        f"track {number} left after {seconds:.1f} s of the {enough:g} s asked for; a new one begins at 0 s: "
        f"walk longer in one pass, or {less}"
    )


def _progress(err: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  quality {task.fields[quality]:.0%}"),
    )
    return Progress(*columns, console=err)


def _update_progress(bar: Progress, task: TaskID, observers: list[WalkObserver], enough: float) -> None:
    share = min(min(observer.seconds / enough, 1.0) for observer in observers)
    qualities = [walk.quality for observer in observers for walk in observer.walks.values()]
    bar.update(task, completed=share, quality=min(qualities, default=0.0))


def _missing_walk(live: Live, watched: list[_Watched], needed: float) -> UserError:
    for each in watched:
        if each.observer.track is not None and not each.observer.walks:
            found = ", ".join(map(str, sorted(each.observer.others))) or "none"
            text = f"no walking track {each.observer.track}; walking tracks: {found}. No person was enrolled"
            return UserError(text)
    least = min(watched, key=lambda each: each.observer.seconds)
    seconds = least.observer.seconds
    found = f"only {seconds:.1f} s of usable walking" if seconds else "no person walked in full view"
    name = live.infos[least.source].name
    return UserError(f"{name}: {found}; at least {needed:g} s are needed. No person was enrolled")


def _running_system(url: str) -> Run:
    systems = list(running(url))
    if len(systems) == 1:
        return systems[0]
    if systems:
        pids = ", ".join(str(run.pid) for run in systems)
        found = f"{len(systems)} running systems use this gallery (processes {pids})"
        msg = f"{found}; stop all but one, or give --source"
        raise UserError(msg)
    msg = f"no running system uses the gallery {url}; start one, or give --source"
    raise UserError(msg)


def _summary(request: EnrolRequest, reply: EnrolReply) -> str:
    count = len(request.tracks) or 1
    walks = f"{count}{' more' if request.add else ''} walk{'s' if count > 1 else ''}"
    done = f"{request.name} has" if request.add else f"{request.name} is enrolled:"
    walked = f"{walks}, {reply.seconds:.1f} s of usable walking"
    text = f"{done} {walked}, {reply.windows} templates, quality {reply.quality:.0%}"
    return f"{text}: {reply.quality_cause}" if reply.quality_cause else text
