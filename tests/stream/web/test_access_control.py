"""Who may ask for what: the token, the cookie, Host, Origin, sizes and headers."""

from __future__ import annotations

import http.client
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute

from stream.system.serve_settings import ServeSettings
from stream.web.access_control import MAX_BODY
from stream.web.access_token import MAX_WRONG, Access
from stream.web.application import ROUTERS, STATIC
from stream.web.security_headers import CONTENT_SECURITY_POLICY
from tests.stream.outputs.simulated_run import simulated_live
from tests.stream.web.web_server import WebServer, web_server

OPEN = {"/healthz", "/readyz", "/api/v1/login"}


def all_routes() -> list[tuple[str, str]]:
    """Returns method and path of every route, with something for each parameter."""
    routes = [each for router in ROUTERS for each in router.routes if isinstance(each, APIRoute)]
    found = [(method, each.path) for each in routes for method in sorted(each.methods or ())]
    assert len(found) > 10
    return [*found, ("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/none"), ("PUT", "/api/v1/people/x")]


def filled(path: str) -> str:
    return (
        path.replace("{name:path}", "Ada")
        .replace("{visit}", "v-1")
        .replace("{number}", "1")
        .replace("{source}", "1")
    )


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), all_routes(), ids=" ".join)
def test_every_route_but_three_wants_the_token(server: WebServer, method: str, path: str) -> None:
    with server.stranger.stream(method, filled(path)) as answer:
        answer.read()
    if path in OPEN:
        assert answer.status_code != 401 or path == "/api/v1/login"
        return
    assert answer.status_code == 401
    assert answer.json()["error"] == "unauthorized"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer x", "Basic eDp5", "Bearer " + "x" * 10_000, "Bearer \xe9", "Bearer TOKEN0", "TOKEN"],
)
def test_a_wrong_token_is_refused(server: WebServer, header: str) -> None:
    given = header.replace("TOKEN", server.token).encode("latin-1")
    answer = server.stranger.get("/api/v1/people", headers={b"Authorization": given})
    assert answer.status_code == 401
    assert "Ada" not in answer.text


def test_many_wrong_tokens_must_wait(server: WebServer) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    statuses = [server.stranger.get("/api/v1/people", headers=wrong).status_code for _ in range(MAX_WRONG)]
    assert statuses == [401] * MAX_WRONG
    answer = server.stranger.get("/api/v1/people", headers=wrong)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert server.stranger.post("/api/v1/login", json={"token": "wrong"}).status_code == 429
    assert server.client.get("/api/v1/people").status_code == 200, "the owner is not kept out"
    assert server.stranger.post("/api/v1/login", json={"token": server.token}).status_code == 204


def test_the_login_gives_a_cookie_that_scripts_cannot_read_and_that_counts_like_the_token(
    server: WebServer,
) -> None:
    assert server.stranger.post("/api/v1/login", json={"token": "wrong"}).status_code == 401
    answer = server.stranger.post("/api/v1/login", json={"token": server.token})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert server.token.lower() not in cookie
    assert server.stranger.get("/api/v1/people").status_code == 200
    origin = {"Origin": server.url}
    assert server.stranger.post("/api/v1/logout", headers=origin).status_code == 204
    assert server.stranger.get("/api/v1/people").status_code == 401


def test_a_forged_cookie_is_refused(server: WebServer) -> None:
    name = f"sge_session_{server.url.rpartition(':')[2]}"
    for value in ("x", "9999999999.abc.00", "..", "", Access("another" * 8).new_session()):
        answer = server.stranger.get("/api/v1/people", headers={"Cookie": f"{name}={value}"})
        assert answer.status_code == 401, value


def test_a_session_ends() -> None:
    now = [1000.0]
    access = Access("t" * 43, lambda: now[0])
    session = access.new_session()
    assert access.accepts_session(session)
    now[0] += 31 * 24 * 3600
    assert not access.accepts_session(session)


@pytest.mark.slow
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/api/v1/people/Ada", "/api/v1/login"])
def test_pages_of_other_sites_change_nothing(server: WebServer, headers: dict[str, str], path: str) -> None:
    method = "DELETE" if "people" in path else "POST"
    answer = server.client.request(method, path, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    assert len(server.client.get("/api/v1/people").json()) == 2


def test_with_the_cookie_alone_a_change_needs_the_origin(server: WebServer) -> None:
    server.stranger.post("/api/v1/login", json={"token": server.token})
    assert server.stranger.delete("/api/v1/people/Ada").status_code == 403
    answer = server.stranger.delete("/api/v1/people/Ada", headers={"Origin": server.url})
    assert (answer.status_code, answer.json()["name"]) == (200, "Ada")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "[", "", "127.0.0.1.evil.example"])
def test_a_foreign_host_name_is_refused(server: WebServer, host: str) -> None:
    for path in ("/", "/healthz", "/api/v1/people"):
        answer = server.client.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json()["error"]) == (421, "wrong-host")


def test_the_host_names_of_the_settings_are_known(tmp_path: Path) -> None:
    settings = ServeSettings(hosts=("Gait.Example",))
    with web_server(tmp_path, live=simulated_live(), settings=settings) as server:
        for host in ("gait.example", "GAIT.example:8600", "localhost", "[::1]:8600", "192.168.1.7"):
            assert server.client.get("/api/v1/people", headers={"Host": host}).status_code == 200


def test_a_large_body_is_refused_with_and_without_its_length(server: WebServer) -> None:
    large = b'{"token": "' + b"x" * MAX_BODY + b'"}'
    assert server.client.post("/api/v1/people", content=large).status_code == 413
    chunks = (large[n : n + 1000] for n in range(0, len(large), 1000))
    assert server.client.post("/api/v1/people", content=chunks).status_code == 413
    assert server.client.get("/api/v1/people").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/%2e%2e/%2e%2e/pyproject.toml",
        "/..%2f..%2fpyproject.toml",
        "/static/../../service.py",
        "/....//....//etc/passwd",
        "//etc/passwd",
        "/%00",
        "/service.py",
        "/api/v1/../../etc/passwd",
    ],
)
def test_path_tricks_find_nothing(server: WebServer, path: str) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status in (400, 404), body
    assert b"root:" not in body
    assert b"import" not in body


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/people", "/api/v1/none", "/none"])
@pytest.mark.parametrize("known", [True, False])
def test_every_answer_forbids_what_is_not_of_this_server(server: WebServer, path: str, known: bool) -> None:
    headers = (server.client if known else server.stranger).get(path).headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers
    if path.startswith("/api"):
        assert headers["cache-control"] == "no-store"


def test_no_file_of_the_page_names_an_outside_address() -> None:
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert files
    for path in files:
        text = path.read_bytes().replace(b"http://www.w3.org/2000/svg", b"")
        assert b"//" not in text.replace(b"// ", b"") or b"http" not in text, path
        assert b"https://" not in text, path


def test_the_page_needs_no_token_and_holds_no_data(server: WebServer) -> None:
    answer = httpx.get(f"{server.url}/", trust_env=False)
    assert answer.status_code == 200
    assert answer.content == (STATIC / "index.html").read_bytes()


def test_monitors_may_ask_with_head(server: WebServer) -> None:
    for path in ("/healthz", "/readyz"):
        full, head = server.stranger.get(path), server.stranger.head(path)
        assert (head.status_code, head.content) == (full.status_code, b""), path
        assert head.headers["content-type"] == full.headers["content-type"]
    assert server.stranger.head("/healthz").status_code == 200
