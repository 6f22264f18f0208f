"""CASIA-B's videos, whose skeletons the camera path estimates, and the recordings that `convert` makes.

Videos are `<xxx-mm-nn-vvv>.avi` (or .mp4, .mkv, .mov, .webm), or any video in folders `xxx/mm-nn/vvv`. A
recording is `xxx/<mm-nn-vvv>.mcap`, as `sge-stream convert` writes it. Estimating takes some tens of
milliseconds a picture: whoever measures more than once converts first, and then reads the recordings.

One person walks through each video. Should somebody else be seen, the walk is that of whoever was seen in
most pictures; in pictures without that body nothing was seen.
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
from tools.datasets.casia import CasiaSequence, parse_sequence
from tools.datasets.recorded_walk import Walk, WalkRef, mark_unseen

__all__ = ["find", "find_recordings", "is_recording", "is_video"]

LAYOUT = "mediapipe"
"""Of what the camera path estimates."""

_VIDEOS = frozenset({".avi", ".mp4", ".mkv", ".mov", ".webm"})

_Frames = Callable[[Path], tuple[SourceInfo, list[BodyFrame]]]


def is_video(path: Path, head: str) -> bool:
    """Whether a file is one of CASIA-B's videos, by its name."""
    del head
    return path.suffix.lower() in _VIDEOS and _video_sequence(path) is not None


def is_recording(path: Path, head: str) -> bool:
    """Whether a file is a recording of one of CASIA-B's videos, by its name."""
    del head
    return path.suffix.lower() == ".mcap" and _recorded_sequence(path) is not None


def find(files: Iterable[Path]) -> Iterator[WalkRef]:
    """The videos among a data set's files.

    Raises:
        DataError: there are two of one sequence.
    """
    return _find(files, is_video, _video_sequence, _look)


def find_recordings(files: Iterable[Path]) -> Iterator[WalkRef]:
    """The recordings among a data set's files.

    Raises:
        DataError: there are two of one sequence.
    """
    return _find(files, is_recording, _recorded_sequence, _replay)


def _find(
    files: Iterable[Path],
    wanted: Callable[[Path, str], bool],
    sequence_of: Callable[[Path], CasiaSequence | None],
    frames: _Frames,
) -> Iterator[WalkRef]:
    found: dict[CasiaSequence, Path] = {}
    for path in files:
        sequence = sequence_of(path) if wanted(path, "") else None
        if sequence is None:
            continue
        if (twin := found.setdefault(sequence, path)) != path:
            raise DataError(
                f"{path} is sequence {sequence.person}-{sequence.walk}, and so is {twin}: take one of them "
                "out"
            )
        yield sequence.ref(partial(_read, sequence, path, frames), LAYOUT)


def _video_sequence(path: Path) -> CasiaSequence | None:
    return parse_sequence(path.stem) or parse_sequence("/".join(path.resolve().parts[-4:-1]))


def _recorded_sequence(path: Path) -> CasiaSequence | None:
    return parse_sequence(f"{path.resolve().parent.name}-{path.stem}")


def _look(path: Path) -> tuple[SourceInfo, list[BodyFrame]]:
    # OpenCV and the pose models: only who estimates waits for them.
    from stream.sources.camera.video_file import open_video  # noqa: PLC0415

    frames: list[BodyFrame] = []
    with closing(open_video(path, {}, speed=0)) as source:
        while True:
            try:
                frame = source.read(0)
            except EndOfSource:
                return source.info, frames
            if frame is not None:
                # Without the picture: a walk needs the skeletons only.
                frames.append(BodyFrame(frame.time_ns, frame.bodies))


def _replay(path: Path) -> tuple[SourceInfo, list[BodyFrame]]:
    with read_recording(path) as recording:
        if recording.info.layout != LAYOUT:
            raise DataError(
                f"{path} holds skeletons of the layout {recording.info.layout}; expected {LAYOUT}, what a "
                "camera gives: convert the video itself"
            )
        return recording.info, list(recording)


def _read(sequence: CasiaSequence, path: Path, read: _Frames) -> Walk:
    info, frames = read(path)
    seen = Counter(body.id for frame in frames for body in frame.bodies)
    if not seen:
        raise DataError(
            f"{path}: nobody is seen in any of its {len(frames)} pictures; take it out, or give a video in "
            "which a whole person can be seen"
        )
    ((walker, _),) = seen.most_common(1)
    joints = np.full((len(frames), len(get_layout(LAYOUT).joints), 3), np.nan, np.float32)
    confidence = np.zeros(joints.shape[:2], np.float32)
    for place, frame in enumerate(frames):
        for body in frame.bodies:
            if body.id == walker:
                joints[place], confidence[place] = body.joints, body.confidence
    joints, confidence = mark_unseen(joints, confidence, origin_is_unseen=False)
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
