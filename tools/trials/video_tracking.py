"""What the camera's eyes make of a video: people a frame, tracks, what was lost or swapped, and milliseconds.

    python -m tools.trials.video_tracking walk.mp4 [--model lite --model full] [--picture walk.png]

Nobody says who is who in a video, so three things stand for errors of tracking that can be told without:
breaks (a track ends inside the picture, and within two seconds another begins near by), leaps (a torso moves
by more than its own length between two frames) and swaps (two people pass each other, and what each wears on
the torso afterwards is what the other wore before).
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
from rich.console import Console
from rich.table import Table

from stream.body import BodyFrame, FloatArray
from stream.errors import EndOfSource, SgeError, UserError
from stream.skeleton import LAYOUTS
from stream.sources import open_source
from stream.sources.camera.boxes import Box, around, overlap
from stream.sources.camera.model_files import POSE_MODELS
from stream.sources.camera.quiet_opencv import cv2
from stream.view.drawing import Label, draw

__all__ = ["Trial", "Way", "breaks", "leaps", "main", "swaps", "watch"]

TORSO = [11, 12, 24, 23]
"""MediaPipe's shoulders and hips, around."""

BREAK_S = 2.0
EDGE = 0.04
"""Share of the picture's width within which a track may end: people leave there."""

BESIDE = 10
"""Frames before and after an encounter from which clothes are told."""

PLAINLY = 1.3
"""A swap has to fit so many times better than no swap."""

out = Console()


@dataclass(slots=True)
class Way:
    """One track in the picture, by frame number.

    Attributes:
        boxes: around the person.
        torsos: (4, 2) pixels.
        clothes: (3,) mean colour of the torso, CIELAB.
    """

    boxes: dict[int, Box] = field(default_factory=dict)
    torsos: dict[int, FloatArray] = field(default_factory=dict)
    clothes: dict[int, FloatArray] = field(default_factory=dict)

    @property
    def first(self) -> int:
        """Number of its first frame."""
        return min(self.boxes)

    @property
    def last(self) -> int:
        """Number of its last frame."""
        return max(self.boxes)


@dataclass(slots=True)
class Trial:
    """What one model made of a video.

    Attributes:
        people: in each frame.
        seconds: each frame took with its decoding, by the wall and of a core; the first loads the models.
        ways: by body id.
        size: width and height, pixels.
        rate: frames a second.
        crowded: the frame with most people.
    """

    people: list[int] = field(default_factory=list)
    seconds: list[tuple[float, float]] = field(default_factory=list)
    ways: dict[int, Way] = field(default_factory=lambda: defaultdict(Way))
    size: tuple[int, int] = (0, 0)
    rate: float = 0.0
    crowded: BodyFrame | None = None

    def see(self, number: int, frame: BodyFrame) -> None:
        """Take the next frame."""
        if self.crowded is None or len(frame.bodies) > len(self.crowded.bodies):
            self.crowded = frame
        self.people.append(len(frame.bodies))
        if frame.picture is None:
            return
        image = frame.picture.image
        self.size = (image.shape[1], image.shape[0])
        for body, places in frame.picture.places.items():
            way, torso = self.ways[body], places[TORSO, :2]
            way.boxes[number], way.torsos[number] = around(places[:, :2]), torso
            mask = np.zeros(image.shape[:2], np.uint8)
            cv2.fillConvexPoly(mask, torso.astype(np.int32), 255)
            mean = np.array([[cv2.mean(image, mask)[:3]]], np.float32) / 255
            way.clothes[number] = np.asarray(cv2.cvtColor(mean, cv2.COLOR_BGR2LAB), np.float32)[0, 0]


def watch(video: str, model: str) -> Trial:
    """Look at a whole video, or at the part that its `#t=` chooses.

    Raises:
        SgeError: it cannot be read.
    """
    path, hash_, clip = video.partition("#")
    source = open_source(f"{path}:model={model}{hash_}{clip}", speed=0)
    if source.info.sensor != "camera":
        source.close()
        raise UserError(f"expected a video, got {video}")
    trial = Trial()
    times: list[int] = []
    try:
        while True:
            began = time.perf_counter(), time.process_time()
            frame = source.read(0)
            if frame is None:
                continue
            trial.seconds.append((time.perf_counter() - began[0], time.process_time() - began[1]))
            trial.see(len(times), frame)
            times.append(frame.time_ns)
    except EndOfSource:
        trial.rate = 1e9 / float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        return trial
    finally:
        source.close()


def breaks(trial: Trial) -> int:
    """How many tracks ended inside the picture where another began soon afterwards, near by."""
    width, _ = trial.size
    found = 0
    for body, way in trial.ways.items():
        end = way.boxes[way.last]
        if end[0] < EDGE * width or end[2] > (1 - EDGE) * width:
            continue
        for other, later in trial.ways.items():
            soon = 0 < later.first - way.last <= BREAK_S * trial.rate
            reach = end[3] - end[1]
            if other != body and soon and _apart(end, later.boxes[later.first]) < reach:
                found += 1
                break
    return found


