"""CASIA-B's videos through the pose pipeline, and their recordings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from stream.body import BodyFrame, SourceInfo
from stream.errors import DataError
from stream.recording import RecordingWriter
from tests.stream.sources.sensors import walkers
from tests.stream.sources.videos import FPS, VideoPosePipeline, video_pose_pipeline, write_video
from tools.convert import convert
from tools.datasets import Walk, detect, open_dataset, read_walks

FRAMES = 24


@pytest.fixture(autouse=True)
def pipeline() -> Iterator[type[VideoPosePipeline]]:
    with video_pose_pipeline() as pipeline:
        yield pipeline


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    root = tmp_path / "CASIA-B"
    (root / "002" / "cl-01" / "090").mkdir(parents=True)
    write_video(root / "001-nm-01-090.avi", frames=FRAMES)
    write_video(root / "001-bg-02-018.avi", frames=FRAMES)
    write_video(root / "002" / "cl-01" / "090" / "video.mp4", frames=FRAMES, codec="mp4v")
    return root


def same(a: Walk, b: Walk) -> bool:
    return (a.person, a.walk, a.view, a.condition, a.session, a.sensor, a.layout) == (
        b.person, b.walk, b.view, b.condition, b.session, b.sensor, b.layout
    ) and all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
        for name in ("time_ns", "joints", "confidence")
    )  # fmt: skip


def test_a_video_becomes_the_walk_of_the_most_frequent_body(videos: Path) -> None:
    assert detect(videos).name == "casia-b-video"
    bag, normal, coat = read_walks(videos)
    assert [(w.person, w.walk) for w in (normal, bag, coat)] == [
        ("001", "nm-01-090"), ("001", "bg-02-018"), ("002", "cl-01-090")
    ]  # fmt: skip
    assert (coat.condition, coat.session, coat.view) == ("cl", "01", "090")
    assert (normal.sensor, normal.layout) == ("camera", "mediapipe")
    assert normal.time_ns.tolist() == [round(n * 1e9 / FPS) for n in range(FRAMES)]
    for number in range(FRAMES):
        if number % 7:
            first = walkers(number, "mediapipe")[0]
            np.testing.assert_array_equal(normal.joints[number], first.joints)
        else:
            assert np.isnan(normal.joints[number]).all()
            assert not normal.confidence[number].any()


def test_recordings_of_videos_give_the_same_walks_without_pose_estimation(
    videos: Path, tmp_path: Path, pipeline: type[VideoPosePipeline]
) -> None:
    reported: list[Path] = []
    written = convert(videos, tmp_path / "out", report=reported.append)
    assert written == reported
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in written) == [
        "001/bg-02-018.mcap", "001/nm-01-090.mcap", "002/cl-01-090.mcap"
    ]  # fmt: skip
    direct = {walk.name: walk for walk in read_walks(videos)}
    looked = len(pipeline.processed)
    dataset = open_dataset("casia-b", tmp_path / "out")
    assert dataset.layout == "mediapipe"
    assert dataset.people == ("001", "002")
    recorded = list(dataset.read())
    assert len(recorded) == len(direct) == 3
    assert all(same(walk, direct[walk.name]) for walk in recorded)
    assert len(pipeline.processed) == looked


def test_two_videos_of_one_sequence_are_an_error(videos: Path) -> None:
    (videos / "again").mkdir()
    write_video(videos / "again" / "001-nm-01-090.mp4", frames=2, codec="mp4v")
    with pytest.raises(DataError, match=r"001-nm-01-090\.mp4 is sequence 001-nm-01-090, and so is .*\.avi"):
        list(read_walks(videos))


def test_an_error_names_a_video_without_people(videos: Path) -> None:
    write_video(videos / "001-nm-01-090.avi", frames=1)  # its first image shows no person
    with pytest.raises(DataError, match=r"001-nm-01-090\.avi: no person was detected in its 1 images"):
        list(read_walks(videos, walk="nm-01-090"))


def test_an_error_names_a_file_that_is_not_a_video(videos: Path) -> None:
    (videos / "001-nm-01-090.avi").write_bytes(b"no video")
    with pytest.raises(DataError, match=r"001-nm-01-090\.avi is not a readable video"):
        list(read_walks(videos, walk="nm-01-090"))


def test_recordings_of_another_sensor_are_refused(videos: Path, tmp_path: Path) -> None:
    path = tmp_path / "001" / "nm-02-090.mcap"
    path.parent.mkdir()
    info = SourceInfo("k", "kinect-v1", "kinect-v1", live=False, finite=True)
    with RecordingWriter(path, info) as recording:
        recording.write(BodyFrame(0, ()))
    with pytest.raises(DataError, match=r"nm-02-090\.mcap holds skeletons of the layout kinect-v1"):
        list(read_walks(path))


def test_a_cut_off_video_is_not_converted_as_if_complete(videos: Path, tmp_path: Path) -> None:
    cut = videos / "001-nm-01-090.avi"
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    with pytest.raises(DataError, match=r"001-nm-01-090\.avi is cut off after .*: take a whole copy of it"):
        convert(videos, tmp_path / "out")
    assert not (tmp_path / "out" / "001" / "nm-01-090.mcap").exists()
    assert (tmp_path / "out" / "001" / "bg-02-018.mcap").exists(), "the walk before"
