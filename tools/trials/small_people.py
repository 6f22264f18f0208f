"""Small people: who is found in pictures that are scaled down, and how exact poses of small people are.

    python -m tools.trials.small_people [--model full] [--first 49] [--seconds 10]

The plaza is played as it is, scaled down by 1.5, 2 and 3, and as a part of a picture of 1280 x 720. A body of
the plaza as it is counts as found if a body of the other picture has an IoU of 0.4 with it. `tiles` is the
way of the program, `whole` searches whole pictures only; pictures of at most 480 x 480 have no tiles. In the
seconds that are played by default, the people nearest to the camera are in view. The walker is scaled to
several heights; the pose is compared with that of the full size (430 pixels): the mean distance of the
landmarks in space, and the mean relative difference of arms' and legs' bones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from stream.body import FloatArray, Image
from stream.errors import SgeError
from stream.sources.camera import person_search
from stream.sources.camera.boxes import Box, iou
from stream.sources.camera.crowd_poses import estimate_poses
from stream.sources.camera.model_files import POSE_MODELS
from stream.sources.camera.person_tracking import person_box
from stream.sources.camera.pose_models import Pose, PoseModels
from stream.sources.camera.pose_pipeline import open_pose_pipeline
from stream.sources.camera.quiet_opencv import cv2
from stream.terminal.consoles import plain_console
from tools.trials.sample_videos import pictures_of, plaza_video, walker_video

__all__ = [
    "BONES",
    "Played",
    "found_by_height",
    "in_large_picture",
    "main",
    "play",
    "scaled",
    "tallest_person",
    "whole_pictures_only",
]

RATE_HZ = 10
SETTLE = 10
"""Pictures that are played before people are counted: a person is reported from the third pose on."""

LIMITS = (0, 40, 50, 60, 80, 200)
"""Heights of people in the scaled picture, pixels."""

HEIGHTS = (30, 40, 50, 60, 80, 120, 240)
WALKER_HEIGHT = 0.38
"""Of the picture's height, at least; others in view are smaller."""

