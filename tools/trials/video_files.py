"""Reading of video files: times of the pictures, and cut-off files, over many formats.

    python -m tools.trials.video_files [--cuts 20] [--seed 1]

Every format is written once, with the pictures' times known. For the whole file, the table shows the
greatest error of a time, how much the error varies (some formats delay all pictures alike), and whether the
file was called cut off, which would be false. For the file cut at random bytes, it counts how many were
called cut off, could not be opened (their index was at the end), or neither; and the most seconds that such
a one lacks.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import av
import numpy as np
import typer
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from rich.table import Column, Table

from stream.body import Image
from stream.errors import DataError
from stream.sources.camera.video_reader import CutOffVideo, VideoReader
from stream.terminal.consoles import plain_console

__all__ = ["FORMATS", "FRONT", "VideoFormat", "main", "read_times", "write_video"]

CONSTANT = [n / 30 for n in range(90)]
VARYING = [n / 30 for n in range(45)] + [1.5 + n / 10 for n in range(40)]
"""Times of pictures, seconds: 30 a second; and then 10 a second, like a phone's in poor light."""

SOUND_RATE = 48000


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """How a video file is written.

    Attributes:
        codec: of the pictures, an encoder of FFmpeg.
        unit: in which the file states times, seconds.
        rate: pictures per second that the header states.
        reordered: number of successive pictures that are stored out of order (B-frames).
        aspect: width of a pixel divided by its height; None if the file states none.
        sound: length of its sound, seconds; 0 for none.
        start: time of the first picture, seconds.
        container: options of FFmpeg's muxer.
        encoder: options of the encoder.
    """

    codec: str = "libx264"
    unit: Fraction = Fraction(1, 90000)
    rate: int = 30
    reordered: int = 0
    aspect: Fraction | None = None
    sound: float = 0.0
    start: float = 0.0
    container: Mapping[str, str] = field(default_factory=dict)
    encoder: Mapping[str, str] = field(default_factory=dict)


def _avi(codec: str, reordered: int = 0) -> VideoFormat:
    return VideoFormat(codec, Fraction(1, 30), reordered=reordered)


def _mkv(reordered: int = 0, sound: float = 0.0, start: float = 0.0) -> VideoFormat:
    return VideoFormat(unit=Fraction(1, 1000), reordered=reordered, sound=sound, start=start)


def _webm(rate: int = 30, sound: float = 0.0, **container: str) -> VideoFormat:
    fast = {"deadline": "realtime", "cpu-used": "8"}
    return VideoFormat("libvpx-vp9", Fraction(1, 1000), rate, sound=sound, container=container, encoder=fast)


FRONT = {"movflags": "faststart"}
"""The index of an .mp4 at its front, as for streaming."""

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}

FORMATS: Mapping[str, tuple[VideoFormat, Sequence[float]]] = {
    "constant.mp4": (VideoFormat(container=FRONT), CONSTANT),
    "varying.mp4": (VideoFormat(reordered=3, container=FRONT), VARYING),
    "sound.mp4": (VideoFormat(sound=9, container=FRONT), VARYING),
    "late.mp4": (VideoFormat(start=0.5, container=FRONT), CONSTANT),
    "fragments.mp4": (VideoFormat(container=FRAGMENTS, encoder={"g": "15"}), VARYING),
    "index-at-end.mp4": (VideoFormat(reordered=2), CONSTANT),
    "late.mov": (VideoFormat(reordered=2, start=0.5, container=FRONT), CONSTANT),
    "mpeg4.mov": (VideoFormat("mpeg4", Fraction(1, 30), container=FRONT), VARYING),
    "constant.mkv": (_mkv(), CONSTANT),
    "varying.mkv": (_mkv(reordered=3), VARYING),
    "sound.mkv": (_mkv(sound=5), CONSTANT),
    "late.mkv": (_mkv(start=0.7), VARYING),
    "mjpeg.avi": (_avi("mjpeg"), CONSTANT),
    "varying.avi": (_avi("mjpeg"), VARYING),
    "mpeg4.avi": (_avi("mpeg4"), CONSTANT),
    "mpeg4-reordered.avi": (_avi("mpeg4", 2), CONSTANT),
    "h264-reordered.avi": (_avi("libx264", 2), CONSTANT),
    "vp9.webm": (_webm(), VARYING),
    "sound.webm": (_webm(1000, sound=6), VARYING),
    "television.ts": (VideoFormat(start=50_000, unit=Fraction(1, 90_000)), VARYING),
    "windows.wmv": (VideoFormat("wmv2", unit=Fraction(1, 1000)), VARYING),
    "flash.flv": (VideoFormat(unit=Fraction(1, 1000)), VARYING),
    "browser.webm": (_webm(1000, live="1"), VARYING),
}
"""File name -> how it is written, and the times of its pictures. A browser states 1000 pictures a second, and
no length."""

