"""Recordings from data sets, and whole recordings from ones that were cut off."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from stream.body import Body, BodyFrame, SourceInfo
from stream.errors import DataError, RunError, UserError
from stream.paths import is_there
from stream.recording import Recording, RecordingWriter, TruncatedRecording, read_recording
from stream.skeleton import get_layout
from tools.datasets import Walk, WalkRef, find_walks

__all__ = ["convert"]

_BODY = 1  # one person walks, so one tracking id

# What Windows forbids in a name, and the names that it keeps for devices.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def convert(
    source: Path,
    target: Path,
    *,
    person: str | None = None,
    walk: str | None = None,
    told: Callable[[Path], object] = lambda path: None,
) -> list[Path]:
    """Write walks of a data set as recordings; or write a recording anew.

    A recording that a crash cut off becomes a whole one, of the frames that are left of it.

    Args:
        source: a data set, a part of it, or one of its files (see `tools.datasets`); or a recording.
        target: a file `*.mcap` for one walk, or else a folder: each walk goes to its `<person>/<walk>.mcap`.
        person: only this person's walks.
        walk: only walks of this name.
        told: is told of each file when it is whole; videos take their time.

    Returns:
        The files written.

    Raises:
        UserError: there is no such walk, or several and one target, or a target exists already. Nothing was
            written.
        DataError: the source is of no known format, or broken; the walks before the broken one were written.
        RunError: the disk is full or gone.
    """
    if _names_recording(source) and not source.is_dir():
        if person is not None or walk is not None:
            raise UserError(
                f"{source} is a recording, without a choice of walks: leave --person and --walk out"
            )
        told(written := _rewrite(source, target if _names_recording(target) else target / source.name))
        return [written]
    walks = list(find_walks(source, person, walk))
    if not walks:
        raise UserError(_no_such_walk(source, person, walk))
    if flat := [found for found in walks if get_layout(found.layout).flat]:
        raise UserError(
            f"{source} holds skeletons in the layout {flat[0].layout}, places in a picture: a recording "
            "holds bodies in metres, so they cannot become one; give 3D skeletons"
        )
    plan = _plan(source, target, walks)
    for path in plan:
        _refuse_existing(path)
    for path, found in plan.items():
        _write_walk(path, found.read())
        told(path)
    return list(plan)


def _plan(source: Path, target: Path, walks: list[WalkRef]) -> dict[Path, WalkRef]:
    """Where each walk goes."""
    if _names_recording(target):
        if len(walks) > 1:
            raise UserError(
                f"{source} holds {len(walks)} such walks ({_examples(walks)}), and {target} takes one: "
                "choose it with --person P --walk W, or give a folder as OUT"
            )
        return {target: walks[0]}
    plan: dict[Path, WalkRef] = {}
    taken: dict[str, WalkRef] = {}
    for found in walks:
        path = target / _safe(found.person) / f"{_safe(found.walk)}.mcap"
        twin = taken.setdefault(str(path).casefold(), found)
        if twin is not found:
            raise UserError(
                f"{_examples([twin, found])} would both become {path}: convert each with --person P --walk W "
                "into a file of its own"
            )
        plan[path] = found
    return plan


def _write_walk(path: Path, walk: Walk) -> None:
    if not len(walk.time_ns):
        raise DataError(
            f"{walk.name} has no frames; leave it out by choosing others with --person and --walk"
        )
    info = SourceInfo(walk.name, walk.sensor, walk.layout, live=False, finite=True)
    _write(path, info, _frames(walk))


def _frames(walk: Walk) -> Iterator[BodyFrame]:
    for time_ns, joints, confidence in zip(walk.time_ns.tolist(), walk.joints, walk.confidence, strict=True):
        seen = confidence.any()
        yield BodyFrame(time_ns, (Body(_BODY, joints, confidence),) if seen else ())


def _rewrite(source: Path, target: Path) -> Path:
    with read_recording(source) as recording:
        _refuse_existing(target)
        _write(target, recording.info, _whole_frames(recording), recording.started)
    return target


def _whole_frames(recording: Recording) -> Iterator[BodyFrame]:
    """The frames of a recording, up to where it is cut off."""
    given = False
    try:
        for frame in recording:
            given = True
            yield frame
    except TruncatedRecording:
        if not given:
            raise


def _write(
    path: Path, info: SourceInfo, frames: Iterable[BodyFrame], started: datetime | None = None
) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder {path.parent} cannot be made: {error.strerror}; give another place as OUT"
        ) from error
    recording = RecordingWriter(path, info, started=started)
    try:
        with recording:
            for frame in frames:
                recording.write(frame)
    except RunError:
        raise  # it says what stands in the file
    except BaseException:
        # Half a walk must not pass for a whole one.
        path.unlink(missing_ok=True)
        raise


def _refuse_existing(path: Path) -> None:
    if is_there(path):
        raise UserError(f"{path} exists already; give another OUT, or remove it first")


def _no_such_walk(source: Path, person: str | None, walk: str | None) -> str:
    there = list(find_walks(source))
    if not there:
        return f"{source} holds no walks; expected one of the data sets' folders"
    asked = " ".join(
        f"--{name} {value}" for name, value in (("person", person), ("walk", walk)) if value is not None
    )
    return f"{source} holds no walk for {asked}; there are {len(there)}, for example {_examples(there)}"


def _examples(walks: list[WalkRef]) -> str:
    shown = ", ".join(f"--person {found.person} --walk {found.walk}" for found in walks[:2])
    return shown + (", ..." if len(walks) > 2 else "")


def _names_recording(path: Path) -> bool:
    return path.suffix.lower() == ".mcap"


def _safe(name: str) -> str:
    """A name that every system takes for a file or folder."""
    name = _FORBIDDEN.sub("_", name).rstrip(". ") or "_"
    return f"_{name}" if _DEVICE.fullmatch(name) else name
