"""A network camera to test with: MJPEG over HTTP, shown picture by picture, and eyes that know who was shown.

The pictures are real, and OpenCV reads them from a real server on loopback. Only the eyes are made up: each
picture bears its number, and they answer with the people whom the test showed in it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from stream.body import Body, BodyFrame, Image
from stream.sources.camera.detected_bodies import Outline, Sight
from stream.sources.camera.quiet_opencv import cv2
from tests.stream.sources.sensors import PATIENCE_S, Person

__all__ = ["NumberEyes", "StreamServer", "network_camera", "number_of", "numbered_picture"]

BLOCK = 16
BITS = 16


def numbered_picture(number: int) -> Image:
    """A picture that bears a number, in squares that survive JPEG; large enough for FFmpeg to know it by."""
    image = np.full((480, 640, 3), 90, np.uint8)
    for bit in range(BITS):
        image[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 if number >> bit & 1 else 0
    return image


def number_of(image: Image) -> int:
    squares = image[BLOCK // 2, BLOCK // 2 : BLOCK * BITS : BLOCK, 0]
    return sum(1 << bit for bit, value in enumerate(squares) if value > 128)


class StreamServer:
    """Serves one stream of pictures on loopback, each as soon as it is shown; can be cut, and come back."""

    def __init__(self) -> None:
        self.connections = 0
        """How often a stream was asked for."""
        self.asked: list[tuple[str, str]] = []
        """Path and `Authorization` of each request."""
        self._changed = threading.Condition()
        self._pictures: list[bytes] = []
        self._began = 0  # of the pictures, the first that a new connection gets
        self._cuts = 0
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/cam"

    def show(self, image: Image) -> None:
        coded = cv2.imencode(".jpg", image)[1].tobytes()
        with self._changed:
            self._pictures.append(coded)
            self._changed.notify_all()

    def start(self) -> None:
        """Listen, again on the same port; only pictures that are shown from now on are sent."""
        self._began = len(self._pictures)
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers.get("Authorization", "")))
                if self.path.startswith("/locked") and not self.headers.get("Authorization"):
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                    return
                server.connections += 1
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
                self.end_headers()
                for coded in server.stream():
                    head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(coded)}\r\n\r\n"
                    try:
                        self.wfile.write(head.encode() + coded + b"\r\n")
                    except OSError:
                        return

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stream(self) -> Iterator[bytes]:
        """The pictures of one connection, until it is cut."""
        cuts, sent = self._cuts, self._began
        while True:
            with self._changed:
                while len(self._pictures) == sent and self._cuts == cuts:
                    self._changed.wait()
                if self._cuts > cuts:
                    return
                coded = self._pictures[sent]
            sent += 1
            yield coded

    def cut(self) -> None:
        """End every stream and listen no more."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        self.hang_up()

    def hang_up(self) -> None:
        """End every stream; who asks again gets the pictures that are shown from now on."""
        with self._changed:
            self._cuts += 1
            self._began = len(self._pictures)
            self._changed.notify_all()

    def close(self) -> None:
        if self._server is not None:
            self.cut()


class NumberEyes:
    """Eyes that read a picture's number and see who was shown in it."""

    def __init__(self, shown: dict[int, tuple[Person, ...]]) -> None:
        self._shown = shown
        self.closed = 0

    def see(self, image: Image, time_ns: int) -> Sight:
        assert not self.closed
        people = self._shown[number_of(image)]
        bodies = tuple(body_of(person) for person in people)
        places = np.full((33, 3), 20, np.float32)
        places[:, 2] = 1
        outlines = tuple(Outline(body.id, places, (10, 10, 30, 30)) for body in bodies)
        return Sight(BodyFrame(time_ns, bodies), outlines)

    def close(self) -> None:
        self.closed += 1


def body_of(person: Person) -> Body:
    confidence = np.array([0, 0.5, 1], np.float32)[list(person.states)]
    joints = person.joints.copy()
    joints[confidence == 0] = np.nan
    return Body(person.id, joints, confidence)


class Counted:
    """`cv2.VideoCapture` that tells how many pictures the thread that reads it is done with."""

    genuine = cv2.VideoCapture
    changed = threading.Condition()
    done = 0

    def __init__(self, *arguments: Any) -> None:
        self._camera = Counted.genuine(*arguments)
        self._taken = False

    def grab(self) -> bool:
        with Counted.changed:
            Counted.done += self._taken
            self._taken = False
            Counted.changed.notify_all()
        self._taken = bool(self._camera.grab())
        return self._taken

    def __getattr__(self, name: str) -> Any:
        return getattr(self._camera, name)


class NetworkCamera:
    """A `tests.stream.sources.sensors.Sensor`."""

    def __init__(self, server: StreamServer) -> None:
        self.server = server
        self.port = server.port
        self.people: dict[int, tuple[Person, ...]] = {}

    @property
    def connections(self) -> int:
        return self.server.connections

    def show(self, *people: Person) -> None:
        number = len(self.people)
        self.people[number] = people
        self.server.show(numbered_picture(number))

    def settle(self) -> None:
        with Counted.changed:
            assert Counted.changed.wait_for(lambda: Counted.done >= len(self.people), PATIENCE_S)


@contextlib.contextmanager
def network_camera() -> Iterator[NetworkCamera]:
    """A camera whose pictures are shown by the test; how long one takes to come is the test's affair."""
    server = StreamServer()
    camera = NetworkCamera(server)
    Counted.done = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cv2, "VideoCapture", Counted)
        patch.setattr("stream.sources.camera.network_camera.READ_MS", 60_000)
        patch.setattr(
            "stream.sources.camera.pose_pipeline.open_eyes", lambda model: NumberEyes(camera.people)
        )
        try:
            yield camera
        finally:
            server.close()