out = plain_console()


def write_video(
    path: Path,
    times: Iterable[float],
    form: VideoFormat | None = None,
    picture: Callable[[int], Image] | None = None,
) -> Path:
    """Writes a video.

    Args:
        path: its suffix chooses the container.
        times: of the pictures, seconds.
        form: codec, container and what the header states; H.264 if not given.
        picture: returns picture n; noise if not given.
    """
    form, picture = form or VideoFormat(), picture or _noise
    first = picture(0)
    with av.open(str(path), "w", options=dict(form.container)) as container:
        stream = container.add_stream(form.codec, rate=form.rate)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuvj420p" if form.codec == "mjpeg" else "yuv420p"
        stream.time_base = stream.codec_context.time_base = form.unit
        stream.options = dict(form.encoder)
        if form.codec in ("libx264", "mpeg4"):
            stream.codec_context.max_b_frames = form.reordered
        if form.aspect is not None:
            stream.codec_context.sample_aspect_ratio = form.aspect
        sound = _add_sound(container, path) if form.sound else None
        for number, time in enumerate(times):
            frame = VideoFrame.from_ndarray(picture(number), format="bgr24").reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = round((form.start + time) / form.unit), form.unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound is not None:
            _write_silence(container, sound, form.sound)
    return path


def _noise(number: int) -> Image:
    return np.random.default_rng(number).integers(0, 255, (60, 80, 3), np.uint8).repeat(4, 0).repeat(4, 1)


def _add_sound(container: OutputContainer, path: Path) -> AudioStream:
    stream = container.add_stream("libopus" if path.suffix == ".webm" else "aac", rate=SOUND_RATE)
    assert isinstance(stream, AudioStream)
    stream.layout = "mono"
    return stream


def _write_silence(container: OutputContainer, stream: AudioStream, seconds: float) -> None:
    for start in range(0, round(seconds * SOUND_RATE), 960):
        frame = AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update(bytes(1920))
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


def read_times(path: Path) -> tuple[list[float], DataError | None]:
    """Returns the time of each picture of a file in seconds, and the error at its end."""
    times: list[float] = []
    try:
        reader = VideoReader(path)
    except DataError as error:
        return times, error
    try:
        for picture in reader.pictures():
            times.append(picture.time_ns / 1e9)
    except DataError as error:
        return times, error
    finally:
        reader.close()
    return times, None


def _row(
    path: Path, form: VideoFormat, times: Sequence[float], cuts: int, chance: random.Random
) -> list[str]:
    raw = write_video(path, times, form).read_bytes()
    read, error = read_times(path)
    errors = [a - form.start - b for a, b in zip(read, times, strict=True)]
    said = unreadable = silent = 0
    lost = 0.0
    cut = path.with_name(f"cut-{path.name}")
    for _ in range(cuts):
        cut.write_bytes(raw[: chance.randrange(len(raw) // 10, len(raw))])
        left, reason = read_times(cut)
        if isinstance(reason, CutOffVideo):
            said += 1
        elif reason is not None:
            unreadable += 1
        else:
            silent += 1
            lost = max(lost, read[-1] - left[-1])
    return [
        path.name,
        f"{1000 * max(map(abs, errors)):.2f}",
        f"{1000 * (max(errors) - min(errors)):.2f}",
        "yes" if error else "no",
        str(said),
        str(unreadable),
        str(silent),
        f"{lost:.2f}",
    ]


def run(
    cuts: Annotated[int, typer.Option(help="How often each file is cut.")] = 20,
    seed: Annotated[int, typer.Option(help="Chooses where.")] = 1,
) -> None:
    """Write video files of many formats, and read them whole and cut off."""
    heads = ("error ms", "varies ms", "false", "said", "unread", "silent", "lost s")
    table = Table(
        Column("file", no_wrap=True),
        *heads,
        title=f"{len(FORMATS)} formats, each cut {cuts} times, seed {seed}",
    )
    chance = random.Random(seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as folder:
        for name, (form, times) in FORMATS.items():
            table.add_row(*_row(Path(folder, name), form, times, cuts, chance))
    out.print(table)


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
