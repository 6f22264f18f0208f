from __future__ import annotations

import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.body import BodyFrame
from stream.errors import DataError, EndOfSource, SourceError
from stream.sources import open_source
from stream.sources.camera.quiet_opencv import cv2
from tests.stream.sources.camera_streams import number_of
from tests.stream.sources.videos import FPS, VideoEyes, video_eyes, write_video


@pytest.fixture
def eyes() -> Iterator[type[VideoEyes]]:
    with video_eyes() as eyes:
        yield eyes


def frames_of(spec: str) -> list[BodyFrame]:
    source = open_source(spec, speed=0)
    frames: list[BodyFrame] = []
    while True:
        try:
            frame = source.read(0)
        except EndOfSource:
            source.close()
            return frames
        assert frame is not None
        frames.append(frame)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.avi", "MJPG"), ("a.mp4", "mp4v"), ("a.MKV", "MJPG"), ("a.mov", "mp4v"), ("a.webm", "VP80")],
)
def test_every_frame_of_every_format_counts_in_order(
    name: str, codec: str, tmp_path: Path, eyes: type[VideoEyes]
) -> None:
    path = write_video(tmp_path / name, frames=25, codec=codec)
    frames = frames_of(str(path))
    assert eyes.looked == list(range(25))
    assert [frame.time_ns for frame in frames] == [round(n * 1e9 / FPS) for n in range(25)]
    assert eyes.closed == 1


def test_it_is_a_camera_of_its_name(tmp_path: Path) -> None:
    path = write_video(tmp_path / "walk.avi", frames=2)
    source = open_source(f"{path}:model=full,fov=70#t=0,1")
    assert (source.info.sensor, source.info.layout) == ("camera", "mediapipe")
    assert (source.info.live, source.info.finite) == (False, True)
    assert source.info.name == f"{path}:model=full,fov=70#t=0,1"
    source.close()


def test_people_are_looked_for_within_the_clip_only(tmp_path: Path, eyes: type[VideoEyes]) -> None:
    path = write_video(tmp_path / "walk.avi")
    frames = frames_of(f"{path}#t=1,2.5")
    assert eyes.looked == list(range(10, 25))
    assert [frame.time_ns for frame in frames] == [n * 100_000_000 for n in range(10, 25)]


def test_frames_bear_the_picture_and_where_people_are_in_it(tmp_path: Path, eyes: type[VideoEyes]) -> None:
    for number, frame in enumerate(frames_of(str(write_video(tmp_path / "walk.avi", frames=5)))):
        assert frame.picture is not None and frame.picture.taken_ns is None
        assert number_of(frame.picture.image) == number
        assert set(frame.picture.places) == {body.id for body in frame.bodies}


def test_the_options_choose_model_and_lens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, asked = write_video(tmp_path / "walk.avi", frames=1), []

    def open_eyes(*options: object) -> VideoEyes:
        asked.append(options)
        return VideoEyes()

    with video_eyes():
        monkeypatch.setattr("stream.sources.camera.pose_pipeline.open_eyes", open_eyes)
        frames_of(str(path))
        frames_of(f"{path}:model=full,fov=70.5")
    assert asked == [("lite",), ("full", 70.5)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("model=heavy", "option model is which estimator of poses, one of lite, full, not 'heavy'"),
        ("fov=5", "a number from 10 to 170, not '5'"),
        ("fov=wide", "a number from 10 to 170, not 'wide'"),
        ("fov=nan", "a number from 10 to 170, not 'nan'"),
        ("size=2", "has no option 'size'; possible options: model, fov"),
        ("full", "options are written key=value"),
    ],
)
def test_wrong_options_are_refused(options: str, told: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / "walk.avi", frames=1)
    with pytest.raises(SourceError) as refused:
        open_source(f"{path}:{options}")
    assert told in str(refused.value)


def silent_sound(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))


def beginning_of_a_video(path: Path) -> None:
    whole = write_video(path.with_name("whole.mp4"), codec="mp4v").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


BROKEN = {
    "text": lambda path: path.write_text("this is no video\n" * 100),
    "zeros": lambda path: path.write_bytes(bytes(5000)),
    "sound only": silent_sound,
    "cut off": beginning_of_a_video,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_video_is_refused_in_a_sentence(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    BROKEN[kind](path)
    with pytest.raises(DataError) as refused:
        open_source(str(path))
    assert str(refused.value).startswith(
        f"{path} is no video that can be read, or holds no pictures; convert"
    )


def test_an_empty_file_and_none_at_all_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    with pytest.raises(SourceError, match=r"there is no file .*walk\.mp4; give the path of a video"):
        open_source(str(path))
    path.touch()
    with pytest.raises(DataError, match=r"walk\.mp4 is empty"):
        open_source(str(path))
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(SourceError, match=r"there is no file .*folder\.mp4"):
        open_source(str(tmp_path / "folder.mp4"))


def test_a_clip_behind_the_end_says_where_the_end_is(tmp_path: Path, eyes: type[VideoEyes]) -> None:
    path = write_video(tmp_path / "walk.avi", frames=20)
    source = open_source(f"{path}#t=5,6", speed=0)
    with pytest.raises(SourceError, match=r"its last frame before is at 1.9 s"):
        source.read(0)
    source.close()
    assert not eyes.looked


def test_a_damaged_picture_is_an_empty_frame(
    tmp_path: Path, eyes: type[VideoEyes], monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = cv2.VideoCapture

    class Damaged:
        """Its third picture cannot be decoded."""

        def __init__(self, *arguments: object) -> None:
            self._video = genuine(*arguments)
            self._number = 0

        def grab(self) -> bool:
            self._number += 1
            return bool(self._video.grab())

        def retrieve(self) -> tuple[bool, object]:
            return (False, None) if self._number == 3 else self._video.retrieve()

        def __getattr__(self, name: str) -> object:
            return getattr(self._video, name)

    monkeypatch.setattr(cv2, "VideoCapture", Damaged)
    frames = frames_of(str(write_video(tmp_path / "walk.avi", frames=6)))
    assert [bool(frame.bodies) for frame in frames] == [False, True, False, True, True, True]
    assert eyes.looked == [0, 1, 3, 4, 5]


QUIET = """
import sys
from stream.errors import DataError, EndOfSource
from stream.sources import open_source
try:
    source = open_source(sys.argv[1], speed=0)
    while True:
        print(len(source.read(0).bodies))
except EndOfSource:
    source.close()
except DataError:
    print("refused")
"""


def run_quietly(path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", QUIET, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_the_genuine_eyes_find_nobody_in_a_video_without_people_and_nothing_chatters(tmp_path: Path) -> None:
    path = write_video(tmp_path / "walk.avi", frames=5)
    assert run_quietly(path) == ["0"] * 5
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    assert set(run_quietly(path)) <= {"0", "refused"}
