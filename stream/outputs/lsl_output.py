"""LabStreamingLayer output: each event as a marker, for labs that align it with other sensors."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import pylsl

from stream.bus.messages import Verdict
from stream.outputs.lsl_settings import LslSettings
from stream.visits.events import VisitEvent, event_json

__all__ = ["LslOutput"]

_QUIET = "[log]\nlevel = -2\n"
"""Only errors: the library writes to standard error."""

_LAST_S = 0.5
"""Time for the last markers to reach who listens; nobody confirms them."""


class LslOutput:
    """A stream of markers: one text, the event as JSON, at the time of the event on the clock of LSL.

    Recorders take from it what they want; without one, markers go nowhere. Nothing here waits.

    Args:
        settings: name of the stream.
    """

    def __init__(self, settings: LslSettings) -> None:
        self._settings = settings
        self._outlet: pylsl.StreamOutlet | None = None

    def __enter__(self) -> Self:
        pylsl.set_config_content(_QUIET)
        name = self._settings.name
        info = pylsl.StreamInfo(
            name, "Markers", 1, pylsl.IRREGULAR_RATE, pylsl.cf_string, f"sge-stream-{name}"
        )
        self._outlet = pylsl.StreamOutlet(info)
        return self

    def write(self, verdict: Verdict) -> None:
        """Does nothing: the output sends events."""

    def write_event(self, event: VisitEvent) -> None:
        """Sends an event to all who listen."""
        age = datetime.now(UTC) - datetime.fromisoformat(event.time)
        if self._outlet is not None:
            self._outlet.push_sample([event_json(event).decode()], pylsl.local_clock() - age.total_seconds())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._outlet is not None and self._outlet.have_consumers():
            time.sleep(_LAST_S)
        self._outlet = None  # ends the stream
