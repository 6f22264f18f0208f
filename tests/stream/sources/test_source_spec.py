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
from stream.sources import open_source
from stream.sources import spec as spec_module
from stream.sources.playback import Clip, Playback
from stream.sources.spec import KINDS, Kind, SourceSpec, parse_spec

INFO = SourceInfo("front door", "kinect-v1", "kinect-v1", live=True, finite=False)


@pytest.fixture
def walk(tmp_path: Path) -> Path:
    """A recording of five seconds, a frame a second."""
    path = tmp_path / "walk.mcap"
    with RecordingWriter(path, INFO) as writer:
        for second in range(5):
            body = Body(1, np.full((20, 3), second, np.float32), np.ones(20, np.float32))
            writer.write(BodyFrame(second * 1_000_000_000, (body,)))
    return path


def refusal(spec: str, speed: float = 1.0) -> str:
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


@pytest.mark.parametrize("clip", ["", "#t=0,5"])
def test_a_recording_is_shown_as_it_was_asked_for(walk: Path, clip: str) -> None:
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
def test_a_part_of_a_recording_is_opened(clip: str, expected: list[float], walk: Path) -> None:
    assert times(f"{walk}{clip}") == expected


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
def test_a_malformed_part_is_refused(clip: str, walk: Path) -> None:
    assert refusal(f"{walk}{clip}") == "after #t= come seconds, as in #t=2,9.5 or #t=2 or #t=,9.5"


@pytest.mark.parametrize("clip", ["#t=3,2", "#t=2,2", "#t=,0"])
def test_a_part_that_ends_before_it_begins_is_refused(clip: str, walk: Path) -> None:
    assert f"{clip} ends before it begins" in refusal(f"{walk}{clip}")


def test_a_file_may_have_a_hash_in_its_name(walk: Path) -> None:
    other = walk.rename(walk.with_name("walk#t=1#2.mcap"))
    assert times(f"{other}#t=3") == [3, 4]


@given(start=st.decimals(0, 999, places=3), length=st.decimals("0.001", 999, places=3))
def test_any_two_seconds_are_understood(start: object, length: object) -> None:
    begin, end = float(str(start)), float(str(start)) + float(str(length))
    assert parse_spec(f"walk.mcap#t={begin:.3f},{end:.3f}").clip == (round(begin, 3), round(end, 3))


@pytest.mark.parametrize(
    "path", [r"C:\x\walk.mcap", "C:/x/walk.mcap", "../a b/walk.MCAP", r"\\host\share\walk.mcap"]
)
def test_windows_and_other_paths_are_recordings(path: str) -> None:
    parsed = parse_spec(f"{path}#t=2")
    assert (parsed.target, parsed.clip, parsed.options) == (path, (2.0, None), {})
    assert parsed.kind is parse_spec("walk.mcap").kind


def test_options_are_taken_apart() -> None:
    parsed = parse_spec("walkers:n=6, seed=1,live=0#t=,4")
    assert parsed.options == {"n": "6", "seed": "1", "live": "0"}
    assert parsed.clip == (0.0, 4.0)
    assert parse_spec("walkers").options == parse_spec("walkers:").options == {}
    assert parse_spec("walkers").kind is parsed.kind is not parse_spec("walk.mcap").kind


@pytest.mark.parametrize("options", ["n", "n=", "=4", "n=4,", "n=4,,seed=1", "n:4"])
def test_malformed_options_are_refused(options: str) -> None:
    assert "options are written key=value" in refusal(f"walkers:{options}")


def test_an_option_given_twice_is_refused() -> None:
    assert "the option n is given twice" in refusal("walkers:n=4,n=5")


@pytest.mark.parametrize("path", ["walk.mp4", "a/b.AVI", "b.mkv", "b.mov", r"C:\b.webm", "a:1.mp4"])
def test_videos_are_known_by_their_names(path: str) -> None:
    assert f"there is no file {path}" in refusal(path)
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
def test_cameras_are_live_and_opened_later(spec: str, name: str) -> None:
    source = open_source(spec)
    assert source.info == SourceInfo(name, "camera", "mediapipe", live=True, finite=False)
    source.close()
    assert "has no end, so no part of it can be chosen" in refusal(f"{spec}#t=1,2")


@pytest.mark.parametrize("spec", ["kinect", "Kinect", "kinect:", "k4a", "K4A:device=0,mode=cpu"])
def test_sensors_are_known_by_their_names(spec: str) -> None:
    assert parse_spec(spec).kind.name == spec[:6].rstrip(":").partition(":")[0].lower()


@pytest.mark.parametrize(
    "spec",
    ["", "walk", "tcp://127.0.0.1", "-1", "walkers2:n=1", "walker:n=4", "rtsp:/cam", "a\0b", "x" * 5000],
)
def test_anything_else_is_told_what_is_possible(spec: str) -> None:
    message = refusal(spec)
    assert "is no source; possible: " in message
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
def test_a_password_never_comes_back(spec: str) -> None:
    try:
        shown = open_source(spec).info.name
    except SourceError as error:
        shown = str(error)
    assert "hunter2" not in shown and "ter2" not in shown
    assert "ann" not in shown


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    assert refusal(str(tmp_path / "no.mcap")).startswith(
        f"there is no file {tmp_path / 'no.mcap'}; give the path"
    )
    assert "there is no file walk.xyz" in refusal("walk.xyz")
    (tmp_path / "folder.mcap").mkdir()
    assert "there is no file" in refusal(str(tmp_path / "folder.mcap"))


@pytest.mark.parametrize("name", ["1.txt", "kgbd.npz", "KS20"])
def test_raw_data_is_sent_to_convert(name: str, tmp_path: Path) -> None:
    raw = tmp_path / name
    raw.write_text("Head;0;0;0") if raw.suffix else raw.mkdir()
    assert "is no recording; `sge-stream convert` makes one" in refusal(str(raw))


def test_a_foreign_recording_is_a_users_error(tmp_path: Path) -> None:
    path = tmp_path / "fake.mcap"
    path.write_text("Head;0;0;0")
    with pytest.raises(UserError, match="is not an MCAP recording"):
        open_source(str(path))


@pytest.mark.parametrize("speed", [-1, float("nan"), float("inf"), -0.001])
def test_a_speed_that_is_none_is_refused(speed: float, walk: Path) -> None:
    assert f"not {speed}" in refusal(str(walk), speed)


def test_only_a_part_of_a_finite_source_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Endless(Playback):
        def close(self) -> None:
            closed.append(self)

    def open_endless(spec: SourceSpec, speed: float) -> Playback:
        clip: Clip | None = spec.clip
        return Endless(replace(INFO, finite=False), iter(()), speed=speed, clip=clip)

    monkeypatch.setattr(spec_module, "KINDS", (Kind("endless", KINDS[0].pattern, open_endless), *KINDS))
    assert "has no end, so no part of it can be chosen" in refusal("walkers:n=2#t=1,2")
    assert len(closed) == 1
    open_source("walkers:n=2").close()
