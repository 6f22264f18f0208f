"""Network cameras and webcams as devices: delivery, outages, reconnection, and errors."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.body import BodyFrame
from stream.capture.recorder import record
from stream.errors import DataError, SourceError, UserError
from stream.recording import read_recording
from stream.sources import open_source
from stream.sources.camera import network_camera as network_camera_module
from stream.sources.camera import webcam
from stream.sources.camera.quiet_opencv import cv2
from stream.sources.live_source import LiveSource, Timeouts
from tests.stream.sources.camera_streams import (
    CountingCapture,
    NetworkCamera,
    NumberPosePipeline,
    network_camera,
    numbered_picture,
)
from tests.stream.sources.sensors import TIMEOUT_S, FakePerson, walkers
from tests.stream.sources.videos import write_timed_video
from tools.trials.video_files import VideoFormat

SECRET = "hunter2"


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkCamera]:
    timeouts = Timeouts(open=TIMEOUT_S, silence=TIMEOUT_S, retry=0.05)
    monkeypatch.setattr(network_camera_module, "TIMEOUTS", timeouts)
    with network_camera() as camera:
        yield camera


@pytest.fixture
def source(camera: NetworkCamera) -> Iterator[LiveSource]:
    opened = network_camera_module.open_network_camera(camera.server.url)
    yield opened
    opened.close()


def frame_of(source: LiveSource) -> BodyFrame:
    frame = source.read(TIMEOUT_S)
    assert frame is not None, "no frame within the timeout"
    return frame


def read_until(source: LiveSource, condition: Callable[[], object]) -> None:
    while not condition():
        source.read(0.05)


def test_frame_has_its_picture_and_landmarks(camera: NetworkCamera, source: LiveSource) -> None:
    camera.show(*walkers(0, "mediapipe"))
    frame = frame_of(source)
    assert frame.picture is not None
    assert frame.picture.image.shape == (480, 640, 3)
    assert np.abs(frame.picture.image.astype(int) - numbered_picture(0)).mean() < 3, "JPEG is not exact"
    assert set(frame.picture.keypoints) == {body.id for body in frame.bodies} == {1, 2}
    assert frame.picture.taken_ns is not None
    assert source.description == f"{camera.server.url}, 640 x 480, model full"


def test_lost_stream_is_reopened_and_reported_once(
    camera: NetworkCamera, source: LiveSource, caplog: pytest.LogCaptureFixture
) -> None:
    camera.show(*walkers(0, "mediapipe"))
    first = frame_of(source)
    camera.server.cut()
    read_until(source, lambda: source.problem)
    connections = camera.connections
    # Failed attempts update the reason, but are not logged individually.
    read_until(source, lambda: "could not be opened" in source.problem)
    camera.server.start()
    camera.show(*walkers(1, "mediapipe"))
    frames: list[BodyFrame] = []
    while not any(frame.bodies for frame in frames):
        frame = source.read(0.05)
        frames += [] if frame is None else [frame]
    assert [len(frame.bodies) for frame in frames] == [0, 2], "one frame without people in between"
    assert first.time_ns < frames[0].time_ns < frames[1].time_ns
    assert (source.problem, camera.connections) == ("", connections + 1)
    name = source.info.name
    assert len(caplog.messages) == 2
    assert caplog.messages[0] == f"{name} is down: its stream stopped; retrying until it is back"
    assert caplog.messages[1].startswith(f"{name} is up again after ")


def test_silent_stream_is_detected(
    camera: NetworkCamera, source: LiveSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_camera_module, "READ_MS", 200)
    camera.show(*walkers(0, "mediapipe"))
    frame_of(source)
    read_until(source, lambda: source.problem)
    assert source.problem == "its stream stopped"


def test_user_and_password_are_sent_to_the_camera_only(
    camera: NetworkCamera, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    source = network_camera_module.open_network_camera(
        f"http://ann:{SECRET}%40x@127.0.0.1:{camera.port}/locked?key={SECRET}"
    )
    camera.show(*walkers(0, "mediapipe"))
    frame_of(source)
    # Basic authentication, base64 of ann:hunter2@x.
    assert camera.server.requests[-1] == (f"/locked?key={SECRET}", "Basic YW5uOmh1bnRlcjJAeA==")
    camera.server.cut()
    read_until(source, lambda: "could not be opened" in source.problem)
    shown = [repr(source.info), source.description, source.problem, *caplog.messages, *capfd.readouterr()]
    assert source.info.name == f"http://127.0.0.1:{camera.port}/locked"
    assert SECRET not in " ".join(shown)
    source.close()


def jpeg() -> bytes:
    return cv2.imencode(".jpg", numbered_picture(0))[1].tobytes()


PAGE = b"<html><body>Please log in</body></html>"

ANSWERS: dict[str, tuple[tuple[int, str, bytes], str]] = {
    "page": (
        (200, "text/html; charset=utf-8", PAGE),
        "answers with a web page, not a video: give the address",
    ),
    "user": ((401, "text/html", PAGE), "asks for a user and a password: write them into the address"),
    "access": ((403, "text/html", PAGE), "refuses access (403): check that this user"),
    "path": ((404, "text/html", PAGE), "has nothing at this path (404): give the address of its stream"),
    "redirect": ((302, "text/html", PAGE), "sends to another address (302), as to a log-in page"),
    "busy": ((503, "text/html", PAGE), "answers with the error 503"),
    "json": ((200, "application/json", b'{"a": 1}'), "could not be opened: check the address"),
    "text": ((200, "text/plain", b"hello"), "answers with text/plain, not a video"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_address_that_is_no_stream_says_what_it_is(
    kind: str, camera: NetworkCamera, caplog: pytest.LogCaptureFixture
) -> None:
    answer, said = ANSWERS[kind]
    if kind == "redirect":  # FFmpeg follows one; the page behind this one leads back to it
        camera.server.answers["/cam"] = answer
    camera.server.answers[f"/{kind}"] = answer
    source = network_camera_module.open_network_camera(f"http://127.0.0.1:{camera.port}/{kind}?key={SECRET}")
    with pytest.raises(SourceError) as caught:
        read_until_it_fails(source)
    assert str(caught.value).startswith(f"http://127.0.0.1:{camera.port}/{kind} {said}")
    assert SECRET not in str(caught.value) + caplog.text
    assert {path for path, _ in camera.server.requests} <= {f"/{kind}?key={SECRET}", "/cam"}
    assert not any(authorization for _, authorization in camera.server.requests)
    source.close()


def test_an_address_of_one_picture_is_not_opened_again_and_again(camera: NetworkCamera) -> None:
    camera.show(*walkers(0, "mediapipe"))
    camera.server.answers["/snap.jpg"] = (200, "image/jpeg", jpeg())
    source = network_camera_module.open_network_camera(f"http://127.0.0.1:{camera.port}/snap.jpg")
    with pytest.raises(UserError, match=r"/snap.jpg sends one picture, not a stream: give the address"):
        read_until(source, lambda: False)
    source.close()
    assert len(camera.server.requests) <= 4


def test_wrong_password_is_told_from_a_missing_one(camera: NetworkCamera) -> None:
    camera.server.answers["/wrong"] = (401, "text/html", PAGE)
    source = network_camera_module.open_network_camera(f"http://ann:{SECRET}@127.0.0.1:{camera.port}/wrong")
    with pytest.raises(
        SourceError, match=r"/wrong does not accept the user or the password: correct"
    ) as caught:
        read_until_it_fails(source)
    assert SECRET not in str(caught.value)
    source.close()


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}], ids=["index at end", "index at front"])
def test_a_video_file_at_an_address_is_not_played_as_a_stream(
    options: dict[str, str], camera: NetworkCamera, tmp_path: Path
) -> None:
    form = VideoFormat(container=options)
    path = write_timed_video(tmp_path / "walk.mp4", [n / 10 for n in range(20)], form)
    camera.server.answers["/walk.mp4"] = (200, "video/mp4", path.read_bytes())
    source = network_camera_module.open_network_camera(f"http://127.0.0.1:{camera.port}/walk.mp4")
    source.retry_from_start()  # in vain: it stays a file
    with pytest.raises(
        UserError, match=r"/walk.mp4 is a video file, not a stream: download it, and give its"
    ):
        read_until_it_fails(source)
    source.close()


def test_a_silent_address_says_that_it_answers(
    camera: NetworkCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_camera_module, "OPEN_MS", 300)
    camera.server.answers["/slow"] = (200, "multipart/x-mixed-replace; boundary=b", b"")
    source = network_camera_module.open_network_camera(f"http://127.0.0.1:{camera.port}/slow")
    with pytest.raises(SourceError, match=r"/slow answers, but sends no picture: check the camera"):
        read_until_it_fails(source)
    source.close()


def test_a_stream_that_worked_is_asked_nothing_when_it_ends(
    camera: NetworkCamera, source: LiveSource
) -> None:
    for number in range(3):
        camera.show(*walkers(number, "mediapipe"))
        frame_of(source)
    camera.server.hang_up()
    read_until(source, lambda: source.problem)
    assert source.problem == "its stream stopped"
    assert len(camera.server.requests) <= 2, "FFmpeg's connections only"


def test_reason_is_told_when_a_camera_comes_back_with_a_page(
    camera: NetworkCamera, source: LiveSource
) -> None:
    camera.show(*walkers(0, "mediapipe"))
    frame_of(source)
    camera.server.answers["/cam"] = (200, "text/html", PAGE)
    camera.server.hang_up()
    read_until(source, lambda: "web page" in source.problem)
    del camera.server.answers["/cam"]
    camera.show(*walkers(1, "mediapipe"))
    read_until(source, lambda: not source.problem)


@pytest.mark.parametrize(("options", "size"), [("", (1280, 480)), ("#aspect=1", (640, 480))])
def test_pixels_that_are_not_square_are_stretched(
    options: str, size: tuple[int, int], camera: NetworkCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = CountingCapture.__getattr__

    def get(self: CountingCapture, name: str) -> Any:
        stated = {cv2.CAP_PROP_SAR_NUM: 2.0, cv2.CAP_PROP_SAR_DEN: 1.0}
        value = original(self, name)
        return (lambda what: stated.get(what, value(what))) if name == "get" else value

    monkeypatch.setattr(CountingCapture, "__getattr__", get)
    camera.show(*walkers(0, "mediapipe"))
    opened = open_source(camera.server.url + options)
    assert isinstance(opened, LiveSource)
    frame = frame_of(opened)
    opened.close()
    assert frame.picture is not None and frame.picture.image.shape[1::-1] == size


@pytest.mark.parametrize("scheme", ["rtsp", "rtsps", "http", "https"])
def test_refused_connection_fails_without_showing_the_password(
    scheme: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    source = open_source(f"{scheme}://ann:{SECRET}@127.0.0.1:{port}/live?x={SECRET}")
    with pytest.raises(SourceError) as caught:
        read_until_it_fails(source)
    expected = (
        f"{scheme}://127.0.0.1:{port}/live could not be opened: check the address, its user and password"
    )
    assert str(caught.value).startswith(expected)
    assert "".join(capfd.readouterr()) == "", "neither OpenCV nor FFmpeg writes anything"
    source.close()


def read_until_it_fails(source: Any) -> None:
    while True:
        assert source.read(TIMEOUT_S) is None


@pytest.mark.slow
def test_server_that_never_answers_times_out(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(network_camera_module, "OPEN_MS", 300)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        source = open_source(f"http://ann:{SECRET}@127.0.0.1:{port}/live")
        with pytest.raises(SourceError, match=rf"127.0.0.1:{port}/live did not answer within 0.3 s: "):
            read_until_it_fails(source)
        source.close()
    assert "".join(capfd.readouterr()) == ""


def test_damaged_models_are_reported(camera: NetworkCamera, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(model: str) -> NumberPosePipeline:
        raise DataError("the model is damaged")

    monkeypatch.setattr("stream.sources.camera.pose_pipeline.open_pose_pipeline", damaged)
    source = network_camera_module.open_network_camera(camera.server.url)
    camera.show()
    with pytest.raises(DataError, match="the model is damaged"):
        read_until_it_fails(source)
    source.close()


class Webcam:
    """`cv2.VideoCapture` of a webcam: delivers pictures until it is unplugged."""

    opened: list[tuple[Any, ...]]
    available = True
    unplugged = threading.Event()

    def __init__(self, *arguments: Any) -> None:
        Webcam.opened.append(arguments)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return Webcam.available

    def set(self, what: int, value: float) -> bool:
        return True

    def get(self, what: int) -> float:
        return -1.0  # OpenCV's answer for what it does not know

    def grab(self) -> bool:
        return not Webcam.unplugged.wait(0.01)

    def retrieve(self) -> tuple[bool, Any]:
        return True, numbered_picture(0)

    def release(self) -> None: ...


@pytest.fixture
def webcams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the webcams 0, which has a name, and 2; both see two walkers."""
    for number, name in ((0, "HD Webcam\n"), (2, None)):
        (tmp_path / f"video{number}").touch()
        if name:
            (tmp_path / "sys" / f"video{number}").mkdir(parents=True)
            (tmp_path / "sys" / f"video{number}" / "name").write_text(name)
    monkeypatch.setattr(webcam, "NODES", tmp_path)
    monkeypatch.setattr(webcam, "NAMES", tmp_path / "sys")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    monkeypatch.setattr(Webcam, "opened", [], raising=False)
    monkeypatch.setattr(Webcam, "unplugged", threading.Event())
    people: dict[int, tuple[FakePerson, ...]] = {0: walkers(0, "mediapipe")}
    monkeypatch.setattr(
        "stream.sources.camera.pose_pipeline.open_pose_pipeline", lambda model: NumberPosePipeline(people)
    )
    return tmp_path


