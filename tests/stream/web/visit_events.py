"""Events of visits for tests, by the number of the visit."""

from __future__ import annotations

import msgspec

from stream.visits.events import Arrived, Identified
from tests.stream.outputs import sample_events

__all__ = ["arrived", "identified"]


def arrived(number: int) -> Arrived:
    event = sample_events.arrived(f"v-{number}")
    return msgspec.structs.replace(event, id=f"e-{number}", tracks=(number,))


def identified(number: int, person: str) -> Identified:
    event = sample_events.identified(f"v-{number}", person)
    return msgspec.structs.replace(event, id=f"i-{number}", tracks=(number,))
