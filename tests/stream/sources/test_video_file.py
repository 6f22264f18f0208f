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
from tests.stream.sources.videos import FPS, VideoPosePipeline, video_pose_pipeline, write_video


@pytest.fixture
def pipeline() -> Iterator[type[VideoPosePipeline]]:
    with video_pose_pipeline() as pipeline:
        yield pipeline


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
def test_every_frame_of_every_format_is_processed_in_order(
    name: str, codec: str, tmp_path: Path, pipeline: type[VideoPosePipeline]
) -> None:
    path = write_video(tmp_path / name, frames=25, codec=codec)
    frames = frames_of(str(path))
    assert pipeline.processed == list(range(25))
    assert [frame.time_ns for frame in frames] == [round(n * 1e9 / FPS) for n in range(25)]
    assert pipeline.closed == 1


def test_source_info_of_a_video(tmp_path: Path) -> None:
    path = write_video(tmp_path / "walk.avi", frames=2)
    source = open_source(f"{path}:model=full,fov=70#t=0,1")
    assert (source.info.sensor, source.info.layout) == ("camera", "mediapipe")
    assert (source.info.live, source.info.finite) == (False, True)
    assert source.info.name == f"{path}:model=full,fov=70#t=0,1"
    source.close()


def test_poses_are_estimated_within_the_clip_only(tmp_path: Path, pipeline: type[VideoPosePipeline]) -> None:
    path = write_video(tmp_path / "walk.avi")
    frames = frames_of(f"{path}#t=1,2.5")
    assert pipeline.processed == list(range(10, 25))
    assert [frame.time_ns for frame in frames] == [n * 100_000_000 for n in range(10, 25)]


def test_frames_have_their_picture_and_landmarks(tmp_path: Path, pipeline: type[VideoPosePipeline]) -> None:
    for number, frame in enumerate(frames_of(str(write_video(tmp_path / "walk.avi", frames=5)))):
        assert frame.picture is not None and frame.picture.taken_ns is None
        assert number_of(frame.picture.image) == number
        assert set(frame.picture.keypoints) == {body.id for body in frame.bodies}


def test_options_choose_model_and_field_of_view(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = write_video(tmp_path / "walk.avi", frames=1), []

    def open_pose_pipeline(*options: object) -> VideoPosePipeline:
        opened.append(options)
        return VideoPosePipeline()

    with video_pose_pipeline():
        monkeypatch.setattr("stream.sources.camera.pose_pipeline.open_pose_pipeline", open_pose_pipeline)
        frames_of(str(path))
        frames_of(f"{path}:model=full,fov=70.5")
    assert opened == [("lite",), ("full", 70.5)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("model=heavy", "video option model must be the pose model, one of lite, full, not 'heavy'"),
        ("fov=5", "a number from 10 to 170, not '5'"),
        ("fov=wide", "a number from 10 to 170, not 'wide'"),
        ("fov=nan", "a number from 10 to 170, not 'nan'"),
        ("size=2", "has no option 'size'; possible options: model, fov"),
        ("full", "options must be key=value pairs"),
    ],
)
def test_invalid_options_are_rejected(options: str, message: str, tmp_path: Path) -> None:
    path = write_video(tmp_path / "walk.avi", frames=1)
    with pytest.raises(SourceError) as caught:
        open_source(f"{path}:{options}")
    assert message in str(caught.value)


def write_audio_only(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))


def write_truncated_video(path: Path) -> None:
    complete = write_video(path.with_name("complete.mp4"), codec="mp4v").read_bytes()
    path.write_bytes(complete[: len(complete) // 2])


UNREADABLE = {
    "text": lambda path: path.write_text("this is not a video\n" * 100),
    "zeros": lambda path: path.write_bytes(bytes(5000)),
    "audio only": write_audio_only,
    "truncated": write_truncated_video,
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_file_is_rejected(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    UNREADABLE[kind](path)
    with pytest.raises(DataError) as caught:
        open_source(str(path))
    assert str(caught.value).startswith(f"{path} is not a readable video, or contains no pictures; convert")


def test_empty_and_missing_files_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    with pytest.raises(SourceError, match=r"^file .*walk\.mp4 not found; give the path of a video"):
        open_source(str(path))
    path.touch()
    with pytest.raises(DataError, match=r"walk\.mp4 is empty"):
        open_source(str(path))
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(SourceError, match=r"^file .*folder\.mp4 not found"):
        open_source(str(tmp_path / "folder.mp4"))


def test_error_for_a_clip_after_the_end_states_the_last_frame(
    tmp_path: Path, pipeline: type[VideoPosePipeline]
) -> None:
    path = write_video(tmp_path / "walk.avi", frames=20)
    source = open_source(f"{path}#t=5,6", speed=0)
    with pytest.raises(SourceError, match=r"the last frame before that is at 1.9 s"):
        source.read(0)
    source.close()
    assert not pipeline.processed


def test_damaged_picture_is_an_empty_frame(
    tmp_path: Path, pipeline: type[VideoPosePipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = cv2.VideoCapture

    class DamagedCapture:
        """Its third picture cannot be decoded."""

        def __init__(self, *arguments: object) -> None:
            self._video = original(*arguments)
            self._number = 0

        def grab(self) -> bool:
            self._number += 1
            return bool(self._video.grab())

        def retrieve(self) -> tuple[bool, object]:
            return (False, None) if self._number == 3 else self._video.retrieve()

        def __getattr__(self, name: str) -> object:
            return getattr(self._video, name)

    monkeypatch.setattr(cv2, "VideoCapture", DamagedCapture)
    frames = frames_of(str(write_video(tmp_path / "walk.avi", frames=6)))
    assert [bool(frame.bodies) for frame in frames] == [False, True, False, True, True, True]
    assert pipeline.processed == [0, 1, 3, 4, 5]


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
    print("rejected")
"""


def run_quietly(path: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", QUIET, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.slow
def test_real_models_detect_no_person_in_an_empty_video_and_write_nothing(tmp_path: Path) -> None:
    path = write_video(tmp_path / "walk.avi", frames=5)
    assert run_quietly(path) == ["0"] * 5
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    assert set(run_quietly(path)) <= {"0", "rejected"}
