"""The web application: its routes, what guards them, and the files of the page."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from stream.web import (
    event_stream,
    routes_calibration,
    routes_people,
    routes_pictures,
    routes_session,
    routes_system,
    routes_visits,
    skeleton_stream,
)
from stream.web.access_control import API, AccessControl, session_cookie
from stream.web.access_token import Access
from stream.web.answers import add_schemas
from stream.web.health_history import INTERVAL_S, HealthHistory
from stream.web.problems import add_problem_handlers
from stream.web.routes_calibration import LatestCalibration
from stream.web.security_headers import SecurityHeaders
from stream.web.service import Service

__all__ = ["ROUTERS", "STATIC", "create_app", "sample_health"]

STATIC = Path(__file__).parent / "static"
"""Files of the page, served as they are."""

ROUTERS = (
    routes_session.router,
    routes_system.router,
    routes_people.router,
    routes_pictures.router,
    routes_visits.router,
    routes_calibration.router,
    event_stream.router,
    skeleton_stream.router,
)
"""All routes but the description of the API."""

_DESCRIPTION = """\
The live system: who is here now, visits, people, enrolment, health.

Every request gives the token: `Authorization: Bearer TOKEN`. Problems are told as `Problem`.
"""


def create_app(service: Service, access: Access, port: int) -> FastAPI:
    """Returns the application.

    Args:
        service: what the routes read and change.
        access: knows the token.
        port: at which the server listens.
    """
    cookie = session_cookie(port)
    app = FastAPI(
        title="sge-stream",
        description=_DESCRIPTION,
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(AccessControl, access=access, hosts=service.settings.hosts, cookie=cookie),
        ],
    )
    app.state.service, app.state.access, app.state.cookie = service, access, cookie
    app.state.history, app.state.calibration = HealthHistory(), LatestCalibration()
    for router in ROUTERS:
        app.include_router(router)
    add_problem_handlers(app)
    add_schemas(app, version("sge-stream"))
    app.mount("/", StaticFiles(directory=STATIC, html=True), name="page")
    return app


async def sample_health(app: FastAPI) -> None:
    """Samples the system's health until it is cancelled."""
    service: Service = app.state.service
    history: HealthHistory = app.state.history
    while True:
        if service.live is not None and service.phase == "running":
            history.sample(service.live)
        await asyncio.sleep(INTERVAL_S)
