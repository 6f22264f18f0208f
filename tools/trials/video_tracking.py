"""Tracking quality of the pose pipeline on a video: people per frame, tracks, tracking errors, milliseconds.

    python -m tools.trials.video_tracking walk.mp4 [--model lite --model full] [--picture walk.png]

Videos have no identity labels, so the trial counts three tracking errors that need none: fragmentations (a
track ends inside the image, and another begins nearby within two seconds), jumps (a torso moves by more than
its length between two frames) and identity switches (two people pass each other, and each has the other's
torso colour afterwards).
"""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from stream.body import BodyFrame, FloatArray
from stream.errors import EndOfSource, SgeError, UserError
from stream.skeleton import LAYOUTS
from stream.sources import open_source
from stream.sources.camera.boxes import Box, bounding_box, iou
from stream.sources.camera.model_files import POSE_MODELS
from stream.sources.camera.quiet_opencv import cv2
from stream.sources.camera.video_reader import CutOffVideo
from stream.terminal.consoles import plain_console
from stream.view.drawing import Label, draw

__all__ = [
    "ImageTrack",
    "VideoTracks",
    "count_fragmentations",
    "count_identity_switches",
    "count_jumps",
    "main",
    "track_video",
]

TORSO = [11, 12, 24, 23]
"""Shoulders and hips of MediaPipe's layout, in order around the torso."""

MAX_GAP_S = 2.0
EDGE = 0.04
"""Margin at the image's sides, as a share of its width, in which a track may end: people leave there."""

COLOUR_FRAMES = 10
"""Number of frames before and after an encounter whose torso colours are compared."""

SWITCH_FACTOR = 1.3
"""A switch counts if it fits this many times better than no switch."""

out = plain_console()


@dataclass(slots=True)
class ImageTrack:
    """One track in the image, by frame number.

    Attributes:
        boxes: bounding box of the person.
        torsos: (4, 2) pixels.
        colours: (3,) mean colour of the torso, CIELAB.
    """

    boxes: dict[int, Box] = field(default_factory=dict)
    torsos: dict[int, FloatArray] = field(default_factory=dict)
    colours: dict[int, FloatArray] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """Number of its first frame."""
        return min(self.boxes)

    @property
    def last(self) -> int:
        """Number of its last frame."""
        return max(self.boxes)


@dataclass(slots=True)
class VideoTracks:
    """Tracks of one model in a video.

    Attributes:
        people: number of people in each frame.
        seconds: wall time and CPU time of each frame, decoding included; the first frame loads the models.
        tracks: by body id.
        size: width and height, pixels.
        rate: frames per second.
        fullest: the frame with most people.
    """

    people: list[int] = field(default_factory=list)
    seconds: list[tuple[float, float]] = field(default_factory=list)
    tracks: dict[int, ImageTrack] = field(default_factory=lambda: defaultdict(ImageTrack))
    size: tuple[int, int] = (0, 0)
    rate: float = 0.0
    fullest: BodyFrame | None = None

    def add(self, number: int, frame: BodyFrame) -> None:
        """Adds the next frame."""
        if self.fullest is None or len(frame.bodies) > len(self.fullest.bodies):
            self.fullest = frame
        self.people.append(len(frame.bodies))
        if frame.picture is None:
            return
        image = frame.picture.image
        self.size = (image.shape[1], image.shape[0])
        for body, keypoints in frame.picture.keypoints.items():
            track, torso = self.tracks[body], keypoints[TORSO, :2]
            track.boxes[number], track.torsos[number] = bounding_box(keypoints[:, :2]), torso
            mask = np.zeros(image.shape[:2], np.uint8)
            cv2.fillConvexPoly(mask, torso.astype(np.int32), 255)
            mean = np.array([[cv2.mean(image, mask)[:3]]], np.float32) / 255
            track.colours[number] = np.asarray(cv2.cvtColor(mean, cv2.COLOR_BGR2LAB), np.float32)[0, 0]


def track_video(address: str, model: str) -> VideoTracks:
    """Tracks the people of a whole video, or of the part that `#t=` selects.

    Raises:
        SgeError: the video cannot be read.
    """
    path, hash_, clip = address.partition("#")
    source = open_source(f"{path}:model={model}{hash_}{clip}", speed=0)
    if source.info.sensor != "camera":
        source.close()
        raise UserError(f"expected a video, got {address}")
    tracked = VideoTracks()
    times: list[int] = []
    try:
        while True:
            started = time.perf_counter(), time.process_time()
            frame = source.read(0)
            if frame is None:
                continue
            tracked.seconds.append((time.perf_counter() - started[0], time.process_time() - started[1]))
            tracked.add(len(times), frame)
            times.append(frame.time_ns)
    except (EndOfSource, CutOffVideo) as end:
        if isinstance(end, CutOffVideo):
            typer.echo(f"video_tracking: {end}", err=True)
        tracked.rate = 1e9 / float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        return tracked
    finally:
        source.close()


def count_fragmentations(tracked: VideoTracks) -> int:
    """Counts tracks that end inside the image where another begins nearby soon afterwards."""
    width, _ = tracked.size
    count = 0
    for body, track in tracked.tracks.items():
        end = track.boxes[track.last]
        if end[0] < EDGE * width or end[2] > (1 - EDGE) * width:
            continue
        for other, later in tracked.tracks.items():
            soon = 0 < later.first - track.last <= MAX_GAP_S * tracked.rate
            height = end[3] - end[1]
            if other != body and soon and _distance(end, later.boxes[later.first]) < height:
                count += 1
                break
    return count


