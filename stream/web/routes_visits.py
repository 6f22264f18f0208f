"""The visits of the last days: list, why, what was true; a remembered stranger becomes an enrolled person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from fastapi import Path as PathParameter
from pydantic import BaseModel, ConfigDict, Field

from gallery.adoption import adopt_visitor
from gallery.store.history_records import Truth
from gallery.store.store_protocol import MissingGalleryError
from gallery.store.visit_json import VisitRecord, visit_record
from stream.durations import parse_duration
from stream.errors import UserError
from stream.web.access_control import API
from stream.web.answers import answers, json_answer
from stream.web.problems import ProblemError, responses
from stream.web.records import Adoption, JudgedVisit
from stream.web.routes_people import CONSENT, answer_of
from stream.web.service import Service, ServiceParameter

__all__ = ["Adopt", "Denial", "VisitFilter", "router"]

router = APIRouter(prefix=API, tags=["visits"])

_MAX_TEXT = 1000
MAX_VISITS = 1000
"""Most visits of one answer."""

VisitId = Annotated[
    str,
    PathParameter(
        max_length=200, description="id of the visit, or the part after its dash, if no other has it"
    ),
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class VisitFilter(BaseModel):
    """Which visits to list; others than these parameters are refused, because they would change nothing."""

    model_config = ConfigDict(extra="forbid")

    since: str | None = Field(
        default=None, max_length=20, description="only visits that ended within the last 1d, 12h, 90min"
    )
    unknown: bool = Field(default=False, description="only visits of people who were not identified")
    limit: int = Field(default=200, ge=1, le=MAX_VISITS, description="most visits, the newest")


class Denial(_Body):
    """What was true of a visit that was decided wrongly."""

    was: str | None = Field(
        default=None,
        max_length=_MAX_TEXT,
        description="name of the enrolled person that it was; null for a stranger, or if it is not known",
    )


class Adopt(_Body):
    """Who a remembered stranger is."""

    name: str = Field(max_length=_MAX_TEXT, description="name of the person")
    consent: Literal["asked", "stated"] = Field(description="as for enrolment")
    consent_note: str = Field(default="", max_length=_MAX_TEXT, description="as for enrolment")
    force: bool = Field(default=False, description="enrol a stranger who is recognised as somebody, too")


@router.get("/visits", responses={**answers(list[VisitRecord], "the visits"), **responses(422, 503)})
def list_visits(
    service: ServiceParameter,
    chosen: Annotated[VisitFilter, Query()],
) -> Response:
    """Lists the stored visits, newest first; none where there is no gallery yet."""
    start = None if chosen.since is None else datetime.now(UTC) - _duration(chosen.since)
    try:
        with service.gallery() as gallery:
            found = gallery.history.visits(start, unknown=chosen.unknown, now=datetime.now(UTC))
    except MissingGalleryError:
        found = []
    return json_answer([visit_record(each) for each in found[: chosen.limit]])


@router.get(
    "/visits/{visit}", responses={**answers(VisitRecord, "the visit"), **responses(404, 409, 422, 503)}
)
def get_visit(service: ServiceParameter, visit: VisitId) -> Response:
    """Says why a visit was decided as it was: scores against thresholds, walking, views, reason."""
    with service.gallery() as gallery:
        return json_answer(visit_record(gallery.history.visit(visit, datetime.now(UTC))))


@router.post(
    "/visits/{visit}/confirm",
    responses={**answers(JudgedVisit, "the visit now"), **responses(403, 404, 409, 422, 503)},
)
def confirm(service: ServiceParameter, visit: VisitId) -> Response:
    """Records that a visit was decided rightly."""
    return _judge(service, visit, "confirmed", None)


@router.post(
    "/visits/{visit}/deny",
    responses={**answers(JudgedVisit, "the visit now"), **responses(403, 404, 409, 422, 503)},
)
def deny(service: ServiceParameter, visit: VisitId, body: Denial) -> Response:
    """Records that a visit was decided wrongly; the matcher uses it as an example of a wrong match."""
    return _judge(service, visit, "denied", body.was)


@router.post(
    "/visitors/{number}/adopt",
    status_code=201,
    responses={**answers(Adoption, "the person", 201), **responses(403, 404, 409, 422, 503)},
)
def adopt(
    service: ServiceParameter,
    number: Annotated[int, PathParameter(ge=1, lt=2**53, description="as in `visitor 7`")],
    body: Adopt,
) -> Response:
    """Enrols a remembered stranger, whose visits are the person's from then on."""
    live = service.running()
    with service.gallery() as gallery:
        adopted = adopt_visitor(
            gallery,
            number,
            body.name,
            CONSENT[body.consent],
            consent_note=body.consent_note,
            weights=[Path(each) for each in live.weights],
            force=body.force,
        )
    service.tell_people_changed()
    return json_answer(Adoption(answer_of(adopted.person), adopted.visits, adopted.warnings), 201)


def _judge(service: Service, visit: str, truth: Truth, was: str | None) -> Response:
    with service.gallery() as gallery:
        found = gallery.history.visit(visit, datetime.now(UTC))
        judged, erasure = gallery.history.judge(found.id, truth, was)
    return json_answer(JudgedVisit(visit_record(judged), erasure.done, erasure.reason))


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text, "since")
    except UserError as error:
        raise ProblemError(422, "invalid", str(error)) from None
