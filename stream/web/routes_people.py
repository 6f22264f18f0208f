"""The people of the gallery: list, rename, remove; enrol the tracks of people who walk now."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from gallery.enrolment_advice import coverage_gaps
from gallery.store.names import clean_name, clean_note, name_taken
from gallery.store.people_records import person_record
from gallery.store.records import Erasure, Person
from gallery.store.store_protocol import MissingGalleryError
from stream.bus.messages import EnrolRequest
from stream.consent import Consent
from stream.system.matcher_client import request_enrolment
from stream.web.access_control import API
from stream.web.answers import answers, json_answer
from stream.web.problems import responses
from stream.web.records import EnrolmentAnswer, ErasureAnswer, PersonAnswer, TrackInView
from stream.web.service import Service, ServiceParameter

__all__ = ["CONSENT", "Enrolment", "NewName", "answer_of", "router"]

router = APIRouter(prefix=API, tags=["people"])

_MAX_TEXT = 1000
"""Longest text of a request that is looked at, characters; the gallery's own limits are lower."""

Name = Annotated[str, Path(max_length=_MAX_TEXT, description="name of the person; case is ignored")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class NewName(_Body):
    """A new name of a person."""

    name: str = Field(max_length=_MAX_TEXT)


class Enrolment(_Body):
    """Walks to enrol."""

    name: str = Field(max_length=_MAX_TEXT, description="name of the person")
    tracks: list[Annotated[int, Field(ge=1, lt=2**53)]] = Field(
        default=[],
        max_length=100,
        description="numbers of `/tracks`, a walk each; none: the only track in view",
    )
    consent: Literal["asked", "stated"] = Field(
        description="`asked`: the person agreed just now; `stated`: the operator says that consent was given"
    )
    consent_note: str = Field(
        default="", max_length=_MAX_TEXT, description="who gave it and where that is recorded"
    )
    add: bool = Field(default=False, description="add the walks to the enrolled person of that name")
    force: bool = Field(default=False, description="store what the checks refuse, with warnings")


CONSENT = {"asked": Consent.ASKED, "stated": Consent.STATED}
"""Whose consent it is, by the word of a request."""


@router.get("/people", responses={**answers(list[PersonAnswer], "the people"), **responses(503)})
def list_people(service: ServiceParameter) -> Response:
    """Lists the enrolled people, by name; nobody where there is no gallery yet."""
    try:
        with service.gallery() as gallery:
            people = gallery.people()
    except MissingGalleryError:
        people = []
    return json_answer([answer_of(person) for person in people])


@router.get("/tracks", responses={**answers(list[TrackInView], "the tracks"), **responses()})
async def list_tracks(service: ServiceParameter) -> Response:
    """Lists the tracks that can be enrolled: those in view, and those that ended within the last minute."""
    return json_answer(service.tracks())


@router.post(
    "/people",
    status_code=201,
    responses={**answers(EnrolmentAnswer, "what was stored", 201), **responses(403, 404, 409, 422, 503)},
)
def enrol(service: ServiceParameter, body: Enrolment) -> Response:
    """Enrols tracks of the running system as a new person, or adds them to one; durable when it answers."""
    live = service.running()
    name, note = clean_name(body.name), clean_note(body.consent_note)
    name = _available(service, name, add=body.add)
    request = EnrolRequest(
        name, tuple(body.tracks), CONSENT[body.consent].value, 0.0, body.add, body.force, note
    )
    reply = request_enrolment(live.run, request)
    service.tell_people_changed()
    stored = EnrolmentAnswer(
        name,
        round(reply.seconds, 3),
        reply.windows,
        round(reply.quality, 3),
        reply.quality_cause,
        reply.warnings,
        reply.fits,
        reply.views,
    )
    return json_answer(stored, 201)


@router.patch(
    "/people/{name:path}",
    responses={**answers(ErasureAnswer, "the person's new name"), **responses(403, 404, 409, 422, 503)},
)
def rename(service: ServiceParameter, name: Name, body: NewName) -> Response:
    """Renames a person, and erases the old name."""
    with service.gallery() as gallery:
        person = gallery.person(name)
        erasure = gallery.rename(person.name, body.name)
    service.tell_people_changed()
    return json_answer(_erasure_answer(clean_name(body.name), erasure))


@router.delete(
    "/people/{name:path}",
    responses={**answers(ErasureAnswer, "the person is removed"), **responses(403, 404, 422, 503)},
)
def remove(service: ServiceParameter, name: Name) -> Response:
    """Removes a person, and erases all templates."""
    with service.gallery() as gallery:
        person = gallery.person(name)
        erasure = gallery.remove(person.name)
    service.tell_people_changed()
    return json_answer(_erasure_answer(person.name, erasure))


def _available(service: Service, name: str, *, add: bool) -> str:
    """Returns the name as stored, of a person who is enrolled, or is not, as the request expects.

    Raises:
        UnknownPersonError: walks are to be added, and nobody has the name.
        NameTakenError: a new person is to be enrolled, and somebody has it.
    """
    try:
        with service.gallery() as gallery:
            if add:
                return gallery.person(name).name
            if gallery.has(name):
                raise name_taken(name)
    except MissingGalleryError:
        if add:
            raise
    return name


def answer_of(person: Person) -> PersonAnswer:
    """Returns a person as the API shows them."""
    record = msgspec.structs.asdict(person_record(person))
    return PersonAnswer(**record, missing=tuple(coverage_gaps(person)))


def _erasure_answer(name: str, erasure: Erasure) -> ErasureAnswer:
    return ErasureAnswer(name, erasure.done, erasure.reason)
