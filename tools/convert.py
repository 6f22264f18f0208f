"""`sge-stream convert`: converts walks of data sets to recordings, and repairs truncated recordings."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import groupby
from pathlib import Path

from stream.body import Body, BodyFrame, SourceInfo
from stream.errors import DataError, RunError, UserError
from stream.file_writing import make_private_folder
from stream.paths import path_exists
from stream.recording import (
    Recording,
    RecordingWriter,
    TruncatedRecording,
    UnorderedRecording,
    read_recording,
)
from stream.skeleton import get_layout
from tools.datasets import Walk, WalkRef, find_walks

__all__ = ["convert"]

_log = logging.getLogger(__name__)

_BODY_ID = 1  # of the only person in a walk

# Characters that Windows forbids in file names, and its reserved device names.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def convert(
    source: Path,
    target: Path,
    *,
    person: str | None = None,
    walk: str | None = None,
    report: Callable[[Path], object] = lambda path: None,
) -> list[Path]:
    """Writes walks of a data set as recordings, or rewrites a recording.

    Rewriting repairs a recording that was truncated by a crash: it keeps the complete frames. It mends one of
    another program whose frames have wrong numbers or are out of order: it sorts them by time, and joins the
    bodies of the same time.

    Args:
        source: a data set, a folder or file of it (see `tools.datasets`); or a recording.
        target: a file `*.mcap` for one walk; or a folder, in which each walk becomes `<person>/<walk>.mcap`.
        person: only this person's walks.
        walk: only walks of this name.
        report: called with each file once it is complete; videos take a while.

    Returns:
        The files written.

    Raises:
        UserError: there is no such walk, there are several but one target, or a target exists. Nothing was
            written.
        DataError: the format is unknown, or a file is broken; the walks before the broken one were written.
        RunError: the disk is full or missing.
    """
    if _is_recording_name(source) and not source.is_dir():
        if person is not None or walk is not None:
            raise UserError(
                f"{source} is a recording, which has no walks to select: omit --person and --walk"
            )
        report(written := _rewrite(source, target if _is_recording_name(target) else target / source.name))
        return [written]
    walks = list(find_walks(source, person, walk))
    if not walks:
        raise UserError(_no_such_walk(source, person, walk))
    if walks_2d := [ref for ref in walks if get_layout(ref.layout).is_2d]:
        raise UserError(
            f"{source} holds 2D skeletons in pixels (layout {walks_2d[0].layout}), but a recording holds 3D "
            "skeletons in metres: give 3D skeletons"
        )
    targets = _assign_targets(source, target, walks)
    for path in targets:
        _refuse_existing(path)
    for path, ref in targets.items():
        _write_walk(path, ref.read())
        report(path)
    return list(targets)


def _assign_targets(source: Path, target: Path, walks: list[WalkRef]) -> dict[Path, WalkRef]:
    """Returns the walk for each file to be written."""
    if _is_recording_name(target):
        if len(walks) > 1:
            raise UserError(
                f"{source} holds {len(walks)} such walks ({_examples(walks)}), but {target} takes one: "
                "select it with --person P --walk W, or give a folder as OUT"
            )
        return {target: walks[0]}
    targets: dict[Path, WalkRef] = {}
    by_folded_path: dict[str, WalkRef] = {}
    for ref in walks:
        path = target / _safe(ref.person) / f"{_safe(ref.walk)}.mcap"
        other = by_folded_path.setdefault(str(path).casefold(), ref)
        if other is not ref:
            raise UserError(
                f"{_examples([other, ref])} would both become {path}: convert each into its own file with "
                "--person P --walk W"
            )
        targets[path] = ref
    return targets


def _write_walk(path: Path, walk: Walk) -> None:
    if not len(walk.time_ns):
        raise DataError(f"{walk.name} has no frames; select other walks with --person and --walk")
    info = SourceInfo(walk.name, walk.sensor, walk.layout, live=False, finite=True)
    _write(path, info, _frames(walk))


def _frames(walk: Walk) -> Iterator[BodyFrame]:
    for time_ns, joints, confidence in zip(walk.time_ns.tolist(), walk.joints, walk.confidence, strict=True):
        seen = confidence.any()
        yield BodyFrame(time_ns, (Body(_BODY_ID, joints, confidence),) if seen else ())


def _rewrite(source: Path, target: Path) -> Path:
    try:
        with read_recording(source) as recording:
            _refuse_existing(target)
            _write(target, recording.info, _complete_frames(recording, source), recording.started)
    except UnorderedRecording:
        with read_recording(source, mend=True) as recording:
            frames = _in_order(_complete_frames(recording, source), source)
            _write(target, recording.info, frames, recording.started)
    if recording.remark:
        _log.warning("%s", recording.remark)
    return target


def _in_order(frames: Iterable[BodyFrame], source: Path) -> Iterator[BodyFrame]:
    """Yields frames by time; those of the same time become one, with the first body of each id.

    Logs how many other bodies were left out.
    """
    left_out = 0
    by_time = sorted(frames, key=lambda frame: frame.time_ns)
    for time_ns, same in groupby(by_time, key=lambda frame: frame.time_ns):
        bodies: dict[int, Body] = {}
        for frame in same:
            for body in frame.bodies:
                left_out += body.id in bodies
                bodies.setdefault(body.id, body)
        yield BodyFrame(time_ns, tuple(bodies.values()))
    if left_out:
        _log.warning(
            "%s: left out, because another body of that time has the same id: %d bodies", source, left_out
        )


def _complete_frames(recording: Recording, source: Path) -> Iterator[BodyFrame]:
    """Yields the complete frames of a recording; logs that it is truncated, and raises if there is none."""
    frame: BodyFrame | None = None
    try:
        for frame in recording:
            yield frame
    except TruncatedRecording:
        if frame is None:
            raise
        _log.warning(
            "%s is truncated after %.1f s; what was before is converted", source, frame.time_ns / 1e9
        )


def _write(
    path: Path, info: SourceInfo, frames: Iterable[BodyFrame], started: datetime | None = None
) -> None:
    try:
        make_private_folder(path.parent)
    except OSError as error:
        raise UserError(
            f"the folder {path.parent} cannot be created: {error.strerror}; give another OUT"
        ) from error
    recording = RecordingWriter(path, info, started=started)
    try:
        with recording:
            for frame in frames:
                recording.write(frame)
    except RunError:
        raise  # its message says what the file holds
    except BaseException:
        # An incomplete walk must not be mistaken for a complete one.
        path.unlink(missing_ok=True)
        raise


def _refuse_existing(path: Path) -> None:
    if path_exists(path):
        raise UserError(f"{path} already exists; give another OUT, or remove it first")


def _no_such_walk(source: Path, person: str | None, walk: str | None) -> str:
    walks = list(find_walks(source))
    if not walks:
        return f"{source} holds no walks; expected the folder of a data set"
    wanted = " ".join(
        f"--{name} {value}" for name, value in (("person", person), ("walk", walk)) if value is not None
    )
    return f"{source} holds no walk for {wanted}; it holds {len(walks)}, for example {_examples(walks)}"


def _examples(walks: list[WalkRef]) -> str:
    shown = ", ".join(f"--person {ref.person} --walk {ref.walk}" for ref in walks[:2])
    return shown + (", ..." if len(walks) > 2 else "")


def _is_recording_name(path: Path) -> bool:
    return path.suffix.lower() == ".mcap"


def _safe(name: str) -> str:
    """Returns a file or folder name that is valid on every operating system."""
    name = _FORBIDDEN.sub("_", name).rstrip(". ") or "_"
    return f"_{name}" if _DEVICE.fullmatch(name) else name
