"""What `--source` takes, and which module opens it.

    walk.mcap                a recording
    walkers:n=4,seed=1       simulated people
    kinect                   a Kinect v2, on Windows
    k4a:device=0,mode=cpu    an Azure Kinect or Orbbec Femto
    walk.mp4:model=full      a video, its options behind a colon
    0:model=full,fov=78      a webcam
    rtsp://user:pw@host/path a network camera; also rtsps, http, https; its options behind a #
    ...#t=2,9.5              a part of any finite source, seconds: #t=2 to the end, #t=,9.5 from the start

A new kind of source is one line in `KINDS`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stream.errors import SourceError
from stream.sources import k4a, kinect
from stream.sources.camera import network_camera as network
from stream.sources.camera import video_file as video
from stream.sources.camera import webcam
from stream.sources.playback import Clip
from stream.sources.recorded import open_recording
from stream.sources.simulated import open_walkers
from stream.sources.source import Source

__all__ = ["KINDS", "Kind", "SourceSpec", "open_source", "parse_spec"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source.

    Attributes:
        name: for people.
        pattern: what names it, matched against the whole spec without its clip, whatever the case.
        open: opens it, or raises a `SourceError` that says why not.
        example: how it is written, and what it is; empty where this version cannot open it.
        missing: what this machine lacks for it, and what to do; empty where nothing is missing.
    """

    name: str
    pattern: re.Pattern[str]
    open: Callable[[SourceSpec, float], Source]
    example: str = ""
    missing: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A `--source`, taken apart.

    Attributes:
        text: as it was written.
        kind: the entry of `KINDS` that opens it.
        target: the spec without its clip; of a file, its path.
        options: what follows `name:`, as `key=value` pairs separated by commas.
        clip: the part to be given; None for all of it.
    """

    text: str
    kind: Kind
    target: str
    options: Mapping[str, str]
    clip: Clip | None


def open_source(spec: str, *, speed: float = 1.0) -> Source:
    """Open what `--source` names.

    Args:
        spec: see this module's text.
        speed: of a finite source: 1 is real time, 2 twice as quick, 0 as fast as it is read.

    Raises:
        SourceError: no source that can be opened here, or a wrong clip, option or speed.
        DataError: a file that is damaged, foreign or malformed.
    """
    if not (math.isfinite(speed) and speed >= 0):
        raise SourceError(f"the speed has to be 0 (as fast as possible) or more, not {speed}")
    parsed = parse_spec(spec)
    source = parsed.kind.open(parsed, speed)
    if parsed.clip is not None and not source.info.finite:
        source.close()
        raise SourceError(f"{shown(parsed.target)} has no end, so no part of it can be chosen: leave out #t=")
    return source


def parse_spec(spec: str) -> SourceSpec:
    """Take a `--source` apart, without opening anything.

    Raises:
        SourceError: it is not of any kind, or its clip or options are malformed.
    """
    target, hash_, times = spec.rpartition("#t=") if "#t=" in spec else (spec, "", "")
    clip = _clip(times) if hash_ else None
    for kind in KINDS:
        match = kind.pattern.fullmatch(target)
        if match:
            parts = match.groupdict()
            options = _options(parts.get("options") or "")
            return SourceSpec(spec, kind, parts.get("path") or target, options, clip)
    raise SourceError(f"{_trouble(target)}; {_possible()}")


def shown(target: str) -> str:
    """A source's name without secrets: of a URL only the scheme, of user:password@host only the host."""
    scheme, separator, _ = target.partition("://")
    if separator:
        return f"{scheme.rpartition('@')[2]}://..."
    return re.sub(r"(?!\w:[\\/]).*:.*@", "...@", target, count=1, flags=re.DOTALL)


def _clip(times: str) -> Clip:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d*)?|)(?:,(\d{1,9}(?:\.\d*)?|))?", times, re.ASCII)
    if match is None or not (match[1] or match[2]):
        raise SourceError("after #t= come seconds, as in #t=2,9.5 or #t=2 or #t=,9.5")
    start, stop = float(match[1] or 0), float(match[2]) if match[2] else None
    if stop is not None and stop <= start:
        raise SourceError(f"#t={times} ends before it begins: the second number has to be the greater one")
    return start, stop


