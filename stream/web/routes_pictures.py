"""Pictures of the sources as motion JPEG, where `--view PORT` asks for them; `pictures.html` shows them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import StreamingResponse

from stream.view.picture_receiver import PictureReceiver
from stream.web.access_control import API
from stream.web.problems import ProblemError, responses
from stream.web.service import Service, ServiceParameter

__all__ = ["router"]

router = APIRouter(prefix=API, tags=["system"])

_BOUNDARY = "picture"
_INTERVAL_S = 0.05
_ANSWER = {
    "description": "motion JPEG",
    "content": {"multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}},
}


@router.get(
    "/pictures/{source}",
    response_class=StreamingResponse,
    responses={200: _ANSWER, **responses(404, 422, 503)},
)
async def get_pictures(
    service: ServiceParameter,
    source: Annotated[int, Path(ge=1, lt=2**31, description="number of the source, from 1")],
) -> StreamingResponse:
    """Streams the pictures of a source, with skeletons and names."""
    live = service.running()
    if live.pictures is None:
        raise ProblemError(404, "not-found", "no pictures are shown; give --view PORT to show them")
    if source > len(live.infos):
        raise ProblemError(404, "not-found", f"there is no source {source}; there are {len(live.infos)}")
    kind = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"
    return StreamingResponse(_parts(service, live.pictures, source - 1), media_type=kind)


async def _parts(service: Service, pictures: PictureReceiver, source: int) -> AsyncIterator[bytes]:
    """Yields the newest picture whenever there is another, until the system ends."""
    number = 0
    while service.live is not None and service.live.pictures is pictures and service.phase == "running":
        newest = pictures.newer(source, number)
        if newest is not None:
            number, jpeg = newest
            head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            yield head.encode() + jpeg + b"\r\n"
        await asyncio.sleep(_INTERVAL_S)
