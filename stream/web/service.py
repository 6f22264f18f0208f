"""What the routes read and change: the running system, the tracks in view, the gallery, the event streams."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Annotated, Literal, Self

import msgspec
from fastapi import Depends, Request

from gallery.enrolment import MIN_SECONDS
from gallery.store.gallery import Gallery, open_gallery
from stream.bus.messages import Verdict
from stream.decision import to_json
from stream.outputs.metrics import MetricsOutput
from stream.outputs.output import Output
from stream.system.live import Live
from stream.system.notices import Notice
from stream.system.serve_settings import ServeSettings
from stream.visits.events import Identified, VisitEvent, event_json
from stream.visits.presence import Presence
from stream.web.broadcast import Broadcast, Message
from stream.web.problems import ProblemError
from stream.web.records import TrackInView
from stream.windows.window_advice import advise

__all__ = ["Phase", "Service", "ServiceOutput", "ServiceParameter", "now_text"]

Phase = Literal["starting", "running", "reloading", "ended"]

REMEMBERED_EVENTS = 1000
"""Events that a client which lost its connection can still get."""

SKELETON_QUEUE = 16
"""Frames of skeletons that wait for a client: old ones are of no use."""

ENDED_TRACKS_S = 60.0
"""How long a track that has ended is shown."""

_MAX_TRACKS = 1000


def now_text() -> str:
    """Returns the time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Service:
    """The state of a server; any thread may call it.

    The system may be restarted while the server stays: `live` is then another one.

    Args:
        settings: of the server.
        gallery: URL or path of the gallery, as `Live` takes it.

    Attributes:
        settings: as given.
        events: stream of events of visits and of notices.
        decisions: stream of all decisions.
        skeletons: stream of the skeletons of all sources; see `stream.web.skeleton_stream`.
        live: the running system, or the last one; None before the first has started.
        metrics: of that system.
        phase: whether it runs.
        since: UTC time of the start.
    """

    def __init__(self, settings: ServeSettings, gallery: str | None) -> None:
        self.settings = settings
        self.events = Broadcast(REMEMBERED_EVENTS)
        self.decisions = Broadcast()
        self.skeletons = Broadcast(queue=SKELETON_QUEUE)
        self.live: Live | None = None
        self.metrics: MetricsOutput | None = None
        self.phase: Phase = "starting"
        self.since = now_text()
        self._url = gallery
        self._gallery: Gallery | None = None
        self._gallery_lock = threading.Lock()  # the gallery may be in use: opening it takes seconds then
        self._lock = threading.Lock()
        self._tracks: dict[int, tuple[float, Verdict]] = {}

    def attach(self, live: Live) -> None:
        """Uses a system that has just started."""
        with self._lock:
            self._tracks.clear()
        with self._gallery_lock:
            self._url = live.gallery
            self._close_gallery()
        self.live, self.phase = live, "running"

    def detach(self, phase: Phase) -> None:
        """Says that the system no longer runs."""
        self.phase = phase

    @property
    def streams(self) -> tuple[Broadcast, ...]:
        """All streams."""
        return self.events, self.decisions, self.skeletons

    def close(self) -> None:
        """Releases the gallery."""
        with self._gallery_lock:
            self._close_gallery()

    def running(self) -> Live:
        """Returns the running system.

        Raises:
            ProblemError: there is none at present.
        """
        if self.live is None or self.phase != "running":
            message = f"the system is {self.phase}; try again in a moment"
            raise ProblemError(503, "unavailable", message, {"Retry-After": "2"})
        return self.live

    def presence(self) -> tuple[Presence, ...]:
        """Returns who is present; nobody while no system runs."""
        return self.live.presence() if self.live is not None and self.phase == "running" else ()

    @contextmanager
    def gallery(self) -> Iterator[Gallery]:
        """Returns the gallery, which stays open for the next request.

        Raises:
            MissingGalleryError: there is none yet.
            GalleryError: it cannot be used.
        """
        with self._gallery_lock:
            if self._gallery is None:
                self._gallery = open_gallery(self._url, create=False)
            gallery = self._gallery
        yield gallery

    def update(self, verdict: Verdict) -> None:
        """Takes a decision."""
        now = time.monotonic()
        with self._lock:
            self._tracks[verdict.decision.track] = (now, verdict)
            if verdict.decision.final or len(self._tracks) > _MAX_TRACKS:
                self._forget_tracks(now)
        self.decisions.publish(Message("decision", "", to_json(verdict.decision)))

    def update_event(self, event: VisitEvent) -> None:
        """Takes an event of a visit."""
        if isinstance(event, Identified) and event.reason_code == "gallery-changed":
            self.events.forget()  # events before have a name that was erased
        self.events.publish(Message(_kind(event), event.id, event_json(event)))

    def notify(self, notice: Notice) -> None:
        """Takes a notice."""
        self.events.publish(Message("notice", f"notice-{time.time_ns()}", msgspec.json.encode(notice)))

    def tell_people_changed(self) -> None:
        """Tells all pages that the gallery's people changed."""
        self.events.forget()  # events before may have a name that was erased
        data = msgspec.json.encode({"time": now_text()})
        self.events.publish(Message("people", f"people-{time.time_ns()}", data))

    def tracks(self) -> list[TrackInView]:
        """Returns the tracks in view, and those that ended within the last minute, by number."""
        with self._lock:
            self._forget_tracks(time.monotonic())
            found = sorted(self._tracks.items())
        return [_track(verdict) for _, (_, verdict) in found]

    def _forget_tracks(self, now: float) -> None:
        gone = [
            number
            for number, (seen, verdict) in self._tracks.items()
            if verdict.decision.final and now - seen > ENDED_TRACKS_S
        ]
        for number in gone:
            del self._tracks[number]
        while len(self._tracks) > _MAX_TRACKS:
            del self._tracks[next(iter(self._tracks))]

    def _close_gallery(self) -> None:
        if self._gallery is not None:
            self._gallery.close()
            self._gallery = None


class ServiceOutput:
    """Hands the results of a run to the service; never waits for a client.

    Args:
        service: the server's state.
        live: the running system.
        outputs: those whose queues the metrics report.
    """

    def __init__(self, service: Service, live: Live, outputs: Sequence[Output] = ()) -> None:
        self._service = service
        self._live = live
        self._metrics = MetricsOutput(live, outputs)

    def __enter__(self) -> Self:
        self._service.attach(self._live)
        self._service.metrics = self._metrics
        return self

    def write(self, verdict: Verdict) -> None:
        """Hands a decision over."""
        self._metrics.write(verdict)
        self._service.update(verdict)

    def write_event(self, event: VisitEvent) -> None:
        """Hands an event over."""
        self._metrics.write_event(event)
        self._service.update_event(event)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._service.detach("ended")


def _kind(event: VisitEvent) -> str:
    return str(type(event).__struct_config__.tag)


def _track(verdict: Verdict) -> TrackInView:
    decision = verdict.decision
    return TrackInView(
        decision.track,
        decision.source,
        not decision.final,
        decision.state,
        decision.person,
        round(verdict.seconds, 3),
        MIN_SECONDS,
        round(verdict.quality, 3),
        advise(verdict.no_windows) if verdict.no_windows else "",
        decision.reason,
    )


async def _service_of(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceParameter = Annotated[Service, Depends(_service_of)]
"""The parameter of a route that receives the service."""
