"""Registry of sources: maps each `--source` string to the module that opens it.

    walk.mcap                a recording
    walkers:n=4,seed=1       simulated people
    kinect                   a Kinect v2, on Windows
    k4a:device=0,mode=cpu    an Azure Kinect or Orbbec Femto
    walk.mp4:model=lite      a video; options after a colon
    0:model=full,fov=78      a webcam, by number
    /dev/v4l/by-id/usb-X     a webcam, by its device file or a link to it
    rtsp://user:pw@host/path a network camera; also rtsps, http, https; options after a #
    ...#t=2,9.5              a part of any finite source, seconds: #t=2 to the end, #t=,9.5 from the start
    front=...                any source with a label, which is its name everywhere

To add a source, write its module as `stream.sources.source` describes and add one entry to `SOURCE_KINDS`,
the only place where source strings are mapped to modules; the first entry that matches is taken. People are
named on a new kind of sensor only after `tools.backend_fit` has measured its thresholds (or with `--fpir
off`).
"""

from __future__ import annotations

import math
import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from stream.errors import SourceError
from stream.sources import k4a, kinect
from stream.sources.camera import network_camera, webcam
from stream.sources.camera.video_file import VIDEO_SUFFIXES, open_video
from stream.sources.playback import Clip
from stream.sources.recorded import open_recording
from stream.sources.simulated import open_simulated
from stream.sources.source import Source
from stream.user_text import user_path

__all__ = [
    "SIMULATION",
    "SOURCE_KINDS",
    "SourceKind",
    "SourceSpec",
    "check_labels",
    "open_source",
    "parse_spec",
]

SIMULATION = "walkers"
"""Name of the kind of source that simulates people."""

_LABEL = re.compile(r"(\w[\w-]{0,39})=(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of source.

    Attributes:
        name: the display name.
        pattern: matches the whole source string without its clip, ignoring case. Its groups `path` and
            `options` give the target and the options.
        open: opens the source at a speed; raises `SourceError` on failure.
        example: description and example, for messages; empty if not to be listed.
        missing: returns what this machine lacks for this kind and what to do; empty if nothing.
    """

    name: str
    pattern: re.Pattern[str]
    open: Callable[[SourceSpec, float], Source]
    example: str = ""
    missing: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A parsed `--source` string.

    Attributes:
        text: the string as given, without its label.
        kind: the entry of `SOURCE_KINDS` that opens it.
        target: the path or address; for other kinds, the string without its clip.
        options: the `key=value` pairs.
        clip: the part to play; None for all.
        label: the name that the user gives to the source; empty for none.
    """

    text: str
    kind: SourceKind
    target: str
    options: Mapping[str, str]
    clip: Clip | None
    label: str = ""


def open_source(spec: str, *, speed: float = 1.0) -> Source:
    """Opens the source that a `--source` string names.

    Args:
        spec: see the module's docstring.
        speed: of a finite source: 1 is real time, 2 is twice as fast, 0 is as fast as possible.

    Raises:
        SourceError: the source cannot be opened on this machine, or its clip, option or speed is invalid.
        DataError: a file is damaged, of another format or malformed.
    """
    if not (math.isfinite(speed) and speed >= 0):
        raise SourceError(f"the speed must be 0 (as fast as possible) or greater, not {speed}")
    parsed = parse_spec(spec)
    source = parsed.kind.open(parsed, speed)
    if parsed.clip is not None and not source.info.finite:
        source.close()
        raise SourceError(
            f"{redacted(parsed.target)} is endless, but #t= needs a finite source; leave it out"
        )
    if parsed.label:
        source.rename(parsed.label)
    return source


def parse_spec(spec: str) -> SourceSpec:
    """Parses a `--source` string without opening anything.

    What stands before an equals sign is a label, unless a file of the whole name exists.

    Raises:
        SourceError: no kind of source matches, or the clip or the options are malformed.
    """
    label, unlabelled = _split_label(spec)
    target, hash_, times = unlabelled.rpartition("#t=") if "#t=" in unlabelled else (unlabelled, "", "")
    clip = _parse_clip(times) if hash_ else None
    for kind in SOURCE_KINDS:
        match = kind.pattern.fullmatch(target)
        if match:
            parts = match.groupdict()
            options = _parse_options(parts.get("options") or "")
            return SourceSpec(unlabelled, kind, parts.get("path") or target, options, clip, label)
    raise SourceError(f"{_mismatch_reason(target)}; {_possible_sources()}")


def check_labels(specs: Iterable[str]) -> None:
    """Checks that the label of a source is the name of no other source of the run.

    Raises:
        SourceError: it is, or a source string is malformed.
    """
    parsed = [parse_spec(spec) for spec in specs]
    names = Counter(each.label or each.text for each in parsed)
    for each in parsed:
        if each.label and names[each.label] > 1:
            raise SourceError(
                f"{names[each.label]} sources have the name {each.label}; give each its own label"
            )


def _split_label(spec: str) -> tuple[str, str]:
    """Returns the label of a source, empty for none, and the rest."""
    match = _LABEL.fullmatch(spec)
    if match is None or _path_test(spec.partition("#t=")[0], Path.exists):
        return "", spec
    return match[1], match[2]


def redacted(target: str) -> str:
    """Returns a source string without secrets: of a URL the scheme, of user:password@host the host."""
    scheme, separator, _ = target.partition("://")
    if separator:
        return f"{scheme.rpartition('@')[2]}://..."
    return re.sub(r"(?!\w:[\\/]).*:.*@", "...@", target, count=1, flags=re.DOTALL)


def _parse_clip(times: str) -> Clip:
    match = re.fullmatch(r"(\d{1,10}(?:\.\d*)?|)(?:,(\d{1,10}(?:\.\d*)?|))?", times, re.ASCII)
    if match is None or not (match[1] or match[2]):
        raise SourceError("#t= expects seconds, as in #t=2,9.5 or #t=2 or #t=,9.5")
    start, stop = float(match[1] or 0), float(match[2]) if match[2] else None
    if stop is not None and stop <= start:
        raise SourceError(f"#t={times} is empty: the stop must be greater than the start")
    return start, stop


def _parse_options(text: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in text.split(",") if text else ():
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value):
            raise SourceError(f"options must be key=value pairs separated by commas, not {pair!r}")
        if key in options:
            raise SourceError(f"option {key} is given twice; leave one out")
        options[key] = value
    return options


def _mismatch_reason(target: str) -> str:
    """Returns why no kind of source matches."""
    suffix = "" if "://" in target else Path(target).suffix.lower()
    if suffix in _DATASET_SUFFIXES or _path_test(target, Path.is_dir):
        return f"{redacted(target)} is not a recording; `sge-stream convert` makes one from data set files"
    if suffix in _TIMELESS_SUFFIXES:
        name = redacted(target)
        old, new = shlex.quote(name), shlex.quote(f"{name[: -len(suffix)]}.mp4")
        return (
            f"{name} holds pictures without their times; convert it, with the rate at which it was recorded: "
            f"ffmpeg -r 30 -i {old} -c copy {new}"
        )
    if suffix and not _path_test(target, Path.exists):
        return f"file {redacted(target)} not found, and files of this type are not supported"
    return f"{redacted(target)!r} is not a source"


def _path_test(target: str, test: Callable[[Path], bool]) -> bool:
    try:
        return bool(target) and test(user_path(target))
    except (OSError, ValueError):  # not a valid path: too long, or contains a null character
        return False


def _possible_sources() -> str:
    return "possible: " + ", ".join(kind.example for kind in SOURCE_KINDS if kind.example)


def _open_recording(spec: SourceSpec, speed: float) -> Source:
    if not _path_test(spec.target, Path.is_file):
        raise SourceError(
            f"file {redacted(spec.target)} not found; give the path of a recording, or make one with "
            "`sge-stream record` or `sge-stream convert`"
        )
    return open_recording(user_path(spec.target), speed=speed, clip=spec.clip, name=spec.text)


def _open_simulated(spec: SourceSpec, speed: float) -> Source:
    return open_simulated(spec.options, speed=speed, clip=spec.clip)


def _open_kinect(spec: SourceSpec, speed: float) -> Source:
    return kinect.open_kinect(spec.options)


def _open_k4a(spec: SourceSpec, speed: float) -> Source:
    return k4a.open_k4a(spec.options)


def _open_webcam(spec: SourceSpec, speed: float) -> Source:
    return webcam.open_webcam(spec.target, spec.options)


def _open_network_camera(spec: SourceSpec, speed: float) -> Source:
    return network_camera.open_network_camera(spec.target, spec.options)


def _open_video(spec: SourceSpec, speed: float) -> Source:
    if not _path_test(spec.target, Path.is_file):
        raise SourceError(f"file {redacted(spec.target)} not found; give the path of a video")
    path = user_path(spec.target)
    return open_video(path, spec.options, speed=speed, clip=spec.clip, name=spec.text)


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.ASCII | re.DOTALL)


