"""The API does what its OpenAPI description says, for requests that schemathesis makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from stream.errors import UserError
from tests.stream.outputs.simulated_run import make_verdict, simulated_live
from tests.stream.web.web_server import WebServer, web_server

schemathesis = pytest.importorskip("schemathesis", reason="needs the package schemathesis")

EXAMPLES = 25


def test_the_description_holds_every_route_and_no_outside_address(server: WebServer) -> None:
    document = server.client.get("/api/v1/openapi.json").json()
    assert {"/api/v1/presence", "/api/v1/people", "/api/v1/events", "/healthz", "/metrics"} <= document[
        "paths"
    ].keys()
    references = str(document)
    assert "http://" not in references
    assert "https://" not in references
    assert server.client.get("/docs").status_code == 404
    assert server.client.get("/redoc").status_code == 404


@pytest.mark.slow
def test_requests_of_all_kinds_get_answers_of_the_description(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> NoReturn:
        raise UserError("there is no such track")  # no matcher runs here

    monkeypatch.setattr("stream.web.routes_people.request_enrolment", refuse)
    with web_server(tmp_path, live=simulated_live()) as server:
        server.service.update(make_verdict(1, person="Ada"))
        document = server.client.get("/api/v1/openapi.json").json()
        schema = schemathesis.openapi.from_dict(document)
        operations = [each.ok() for each in schema.get_all_operations()]
        tried = [each for each in operations if not each.path.endswith(("/events", "/skeletons"))]
        assert len(tried) > 10
        for operation in tried:
            for mode in schemathesis.GenerationMode:
                send_requests(server, operation, mode)
        assert server.client.get("/healthz").status_code == 200
        assert len(server.client.get("/api/v1/people").json()) <= 2, "nobody was made up"


def send_requests(server: WebServer, operation: Any, mode: Any) -> None:
    """Sends requests that fit the description, or do not, and checks the answers."""
    excluded = [
        schemathesis.checks.positive_data_acceptance,  # a name can be taken, or have only spaces
        schemathesis.checks.ignored_auth,  # has a test of its own for all routes
        schemathesis.checks.not_a_server_error,  # 503 is no error of the program, see below
    ]
    headers = {"Authorization": f"Bearer {server.token}"}

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        answer = case.call_and_validate(base_url=server.url, headers=headers, excluded_checks=excluded)
        assert answer.status_code < 500 or (answer.status_code, case.path) == (503, "/readyz")

    try:
        send()
    except Unsatisfiable:
        assert not mode.is_positive, f"{operation.label}: nothing fits the description"
