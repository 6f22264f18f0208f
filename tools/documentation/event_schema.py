"""JSON Schema of the events of visits, with the descriptions of their docstrings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import msgspec

from stream.visits import events
from stream.visits.events import EVENT_VERSION, VisitCandidate, VisitEvent
from tools.documentation.reference_tables import field_descriptions

__all__ = ["SCHEMA_FILE", "event_schema"]

SCHEMA_FILE = Path(events.__file__).with_name("events.schema.json")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def event_schema() -> bytes:
    """Returns the schema as text of its file."""
    components: dict[str, Any]
    (schema,), components = msgspec.json.schema_components([VisitEvent], ref_template="#/$defs/{name}")
    for record in (*get_args(VisitEvent), VisitCandidate):
        component = components[record.__name__]
        component["description"] = " ".join((record.__doc__ or "").partition("\n\n")[0].split())
        for name, text in field_descriptions(record).items():
            if name in component["properties"]:
                component["properties"][name]["description"] = text
    whole = {
        "$schema": _DIALECT,
        "title": f"Events of visits, version {EVENT_VERSION}",
        **schema,
        "$defs": components,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False).encode() + b"\n"
