"""Errors of the API: the JSON body of every answer that is no success, and how errors become one."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from gallery.store.history import JudgementError, UnknownVisitError
from gallery.store.names import InvalidNameError, NameTakenError, UnknownPersonError
from gallery.store.store_protocol import UnusableGalleryError
from stream.errors import GalleryError, SgeError, UserError

__all__ = ["Problem", "ProblemError", "add_problem_handlers", "problem_response", "responses"]


class Problem(msgspec.Struct, frozen=True):
    """Why a request was not carried out.

    Attributes:
        error: the kind of problem, one word; a program can rely on it.
        message: an explanation for people, which says what to do; its words may change.
    """

    error: str
    message: str


class ProblemError(Exception):
    """A request cannot be carried out.

    Args:
        status: HTTP status.
        error: see `Problem`.
        message: see `Problem`.
        headers: further headers of the answer.
    """

    def __init__(self, status: int, error: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(error, message)
        self.headers = headers or {}


_NAMES = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "too-slow",
    409: "refused",
    413: "too-large",
    421: "wrong-host",
    422: "invalid",
    429: "too-many-attempts",
    500: "internal",
    503: "unavailable",
}

_KINDS: tuple[tuple[type[SgeError], int, str], ...] = (
    (InvalidNameError, 422, "invalid-name"),
    (UnknownPersonError, 404, "unknown-person"),
    (NameTakenError, 409, "name-taken"),
    (UnknownVisitError, 404, "unknown-visit"),
    (JudgementError, 409, "refused"),
    (UnusableGalleryError, 503, "gallery-unusable"),
    (GalleryError, 503, "gallery-unusable"),
    (UserError, 409, "refused"),
)
"""The first class that fits decides."""

_INTERNAL = "the request failed because of an error in the program; its log says more"


def problem_response(
    status: int, error: str, message: str, headers: dict[str, str] | None = None
) -> Response:
    """Returns the answer that tells a problem."""
    body = msgspec.json.encode(Problem(error, message))
    return Response(body, status, headers, media_type="application/json")


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Returns the description of problems for a route's OpenAPI, those of every route included."""
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    common = (400, 401, 408, 413, 421, 429)
    return {each: {"description": _NAMES[each], "content": schema} for each in sorted({*common, *statuses})}


def add_problem_handlers(app: FastAPI) -> None:
    """Turns every error of a route into an answer with a `Problem`."""

    @app.exception_handler(ProblemError)
    async def tell(request: Request, error: ProblemError) -> Response:
        return problem_response(error.status, error.problem.error, error.problem.message, error.headers)

    @app.exception_handler(SgeError)
    async def tell_ours(request: Request, error: SgeError) -> Response:
        found = ((status, name) for kind, status, name in _KINDS if isinstance(error, kind))
        status, name = next(found, (503, "unavailable"))
        return problem_response(status, name, str(error))

    @app.exception_handler(HTTPException)
    async def tell_http(request: Request, error: HTTPException) -> Response:
        name = _NAMES.get(error.status_code, "bad-request")
        text = f"{request.method} {request.url.path[:100]}: {error.detail}"
        return problem_response(error.status_code, name, text, dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def tell_invalid(request: Request, error: RequestValidationError) -> Response:
        found = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:3]]
        return problem_response(422, "invalid", "; ".join(found)[:500])

    @app.exception_handler(Exception)
    async def tell_internal(request: Request, error: Exception) -> Response:
        return problem_response(500, "internal", _INTERNAL)