@pytest.mark.parametrize(
    ("spec", "described"),
    [
        ("0", "HD Webcam (webcam 0), 640 x 480, model full"),
        ("2", "webcam 2, 640 x 480, model full"),
        ("002:model=lite", "webcam 2, 640 x 480, model lite"),
    ],
)
def test_name_and_description_of_a_webcam(webcams: Path, spec: str, described: str) -> None:
    source = open_source(spec)
    assert isinstance(source, LiveSource)
    assert source.info.name == f"webcam {int(spec.partition(':')[0])}"
    assert Webcam.opened == [], "the first read opens it"
    assert len(frame_of(source).bodies) == 2
    assert source.description == described
    assert [arguments[0] for arguments in Webcam.opened] == [int(spec.partition(":")[0])]
    source.close()


def test_a_recording_of_a_webcam_states_the_model(webcams: Path, tmp_path: Path) -> None:
    source, stop = open_source("0"), threading.Event()
    assert source.info.pose_model == "", "not chosen before there is a picture"
    record(source, tmp_path / "walk.mcap", seconds=None, stop=stop, on_frame=lambda _: stop.set())
    assert source.info.pose_model == "full"
    source.close()
    assert source.info.pose_model == "full"
    with read_recording(tmp_path / "walk.mcap") as recording:
        assert recording.info.pose_model == "full"


