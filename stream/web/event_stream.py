"""Server-sent events: who arrives, is identified and leaves, and what happens to the system."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from stream.system.settings import EventChoice
from stream.web.access_control import API
from stream.web.broadcast import Broadcast, Message
from stream.web.problems import ProblemError, responses
from stream.web.service import ServiceParameter

__all__ = ["STREAM_ANSWER", "EventFilter", "event_lines", "router", "stream_response"]

KEEP_ALIVE_S = 15.0
"""A comment is sent after so many seconds without an event, so that a lost connection is noticed."""

MAX_STREAMS = 500
"""Most open streams of one kind."""

_RETRY = b"retry: 2000\n\n"

router = APIRouter(prefix=API, tags=["events"])

STREAM_ANSWER = {
    "description": "server-sent events; `event: dropped` says how many this client lost",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}


class EventFilter(BaseModel):
    """Which events to stream."""

    model_config = ConfigDict(extra="forbid")

    events: EventChoice = Field(
        default="visits",
        description="`visits`: events of visits, notices and changes of people; `decisions`; or `all`",
    )


@router.get(
    "/events", response_class=StreamingResponse, responses={200: STREAM_ANSWER, **responses(422, 503)}
)
async def get_events(
    service: ServiceParameter,
    chosen: Annotated[EventFilter, Query()],
    last_event_id: Annotated[
        str, Header(max_length=200, description="the last event that arrived; what came after it is sent")
    ] = "",
) -> StreamingResponse:
    """Streams events: `event:` is their kind, `data:` one line of JSON."""
    sources = {"visits": [service.events], "decisions": [service.decisions]}
    return stream_response(sources.get(chosen.events, [service.events, service.decisions]), last_event_id)


def stream_response(sources: list[Broadcast], after: str = "") -> StreamingResponse:
    """Returns an answer that streams messages until the client leaves or the server ends.

    Raises:
        ProblemError: there are too many open streams.
    """
    if any(source.subscribers >= MAX_STREAMS for source in sources):
        raise ProblemError(503, "too-many-streams", f"there are {MAX_STREAMS} open streams; close some")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(event_lines(sources, after), media_type="text/event-stream", headers=headers)


async def event_lines(sources: list[Broadcast], after: str = "") -> AsyncIterator[bytes]:
    """Yields the lines of a stream."""
    first, *others = sources
    subscription = first.subscribe(after)
    for other in others:
        other.add(subscription)
    try:
        yield _RETRY
        while True:
            message = await subscription.next(KEEP_ALIVE_S)
            if dropped := subscription.take_dropped():
                yield _lines(Message("dropped", "", b'{"count":%d}' % dropped))
            if message is not None:
                yield _lines(message)
            elif subscription.closed:
                return
            elif not dropped:
                yield b": alive\n\n"
    finally:
        for source in sources:
            source.unsubscribe(subscription)


def _lines(message: Message) -> bytes:
    head = f"id: {message.id}\n" if message.id else ""
    return f"{head}event: {message.kind}\ndata: ".encode() + message.data + b"\n\n"
