from __future__ import annotations

import contextlib
import itertools
import struct
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stream.body import BodyFrame, Image
from stream.capture.recorder import record
from stream.errors import DataError, EndOfSource, SourceError
from stream.recording import read_recording
from stream.sources import open_source
from stream.sources.camera.detected_bodies import DetectedBodies
from stream.sources.camera.video_file import open_video
from tests.stream.sources.camera_streams import number_of, numbered_picture
from tests.stream.sources.videos import (
    FPS,
    VideoPosePipeline,
    shorten_times,
    turn_video,
    video_pose_pipeline,
    write_damaged_video,
    write_growing_video,
    write_timed_video,
    write_video,
)
from tools.trials.video_files import FORMATS, VideoFormat

FRAME = Fraction(1, 30)
"""Unit of the times of an AVI with 30 pictures a second."""


@pytest.fixture
def pipeline() -> Iterator[type[VideoPosePipeline]]:
    with video_pose_pipeline() as pipeline:
        yield pipeline


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Width and height of each picture that the pose pipeline gets."""
    sizes: list[tuple[int, int]] = []

    class Sizes:
        def process(self, image: Image, time_ns: int) -> DetectedBodies:
            sizes.append((image.shape[1], image.shape[0]))
            return DetectedBodies(BodyFrame(time_ns, ()), {})

        def close(self) -> None: ...

    monkeypatch.setattr("stream.sources.camera.pose_pipeline.open_pose_pipeline", lambda *_: Sizes())
    return sizes


def record_all(path: Path, target: Path) -> list[BodyFrame]:
    """Records a video as `sge-stream record` does, and returns the frames of the recording."""
    with contextlib.closing(open_source(str(path), speed=0)) as source:
        record(source, target, seconds=None, stop=threading.Event())
    with read_recording(target) as recording:
        return list(recording)


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
        frames_of(f"{path}:model=lite,fov=70.5")
    assert opened == [("full",), ("lite", 70.5)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("model=heavy", "video option model must be the pose model, one of lite, full, not 'heavy'"),
        ("fov=5", "a number from 10 to 170, not '5'"),
        ("fov=wide", "a number from 10 to 170, not 'wide'"),
        ("fov=nan", "a number from 10 to 170, not 'nan'"),
        ("aspect=2:1", "aspect must be the width of a pixel divided by its height, a number from 0.25 to 4"),
        ("aspect=0", "a number from 0.25 to 4, not '0'"),
        ("size=2", "has no option 'size'; possible options: model, fov, aspect"),
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
    message = str(caught.value)
    assert message.startswith(f"{path} is not a readable video, or contains no pictures")
    assert message.endswith("; convert it to an .mp4 with H.264, for example with FFmpeg")
    assert ("has no index" in message) == (kind == "truncated")


def test_empty_and_missing_files_are_rejected(tmp_path: Path) -> None:
    path = tmp_path / "walk.mp4"
    with pytest.raises(SourceError, match=r"^file .*walk\.mp4 not found; give the path of a video"):
        open_source(str(path))
    path.touch()
    with pytest.raises(DataError, match=r"walk\.mp4 is empty"):
        open_source(str(path))
    with pytest.raises(
        DataError, match=r"gone\.mp4 cannot be read \(No such file or directory\); give a video"
    ):
        open_video(tmp_path / "gone.mp4", {})
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


def test_damaged_picture_is_an_empty_frame_and_counted(
    tmp_path: Path, pipeline: type[VideoPosePipeline], caplog: pytest.LogCaptureFixture
) -> None:
    path = write_damaged_video(tmp_path / "walk.avi")
    frames = frames_of(str(path))
    assert pipeline.processed == [0, 1, 3, 4, 5]
    assert [round(frame.time_ns * 30 / 1e9) for frame in frames if frame.bodies] == [1, 3, 4, 5]
    assert caplog.messages == [f"{path}: pictures that were damaged or not in order of time, and not used: 1"]


@pytest.mark.slow
def test_every_picture_has_its_own_time(tmp_path: Path, pipeline: type[VideoPosePipeline]) -> None:
    names = ("varying.mp4", "varying.mkv", "browser.webm", "windows.wmv", "flash.flv")
    for name in names:
        form, times = FORMATS[name]
        path = write_timed_video(tmp_path / name, times, form)
        frames = frames_of(str(path))
        assert [frame.time_ns / 1e9 for frame in frames] == pytest.approx(times, abs=0.001)
    assert pipeline.processed == len(names) * list(range(len(times)))


def test_a_television_clock_that_starts_again_is_followed(
    tmp_path: Path, pipeline: type[VideoPosePipeline]
) -> None:
    times = FORMATS["television.ts"][1]
    form = VideoFormat(start=2**33 / 90_000 - 2, unit=Fraction(1, 90_000))
    frames = frames_of(str(write_timed_video(tmp_path / "walk.ts", times, form)))
    assert [frame.time_ns / 1e9 for frame in frames] == pytest.approx(times, abs=0.001)


def test_record_keeps_the_times_of_the_pictures(tmp_path: Path, pipeline: type[VideoPosePipeline]) -> None:
    times = FORMATS["varying.mp4"][1]
    path = write_timed_video(tmp_path / "walk.mp4", times)
    recorded = record_all(path, tmp_path / "walk.mcap")
    assert [frame.time_ns / 1e9 for frame in recorded] == pytest.approx(times, abs=0.001)


def test_times_of_a_phone_video(cases_dir: Path, tmp_path: Path, pipeline: type[VideoPosePipeline]) -> None:
    times = [frame.time_ns / 1e9 for frame in record_all(cases_dir / "vfr.mp4", tmp_path / "vfr.mcap")]
    # 30 a second, then 10 a second, as `ffprobe -show_entries frame=pts_time` prints them.
    assert len(times) == 137 and times[-1] == pytest.approx(7.6, abs=0.001)
    steps = {round(later - earlier, 3) for earlier, later in itertools.pairwise(times)}
    assert steps == {0.033, 0.1}


def test_guessed_times_are_said(
    tmp_path: Path, pipeline: type[VideoPosePipeline], caplog: pytest.LogCaptureFixture
) -> None:
    form = VideoFormat(unit=Fraction(1, 1000), rate=25)
    path = write_timed_video(tmp_path / "walk.mkv", [n / 25 for n in range(20)], form)
    shorten_times(path)
    frames = frames_of(str(path))
    assert [frame.time_ns for frame in frames] == [n * 40_000_000 for n in range(20)]
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(f"{path}: it has 2.5e+04 pictures a second, and nobody records")
    assert "picture n is taken to be at n / 25 s, the rate of its header" in caplog.messages[0]


def test_impossible_rate_is_rejected(tmp_path: Path) -> None:
    path = write_timed_video(tmp_path / "walk.avi", [n / 30 for n in range(20)], VideoFormat("mjpeg", FRAME))
    scale_and_rate = struct.pack("<II", 1, 30), struct.pack("<II", 1, 5000)
    path.write_bytes(path.read_bytes().replace(*scale_and_rate, 1))
    with pytest.raises(DataError, match=r"walk\.avi has 5e\+03 pictures a second, and nobody records people"):
        open_source(str(path))


CUT = ["varying.mp4", "sound.mp4", "late.mov", "varying.mkv", "mjpeg.avi", "h264-reordered.avi", "vp9.webm"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CUT)
def test_what_a_cut_off_video_has_is_used_and_its_end_reported(
    name: str, tmp_path: Path, pipeline: type[VideoPosePipeline]
) -> None:
    form, times = FORMATS[name]
    whole = write_timed_video(tmp_path / name, times, form)
    count = len(frames_of(str(whole)))
    raw = whole.read_bytes()
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(raw[: len(raw) * 2 // 3])
    target = tmp_path / "cut.mcap"
    with pytest.raises(
        DataError, match=r"is cut off after .* s \(its .*\): take a whole copy of it; .*#t=,"
    ) as caught:
        record_all(cut, target)
    with read_recording(target) as recording:
        frames = list(recording)
    assert 5 < len(frames) < count
    spec = str(caught.value).rpartition("; ")[2].removesuffix(" is the part that is there")
    assert 0 <= len(frames) - len(frames_of(spec)) < 5


@pytest.mark.slow
@pytest.mark.parametrize("name", FORMATS)
def test_whole_video_is_not_called_cut_off(
    name: str, tmp_path: Path, pipeline: type[VideoPosePipeline]
) -> None:
    form, times = FORMATS[name]
    path = write_timed_video(tmp_path / name, times, form)
    assert len(frames_of(str(path))) == len(times)


def test_broken_off_upload(cases_dir: Path, tmp_path: Path, pipeline: type[VideoPosePipeline]) -> None:
    with pytest.raises(
        DataError, match=r"truncated\.mp4 is cut off after 3\.6 s \(its header states 7\.7 s\)"
    ):
        record_all(cases_dir / "truncated.mp4", tmp_path / "cut.mcap")
    with read_recording(tmp_path / "cut.mcap") as recording:
        assert len(list(recording)) > 100


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
@pytest.mark.parametrize(("aspect", "size"), [(Fraction(2), (1280, 480)), (Fraction(1, 2), (640, 960))])
def test_pixels_that_are_not_square_are_stretched(
    name: str, aspect: Fraction, size: tuple[int, int], tmp_path: Path, wide: list[tuple[int, int]]
) -> None:
    codec, unit = ("mpeg4", FRAME) if name == "a.avi" else ("libx264", Fraction(1, 90000))
    form = VideoFormat(codec, unit, aspect=aspect)
    path = write_timed_video(tmp_path / name, [n / 30 for n in range(3)], form)
    (frame, *_) = frames_of(str(path))
    assert frame.picture is not None
    assert frame.picture.image.shape[1::-1] == size
    assert set(wide) == {size}, "the size that the pose model gets"


def test_aspect_option_replaces_what_the_file_states(tmp_path: Path, wide: list[tuple[int, int]]) -> None:
    path = write_timed_video(tmp_path / "walk.mp4", [0, 0.1], VideoFormat(aspect=Fraction(2)))
    frames_of(f"{path}:aspect=1.5")
    frames_of(f"{path}:aspect=1")
    assert sorted(set(wide)) == [(640, 480), (960, 480)]


@pytest.mark.parametrize(("turn", "size"), [("90", (480, 640)), ("180", (640, 480)), ("270", (480, 640))])
def test_turned_videos_are_upright(
    turn: str, size: tuple[int, int], tmp_path: Path, wide: list[tuple[int, int]]
) -> None:
    path = write_timed_video(tmp_path / "walk.mp4", [0, 0.1])
    turn_video(path, turn)
    (frame, *_) = frames_of(str(path))
    assert frame.picture is not None and frame.picture.image.shape[1::-1] == size
    upright = np.rot90(numbered_picture(0), {"90": 3, "180": 2, "270": 1}[turn])
    assert np.abs(frame.picture.image.astype(int) - upright).mean() < 3


def test_turned_pictures_with_wide_pixels_become_high(tmp_path: Path, wide: list[tuple[int, int]]) -> None:
    path = write_timed_video(tmp_path / "walk.mp4", [0, 0.1], VideoFormat(aspect=Fraction(2)))
    turn_video(path, "90")
    frames_of(str(path))
    assert set(wide) == {(480, 1280)}


def test_pictures_that_change_their_size_only_are_brought_to_one(
    tmp_path: Path, wide: list[tuple[int, int]]
) -> None:
    path = write_growing_video(tmp_path / "call.mkv", [(640, 480)] * 3 + [(320, 240)] * 3)
    assert len(frames_of(str(path))) == 6
    assert set(wide) == {(640, 480)}


def test_pictures_that_change_their_shape_end_the_video(tmp_path: Path, wide: list[tuple[int, int]]) -> None:
    path = write_growing_video(tmp_path / "call.mkv", [(640, 480)] * 3 + [(480, 640)] * 3)
    with pytest.raises(
        DataError, match=r"change from 640 x 480 to 480 x 640 at 0.1 s; give the parts one by one"
    ):
        frames_of(str(path))
    assert len(wide) == 3


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
