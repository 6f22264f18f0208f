"""The skeletons of all sources as server-sent events, for a page that draws them; images stay in capture."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from stream.web.access_control import API
from stream.web.broadcast import Message
from stream.web.event_stream import STREAM_ANSWER, stream_response
from stream.web.problems import responses
from stream.web.service import Service, ServiceParameter

__all__ = ["router", "send_skeletons"]

_INTERVAL_S = 0.05

router = APIRouter(prefix=API, tags=["events"])


@router.get("/skeletons", response_class=StreamingResponse, responses={200: STREAM_ANSWER, **responses(503)})
async def get_skeletons(service: ServiceParameter) -> StreamingResponse:
    """Streams skeletons, at most ten times a second and source: `event: skeletons`, see `SkeletonFrame`."""
    return stream_response([service.skeletons])


async def send_skeletons(service: Service) -> None:
    """Sends the newest skeletons to those who asked for them, until it is cancelled."""
    live, number = service.live, 0
    while True:
        if service.live is not live:
            live, number = service.live, 0
        if service.skeletons.subscribers and live is not None and live.skeletons is not None:
            number, frames = live.skeletons.newer(number)
            for frame in frames:
                service.skeletons.publish(Message("skeletons", "", msgspec.json.encode(frame)))
        await asyncio.sleep(_INTERVAL_S)
