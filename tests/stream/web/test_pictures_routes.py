"""The pictures of the sources over the API."""

from __future__ import annotations

from stream.view.picture_receiver import PictureReceiver
from tests.stream.web.web_server import WebServer


def test_the_newest_picture_is_streamed(server: WebServer) -> None:
    receiver = PictureReceiver()
    assert server.service.live is not None
    server.service.live.pictures = receiver
    receiver.put(1, b"yard 1")
    receiver.put(1, b"yard 2")
    with server.client.stream("GET", "/api/v1/pictures/2") as answer:
        assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=picture"
        parts = answer.iter_raw()
        first = next(parts)
        assert first.startswith(b"--picture\r\nContent-Type: image/jpeg\r\n")
        assert first.endswith(b"yard 2\r\n")
        receiver.put(0, b"door 1")
        receiver.put(1, b"yard 3")
        assert next(parts).endswith(b"yard 3\r\n")
        server.service.detach("ended")
        assert b"".join(parts) == b"", "the stream ends with the system"


def test_there_are_no_pictures_unless_the_run_shows_them(server: WebServer) -> None:
    answer = server.client.get("/api/v1/pictures/1")
    assert (answer.status_code, answer.json()["error"]) == (404, "not-found")
    assert server.service.live is not None
    server.service.live.pictures = PictureReceiver()
    for number in ("3", "9999"):
        assert server.client.get(f"/api/v1/pictures/{number}").status_code == 404
    for number in ("0", "-1", "x", "1" * 5000):
        assert server.client.get(f"/api/v1/pictures/{number}").status_code == 422
