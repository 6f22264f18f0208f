"""The people of the gallery over the API."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from gallery.store.gallery import Gallery
from stream.errors import GalleryError
from stream.system.serve_settings import ServeSettings
from stream.web.service import ENDED_TRACKS_S
from tests.stream.outputs.simulated_run import make_verdict, simulated_live
from tests.stream.web.web_server import WebServer, enrol, web_server

HTML = "<script>alert(1)</script>"


def names(server: WebServer) -> list[str]:
    return [person["name"] for person in server.client.get("/api/v1/people").json()]


def test_people_are_listed_with_their_walks_and_what_is_missing(server: WebServer) -> None:
    ada, ben = server.client.get("/api/v1/people").json()
    assert (ada["name"], ben["name"]) == ("Ada", "Ben")
    assert ada["consent_by"] == "asked"
    assert ada["walks"][0]["sensor"] == "simulated"
    assert ada["walks"][0]["seconds"] == 9.5
    assert "templates" in ada["walks"][0]
    assert isinstance(ada["walks"][0]["templates"], int), "their number, never their values"
    assert ada["missing"] == ["one walk only on simulated", "one view only on simulated: towards"]


def test_nobody_is_listed_where_there_is_no_gallery(tmp_path: Path) -> None:
    with web_server(tmp_path) as server:
        server.gallery.rename(tmp_path / "away.db")
        for leftover in tmp_path.glob("gallery.db-*"):
            leftover.unlink()
        assert names(server) == []
        assert server.client.delete("/api/v1/people/Ada").status_code == 503


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["Ada Lovelace", "Zoë", "Ada/Lovelace", "100%", "a?b#c", HTML, "阿达", "Ada'\""]
)
def test_every_name_that_the_gallery_takes_can_be_given_and_asked_for(server: WebServer, name: str) -> None:
    answer = server.client.patch("/api/v1/people/Ada", json={"name": name})
    assert (answer.status_code, answer.json()["name"]) == (200, name)
    assert answer.headers["content-type"] == "application/json", "no browser takes it for a page"
    assert name in names(server)
    answer = server.client.delete(f"/api/v1/people/{quote(name, safe='')}")
    assert (answer.status_code, answer.json()["erased"]) == (200, True)
    assert names(server) == ["Ben"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["", " ", "x" * 65, "x" * 10_000, "a\nb", "a\x00b", "...", "\u202eAda", "\ud800"]
)
def test_names_that_cannot_be_stored_are_refused(server: WebServer, name: str) -> None:
    body = b'{"name": "%s"}' % name.encode("unicode_escape").replace(b"\\x", b"\\u00")
    headers = {"Content-Type": "application/json"}
    answer = server.client.patch("/api/v1/people/Ada", content=body, headers=headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["message"]
    assert len(answer.content) < 1000, "a long name is not sent back"
    assert names(server) == ["Ada", "Ben"]


def test_a_taken_name_an_unknown_person_and_a_wrong_body_are_told_apart(server: WebServer) -> None:
    def patch(name: str, body: object) -> tuple[int, str]:
        answer = server.client.patch(f"/api/v1/people/{name}", json=body)
        return answer.status_code, answer.json()["error"]

    assert patch("Ada", {"name": "ben"}) == (409, "name-taken")
    assert patch("Zed", {"name": "Zed 2"}) == (404, "unknown-person")
    assert patch("Ada", {"name": 5}) == (422, "invalid")
    assert patch("Ada", {"nom": "x"}) == (422, "invalid")
    assert patch("Ada", []) == (422, "invalid")
    assert patch("x" * 10_000, {"name": "Zed"}) == (422, "invalid")
    assert names(server) == ["Ada", "Ben"]


def test_the_case_of_a_name_is_ignored_and_can_be_changed(server: WebServer) -> None:
    assert server.client.patch("/api/v1/people/ADA", json={"name": "ada"}).json()["name"] == "ada"
    assert names(server) == ["ada", "Ben"]


def test_tracks_show_what_enrolment_by_walking_needs(server: WebServer) -> None:
    server.service.update(make_verdict(1, person="Ada"))
    server.service.update(make_verdict(2))
    server.service.update(make_verdict(2, final=True))
    one, two = server.client.get("/api/v1/tracks").json()
    assert (one["track"], one["in_view"], one["person"]) == (1, True, "Ada")
    assert (one["seconds"], one["quality"], one["needed_s"]) == (9.5, 0.9, 3.0)
    assert (two["track"], two["in_view"], two["person"]) == (2, False, None)


def test_ended_tracks_are_forgotten(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.service.update(make_verdict(1, final=True))
    server.service.update(make_verdict(2))
    assert ENDED_TRACKS_S > 0
    monkeypatch.setattr("stream.web.service.ENDED_TRACKS_S", -1.0)
    assert [each["track"] for each in server.client.get("/api/v1/tracks").json()] == [2]


def test_a_gallery_that_is_in_use_delays_no_decision(
    server: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening, opened = threading.Event(), threading.Event()

    def in_use(*args: object, **more: object) -> Gallery:
        opening.set()
        assert opened.wait(60)
        raise GalleryError("in use")

    monkeypatch.setattr("stream.web.service.open_gallery", in_use)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(server.client.get, "/api/v1/people", timeout=60)
        assert opening.wait(60)
        written = pool.submit(server.service.update, make_verdict(4))
        try:
            written.result(timeout=10)
        finally:
            opened.set()
        assert asked.result().status_code == 503


def test_enrolling_needs_consent_a_free_name_and_a_running_system(tmp_path: Path) -> None:
    live = simulated_live()
    with web_server(tmp_path, live=live, settings=ServeSettings()) as server:

        def post(**body: object) -> tuple[int, str]:
            answer = server.client.post("/api/v1/people", json=body)
            return answer.status_code, answer.json()["error"]

        assert post(name="Cem", tracks=[1]) == (422, "invalid")
        assert post(name="Cem", tracks=[1], consent="no") == (422, "invalid")
        assert post(name="Cem", tracks=[0], consent="asked") == (422, "invalid")
        assert post(name="ada", tracks=[1], consent="asked") == (409, "name-taken")
        assert post(name="Cem", tracks=[1], consent="asked", add=True) == (404, "unknown-person")
        assert post(name="x" * 65, tracks=[1], consent="asked") == (422, "invalid-name")
        assert post(name="Cem", tracks=[1], consent="asked", consent_note="x" * 500) == (422, "invalid-name")
        server.service.detach("ended")
        assert post(name="Cem", tracks=[1], consent="asked") == (503, "unavailable")
        assert names(server) == ["Ada", "Ben"]


def test_changes_by_other_programs_are_seen(server: WebServer) -> None:
    assert names(server) == ["Ada", "Ben"]
    enrol(str(server.gallery), "Cem")
    assert names(server) == ["Ada", "Ben", "Cem"]
