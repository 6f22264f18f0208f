"""CASIA-B's videos, with skeletons estimated by the camera pose pipeline, and recordings of these skeletons.

Videos are `<xxx-mm-nn-vvv>.avi` (or .mp4, .mkv and so on), or any video in folders `xxx/mm-nn/vvv`. A
recording is `xxx/<mm-nn-vvv>.mcap`, as `sge-stream convert` writes it. Pose estimation takes some tens of
milliseconds per image: for repeated evaluations, convert the videos once and read the recordings.

One person walks through each video. If several bodies are detected, the walk is that of the body present in
most images; in images without it, no joint was seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np

from stream.body import BodyFrame, SourceInfo
from stream.errors import DataError, EndOfSource
from stream.recording import read_recording
from stream.skeleton import get_layout
from stream.sources.camera.video_file import VIDEO_SUFFIXES
from tools.datasets.casia import CasiaSequence, parse_sequence
from tools.datasets.recorded_walk import Walk, WalkRef

__all__ = ["find", "find_recordings", "is_recording", "is_video", "is_video_name"]

LAYOUT = "mediapipe"
"""Layout of the estimated skeletons."""

_VIDEOS = frozenset(f".{suffix}" for suffix in VIDEO_SUFFIXES)

_ReadFrames = Callable[[Path], tuple[SourceInfo, list[BodyFrame]]]


def is_video_name(path: Path) -> bool:
    """Returns whether a file is named as a video, of CASIA-B or any other."""
    return path.suffix.lower() in _VIDEOS


def is_video(path: Path, head: str) -> bool:
    """Returns whether a file is a video of CASIA-B, by its name."""
    del head
    return is_video_name(path) and _video_sequence(path) is not None


def is_recording(path: Path, head: str) -> bool:
    """Returns whether a file is a recording of a CASIA-B video, by its name."""
    del head
    return path.suffix.lower() == ".mcap" and _recorded_sequence(path) is not None


def find(files: Iterable[Path]) -> Iterator[WalkRef]:
    """Yields the videos among a data set's files.

    Raises:
        DataError: two files hold the same sequence.
    """
    return _find(files, is_video, _video_sequence, _estimate_frames)


def find_recordings(files: Iterable[Path]) -> Iterator[WalkRef]:
    """Yields the recordings among a data set's files.

    Raises:
        DataError: two files hold the same sequence.
    """
    return _find(files, is_recording, _recorded_sequence, _read_frames)


def _find(
    files: Iterable[Path],
    matches: Callable[[Path, str], bool],
    sequence_of: Callable[[Path], CasiaSequence | None],
    read_frames: _ReadFrames,
) -> Iterator[WalkRef]:
    found: dict[CasiaSequence, Path] = {}
    for path in files:
        sequence = sequence_of(path) if matches(path, "") else None
        if sequence is None:
            continue
        if (other := found.setdefault(sequence, path)) != path:
            raise DataError(
                f"{path} is sequence {sequence.person}-{sequence.walk}, and so is {other}: remove one of them"
            )
        yield sequence.ref(partial(_read, sequence, path, read_frames), LAYOUT)


def _video_sequence(path: Path) -> CasiaSequence | None:
    return parse_sequence(path.stem) or parse_sequence("/".join(path.resolve().parts[-4:-1]))


def _recorded_sequence(path: Path) -> CasiaSequence | None:
    return parse_sequence(f"{path.resolve().parent.name}-{path.stem}")


def _estimate_frames(path: Path) -> tuple[SourceInfo, list[BodyFrame]]:
    # OpenCV and the pose models load slowly; only estimation needs them.
    from stream.sources.camera.video_file import open_video  # noqa: PLC0415

    frames: list[BodyFrame] = []
    with closing(open_video(path, {}, speed=0)) as source:
        while True:
            try:
                frame = source.read(0)
            except EndOfSource:
                return source.info, frames
            if frame is not None:
                # Without the image: a walk needs the skeletons only.
                frames.append(BodyFrame(frame.time_ns, frame.bodies))


def _read_frames(path: Path) -> tuple[SourceInfo, list[BodyFrame]]:
    with read_recording(path) as recording:
        if recording.info.layout != LAYOUT:
            raise DataError(
                f"{path} holds skeletons of the layout {recording.info.layout}; expected {LAYOUT}, that of "
                "camera skeletons: convert the video itself"
            )
        return recording.info, list(recording)


def _read(sequence: CasiaSequence, path: Path, read_frames: _ReadFrames) -> Walk:
    info, frames = read_frames(path)
    counts = Counter(body.id for frame in frames for body in frame.bodies)
    if not counts:
        raise DataError(
            f"{path}: no person was detected in its {len(frames)} images; remove the file, or give a video "
            "that shows a whole person"
        )
    ((walker, _),) = counts.most_common(1)
    joints = np.full((len(frames), len(get_layout(LAYOUT).joints), 3), np.nan, np.float32)
    confidence = np.zeros(joints.shape[:2], np.float32)
    for i, frame in enumerate(frames):
        for body in frame.bodies:
            if body.id == walker:
                joints[i], confidence[i] = body.joints, body.confidence
    return Walk(
        sequence.person,
        sequence.walk,
        info.sensor,
        LAYOUT,
        np.array([frame.time_ns for frame in frames], np.int64),
        joints,
        confidence,
        f"casia-b/{sequence.person}/{sequence.walk}",
        view=sequence.view,
        condition=sequence.condition,
        session=sequence.session,
    )
