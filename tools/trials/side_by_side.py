"""Poses of people who stand side by side: how many person boxes give one, with and without greying out.

    python -m tools.trials.side_by_side [--model lite --model full] [--pictures 12] [--seed 1]

Four people, each filmed alone, are pasted beside each other at a spacing that is a share of their height.
The pose of each box is compared with that of the same person alone in the picture: the distance of landmarks
is their mean over the person's height, and a pose is another's if its torso is nearer to the torso of another
person. `plain` takes the pose of a narrow crop as it is, `greyed` is the way of the program. Both get the
boxes of the program's detector. The plaza is also measured as it is, where nobody knows the true poses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from stream.body import FloatArray, Image
from stream.errors import SgeError
from stream.sources.camera.boxes import Box, bounding_box, expanded, iou, may_match
from stream.sources.camera.crowd_poses import estimate_poses
from stream.sources.camera.model_files import POSE_MODELS
from stream.sources.camera.person_tracking import TORSO
from stream.sources.camera.pose_models import Pose, PoseModels
from stream.sources.camera.quiet_opencv import cv2
from stream.terminal.consoles import plain_console
from tools.trials.composed_people import CutOut, background_of, open_cutter, paste
from tools.trials.sample_videos import pictures_of, plaza_video, walker_video

__all__ = [
    "Counts",
    "Scene",
    "compose",
    "greyed",
    "main",
    "measure",
    "plain",
    "plaza_cut_outs",
    "total",
    "walker_cut_outs",
]

PEOPLE = 4
SPACINGS = (0.2, 0.3, 0.45, 0.6)
"""Between neighbours, over their height; shoulders are 0.25 apart."""

PLAIN_SCALE = 1.3
SAME_TORSO = 0.15
"""Torso distance over the person's height below which two poses show one person, half a torso's length."""

MIN_IOU = 0.4
"""With the box of the pasted person, from which a detected box shows that person."""

Estimator = Callable[[PoseModels, Image, Sequence[Box]], "list[Pose | None]"]
out = plain_console()


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture of people side by side, and each of them alone.

    Attributes:
        image: all people.
        people: box of each person, and the picture of that person alone.
    """

    image: Image
    people: list[tuple[Box, Image]]


@dataclass(slots=True)
class Counts:
    """Results of one way to estimate poses.

    Attributes:
        people: people in the pictures, also those behind others.
        alone: those of them who have a pose when they are alone.
        boxes: boxes of people.
        kept: those that gave a pose.
        others: poses that are nearer to another person.
        distances: of the landmarks from those of the person alone, over the height.
        seconds: for each picture.
    """

    people: int = 0
    alone: int = 0
    boxes: int = 0
    kept: int = 0
    others: int = 0
    distances: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def plain(models: PoseModels, image: Image, boxes: Sequence[Box]) -> list[Pose | None]:
    """Returns the pose of each box, from a narrow crop that shows everybody."""
    poses: list[Pose | None] = []
    for box in boxes:
        pose = models.pose(image, box, (), PLAIN_SCALE)
        if pose is not None and not may_match(bounding_box(pose.points), box):
            pose = None
        if pose is not None and any(_torso(pose, other) < SAME_TORSO for other in poses if other is not None):
            pose = None  # the pose of somebody who has it already
        poses.append(pose)
    return poses


def greyed(models: PoseModels, image: Image, boxes: Sequence[Box]) -> list[Pose | None]:
    """Returns the pose of each box as the program estimates it."""
    return [pose if isinstance(pose, Pose) else None for pose in estimate_poses(models, image, boxes)]


def walker_cut_outs(models: PoseModels, step: int = 6) -> tuple[Image, list[CutOut]]:
    """Returns the background of the walker's video at half its size, and the walker.

    Raises:
        UserError: the video is not installed.
    """
    pictures = [_half(image) for image in pictures_of(walker_video(), 0, 200, step)]
    return background_of(pictures), cut_outs(models, pictures, min_height=0.38)


def plaza_cut_outs(models: PoseModels) -> tuple[Image, list[CutOut], list[Image]]:
    """Returns the background of the plaza, people who stand alone there, and the pictures.

    Raises:
        UserError: the video is not installed.
    """
    with plaza_video() as path:
        pictures = pictures_of(path, 0, 600, 20)
    return background_of(pictures), cut_outs(models, pictures, min_height=0.12), pictures


def cut_outs(models: PoseModels, pictures: Sequence[Image], min_height: float) -> list[CutOut]:
    """Returns the people who stand alone in pictures, of at least a share of the picture's height."""
    found = []
    with open_cutter() as cutter:
        for image in pictures:
            height, width = image.shape[:2]
            boxes = models.boxes(image)
            for number, box in enumerate(boxes):
                others = [other for n, other in enumerate(boxes) if n != number]
                alone = all(iou(expanded(box, 0.2), expanded(other, 0.2)) == 0 for other in others)
                inside = box[0] > 0 and box[1] > 0 and box[2] < width and box[3] < height
                if alone and inside and box[3] - box[1] >= min_height * height:
                    person = cutter.cut(image, box)
                    found += [person] if person is not None else []
    return found


def compose(
    background: Image, people: Sequence[CutOut], spacing: float, random: np.random.Generator
) -> Scene:
    """Pastes people side by side, in the middle of the picture and in a random order of depth."""
    distance = spacing * float(np.mean([person.height for person in people]))
    image, placed = background.copy(), []
    for number in random.permutation(len(people)).tolist():
        middle = background.shape[1] / 2 + (number - (len(people) - 1) / 2) * distance
        left, alone = round(middle - people[number].width / 2), background.copy()
        paste(alone, people[number], left)
        placed.append((paste(image, people[number], left), alone))
    return Scene(image, placed)