def count_jumps(tracked: VideoTracks) -> int:
    """Counts the times that a torso moves by more than its length from one frame to the next."""
    count = 0
    for track in tracked.tracks.values():
        for number, torso in track.torsos.items():
            before = track.torsos.get(number - 1)
            if before is not None:
                length = np.linalg.norm(before[:2].mean(axis=0) - before[2:].mean(axis=0))
                count += bool(np.linalg.norm(torso.mean(axis=0) - before.mean(axis=0)) > length)
    return count


def count_identity_switches(tracked: VideoTracks) -> tuple[int, int]:
    """Returns the number of encounters of two people, and of those that exchange their torso colours."""
    encounters = switches = 0
    for one, other in combinations(tracked.tracks.values(), 2):
        for first, last in _encounters(one, other):
            colours = [
                _mean_colour(track, range(*span))
                for track in (one, other)
                for span in ((first - COLOUR_FRAMES, first), (last + 1, last + 1 + COLOUR_FRAMES))
            ]
            if any(colour is None for colour in colours):
                continue  # one of them has no colour before or after
            encounters += 1
            before, after, other_before, other_after = (c for c in colours if c is not None)
            same = _colour_distance(before, after) + _colour_distance(other_before, other_after)
            crossed = _colour_distance(before, other_after) + _colour_distance(other_before, after)
            switches += bool(SWITCH_FACTOR * crossed < same)
    return encounters, switches


def _distance(box: Box, other: Box) -> float:
    """Returns the distance between two boxes' centres, pixels."""
    return float(np.hypot(box[0] + box[2] - other[0] - other[2], box[1] + box[3] - other[1] - other[3]) / 2)


def _encounters(one: ImageTrack, other: ImageTrack) -> list[tuple[int, int]]:
    """Returns first and last frame of each overlap of two tracks' boxes; short separations are ignored."""
    spans: list[tuple[int, int]] = []
    for number in sorted(one.boxes.keys() & other.boxes.keys()):
        if iou(one.boxes[number], other.boxes[number]) == 0:
            continue
        if spans and number - spans[-1][1] <= 2 * COLOUR_FRAMES:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def _mean_colour(track: ImageTrack, numbers: range) -> FloatArray | None:
    colours = [track.colours[number] for number in numbers if number in track.colours]
    return np.mean(colours, axis=0) if colours else None


def _colour_distance(colour: FloatArray, other: FloatArray) -> float:
    return float(np.linalg.norm(colour - other))


def report(model: str, tracked: VideoTracks) -> None:
    """Prints the results of one model."""
    people, lengths = np.array(tracked.people), [len(track.boxes) for track in tracked.tracks.values()]
    encounters, switches = count_identity_switches(tracked)
    shares = ", ".join(f"{n}: {np.mean(people == n):.0%}" for n in sorted(set(tracked.people)))
    out.print(
        f"{model}: {len(people)} frames, {tracked.size[0]} x {tracked.size[1]}, {tracked.rate:.3g} per second"
    )
    out.print(
        f"  people per frame: mean {people.mean():.2f}, most {people.max()} ({shares})", highlight=False
    )
    out.print(
        f"  {len(lengths)} tracks, median {np.median(lengths) / tracked.rate:.1f} s; "
        f"{count_fragmentations(tracked)} fragmentations, {count_jumps(tracked)} jumps, "
        f"{switches} identity switches in {encounters} encounters",
        highlight=False,
    )


def cost_table(results: dict[str, VideoTracks]) -> Table:
    """Returns the table of median milliseconds per frame by number of people, without the first frame."""
    table = Table("people", *(f"{model}: ms, CPU ms (frames)" for model in results))
    for count in sorted({n for tracked in results.values() for n in tracked.people}):
        cells = []
        for tracked in results.values():
            times = [s for n, s in zip(tracked.people[1:], tracked.seconds[1:], strict=True) if n == count]
            wall, cpu = 1e3 * np.median(times, axis=0) if times else (np.nan, np.nan)
            cells.append(f"{wall:.0f}, {cpu:.0f} ({len(times)})" if times else "-")
        table.add_row(str(count), *cells)
    return table


def run(
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="A file; #t=2,9.5 selects a part.")],
    model: Annotated[
        list[str] | None, typer.Option(metavar="M", help="lite or full; may be given again.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Save the frame with most people here.")
    ] = None,
) -> None:
    """Track the people in a video, and report tracking errors and computing time."""
    try:
        results = {name: track_video(video, name) for name in model or POSE_MODELS}
        for name, tracked in results.items():
            report(name, tracked)
        out.print(cost_table(results))
        if picture is not None:
            _save(next(iter(results.values())), picture)
    except SgeError as error:
        typer.echo(f"video_tracking: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def _save(tracked: VideoTracks, picture: Path) -> None:
    if tracked.fullest is None:
        return
    labels = {body.id: Label(str(body.id), "person") for body in tracked.fullest.bodies}
    drawn = draw(tracked.fullest, LAYOUTS["mediapipe"], labels, f"{tracked.fullest.time_ns / 1e9:.1f} s")
    success, encoded = cv2.imencode(".png", drawn)
    if not success:
        raise UserError(f"the picture could not be written as PNG: {picture}")
    picture.write_bytes(encoded.tobytes())


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
