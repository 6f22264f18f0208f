"""Enrolment from the terminal: of a person in front of sources, or of a track of the running system."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace
from rich.console import Console

from gallery.enrolment import LOWEST_MIN_SECONDS
from gallery.store.gallery import open_gallery
from gallery.store.names import clean_name, name_taken
from gallery.store.store_protocol import MissingGalleryError
from stream.bus.messages import EnrolReply, EnrolRequest
from stream.consent import Consent
from stream.errors import UserError
from stream.sources import open_source
from stream.sources.source_registry import SIMULATION, parse_spec
from stream.system.matcher_client import request_enrolment
from stream.system.run_folder import Run, running
from stream.system.settings import Settings
from stream.terminal.identify import start_live
from stream.terminal.prompt import confirm
from stream.terminal.walk_selection import WantedWalks, observe_walks

__all__ = ["EnrolPlan", "enrol", "enrol_settings"]

MAX_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class EnrolPlan:
    """An enrolment that the user requests.

    Attributes:
        name: name of the person.
        settings: sources, gallery, device, speed.
        walks: what to take of the sources.
        yes: True if consent was given and no confirmation is needed.
        add: True adds the walks to the enrolled person of that name.
        force: True stores walks that the checks refuse.
    """

    name: str
    settings: Settings
    walks: WantedWalks
    yes: bool = False
    add: bool = False
    force: bool = False


def enrol_settings(
    sources: Sequence[str] | None,
    *,
    gallery: str | None = None,
    device: str | None = None,
    encoder: Sequence[str] | None = None,
    encoders: int | None = None,
    speed: float | None = None,
) -> Settings:
    """Returns the settings of an enrolment; files are read as fast as possible unless a speed is given.

    Raises:
        UserError: a source cannot be used, or the speed is out of range.
    """
    if speed is None:
        # A simulation that behaves like a sensor would drop most of its frames.
        speed = 1.0 if any(map(_is_simulated_sensor, sources or ())) else 0.0
    return Settings().override(
        sources=sources,
        gallery=gallery,
        fpir="off",
        device=device,
        encoder=encoder,
        encoders=encoders,
        speed=speed,
        history="0",
    )


def _is_simulated_sensor(spec: str) -> bool:
    if parse_spec(spec).kind.name != SIMULATION:
        return False
    with contextlib.closing(open_source(spec)) as source:
        return source.info.live


def enrol(plan: EnrolPlan, *, out: Console, err: Console, debug: bool) -> None:
    """Enrols a person, or adds walks to one, and prints the quality of the walks.

    Raises:
        UserError: the name exists (does not exist, for added walks), consent is missing, no person or several
            people walked, or too little, or the walks are refused (`gallery.enrolment_checks`).
    """
    name = clean_name(plan.name)
    if plan.walks.seconds is not None and not LOWEST_MIN_SECONDS <= plan.walks.seconds <= MAX_SECONDS:
        limits = f"{LOWEST_MIN_SECONDS} to {MAX_SECONDS:.0f} s"
        msg = f"--seconds: expected {limits} of walking, got {plan.walks.seconds:g}"
        raise UserError(msg)
    url, name, exists = _examine_gallery(plan, name)
    running_system = None if plan.settings.sources else _running_system(url)
    if running_system is not None and (plan.settings.encoder or plan.settings.encoders > 1):
        msg = "the running system has its own encoder; omit --encoder and --encoders, or give --source"
        raise UserError(msg)
    request = EnrolRequest(
        name, plan.walks.tracks, _consent(name, plan.yes), plan.walks.seconds or 0.0, plan.add, plan.force
    )
    if running_system is None:
        with start_live(plan.settings, err, debug) as live:
            request = replace(
                request, tracks=tuple(observe_walks(live, plan.settings.sources, plan.walks, err))
            )
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


def _consent(name: str, yes: bool) -> Consent:
    confirm(f"Does {name} agree that a template of their gait is stored?", yes)
    return Consent.STATED if yes else Consent.ASKED


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
