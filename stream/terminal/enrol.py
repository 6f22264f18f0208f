"""Enrolling from the terminal: a person walks before sources, or is already a track of the running system."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from gallery.enrolment import LEAST_SECONDS, MIN_SECONDS
from gallery.store.gallery import open_gallery
from gallery.store.names import clean_name, name_taken
from stream.bus.messages import Ask, Reply, Verdict
from stream.errors import UserError
from stream.system.live import Live
from stream.system.matcher_client import ask
from stream.system.run_folder import Run, running
from stream.system.settings import Settings
from stream.terminal.identify import started
from stream.terminal.prompt import confirm

__all__ = ["EnrolPlan", "Passage", "WalkWatch", "enrol"]

LIVE_SECONDS = 10.0
"""Walking enough for an enrolment from a live source."""

MAX_SECONDS = 3600.0
FAIR_QUALITY = 0.8
_TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class EnrolPlan:
    """What the user asked for.

    Attributes:
        name: who is enrolled.
        settings: sources, gallery, device, speed.
        track: only this track.
        seconds: of walking to wait for; None for the default.
        yes: consent was given, and nobody is to be asked.
    """

    name: str
    settings: Settings
    track: int | None
    seconds: float | None
    yes: bool


@dataclass(slots=True)
class Passage:
    """When a track's windows came, in the source's seconds, and how much walking they hold."""

    first: float
    last: float
    seconds: float = 0.0
    quality: float = 0.0


@dataclass(slots=True)
class WalkWatch:
    """Watches one source for the one person who is to be enrolled.

    Args:
        track: only this track counts, whoever else is in view.
    """

    track: int | None = None
    passages: dict[int, Passage] = field(default_factory=dict)
    others: set[int] = field(default_factory=set)

    def see(self, verdict: Verdict) -> None:
        """Note what a verdict shows of its track.

        Raises:
            UserError: two people walk at the same time.
        """
        decision = verdict.decision
        if decision.final or decision.latency_ms is None:
            return
        if self.track not in (None, decision.track):
            self.others.add(decision.track)
            return
        passage = self.passages.setdefault(decision.track, Passage(decision.t, decision.t))
        passage.last, passage.seconds, passage.quality = decision.t, verdict.seconds, verdict.quality
        for number, other in self.passages.items():
            if number != decision.track and other.last >= passage.first:
                msg = (
                    f"two people are in view of {decision.source} (tracks {number} and {decision.track}, "
                    f"{decision.t:.1f} s): let one person walk alone, or choose one with --track"
                )
                raise UserError(msg)

    @property
    def seconds(self) -> float:
        """Usable walking of the longest passage."""
        return max((passage.seconds for passage in self.passages.values()), default=0.0)

    def chosen(self, enough: float = math.inf) -> int | None:
        """The one track that is long enough to be enrolled, if there is one.

        Args:
            enough: seconds of walking that were asked for; who alone has shown them is meant.

        Raises:
            UserError: there are several, one after the other: nobody can tell whether it is one person.
        """
        least = min(MIN_SECONDS, enough)
        long = [number for number, passage in self.passages.items() if passage.seconds >= least]
        whole = [number for number in long if self.passages[number].seconds >= enough]
        if len(whole) == 1:
            return whole[0]
        if len(long) > 1:
            numbers = ", ".join(str(number) for number in long)
            msg = f"several walked one after the other (tracks {numbers}); choose the person's with --track"
            raise UserError(msg)
        return long[0] if long else None


def enrol(plan: EnrolPlan, *, out: Console, err: Console, debug: bool) -> None:
    """Enrol a person and say how good it is.

    Raises:
        UserError: the name exists, consent is missing, nobody or several people walked, too little was seen.
    """
    name = clean_name(plan.name)
    if plan.seconds is not None and not LEAST_SECONDS <= plan.seconds <= MAX_SECONDS:
        msg = f"--seconds: expected {LEAST_SECONDS} to {MAX_SECONDS:.0f} s of walking, got {plan.seconds:g}"
        raise UserError(msg)
    with open_gallery(plan.settings.gallery) as store:
        url = store.url
        if store.has(name):
            raise name_taken(name)
    running_system = None if plan.settings.sources else _running_system(url)
    if running_system is not None and plan.settings.encoder:
        msg = "the running system has its own encoder; leave --encoder out, or give --source"
        raise UserError(msg)
    consent_by = _consent(name, plan.yes)
    if running_system is None:
        with started(plan.settings, err, debug) as live:
            tracks = _watch(live, plan, err)
            reply = live.enrol(name, tracks, consent_by=consent_by, seconds=plan.seconds or 0.0)
    else:
        tracks = [] if plan.track is None else [plan.track]
        reply = ask(running_system, Ask(name, tuple(tracks), consent_by, plan.seconds or 0.0))
    out.print(_report(name, len(tracks) or 1, reply), highlight=False, soft_wrap=True)


def _consent(name: str, yes: bool) -> str:
    confirm(f"Does {name} agree that a template of their gait is stored?", yes)
    return "--yes" if yes else "asked"


def _watch(live: Live, plan: EnrolPlan, err: Console) -> list[int]:
    enough = plan.seconds or LIVE_SECONDS
    watches = [WalkWatch(plan.track) for _ in live.infos]
    with _progress(err) as bar:
        task = bar.add_task("walking", total=1.0, quality=0.0)
        while not live.done:
            verdict = live.next(_TICK_S)
            if verdict is not None:
                watches[live.source_of(verdict.decision.track)].see(verdict)
                _show(bar, task, watches, enough)
            if all(_has_enough(live, plan, index, watch) for index, watch in enumerate(watches)):
                break
        live.check()
        chosen = [
            watch.chosen(enough if plan.seconds or not info.finite else math.inf)
            for watch, info in zip(watches, live.infos, strict=True)
        ]
        tracks = [number for number in chosen if number is not None]
        if tracks and (plan.track is not None or len(tracks) == len(watches)):
            bar.update(task, completed=1.0)
            return tracks
    if plan.track is not None and not any(watch.passages for watch in watches):
        raise _no_track(plan.track, set[int]().union(*(watch.others for watch in watches)))
    raise _too_little(live, watches, min(MIN_SECONDS, enough))


def _has_enough(live: Live, plan: EnrolPlan, index: int, watch: WalkWatch) -> bool:
    """Whether a source need not be watched on: it has ended, or has shown as much as was asked for."""
    if plan.track is not None and live.source_of(plan.track) != index:
        return True
    if live.ended(index):
        return True
    if plan.seconds is None and live.infos[index].finite:
        return False
    return watch.seconds >= (plan.seconds or LIVE_SECONDS)


def _progress(err: Console) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  quality {task.fields[quality]:.0%}"),
    )
    return Progress(*columns, console=err)


def _show(bar: Progress, task: TaskID, watches: list[WalkWatch], enough: float) -> None:
    share = min(min(watch.seconds / enough, 1.0) for watch in watches)
    seen = [p.quality for watch in watches for p in watch.passages.values()]
    bar.update(task, completed=share, quality=min(seen, default=0.0))


def _no_track(number: int, others: set[int]) -> UserError:
    seen = ", ".join(map(str, sorted(others))) or "none"
    return UserError(f"there is no track {number} that walks; there are {seen}. Nobody was enrolled")


def _too_little(live: Live, watches: list[WalkWatch], needed: float) -> UserError:
    least = min(range(len(watches)), key=lambda i: watches[i].seconds)
    shown = watches[least].seconds
    seen = "nobody walked in full view" if not shown else f"only {shown:.1f} s of usable walking were seen"
    text = f"{live.infos[least].name}: {seen}; at least {needed:g} s are needed. Nobody was enrolled"
    return UserError(text)


def _running_system(url: str) -> Run:
    systems = list(running(url))
    if len(systems) == 1:
        return systems[0]
    if systems:
        pids = ", ".join(str(run.pid) for run in systems)
        msg = f"{len(systems)} systems use this gallery (processes {pids}); end all but one, or give --source"
        raise UserError(msg)
    msg = f"no running system uses the gallery {url}; start one, or give --source"
    raise UserError(msg)


def _report(name: str, walks: int, reply: Reply) -> str:
    walked = f"{walks} walk{'s' if walks > 1 else ''}, {reply.seconds:.1f} s of usable walking"
    text = f"{name} is enrolled: {walked}, {reply.windows} templates, quality {reply.quality:.0%}"
    if reply.quality < FAIR_QUALITY:
        text += " (poor: many joints were guessed; enrol again in better view)"
    return text
