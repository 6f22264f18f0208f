"""Tests of the live view: drawing, drawing thread, folder output and MJPEG server."""

from __future__ import annotations

import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq

from stream.body import Body, BodyFrame, Image, MissedPerson, Picture
from stream.bus.sockets import DECISION_TOPIC, Bus, create_wiring
from stream.decision import Decision, State, to_json
from stream.errors import UserError
from stream.skeleton import CANONICAL, LAYOUTS
from stream.sources.camera.quiet_opencv import cv2
from stream.system.live import Live
from stream.view.drawing import COLOURS, Label, draw, draw_text
from stream.view.drawing_thread import DrawingThread
from stream.view.picture_output import open_pictures, open_view, picture_file_name, view_port
from tests.stream.sources.camera_streams import number_of, numbered_picture

KINECT = LAYOUTS["kinect-v1"]
MEDIAPIPE = LAYOUTS["mediapipe"]
WAIT_MS = 60_000


def standing(x: float = 0.0, *, left_arm_out: bool = False) -> Body:
    """Returns a body that stands upright 3 m away, `x` metres to the sensor's left."""
    joints = np.zeros((20, 3), np.float32)
    joints[:, 1] = np.linspace(0.8, -0.8, 20)
    joints[:, 2] = 3
    joints[:, 0] = x
    if left_arm_out:
        joints[CANONICAL.index("HandLeft"), 0] = x + 0.8
    return Body(7, joints, np.ones(20, np.float32))


