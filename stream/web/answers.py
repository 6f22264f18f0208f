"""Answers in JSON, and their schemas in the OpenAPI description."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi

from gallery.store.visit_json import VisitRecord
from stream.visits.presence import Presence
from stream.web.problems import Problem
from stream.web.records import (
    Adoption,
    EnrolmentAnswer,
    ErasureAnswer,
    Health,
    JudgedVisit,
    PersonAnswer,
    SensorCalibration,
    SourceState,
    TrackInView,
)

__all__ = ["add_schemas", "answers", "json_answer"]

_REF = "#/components/schemas/{name}"

_RECORDS: tuple[type[msgspec.Struct], ...] = (
    Adoption,
    EnrolmentAnswer,
    ErasureAnswer,
    Health,
    JudgedVisit,
    PersonAnswer,
    Presence,
    Problem,
    SensorCalibration,
    SourceState,
    TrackInView,
    VisitRecord,
)
"""Records that answers hold."""


def json_answer(value: Any, status: int = 200) -> Response:
    """Returns an answer in JSON."""
    return Response(msgspec.json.encode(value), status, media_type="application/json")


def answers(kind: Any, description: str, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Returns the description of an answer for a route's OpenAPI.

    Args:
        kind: a record of `_RECORDS`, or a list of one.
        description: what the answer holds.
        status: its HTTP status.
    """
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=_REF)
    return {status: {"description": description, "content": {"application/json": {"schema": schema}}}}


def add_schemas(app: FastAPI, version: str) -> None:
    """Makes the application's OpenAPI description, with the schemas of the records and the token."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=version, description=app.description, routes=app.routes
            )
            _, records = msgspec.json.schema_components(_RECORDS, ref_template=_REF)
            components = document.setdefault("components", {})
            components["schemas"] = components.get("schemas", {}) | records
            components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"token": []}]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]
