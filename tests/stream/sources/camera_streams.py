"""A fake network camera: MJPEG over HTTP, with pictures shown by the test, and a fake pose pipeline.

OpenCV reads real pictures from a real server on loopback. Only the pose pipeline is fake: each picture
contains its number, and the pipeline returns the people that the test showed in this picture.
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
from stream.sources.camera.detected_bodies import DetectedBodies, PoseCost
from stream.sources.camera.quiet_opencv import cv2
from tests.stream.sources.sensors import TIMEOUT_S, FakePerson

__all__ = [
    "CountingCapture",
    "NumberPosePipeline",
    "StreamServer",
    "network_camera",
    "number_of",
    "numbered_picture",
]

BLOCK = 16
BITS = 16


def numbered_picture(number: int) -> Image:
    """Returns a picture with its number in squares that survive JPEG; large enough for FFmpeg's probe."""
    image = np.full((480, 640, 3), 90, np.uint8)
    for bit in range(BITS):
        image[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 if number >> bit & 1 else 0
    return image


def number_of(image: Image) -> int:
    block = BLOCK * image.shape[1] // 640  # wider if the picture was stretched
    squares = image[BLOCK // 2, block // 2 : block * BITS : block, 0]
    return sum(1 << bit for bit, value in enumerate(squares) if value > 128)


class StreamServer:
    """Serves a stream of pictures on loopback, each as soon as it is shown; can be cut and restarted."""

    def __init__(self) -> None:
        self.connections = 0
        """Number of streams opened."""
        self.requests: list[tuple[str, str]] = []
        """Path and `Authorization` of each request."""
        self.answers: dict[str, tuple[int, str, bytes]] = {}
        """By path: status, type and content of an answer that is no stream."""
        self.silence = threading.Event()
        """Ends the silence of answers without content."""
        self._changed = threading.Condition()
        self._pictures: list[bytes] = []
        self._first = 0  # index of the first picture sent to a new connection
        self._generation = 0  # a stream ends when this increases
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
        """Listens, again on the same port; sends only pictures shown from now on."""
        self._first = len(self._pictures)
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.requests.append((self.path, self.headers.get("Authorization", "")))
                if self.path.startswith("/locked") and not self.headers.get("Authorization"):
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                    return
                if answer := server.answers.get(self.path.partition("?")[0]):
                    self._send(*answer)
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

            def _send(self, status: int, kind: str, content: bytes) -> None:
                """Sends a whole answer; one without content sends its head, and then nothing for long."""
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if status // 100 == 3:
                    self.send_header("Location", server.url)
                if not content:
                    self.end_headers()
                    server.silence.wait(TIMEOUT_S)
                    return
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                with contextlib.suppress(OSError):  # the camera's user has hung up
                    self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stream(self) -> Iterator[bytes]:
        """Yields the pictures of one connection, until it is cut."""
        generation, sent = self._generation, self._first
        while True:
            with self._changed:
                while len(self._pictures) == sent and self._generation == generation:
                    self._changed.wait()
                if self._generation > generation:
                    return
                coded = self._pictures[sent]
            sent += 1
            yield coded

    def cut(self) -> None:
        """Ends all streams and stops listening."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        self.hang_up()

    def hang_up(self) -> None:
        """Ends all streams; new connections get the pictures shown from now on."""
        with self._changed:
            self._generation += 1
            self._first = len(self._pictures)
            self._changed.notify_all()

    def close(self) -> None:
        self.silence.set()
        if self._server is not None:
            self.cut()


class NumberPosePipeline:
    """A fake pose pipeline that reads a picture's number and returns the people shown in it."""

    def __init__(self, shown: dict[int, tuple[FakePerson, ...]]) -> None:
        self._shown = shown
        self.closed = 0

    def process(self, image: Image, time_ns: int) -> DetectedBodies:
        assert not self.closed
        people = self._shown[number_of(image)]
        bodies = tuple(body_of(person) for person in people)
        landmarks = np.full((33, 3), 20, np.float32)
        landmarks[:, 2] = 1
        return DetectedBodies(BodyFrame(time_ns, bodies), {body.id: landmarks for body in bodies})

    def measure(self, image: Image) -> PoseCost:
        return PoseCost(0.01, 0.01)

    def close(self) -> None:
        self.closed += 1


def body_of(person: FakePerson) -> Body:
    confidence = np.array([0, 0.5, 1], np.float32)[list(person.states)]
    joints = person.joints.copy()
    joints[confidence == 0] = np.nan
    return Body(person.id, joints, confidence)


class CountingCapture:
    """`cv2.VideoCapture` that counts the pictures its reading thread has finished with."""

    original = cv2.VideoCapture
    changed = threading.Condition()
    finished = 0

    def __init__(self, *arguments: Any) -> None:
        self._camera = CountingCapture.original(*arguments)
        self._grabbed = False

    def grab(self) -> bool:
        with CountingCapture.changed:
            CountingCapture.finished += self._grabbed
            self._grabbed = False
            CountingCapture.changed.notify_all()
        self._grabbed = bool(self._camera.grab())
        return self._grabbed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._camera, name)


class NetworkCamera:
    """A `tests.stream.sources.sensors.Sensor`."""

    def __init__(self, server: StreamServer) -> None:
        self.server = server
        self.port = server.port
        self.people: dict[int, tuple[FakePerson, ...]] = {}

    @property
    def connections(self) -> int:
        return self.server.connections

    def show(self, *people: FakePerson) -> None:
        number = len(self.people)
        self.people[number] = people
        self.server.show(numbered_picture(number))

    def settle(self) -> None:
        with CountingCapture.changed:
            assert CountingCapture.changed.wait_for(
                lambda: CountingCapture.finished >= len(self.people), TIMEOUT_S
            )


@contextlib.contextmanager
def network_camera() -> Iterator[NetworkCamera]:
    """Yields a camera whose pictures are shown by the test, without a read time-out."""
    server = StreamServer()
    camera = NetworkCamera(server)
    CountingCapture.finished = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cv2, "VideoCapture", CountingCapture)
        patch.setattr("stream.sources.camera.network_camera.READ_MS", 60_000)
        patch.setattr(
            "stream.sources.camera.pose_pipeline.open_pose_pipeline",
            lambda model: NumberPosePipeline(camera.people),
        )
        try:
            yield camera
        finally:
            server.close()