def _options(text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in text.split(",") if text else ():
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value):
            raise SourceError(f"options are written key=value, separated by commas, not {pair!r}")
        if key in options:
            raise SourceError(f"the option {key} is given twice: leave one out")
        options[key] = value
    return options


def _trouble(target: str) -> str:
    """Why nothing opens this."""
    suffix = "" if "://" in target else Path(target).suffix.lower()
    if suffix in _RAW or _is(target, Path.is_dir):
        return f"{shown(target)} is no recording; `sge-stream convert` makes one of a data set's files"
    if suffix and not _is(target, Path.exists):
        return f"there is no file {shown(target)}, and files of its kind are not read"
    return f"{shown(target)!r} is no source"


def _is(target: str, test: Callable[[Path], bool]) -> bool:
    try:
        return bool(target) and test(Path(target))
    except (OSError, ValueError):  # no path at all: too long, or with a zero in it
        return False


def _possible() -> str:
    return "possible: " + ", ".join(kind.example for kind in KINDS if kind.example)


def _open_recording(spec: SourceSpec, speed: float) -> Source:
    if not _is(spec.target, Path.is_file):
        raise SourceError(
            f"there is no file {shown(spec.target)}; give the path of a recording, or make one with "
            "`sge-stream record` or `sge-stream convert`"
        )
    return open_recording(Path(spec.target), speed=speed, clip=spec.clip, name=spec.text)


def _open_walkers(spec: SourceSpec, speed: float) -> Source:
    return open_walkers(spec.options, speed=speed, clip=spec.clip)


def _open_kinect(spec: SourceSpec, speed: float) -> Source:
    return kinect.open_kinect(spec.options)


def _open_k4a(spec: SourceSpec, speed: float) -> Source:
    return k4a.open_k4a(spec.options)


def _open_webcam(spec: SourceSpec, speed: float) -> Source:
    return webcam.open_webcam(int(spec.target), spec.options)


def _open_network_camera(spec: SourceSpec, speed: float) -> Source:
    return network.open_network_camera(spec.target, spec.options)


def _open_video(spec: SourceSpec, speed: float) -> Source:
    if not _is(spec.target, Path.is_file):
        raise SourceError(f"there is no file {shown(spec.target)}; give the path of a video")
    return video.open_video(Path(spec.target), spec.options, speed=speed, clip=spec.clip, name=spec.text)


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII | re.DOTALL)


KINDS: tuple[Kind, ...] = (
    Kind("walkers", _like(r"walkers(:(?P<options>.*))?"), _open_walkers, "simulated people (walkers:n=4)"),
    Kind("kinect", _like(r"kinect(:(?P<options>.*))?"), _open_kinect, "a Kinect v2 (kinect)", kinect.missing),
    Kind("k4a", _like(r"k4a(:(?P<options>.*))?"), _open_k4a, "an Azure Kinect (k4a)", k4a.missing),
    Kind(
        "webcam",
        _like(r"(?P<path>\d{1,3})(:(?P<options>.*))?"),
        _open_webcam,
        "a webcam (0)",
        webcam.missing,
    ),
    Kind(
        "network camera",
        _like(r"(?P<path>(rtsps?|https?)://.*?)(#(?P<options>[a-z]+=[\w.]+(,[a-z]+=[\w.]+)*))?"),
        _open_network_camera,
        "a network camera (rtsp://user:password@host/path)",
    ),
    Kind(
        "video",
        _like(r"(?P<path>.+\.(mp4|avi|mkv|mov|webm))(:(?P<options>.*))?"),
        _open_video,
        "a video (walk.mp4, walk.mp4:model=full)",
    ),
    Kind("recording", _like(r".+\.mcap"), _open_recording, "a recording (walk.mcap)"),
)
"""All kinds of sources; the first whose pattern fits opens the spec."""

_RAW = (".txt", ".npz", ".npy", ".csv")
