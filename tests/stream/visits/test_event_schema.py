"""The JSON Schema of events that comes with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, get_args

import jsonschema
import pytest

from stream.visits.events import EventKind, VisitEvent, event_json, event_of
from tests.stream.outputs.sample_events import arrived, doubted, identified, left
from tools.documentation.event_schema import SCHEMA_FILE, event_schema

EVENTS: list[VisitEvent] = [
    arrived("v1"),
    identified("v1", "Ada"),
    identified("v1", None, previous="Ada"),
    doubted("v1", "Ada"),
    left("v1", "Ada"),
    left("v1"),
]


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads((files("stream.visits") / "events.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def as_json(event: VisitEvent) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(event_json(event))
    return read


def test_the_schema_is_that_of_the_code() -> None:
    assert SCHEMA_FILE.read_bytes() == event_schema(), "python -m tools.documentation.generate writes it"


def test_there_is_a_sample_of_every_kind() -> None:
    assert {as_json(event)["event"] for event in EVENTS} == set(get_args(EventKind))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.id)
def test_every_event_is_valid_and_read_back(
    validator: jsonschema.Draft202012Validator, event: VisitEvent
) -> None:
    validator.validate(as_json(event))
    assert event_of(event_json(event)) == event


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.id)
def test_an_event_with_a_field_less_or_a_wrong_value_is_invalid(
    validator: jsonschema.Draft202012Validator, event: VisitEvent
) -> None:
    whole = as_json(event)
    optional = {"version", "previous", "visitor", "candidates", "changes", "interrupted"}
    for field in whole:
        rest = {name: value for name, value in whole.items() if name != field}
        assert validator.is_valid(rest) == (field in optional), field
        assert not validator.is_valid({**whole, field: {}}), field
    assert validator.is_valid({**whole, "new_field": 1}), "new fields do not change the version"


def test_every_field_is_described() -> None:
    definitions = json.loads(event_schema())["$defs"]
    undescribed = [
        f"{name}.{field}"
        for name, definition in definitions.items()
        for field, value in definition["properties"].items()
        if field != "event" and not value.get("description")
    ]
    assert undescribed == []