SOURCE_KINDS: tuple[SourceKind, ...] = (
    SourceKind(
        SIMULATION,
        _regex(r"walkers(:(?P<options>.*))?"),
        _open_simulated,
        "simulated people (walkers:n=4)",
    ),
    SourceKind(
        "kinect",
        _regex(r"kinect(:(?P<options>.*))?"),
        _open_kinect,
        "a Kinect v2 (kinect)",
        kinect.missing,
    ),
    SourceKind("k4a", _regex(r"k4a(:(?P<options>.*))?"), _open_k4a, "an Azure Kinect (k4a)", k4a.missing),
    SourceKind(
        "webcam",
        # Names in by-path have colons.
        _regex(r"(?P<path>(?P<number>\d{1,3})|/dev/(?!shm/).+?)(:(?P<options>(?(number).*|[a-z]+=.*)))?"),
        _open_webcam,
        "a webcam (0, /dev/video0)",
        webcam.missing,
    ),
    SourceKind(
        "network camera",
        _regex(r"(?P<path>(rtsps?|https?)://.*?)(#(?P<options>[a-z]+=[\w.]+(,[a-z]+=[\w.]+)*))?"),
        _open_network_camera,
        "a network camera (rtsp://user:password@host/path)",
    ),
    SourceKind(
        "video",
        _regex(rf"(?P<path>.+\.({'|'.join(VIDEO_SUFFIXES)}))(:(?P<options>.*))?"),
        _open_video,
        "a video (walk.mp4, walk.mp4:model=lite)",
    ),
    SourceKind("recording", _regex(r".+\.mcap"), _open_recording, "a recording (walk.mcap)"),
)
"""All kinds of sources; the first whose pattern matches opens the source."""

_DATASET_SUFFIXES = (".txt", ".npz", ".npy", ".csv")
_TIMELESS_SUFFIXES = (".h264", ".264", ".h265", ".265", ".hevc")
