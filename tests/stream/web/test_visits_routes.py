"""The visits of the last days over the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gallery.store.gallery import open_gallery
from tests.gallery.store.stored_visits import new_visit, visit_walk
from tests.stream.web.web_server import WebServer


@pytest.fixture
def stored(server: WebServer) -> WebServer:
    """A server with a visit of Ada (a-1), of a stranger (b-2), and an old one without an outcome (c-3)."""
    now = datetime.now(UTC)
    with open_gallery(str(server.gallery)) as gallery:
        (ada, *_) = (each.person_id for each in gallery.templates("abc"))
        visits = [
            replace(new_visit("a-1", ada), left_at=now, keep_until=now + timedelta(days=1)),
            replace(new_visit("b-2"), left_at=now - timedelta(hours=2), keep_until=now + timedelta(days=1)),
            replace(
                new_visit("c-3"),
                outcome="undecided",
                reason_code="too-little-walking",
                left_at=now - timedelta(days=3),
                keep_until=now + timedelta(days=1),
            ),
        ]
        assert gallery.history.add(visits) == 3
    return server


def ids(server: WebServer, query: str = "") -> list[str]:
    return [each["visit"] for each in server.client.get(f"/api/v1/visits{query}").json()]


def test_visits_are_listed_newest_first_and_filtered(stored: WebServer) -> None:
    assert ids(stored) == ["a-1", "b-2", "c-3"]
    assert ids(stored, "?since=1h") == ["a-1"]
    assert ids(stored, "?since=1d") == ["a-1", "b-2"]
    assert ids(stored, "?unknown=true") == ["b-2"]
    assert ids(stored, "?limit=2") == ["a-1", "b-2"]
    for wrong in (
        "?since=yesterday",
        "?since=-1d",
        "?limit=0",
        "?limit=x",
        "?unknown=7",
        "?unkown=true",
        f"?since={'9' * 500}",
    ):
        assert stored.client.get(f"/api/v1/visits{wrong}").status_code == 422, wrong


def test_visits_whose_time_is_over_are_neither_listed_nor_judged(stored: WebServer) -> None:
    now = datetime.now(UTC)
    with open_gallery(str(stored.gallery)) as gallery:
        gallery.history.add([replace(new_visit("d-4"), left_at=now, keep_until=now - timedelta(seconds=1))])
    assert ids(stored) == ["a-1", "b-2", "c-3"]
    assert stored.client.get("/api/v1/visits/d-4").status_code == 404
    assert stored.client.post("/api/v1/visits/d-4/confirm").status_code == 404


def test_a_visit_says_why(stored: WebServer) -> None:
    visit = stored.client.get("/api/v1/visits/a-1").json()
    assert (visit["person"], visit["outcome"], visit["reason_code"]) == ("Ada", "person", "accepted")
    assert visit["candidates"] == [{"name": "Ada", "score": 2.5, "threshold": 1.5}]
    assert (visit["walking_s"], visit["views"], visit["truth"]) == (5.25, ["towards", "away"], None)
    assert "templates" not in visit
    for unknown in ("z-9", "x" * 100, "<b>", "..%2f"):
        answer = stored.client.get(f"/api/v1/visits/{unknown}")
        assert answer.status_code == 404, unknown


def test_the_truth_is_recorded(stored: WebServer) -> None:
    def post(path: str, body: Any = None) -> tuple[int, Any]:
        answer = stored.client.post(f"/api/v1/visits/{path}", json=body)
        return answer.status_code, answer.json()

    status, judged = post("a-1/confirm")
    assert (status, judged["visit"]["truth"], judged["erased"]) == (200, "confirmed", True)
    status, judged = post("a-1/deny", {"was": "ben"})
    assert (status, judged["visit"]["truth"], judged["visit"]["was"]) == (200, "denied", "Ben")
    status, judged = post("b-2/deny", {"was": "Ada"})
    assert (status, judged["visit"]["was"]) == (200, "Ada")
    status, judged = post("b-2/deny", {})
    assert (status, judged["visit"]["was"]) == (200, None)
    assert post("c-3/confirm")[0] == 409
    assert post("a-1/deny", {"was": "Ada"})[0] == 409
    assert post("a-1/deny", {"was": "Nobody"})[0] == 404
    assert post("a-1/deny", {"who": "Ben"})[0] == 422
    assert post("z-9/confirm")[0] == 404
    with open_gallery(str(stored.gallery)) as gallery:
        assert gallery.history.visit("a-1").was == "Ben", "what was refused changed nothing"


def test_a_remembered_stranger_becomes_a_person(stored: WebServer) -> None:
    now = datetime.now(UTC)
    until = now + timedelta(days=1)
    walk = visit_walk(7, sensor="camera")
    visit = replace(new_visit("d-4", sensor="camera"), left_at=now, keep_until=until, walk=walk)
    with open_gallery(str(stored.gallery)) as gallery:
        number = gallery.history.add_stranger(visit, None, until)

    def adopt(number: int, **body: object) -> tuple[int, Any]:
        answer = stored.client.post(f"/api/v1/visitors/{number}/adopt", json=body)
        return answer.status_code, answer.json()

    assert adopt(number, name="Cem")[0] == 422, "consent must be given"
    status, refused = adopt(number, name="ada", consent="asked")
    assert (status, refused["error"]) == (409, "name-taken")
    assert adopt(number + 1, name="Cem", consent="asked")[0] == 404
    assert adopt(0, name="Cem", consent="asked")[0] == 422
    assert adopt(number, name="x" * 10_000, consent="asked")[0] == 422
    status, adopted = adopt(number, name="Cem <b>", consent="asked", consent_note="form 3")
    assert status == 201, adopted
    assert (adopted["person"]["name"], adopted["visits"]) == ("Cem <b>", 1)
    assert adopted["person"]["consent_note"] == "form 3"
    people = [person["name"] for person in stored.client.get("/api/v1/people").json()]
    assert people == ["Ada", "Ben", "Cem <b>"]
    assert stored.client.get("/api/v1/visits/d-4").json()["person"] == "Cem <b>"
    assert adopt(number, name="Dia", consent="asked")[0] == 404


def test_there_are_no_visits_without_a_gallery(server: WebServer) -> None:
    assert ids(server) == []
