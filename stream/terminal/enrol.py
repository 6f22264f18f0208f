"""Enrolment from the terminal: of a person in front of sources, or of a track of the running system."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from gallery.enrolment import LOWEST_MIN_SECONDS, MIN_SECONDS
from gallery.store.gallery import open_gallery
from gallery.store.names import clean_name, name_taken
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
FAIR_QUALITY = 0.8
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class EnrolPlan:
    """An enrolment that the user requests.

    Attributes:
        name: name of the person.
        settings: sources, gallery, device, speed.
        track: track to enrol; None for the only one in view.
        seconds: seconds of walking to wait for; None for the default.
        yes: True if consent was given and no confirmation is needed.
    """

    name: str
    settings: Settings
    track: int | None
    seconds: float | None
    yes: bool


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


def enrol(plan: EnrolPlan, *, out: Console, err: Console, debug: bool) -> None:
    """Enrols a person and prints the quality of the enrolment.

    Raises:
        UserError: the name exists, consent is missing, no person or several people walked, or too little.
    """
    name = clean_name(plan.name)
    if plan.seconds is not None and not LOWEST_MIN_SECONDS <= plan.seconds <= MAX_SECONDS:
        limits = f"{LOWEST_MIN_SECONDS} to {MAX_SECONDS:.0f} s"
        msg = f"--seconds: expected {limits} of walking, got {plan.seconds:g}"
        raise UserError(msg)
    with open_gallery(plan.settings.gallery) as store:
        url = store.url
        if store.has(name):
            raise name_taken(name)
    running_system = None if plan.settings.sources else _running_system(url)
    if running_system is not None and plan.settings.encoder:
        msg = "the running system has its own encoder; omit --encoder, or give --source"
        raise UserError(msg)
    consent_by = _consent(name, plan.yes)
    if running_system is None:
        with start_live(plan.settings, err, debug) as live:
            tracks = _observe_walks(live, plan, err)
            reply = live.enrol(name, tracks, consent_by=consent_by, seconds=plan.seconds or 0.0)
    else:
        tracks = [] if plan.track is None else [plan.track]
        request = EnrolRequest(name, tuple(tracks), consent_by, plan.seconds or 0.0)
        reply = request_enrolment(running_system, request)
    out.print(_summary(name, len(tracks) or 1, reply), highlight=False, soft_wrap=True)


def _consent(name: str, yes: bool) -> str:
    confirm(f"Does {name} agree that a template of their gait is stored?", yes)
    return "--yes" if yes else "asked"


def _observe_walks(live: Live, plan: EnrolPlan, err: Console) -> list[int]:
    """Observes the sources until each has shown enough walking; returns the tracks to enrol."""
    enough = plan.seconds or LIVE_SECONDS
    observers = [WalkObserver(plan.track) for _ in live.infos]
    with _progress(err) as bar:
        task = bar.add_task("walking", total=1.0, quality=0.0)
        while not live.done:
            verdict = live.next(_POLL_S)
            if verdict is not None:
                observers[live.source_of(verdict.decision.track)].update(verdict)
                _update_progress(bar, task, observers, enough)
            if all(_is_complete(live, plan, index, observer) for index, observer in enumerate(observers)):
                break
        live.check()
        selected = [
            observer.select_track(enough if plan.seconds or not info.finite else math.inf)
            for observer, info in zip(observers, live.infos, strict=True)
        ]
        tracks = [number for number in selected if number is not None]
        if tracks and (plan.track is not None or len(tracks) == len(observers)):
            bar.update(task, completed=1.0)
            return tracks
    if plan.track is not None and not any(observer.walks for observer in observers):
        raise _no_track(plan.track, set[int]().union(*(observer.others for observer in observers)))
    raise _walk_too_short(live, observers, min(MIN_SECONDS, enough))


def _is_complete(live: Live, plan: EnrolPlan, index: int, observer: WalkObserver) -> bool:
    """Returns True if the source has ended, has shown the requested walking, or does not have the track."""
    if plan.track is not None and live.source_of(plan.track) != index:
        return True
    if live.ended(index):
        return True
    if plan.seconds is None and live.infos[index].finite:
        return False
    return observer.seconds >= (plan.seconds or LIVE_SECONDS)


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


def _no_track(number: int, others: set[int]) -> UserError:
    found = ", ".join(map(str, sorted(others))) or "none"
    return UserError(f"no walking track {number}; walking tracks: {found}. No person was enrolled")


def _walk_too_short(live: Live, observers: list[WalkObserver], needed: float) -> UserError:
    least = min(range(len(observers)), key=lambda i: observers[i].seconds)
    seconds = observers[least].seconds
    found = f"only {seconds:.1f} s of usable walking" if seconds else "no person walked in full view"
    text = f"{live.infos[least].name}: {found}; at least {needed:g} s are needed. No person was enrolled"
    return UserError(text)


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


def _summary(name: str, walks: int, reply: EnrolReply) -> str:
    walked = f"{walks} walk{'s' if walks > 1 else ''}, {reply.seconds:.1f} s of usable walking"
    text = f"{name} is enrolled: {walked}, {reply.windows} templates, quality {reply.quality:.0%}"
    if reply.quality < FAIR_QUALITY:
        text += " (poor: many joints were inferred; enrol again in better view)"
    return text