def measure(models: PoseModels, scenes: Sequence[Scene], ways: Sequence[Estimator]) -> list[Counts]:
    """Estimates the poses in scenes in several ways; returns the results of each."""
    counts = [Counts() for _ in ways]
    for scene in scenes:
        boxes = [box for box in models.boxes(scene.image) if _person(scene, box) is not None]
        alone = [greyed(models, image, [box])[0] for box, image in scene.people]
        for way, count in zip(ways, counts, strict=True):
            started = time.perf_counter()
            poses = way(models, scene.image, boxes)
            count.seconds.append(time.perf_counter() - started)
            count.people += len(alone)
            count.alone += sum(pose is not None for pose in alone)
            count.boxes += len(boxes)
            for box, pose in zip(boxes, poses, strict=True):
                if pose is not None:
                    _compare(count, scene, _person(scene, box) or 0, pose, alone)
    return counts


def total(counts: Sequence[Counts]) -> Counts:
    """Returns the results of one way in several series of scenes together."""
    summed = Counts()
    for count in counts:
        summed.people += count.people
        summed.alone += count.alone
        summed.boxes += count.boxes
        summed.kept += count.kept
        summed.others += count.others
        summed.distances += count.distances
        summed.seconds += count.seconds
    return summed


def _compare(count: Counts, scene: Scene, person: int, pose: Pose, alone: Sequence[Pose | None]) -> None:
    count.kept += 1
    own = alone[person]
    if own is None:
        return
    height = scene.people[person][0][3] - scene.people[person][0][1]
    count.distances.append(float(np.linalg.norm(pose.points - own.points, axis=1).mean()) / height)
    torsos = [np.inf if other is None else _torso(pose, other) for other in alone]
    count.others += int(np.argmin(torsos)) != person


def _person(scene: Scene, box: Box) -> int | None:
    """Returns the person whom a detected box shows."""
    overlaps = [iou(box, other) for other, _ in scene.people]
    best = int(np.argmax(overlaps))
    return best if overlaps[best] >= MIN_IOU else None


def _torso(pose: Pose, other: Pose) -> float:
    """Returns the distance of two torsos over the person's height."""
    distances: FloatArray = np.linalg.norm(pose.points[TORSO, :] - other.points[TORSO, :], axis=1)
    return float(distances.mean()) / max(1.0, float(np.ptp(other.points[:, 1])))


def _half(image: Image) -> Image:
    return np.asarray(cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _row(name: str, counts: Sequence[Counts]) -> list[str]:
    cells = [
        name,
        f"{counts[0].alone} of {counts[0].people}" if counts[0].people else "-",
        str(counts[0].boxes),
    ]
    for count in counts:
        cells.append(f"{count.kept} ({count.kept / max(1, count.boxes):.1%})")
    for count in counts:
        near = f"{np.median(count.distances):.1%}, {count.others}" if count.distances else "-"
        cells.append(near)
    cost = [1e3 * float(np.mean(count.seconds)) for count in counts]
    return [*cells, f"{cost[1]:.0f}, {cost[1] / cost[0]:.2f}"]


def _plaza_row(models: PoseModels, pictures: Sequence[Image], ways: Sequence[Estimator]) -> list[str]:
    counts = [Counts() for _ in ways]
    for image in pictures:
        boxes = models.boxes(image)
        for way, count in zip(ways, counts, strict=True):
            started = time.perf_counter()
            poses = way(models, image, boxes)
            count.seconds.append(time.perf_counter() - started)
            count.boxes += len(boxes)
            count.kept += sum(pose is not None for pose in poses)
    return _row("the plaza as it is", counts)


def report(model: str, pictures: int, seed: int) -> Table:
    """Measures one model; returns the table."""
    table = Table(
        "people", "alone", "boxes", "kept, plain", "kept, greyed", "distance, another's: plain", "greyed",
        "ms a picture, of plain", title=model,
    )  # fmt: skip
    models, ways = PoseModels(model), (plain, greyed)
    composed: list[list[Counts]] = []
    try:
        walker, plaza = walker_cut_outs(models), plaza_cut_outs(models)
        for name, background, people in (("walker", *walker), ("plaza", *plaza[:2])):
            for spacing in SPACINGS:
                random = np.random.default_rng(seed)
                drawn = [[people[n] for n in random.choice(len(people), PEOPLE)] for _ in range(pictures)]
                scenes = [compose(background, group, spacing, random) for group in drawn]
                counts = measure(models, scenes, ways)
                composed.append(counts)
                table.add_row(*_row(f"{name}, {spacing:g} apart", counts))
        table.add_row(*_row("side by side, all", [total(way) for way in zip(*composed, strict=True)]))
        table.add_row(*_plaza_row(models, plaza[2], ways))
    finally:
        models.close()
    return table


def run(
    model: Annotated[
        list[str] | None, typer.Option(metavar="M", help="lite or full; may be given again.")
    ] = None,
    pictures: Annotated[int, typer.Option(metavar="N", help="Pictures of each spacing.", min=1)] = 12,
    seed: Annotated[int, typer.Option(metavar="N", help="Draws the people of each picture.")] = 1,
) -> None:
    """Measure how many boxes of people side by side give a pose, and how good it is."""
    try:
        for name in model or POSE_MODELS:
            out.print(report(name, pictures, seed))
    except SgeError as error:
        typer.echo(f"side_by_side: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