LARGE = (720, 1280)
MIN_IOU = 0.4
BONES = ((11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26), (26, 28))
out = plain_console()


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What the pose pipeline gave for a series of pictures.

    Attributes:
        people: for each picture, the boxes of its bodies.
        seconds: for each picture.
    """

    people: list[list[Box]]
    seconds: list[float]


def play(model: str, pictures: Sequence[Image]) -> Played:
    """Runs the pose pipeline on pictures, ten a second."""
    people, seconds = [], []
    pipeline = open_pose_pipeline(model)
    try:
        for number, image in enumerate(pictures):
            started = time.perf_counter()
            detected = pipeline.process(image, round(number * 1e9 / RATE_HZ))
            seconds.append(time.perf_counter() - started)
            people.append([person_box(points[:, :2]) for points in detected.landmarks.values()])
    finally:
        pipeline.close()
    return Played(people, seconds)


def scaled(image: Image, factor: float) -> Image:
    """Returns the picture scaled down."""
    small = cv2.resize(image, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def in_large_picture(image: Image) -> Image:
    """Returns a grey picture of 1280 x 720 with the picture in its upper left corner."""
    large = np.full((*LARGE, 3), 128, np.uint8)
    large[: image.shape[0], : image.shape[1]] = image
    return large


def found_by_height(original: Played, other: Played, factor: float) -> dict[int, tuple[int, int]]:
    """Counts the people of the original, and those of them who are found in the scaled pictures.

    Returns:
        By lower limit of the height in the scaled picture, see `LIMITS`: found, and all.
    """
    counts = dict.fromkeys(LIMITS[:-1], (0, 0))
    for people, others in list(zip(original.people, other.people, strict=True))[SETTLE:]:
        for person in people:
            small: Box = tuple(edge / factor for edge in person)  # type: ignore[assignment]
            low = next((low for low, high in pairwise(LIMITS) if low <= small[3] - small[1] < high), None)
            if low is not None:
                found, every = counts[low]
                counts[low] = found + any(iou(small, box) >= MIN_IOU for box in others), every + 1
    return counts


@contextmanager
def whole_pictures_only() -> Iterator[None]:
    """Makes tiles as large as any picture, so that none is searched by itself."""
    side, person_search.TILE_SIDE = person_search.TILE_SIDE, 10**6
    try:
        yield
    finally:
        person_search.TILE_SIDE = side


def plaza_table(model: str, first: float, seconds: float) -> Table:
    """Measures who is found on the plaza."""
    start = round(first * RATE_HZ)
    with plaza_video() as path:
        pictures = pictures_of(path, start, start + SETTLE + round(seconds * RATE_HZ))
    original = play(model, pictures)
    table = Table("pictures", *(f"{low} to {high} px" for low, high in pairwise(LIMITS)), "ms a picture")
    for factor in (1.0, 1.5, 2.0, 3.0):
        images = [scaled(image, factor) for image in pictures]
        name = f"scaled down by {factor:g}" if factor > 1 else "as it is"
        if factor > 1:
            _add_row(table, name, found_by_height(original, played := play(model, images), factor), played)
        large = [in_large_picture(image) for image in images]
        with_tiles = play(model, large)
        with whole_pictures_only():
            whole = play(model, large)
        for way, played in (("tiles", with_tiles), ("whole", whole)):
            found = found_by_height(original, played, factor)
            _add_row(table, f"{name}, in 1280 x 720, {way}", found, played)
    return table


def _add_row(table: Table, name: str, found: Mapping[int, tuple[int, int]], played: Played) -> None:
    cells = [f"{hits} of {every}" if every else "-" for hits, every in found.values()]
    table.add_row(name, *cells, f"{1e3 * np.mean(played.seconds):.0f}")


def pose_table(models: Sequence[str]) -> Table:
    """Measures the poses of the walker at several heights."""
    table = Table("height, px", *(f"{model}: found; mm, bones" for model in models))
    pictures = pictures_of(walker_video(), 72, 196, 4)
    columns = [_pose_errors(model, pictures) for model in models]
    for height, *cells in zip(HEIGHTS, *columns, strict=True):
        table.add_row(str(height), *cells)
    return table


def _pose_errors(model: str, pictures: Sequence[Image]) -> list[str]:
    models, cells = PoseModels(model), []
    try:
        full = [(image, *walker) for image in pictures if (walker := _walker(models, image)) is not None]
        for height in HEIGHTS:
            errors = []
            for image, box, pose in full:
                factor = (box[3] - box[1]) / height
                small: Box = tuple(edge / factor for edge in box)  # type: ignore[assignment]
                found = estimate_poses(models, scaled(image, factor), [small])[0]
                if isinstance(found, Pose):
                    distance = float(np.linalg.norm(found.world - pose.world, axis=1).mean())
                    bones = np.abs(_bones(found.world) / _bones(pose.world) - 1).mean()
                    errors.append((1e3 * distance, bones))
            middle = np.median(errors, axis=0) if errors else (np.nan, np.nan)
            cells.append(f"{len(errors)} of {len(full)}; {middle[0]:.0f}, {middle[1]:.1%}")
    finally:
        models.close()
    return cells


def _walker(models: PoseModels, image: Image) -> tuple[Box, Pose] | None:
    """Returns box and pose of the walker."""
    box = tallest_person(models, image)
    pose = models.pose(image, box) if box is not None else None
    return None if box is None or pose is None else (box, pose)


def tallest_person(models: PoseModels, image: Image) -> Box | None:
    """Returns the box of the tallest person in a picture of the walker; None if it is not the walker."""
    box = max(models.boxes(image), key=lambda box: box[3] - box[1], default=None)
    return None if box is None or box[3] - box[1] < WALKER_HEIGHT * image.shape[0] else box


def _bones(world: FloatArray) -> FloatArray:
    lengths: FloatArray = np.array([np.linalg.norm(world[a] - world[b]) for a, b in BONES], np.float32)
    return lengths


def run(
    model: Annotated[str, typer.Option(metavar="M", help="lite or full, for the plaza.")] = "full",
    first: Annotated[float, typer.Option(metavar="S", help="Where in the plaza to begin.", min=0)] = 49,
    seconds: Annotated[float, typer.Option(metavar="S", help="Of the plaza, 79.5 s long.", min=1)] = 10,
) -> None:
    """Measure who is found in pictures that are scaled down, and how exact poses of small people are."""
    try:
        out.print(plaza_table(model, first, seconds))
        out.print(pose_table(list(POSE_MODELS)))
    except SgeError as error:
        typer.echo(f"small_people: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
