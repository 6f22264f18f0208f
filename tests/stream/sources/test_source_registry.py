from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.body import Body, BodyFrame, SourceInfo
from stream.errors import EndOfSource, SourceError, UserError
from stream.recording import RecordingWriter
from stream.sources import check_labels, open_source
from stream.sources import source_registry as spec_module
from stream.sources.playback import Clip, Playback
from stream.sources.source_registry import SOURCE_KINDS, SourceKind, SourceSpec, parse_spec

INFO = SourceInfo("front door", "kinect-v1", "kinect-v1", live=True, finite=False)


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A recording of five seconds with one frame per second."""
    path = tmp_path / "walk.mcap"
    with RecordingWriter(path, INFO) as writer:
        for second in range(5):
            body = Body(1, np.full((20, 3), second, np.float32), np.ones(20, np.float32))
            writer.write(BodyFrame(second * 1_000_000_000, (body,)))
    return path


def open_error(spec: str, speed: float = 1.0) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(spec, speed=speed)
    return str(caught.value)


def times(spec: str) -> list[float]:
    source = open_source(spec, speed=0)
    found = []
    try:
        while (frame := source.read(0)) is not None:
            found.append(frame.time_ns / 1e9)
    except EndOfSource:
        return found
    finally:
        source.close()
    pytest.fail("at speed 0 there is always a frame")


def test_a_label_names_any_source_and_a_file_comes_first(walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = open_source(f"front-door={walk}#t=1,3", speed=0)
    assert source.info.name == "front-door"
    source.close()
    assert times(f"front-door={walk}#t=1,3") == [1, 2]
    assert parse_spec("hall=rtsp://user:secret@host/a=b").label == "hall"
    for unlabelled in ("walkers:n=4,seed=1", "rtsp://host/path?a=b", "0:model=full"):
        assert parse_spec(unlabelled).label == ""
    walk.rename(walk.with_name("a=b.mcap"))
    monkeypatch.chdir(walk.parent)
    source = open_source("a=b.mcap")
    assert source.info.name == "a=b.mcap"
    source.close()


def test_two_sources_cannot_have_one_label() -> None:
    check_labels(["a=walkers:n=1", "b=walkers:n=1", "walkers:n=1", "walkers:n=1"])
    with pytest.raises(SourceError, match="2 sources have the name a; give each its own label"):
        check_labels(["a=walkers:n=1", "a=walkers:n=2"])
    with pytest.raises(SourceError, match="2 sources have the name kinect"):
        check_labels(["kinect", "kinect=0"])


def test_a_password_behind_a_label_is_not_shown() -> None:
    assert "secret" not in open_error("front=ftp://user:secret@host/a")


@pytest.mark.parametrize("clip", ["", "#t=0,5"])
def test_name_of_a_recording_is_its_source_string(walk: Path, clip: str) -> None:
    source = open_source(f"{walk}{clip}")
    assert source.info == SourceInfo(f"{walk}{clip}", "kinect-v1", "kinect-v1", live=False, finite=True)
    source.close()
    assert times(str(walk)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        ("#t=2", [2, 3, 4]),
        ("#t=1,3", [1, 2]),
        ("#t=,2.5", [0, 1, 2]),
        ("#t=0.5,3.5", [1, 2, 3]),
        ("#t=0,", [0, 1, 2, 3, 4]),
    ],
)
def test_clip_of_a_recording_is_opened(clip: str, expected: list[float], walk: Path) -> None:
    assert times(f"{walk}{clip}") == expected


def test_a_clip_of_a_recording_that_counts_from_1970_is_opened(tmp_path: Path) -> None:
    first = 1_764_400_000
    with RecordingWriter(tmp_path / "robot.mcap", INFO) as writer:
        for second in range(5):
            writer.write(BodyFrame((first + second) * 1_000_000_000, ()))
    clip = f"#t={first + 1},{first + 3}"
    assert times(f"{tmp_path / 'robot.mcap'}{clip}") == [first + 1, first + 2]


@pytest.mark.parametrize(
    "clip",
    [
        "#t=",
        "#t=,",
        "#t=a",
        "#t=-1",
        "#t=-1,2",
        "#t=1,2,3",
        "#t=nan",
        "#t=inf",
        "#t=1e3",
        "#t=" + "9" * 400,
        "#t= 1",
    ],
)
def test_malformed_clip_is_rejected(clip: str, walk: Path) -> None:
    assert open_error(f"{walk}{clip}") == "#t= expects seconds, as in #t=2,9.5 or #t=2 or #t=,9.5"


@pytest.mark.parametrize("clip", ["#t=3,2", "#t=2,2", "#t=,0"])
def test_empty_clip_is_rejected(clip: str, walk: Path) -> None:
    assert f"{clip} is empty" in open_error(f"{walk}{clip}")


def test_file_name_may_contain_a_hash(walk: Path) -> None:
    other = walk.rename(walk.with_name("walk#t=1#2.mcap"))
    assert times(f"{other}#t=3") == [3, 4]


@given(start=st.decimals(0, 999, places=3), length=st.decimals("0.001", 999, places=3))
def test_any_start_and_stop_are_parsed(start: object, length: object) -> None:
    begin, end = float(str(start)), float(str(start)) + float(str(length))
    assert parse_spec(f"walk.mcap#t={begin:.3f},{end:.3f}").clip == (round(begin, 3), round(end, 3))


@pytest.mark.parametrize(
    "path", [r"C:\x\walk.mcap", "C:/x/walk.mcap", "../a b/walk.MCAP", r"\\host\share\walk.mcap"]
)
def test_paths_of_all_platforms_are_recordings(path: str) -> None:
    parsed = parse_spec(f"{path}#t=2")
    assert (parsed.target, parsed.clip, parsed.options) == (path, (2.0, None), {})
    assert parsed.kind is parse_spec("walk.mcap").kind


def test_options_are_parsed() -> None:
    parsed = parse_spec("walkers:n=6, seed=1,live=0#t=,4")
    assert parsed.options == {"n": "6", "seed": "1", "live": "0"}
    assert parsed.clip == (0.0, 4.0)
    assert parse_spec("walkers").options == parse_spec("walkers:").options == {}
    assert parse_spec("walkers").kind is parsed.kind is not parse_spec("walk.mcap").kind


@pytest.mark.parametrize("options", ["n", "n=", "=4", "n=4,", "n=4,,seed=1", "n:4"])
def test_malformed_options_are_rejected(options: str) -> None:
    assert "options must be key=value pairs" in open_error(f"walkers:{options}")


def test_duplicate_option_is_rejected() -> None:
    assert "option n is given twice" in open_error("walkers:n=4,n=5")


@pytest.mark.parametrize(
    "path", ["b.ts", "b.WMV", "b.m2ts", "walk.mp4", "a/b.AVI", "b.mkv", "b.mov", r"C:\b.webm", "a:1.mp4"]
)
def test_videos_are_recognised_by_suffix(path: str) -> None:
    assert f"file {path} not found" in open_error(path)
    parsed = parse_spec(f"{path}:model=full,fov=70#t=1,2")
    assert (parsed.kind.name, parsed.target, parsed.clip) == ("video", path, (1.0, 2.0))
    assert parsed.options == {"model": "full", "fov": "70"}


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("0", "webcam 0"),
        ("12", "webcam 12"),
        ("rtsp://cam/1", "rtsp://cam/1"),
        ("https://cam/live.mcap", "https://cam/live.mcap"),
        ("HTTP://ann:x@cam", "http://cam"),
    ],
)
def test_cameras_are_live_and_opened_by_the_first_read(spec: str, name: str) -> None:
    source = open_source(spec)
    assert source.info == SourceInfo(name, "camera", "mediapipe", live=True, finite=False)
    source.close()
    assert "is endless, but #t= needs a finite source" in open_error(f"{spec}#t=1,2")


@pytest.mark.parametrize("suffix", [".h264", ".H265", ".264", ".hevc"])
def test_a_stream_without_times_is_to_be_converted(tmp_path: Path, suffix: str) -> None:
    (path := tmp_path / f"walk{suffix}").touch()
    message = open_error(str(path))
    assert "holds pictures without their times; convert it, with the rate at which it was recorded" in message
    assert f"ffmpeg -r 30 -i {path} -c copy {tmp_path / 'walk.mp4'}" in message


@pytest.mark.parametrize(
    ("spec", "path", "options"),
    [
        ("/dev/video0", "/dev/video0", {}),
        ("/dev/video12:model=lite,fov=70", "/dev/video12", {"model": "lite", "fov": "70"}),
        ("/dev/v4l/by-id/usb-046d_HD_Pro-video-index0", "/dev/v4l/by-id/usb-046d_HD_Pro-video-index0", {}),
        (
            "/dev/v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0:model=full",
            "/dev/v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0",
            {"model": "full"},
        ),
    ],
)
def test_device_files_are_webcams(spec: str, path: str, options: dict[str, str]) -> None:
    parsed = parse_spec(spec)
    assert (parsed.kind.name, parsed.target, parsed.options) == ("webcam", path, options)
    source = open_source(spec)
    assert source.info == SourceInfo(path, "camera", "mediapipe", live=True, finite=False)
    source.close()


def test_a_file_in_shared_memory_is_no_webcam() -> None:
    assert parse_spec("/dev/shm/walk.mcap").kind.name == "recording"
    assert parse_spec("/dev/shm/walk.mp4").kind.name == "video"


def test_a_tilde_is_the_home_folder(walk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(walk.parent))
    monkeypatch.setenv("USERPROFILE", str(walk.parent))
    assert times("~/walk.mcap#t=3") == [3, 4]
    source = open_source("~/walk.mcap")
    assert source.info.name == "~/walk.mcap"
    source.close()
    assert "file ~/none.mcap not found" in open_error("~/none.mcap")
    assert "file ~none/walk.mp4 not found" in open_error("~none/walk.mp4")


@pytest.mark.parametrize("spec", ["kinect", "Kinect", "kinect:", "k4a", "K4A:device=0,mode=cpu"])
def test_sensors_are_recognised_by_name(spec: str) -> None:
    assert parse_spec(spec).kind.name == spec[:6].rstrip(":").partition(":")[0].lower()


@pytest.mark.parametrize(
    "spec",
    ["", "walk", "tcp://127.0.0.1", "-1", "walkers2:n=1", "walker:n=4", "rtsp:/cam", "a\0b", "x" * 5000],
)
def test_error_for_other_strings_lists_the_possible_sources(spec: str) -> None:
    message = open_error(spec)
    assert "is not a source; possible: " in message
    assert "walkers:n=4" in message and "walk.mcap" in message


@pytest.mark.parametrize(
    "spec",
    [
        "rtsp://ann:hunter2@cam/1",
        "rtsp://ann:hun/ter2@cam/1",
        "rstp://ann:hunter2@cam/1",
        "rstp://cam/1?token=hunter2",
        "ann:hunter2@cam:554/stream",
        "rtsp:/ann:hunter2@cam/walk.mcap",
        "rtsp://ann:hunter2@cam/walk.mcap",
        "ftp://ann:hunter2@cam/walk.mcap",
        "ftp://ann:hunter2@cam/walk.txt",
        "rtsp://ann:hunter2@cam/1#t=2",
        "rtsp://ann:x#t=hunter2@cam/1",
        "ann:x#t=hunter2@cam",
        "ftp://cam/?hunter2&u=http://x",
        "ann:hunter2@rtsp://cam",
    ],
)
def test_password_is_never_shown(spec: str) -> None:
    try:
        shown = open_source(spec).info.name
    except SourceError as error:
        shown = str(error)
    assert "hunter2" not in shown and "ter2" not in shown
    assert "ann" not in shown


def test_missing_file_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "no.mcap"
    assert open_error(str(path)).startswith(f"file {path} not found; give the path")
    assert "file walk.xyz not found" in open_error("walk.xyz")
    (tmp_path / "folder.mcap").mkdir()
    assert "folder.mcap not found" in open_error(str(tmp_path / "folder.mcap"))


@pytest.mark.parametrize("name", ["1.txt", "kgbd.npz", "KS20"])
def test_error_for_data_set_files_suggests_convert(name: str, tmp_path: Path) -> None:
    raw = tmp_path / name
    raw.write_text("Head;0;0;0") if raw.suffix else raw.mkdir()
    assert "is not a recording; `sge-stream convert` makes one" in open_error(str(raw))


def test_file_of_another_format_is_a_user_error(tmp_path: Path) -> None:
    path = tmp_path / "fake.mcap"
    path.write_text("Head;0;0;0")
    with pytest.raises(UserError, match="is not an MCAP recording"):
        open_source(str(path))


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf"), -0.001])
def test_invalid_speed_is_rejected(speed: float, walk: Path) -> None:
    assert f"not {speed}" in open_error(str(walk), speed)


def test_clip_of_an_endless_source_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Endless(Playback):
        def close(self) -> None:
            closed.append(self)

    def open_endless(spec: SourceSpec, speed: float) -> Playback:
        clip: Clip | None = spec.clip
        return Endless(replace(INFO, finite=False), iter(()), speed=speed, clip=clip)

    monkeypatch.setattr(
        spec_module,
        "SOURCE_KINDS",
        (SourceKind("endless", SOURCE_KINDS[0].pattern, open_endless), *SOURCE_KINDS),
    )
    assert "is endless, but #t= needs a finite source" in open_error("walkers:n=2#t=1,2")
    assert len(closed) == 1
    open_source("walkers:n=2").close()