def leaps(trial: Trial) -> int:
    """How many times a torso moved by more than its length from one frame to the next."""
    found = 0
    for way in trial.ways.values():
        for number, torso in way.torsos.items():
            before = way.torsos.get(number - 1)
            if before is not None:
                length = np.linalg.norm(before[:2].mean(axis=0) - before[2:].mean(axis=0))
                found += bool(np.linalg.norm(torso.mean(axis=0) - before.mean(axis=0)) > length)
    return found


def swaps(trial: Trial) -> tuple[int, int]:
    """Encounters of two people, and in how many of them each wears the other's clothes afterwards."""
    met = swapped = 0
    for one, other in combinations(trial.ways.values(), 2):
        for first, last in _encounters(one, other):
            colours = [
                _colour(way, range(*span))
                for way in (one, other)
                for span in ((first - BESIDE, first), (last + 1, last + 1 + BESIDE))
            ]
            if any(colour is None for colour in colours):
                continue  # one of them was not there before, or not afterwards
            met += 1
            before, after, other_before, other_after = (c for c in colours if c is not None)
            same = _differ(before, after) + _differ(other_before, other_after)
            crossed = _differ(before, other_after) + _differ(other_before, after)
            swapped += bool(PLAINLY * crossed < same)
    return met, swapped


def _apart(box: Box, other: Box) -> float:
    """Pixels between two boxes' middles."""
    return float(np.hypot(box[0] + box[2] - other[0] - other[2], box[1] + box[3] - other[1] - other[3]) / 2)


def _encounters(one: Way, other: Way) -> list[tuple[int, int]]:
    """First and last frame of each time that two boxes overlapped; short separations do not count."""
    spans: list[tuple[int, int]] = []
    for number in sorted(one.boxes.keys() & other.boxes.keys()):
        if overlap(one.boxes[number], other.boxes[number]) == 0:
            continue
        if spans and number - spans[-1][1] <= 2 * BESIDE:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans


def _colour(way: Way, numbers: range) -> FloatArray | None:
    seen = [way.clothes[number] for number in numbers if number in way.clothes]
    return np.mean(seen, axis=0) if seen else None


def _differ(colour: FloatArray, other: FloatArray) -> float:
    return float(np.linalg.norm(colour - other))


def report(model: str, trial: Trial) -> None:
    """Print what was found."""
    people, lasting = np.array(trial.people), [len(way.boxes) for way in trial.ways.values()]
    met, swapped = swaps(trial)
    shares = ", ".join(f"{n}: {np.mean(people == n):.0%}" for n in sorted(set(trial.people)))
    out.print(f"{model}: {len(people)} frames, {trial.size[0]} x {trial.size[1]}, {trial.rate:.3g} a second")
    out.print(f"  people a frame: mean {people.mean():.2f}, most {people.max()} ({shares})", highlight=False)
    out.print(
        f"  {len(lasting)} tracks, median {np.median(lasting) / trial.rate:.1f} s; {breaks(trial)} breaks, "
        f"{leaps(trial)} leaps, {swapped} swaps in {met} encounters",
        highlight=False,
    )


def cost(trials: dict[str, Trial]) -> Table:
    """Median milliseconds a frame by the number of people in it, a column a model; not of the first frame."""
    table = Table("people", *(f"{model}: ms, of a core (frames)" for model in trials))
    for count in sorted({n for trial in trials.values() for n in trial.people}):
        cells = []
        for trial in trials.values():
            spent = [s for n, s in zip(trial.people[1:], trial.seconds[1:], strict=True) if n == count]
            wall, core = 1e3 * np.median(spent, axis=0) if spent else (np.nan, np.nan)
            cells.append(f"{wall:.0f}, {core:.0f} ({len(spent)})" if spent else "-")
        table.add_row(str(count), *cells)
    return table


def run(
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="A file; #t=2,9.5 chooses a part.")],
    model: Annotated[
        list[str] | None, typer.Option(metavar="M", help="lite or full; may be given again.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(metavar="PNG", help="Its fullest frame, drawn on.")] = None,
) -> None:
    """Look for people in a video, and say what was found."""
    try:
        trials = {name: watch(video, name) for name in model or POSE_MODELS}
        for name, trial in trials.items():
            report(name, trial)
        out.print(cost(trials))
        if picture is not None:
            _save(next(iter(trials.values())), picture)
    except SgeError as error:
        typer.echo(f"trial_video: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def _save(trial: Trial, picture: Path) -> None:
    if trial.crowded is None:
        return
    labels = {body.id: Label(str(body.id), "person") for body in trial.crowded.bodies}
    drawn = draw(trial.crowded, LAYOUTS["mediapipe"], labels, f"{trial.crowded.time_ns / 1e9:.1f} s")
    good, coded = cv2.imencode(".png", drawn)
    if not good:
        raise UserError(f"the picture could not be written as PNG: {picture}")
    picture.write_bytes(coded.tobytes())


def main() -> None:
    """Look at a video from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