def columns(image: Image, state: State) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Returns the image columns that contain the colour of a state."""
    near = (np.abs(image.astype(int) - COLOURS[state]) < 12).all(axis=2)
    found: np.ndarray[tuple[int], np.dtype[np.int64]] = np.flatnonzero(near.any(axis=0))
    return found


def test_the_sensors_left_is_left_on_the_canvas() -> None:
    arm = draw(BodyFrame(0, (standing(left_arm_out=True),)), KINECT, {7: Label("", "person")})
    assert arm.shape == (480, 640, 3)
    drawn = columns(arm, "person")
    assert drawn.max() < 335 and drawn.min() < 230, "the left hand is not drawn on the left"
    moved = draw(BodyFrame(0, (standing(-1.0),)), KINECT, {7: Label("", "person")})
    assert columns(moved, "person").min() > 430, "a body to the sensor's right is not drawn on the right"


def test_a_centred_skeleton_is_drawn_too() -> None:
    body = standing()
    centred = Body(7, body.joints - np.array([0, 0, 3], np.float32), body.confidence)
    image = draw(BodyFrame(0, (centred,)), KINECT, {7: Label("", "unknown")})
    assert 300 < columns(image, "unknown").mean() < 340


def test_missing_joints_are_not_drawn() -> None:
    body = standing()
    confidence, joints = body.confidence.copy(), body.joints.copy()
    confidence[:], joints[:] = 0, np.nan
    drawn = draw(BodyFrame(0, (Body(7, joints, confidence),)), KINECT, {7: Label("Ada", "person")})
    assert (drawn == draw(BodyFrame(0, ()), KINECT, {})).all()


@pytest.mark.parametrize("name", ["Ada", "Zoë Łukaszewska", "李明", "Ольга", "مريم"])
def test_names_of_any_script_are_written(name: str) -> None:
    frame = BodyFrame(0, (standing(),))
    unnamed, named = (draw(frame, KINECT, {7: Label(text, "person")}) for text in ("", name))
    assert (named != unnamed).any(axis=2).sum() > 60


def frame_in(image: Image, x: float) -> BodyFrame:
    """Returns a frame with one body, a vertical line at `x` in its image."""
    keypoints = np.zeros((33, 3), np.float32)
    keypoints[:, 0], keypoints[:, 1], keypoints[:, 2] = x, np.linspace(100, 400, 33), 1
    joints = np.zeros((33, 3), np.float32)
    return BodyFrame(0, (Body(7, joints, np.ones(33, np.float32)),), Picture(image, {7: keypoints}))


def test_a_body_is_drawn_at_its_keypoints_on_a_copy_of_the_image() -> None:
    image = numbered_picture(5)
    before = image.copy()
    drawn = draw(frame_in(image, 500), MEDIAPIPE, {7: Label("", "person")})
    assert (image == before).all()
    assert number_of(drawn) == 5
    assert 495 <= columns(drawn, "person").mean() <= 505
    large = cv2.resize(image, (2560, 1920))
    shrunk = draw(frame_in(np.asarray(large, np.uint8), 2000), MEDIAPIPE, {7: Label("", "person")})
    assert shrunk.shape == (960, 1280, 3)
    assert 995 <= columns(shrunk, "person").mean() <= 1005


def test_a_person_without_a_pose_is_a_box_with_the_reason() -> None:
    image = np.full((480, 640, 3), 40, np.uint8)

    def drawn(*missed: MissedPerson) -> Image:
        return draw(BodyFrame(0, (), Picture(image, {}, missed=missed)), MEDIAPIPE, {})

    without, reasonless = drawn(), drawn(MissedPerson((200, 100, 260, 300), ""))
    rows, columns_ = np.nonzero((without != reasonless).any(axis=2))
    assert (rows.min(), rows.max(), columns_.min(), columns_.max()) == (100, 300, 200, 260)
    assert (reasonless[110:290, 210:250] == 40).all(), "the box is not filled"
    written = drawn(MissedPerson((200, 100, 260, 300), "no pose found"))
    rows, columns_ = np.nonzero((written != reasonless).any(axis=2))
    assert len(rows) > 60 and 300 < rows.min() <= rows.max() < 330
    assert abs(columns_.mean() - 230) < 15, "below the box, in its middle"


def test_a_box_is_scaled_with_its_picture() -> None:
    image = np.full((960, 2560, 3), 40, np.uint8)
    missed = MissedPerson((2000, 400, 2200, 800), "")
    drawn = draw(BodyFrame(0, (), Picture(image, {}, missed=(missed,))), MEDIAPIPE, {})
    rows, columns_ = np.nonzero((drawn != 40).any(axis=2))
    assert (rows.min(), rows.max(), columns_.min(), columns_.max()) == (200, 400, 1000, 1100)


def test_names_of_people_at_one_place_do_not_cover_each_other() -> None:
    image = np.full((480, 640, 3), 40, np.uint8)
    keypoints = np.zeros((33, 3), np.float32)
    keypoints[:, 0], keypoints[:, 1], keypoints[:, 2] = 320, np.linspace(200, 400, 33), 1
    joints, confidence = np.zeros((33, 3), np.float32), np.ones(33, np.float32)
    one, two = Body(1, joints, confidence), Body(2, joints, confidence)

    def rows_of_name(bodies: tuple[Body, ...], state: State) -> range:
        frame = BodyFrame(0, bodies, Picture(image, {body.id: keypoints for body in bodies}))
        labels = {1: Label("Ada Lovelace", "person"), 2: Label("Ada Lovelace", "unknown")}
        near = np.abs(draw(frame, MEDIAPIPE, labels).astype(int) - COLOURS[state]).max(axis=2) < 12
        rows = np.flatnonzero(near[:, :300].any(axis=1))  # beside the bodies, which are vertical lines
        return range(int(rows.min()), int(rows.max()) + 1)

    first, second = rows_of_name((one, two), "person"), rows_of_name((one, two), "unknown")
    assert first == rows_of_name((one,), "person"), "the first is where it is alone"
    assert not set(first) & set(second)


def test_a_text_is_drawn_on_a_canvas() -> None:
    short, long = draw_text("it is down"), draw_text("it is down " * 200)
    assert 0 < (short != draw_text("")).sum() < (long != draw_text("")).sum()


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    with Bus(create_wiring(tmp_path)) as opened:
        yield opened


def decided(track: int, state: State, *, person: str | None = None, final: bool = False) -> bytes:
    return to_json(Decision("x", "cam", track, 1.0, "", state, person, person, 0.5, 0.4, 0.1, "", 9.0, final))


def test_the_drawing_thread_sends_the_newest_frame_with_its_decisions(bus: Bus) -> None:
    decisions = bus.bind(zmq.XPUB, "decisions")
    drawing = DrawingThread(bus, 1, 3, "cam", MEDIAPIPE)
    assert decisions.poll(WAIT_MS)
    decisions.recv()  # its subscription
    # Track 5 belongs to this source (2, 5, 8, ...), track 4 to another.
    decisions.send_multipart([DECISION_TOPIC, decided(4, "person", person="Ben")])
    decisions.send_multipart([DECISION_TOPIC, decided(5, "person", person="Ada")])
    for number in range(5):
        drawing.show(frame_in(numbered_picture(number), 300), {7: 5})
    pictures = bus.bind(zmq.PULL, "pictures")  # no receiver before this

    def next_picture() -> Image:
        assert pictures.poll(WAIT_MS)
        source, coded = pictures.recv_multipart()
        assert source == b"1"
        return np.asarray(cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR), np.uint8)

    def shown(number: int) -> Image:
        while number_of(image := next_picture()) != number:
            pass
        return image

    stop = threading.Event()

    def keep_showing() -> None:
        number = 100
        while not stop.wait(0.01):
            drawing.show(frame_in(numbered_picture(number), 300), {7: 5})

    thread = threading.Thread(target=keep_showing)
    thread.start()
    while not len(columns(shown(100), "person")):
        pass  # the decision arrives on another socket
    decisions.send_multipart([DECISION_TOPIC, decided(5, "person", person="Ada", final=True)])
    while len(columns(shown(100), "person")):
        pass
    stop.set()
    thread.join()
    drawing.show_outage("it was unplugged")
    while (
        np.abs(next_picture().astype(int) - draw_text("cam is down: it was unplugged")) > 60
    ).mean() > 0.01:
        pass
    drawing.close()


def test_a_folder_holds_the_newest_picture_of_each_source(bus: Bus, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "view"
    with open_view(str(folder), bus) as location:
        assert location == f"pictures: {folder / 'source-N.jpg'}"
        sender = bus.connect(zmq.PUSH, "pictures")
        for content in (b"old", b"new"):
            sender.send_multipart([b"1", content])
        sender.send_multipart([b"0", b"door"])
        while not (folder / picture_file_name(0)).exists():
            assert sender.poll(WAIT_MS, zmq.POLLOUT)
    assert sorted(path.name for path in folder.iterdir()) == ["source-1.jpg", "source-2.jpg"]
    assert (folder / "source-2.jpg").read_bytes() == b"new"
    if sys.platform != "win32":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "source-1.jpg").stat().st_mode) == 0o600


def test_links_in_the_folder_lead_nowhere(bus: Bus, tmp_path: Path) -> None:
    (other := tmp_path / "other").write_bytes(b"precious")
    (folder := tmp_path / "view").mkdir()
    for name in ("source-1.jpg", "source-1.part", ".sge-view"):
        (folder / name).symlink_to(other)
    with open_view(str(folder), bus):
        bus.connect(zmq.PUSH, "pictures").send_multipart([b"0", b"picture"])
        while (folder / "source-1.jpg").read_bytes() != b"picture":
            pass
    assert other.read_bytes() == b"precious"


@pytest.mark.parametrize(
    "address", ["http://ada:secret@host/", "rtsp://ada:secret@host", "HTTPS:/ada:secret@h"]
)
def test_an_address_is_refused_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="--view: expected a folder or a port number") as refused:
        view_port(address)
    assert "secret" not in str(refused.value)
    assert not list(tmp_path.glob("[hHr]*"))


def test_a_target_that_is_not_a_folder_is_refused(bus: Bus, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--view: cannot write images to"):
        open_view(str(tmp_path / "file"), bus).__enter__()
    with pytest.raises(
        UserError, match=r"--view: expected a port below 65536 or a folder, got 70000; write \./70"
    ):
        view_port("70000")


def test_pictures_in_memory_are_the_newest(bus: Bus) -> None:
    with open_pictures(bus) as receiver:
        sender = bus.connect(zmq.PUSH, "pictures")
        for content in (b"old", b"new"):
            sender.send_multipart([b"1", content])
        while (newest := receiver.newer(1, 1)) is None:
            assert sender.poll(WAIT_MS, zmq.POLLOUT)
    assert newest == (2, b"new")
    assert receiver.newer(1, 2) is None, "it is not newer"
    assert receiver.newer(0, 0) is None


def test_a_port_is_told_from_a_folder() -> None:
    assert (view_port("0"), view_port("8090"), view_port("./8090"), view_port("seen")) == (
        0,
        8090,
        None,
        None,
    )
    with pytest.raises(UserError, match="got nothing"):
        view_port(" ")
    with pytest.raises(UserError, match="expected a folder, got the port 8090"):
        Live(["walkers:n=1"], view="8090")
    with pytest.raises(UserError, match="either view, a folder, or pictures"):
        Live(["walkers:n=1"], view="seen", pictures=True)