def test_options_choose_the_model_and_the_field_of_view(
    webcams: Path, camera: NetworkCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[object, ...]] = []

    def open_pose_pipeline(*arguments: object) -> NumberPosePipeline:
        opened.append(arguments)
        return NumberPosePipeline({0: ()})

    monkeypatch.setattr("stream.sources.camera.pose_pipeline.open_pose_pipeline", open_pose_pipeline)
    monkeypatch.setattr(cv2, "VideoCapture", Webcam)
    for spec in ("0:model=full", "rtsp://ann:pw@cam/1#model=lite,fov=78.5", "http://cam/v"):
        source = open_source(spec)
        assert isinstance(source, LiveSource)
        frame_of(source)
        source.close()
    assert opened == [("full",), ("lite", 78.5), ("full",)]
    assert [arguments[0] for arguments in Webcam.opened] == [0, "rtsp://ann:pw@cam/1", "http://cam/v"]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("0:model=huge", "webcam option model must be the pose model, one of lite, full, not 'huge'"),
        ("0:fov=5", "webcam option fov must be the field of view"),
        ("rtsp://cam/1#model=huge", "network camera option model must be"),
        ("rtsp://cam/1#password=hunter2", "network camera has no option 'password'; possible options: model"),
        ("rtsp://cam/1#hunter2", "after the # of rtsp://... expected options, as in #model=full,fov=78"),
    ],
)
def test_invalid_options_are_rejected(spec: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(spec)
    assert message in str(caught.value) and SECRET not in str(caught.value)


def test_change_of_picture_size_starts_a_new_connection(
    webcams: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = iter([(480, 640)] * 3 + [(240, 320)] * 10_000)
    monkeypatch.setattr(webcam, "TIMEOUTS", Timeouts(retry=0.05))
    monkeypatch.setattr(Webcam, "retrieve", lambda self: (True, np.zeros((*next(sizes), 3), np.uint8)))
    source = webcam.open_webcam("0")
    frame_of(source)
    read_until(source, lambda: source.problem == "the picture size changed")
    read_until(source, lambda: not source.problem)
    assert source.description == "HD Webcam (webcam 0), 320 x 240, model full"
    source.close()


def test_unknown_webcam_is_reported_with_those_available(webcams: Path) -> None:
    with pytest.raises(SourceError, match=r"^webcam 1 not found; .*: HD Webcam \(webcam 0\), webcam 2$"):
        read_until_it_fails(open_source("1"))
    for node in webcams.glob("video*"):
        node.unlink()
    assert webcam.missing() == "no webcam found"
    with pytest.raises(SourceError, match=r"^webcam 1 not found \(no webcam found at all\): plug one in$"):
        read_until_it_fails(open_source("1"))


def test_a_link_to_a_webcam_is_followed_each_time(webcams: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webcam, "TIMEOUTS", Timeouts(retry=0.05))
    (link := webcams / "usb-HD-index0").symlink_to("video0")
    source = webcam.open_webcam(str(link))
    assert source.info.name == str(link)
    frame_of(source)
    assert source.description.startswith("HD Webcam (webcam 0)")
    link.unlink()
    Webcam.unplugged.set()
    read_until(source, lambda: f"{link} not found; plug the webcam in, or use one of" in source.problem)
    link.symlink_to("video2")  # plugged in elsewhere
    Webcam.unplugged.clear()
    read_until(source, lambda: not source.problem)
    assert source.description.startswith("webcam 2")
    source.close()


def test_another_device_is_no_webcam(webcams: Path) -> None:
    (webcams / "tty1").touch()
    with pytest.raises(SourceError, match=r"tty1 is not a webcam; .*: HD Webcam \(webcam 0\), webcam 2$"):
        read_until_it_fails(webcam.open_webcam(str(webcams / "tty1")))


def test_webcam_in_use_is_reported(webcams: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert webcam.missing() == ""
    monkeypatch.setattr(Webcam, "available", False)
    with pytest.raises(SourceError, match=r"^HD Webcam \(webcam 0\) could not be opened: .*no other program"):
        read_until_it_fails(open_source("0"))


def test_unplugged_webcam_is_reopened_when_it_is_back(webcams: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webcam, "TIMEOUTS", Timeouts(retry=0.05))
    source = webcam.open_webcam("0")
    frame_of(source)
    (webcams / "video0").unlink()
    Webcam.unplugged.set()
    read_until(source, lambda: "webcam 0 not found" in source.problem)
    (webcams / "video0").touch()
    Webcam.unplugged.clear()
    read_until(source, lambda: not source.problem)
    source.close()


def test_hung_camera_does_not_block_closing(webcams: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hung, released = threading.Event(), threading.Event()

    def grab(self: Webcam) -> bool:
        hung.set()
        return released.wait(TIMEOUT_S)

    monkeypatch.setattr(Webcam, "grab", grab)
    source = open_source("0")
    while not hung.is_set():
        assert source.read(0.01) is None
    source.close()
    released.set()
