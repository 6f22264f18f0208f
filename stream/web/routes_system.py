"""How the system does: who is present, sources, health."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from stream.outputs.metrics import CONTENT_TYPE
from stream.system.live import Live
from stream.system.supervisor import Child
from stream.visits.presence import Presence
from stream.web.access_control import API
from stream.web.answers import answers, json_answer
from stream.web.health_history import HealthHistory, counter, is_ready
from stream.web.problems import problem_response, responses
from stream.web.records import Health, ProcessHealth, SourceState
from stream.web.service import ServiceParameter

__all__ = ["router"]

router = APIRouter(tags=["system"])

_METRICS = {
    "description": "metrics",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}
_DROPS = ("frames_dropped", "windows_dropped")


@router.head("/healthz", include_in_schema=False)
@router.get(
    "/healthz",
    response_class=PlainTextResponse,
    responses={200: {"description": "the process is alive"}, **responses()},
    openapi_extra={"security": []},
)
async def is_alive() -> Response:
    """Says that the process is alive; needs no token."""
    return PlainTextResponse("alive\n")


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    response_class=PlainTextResponse,
    responses={200: {"description": "ready"}, **responses(503)},
    openapi_extra={"security": []},
)
async def ready(service: ServiceParameter) -> Response:
    """Says whether all processes work and at least one source delivers; needs no token."""
    if service.phase == "running" and service.live is not None and is_ready(service.live):
        return PlainTextResponse("ready\n")
    return problem_response(503, "unavailable", "not ready", {"Retry-After": "2"})


@router.get("/metrics", response_class=PlainTextResponse, responses={200: _METRICS, **responses(503)})
def metrics(service: ServiceParameter) -> Response:
    """Writes the metrics of the running system in the format of Prometheus."""
    found = service.metrics
    if found is None:
        return problem_response(503, "unavailable", "no system has started yet", {"Retry-After": "2"})
    return Response(found.text(), media_type=CONTENT_TYPE)


@router.get(f"{API}/presence", responses={**answers(list[Presence], "who is present"), **responses()})
async def presence(service: ServiceParameter) -> Response:
    """Lists who is present now, who came first first."""
    return json_answer(service.presence())


@router.get(f"{API}/sources", responses={**answers(list[SourceState], "the sources"), **responses()})
async def sources(service: ServiceParameter) -> Response:
    """Lists the sources of the running system."""
    live = service.live
    if live is None:
        return json_answer([])
    return json_answer(
        [_source(live, child) for child in live.supervisor.children if child.role == "capture"]
    )


@router.get(f"{API}/health", responses={**answers(Health, "the system's health"), **responses()})
async def health(service: ServiceParameter, request: Request) -> Response:
    """Says how the processes do, and how they did in the last ten minutes."""
    live, running = service.live, service.phase == "running"
    history: HealthHistory = request.app.state.history
    children = list(live.supervisor.children) if live is not None and running else []
    processes = [
        ProcessHealth(child.label, child.state, child.restarts, int(child.dropped), child.problem)
        for child in children
    ]
    found = Health(
        service.phase,
        running and live is not None and is_ready(live),
        service.since,
        service.settings.site,
        tuple(processes),
        live.overload if live is not None and running else "",
        live.outages.gallery if live is not None and running else "",
        service.events.subscribers,
        service.events.dropped + service.decisions.dropped,
        history.samples,
    )
    return json_answer(found)


def _source(live: Live, child: Child) -> SourceState:
    info, down = live.infos[child.index], live.outages.down
    status = child.status
    ready = status is not None and status.state == "ready"
    if live.ended(child.index):
        state = "ended"
    elif child.index in down or child.state.startswith("down"):
        state = "down"
    else:
        state = "up" if ready and counter(child, "frames") else "starting"
    return SourceState(
        info.name,
        info.sensor,
        info.live,
        state,
        down.get(child.index, child.problem),
        status.text if status is not None and ready else "",
        int(counter(child, "frames")),
        int(counter(child, "windows")),
        {name.removesuffix("_dropped"): int(child.dropped_items(name)) for name in _DROPS},
        int(counter(child, "in_view")) if state == "up" else 0,
        child.restarts,
    )
