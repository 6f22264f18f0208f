"""The pose models compared on one walker: time, and how steady the poses are.

    python -m tools.trials.pose_models [--model lite --model full]

For each model: milliseconds of a search for people, of a crop without anybody and of one with a person
(medians), their ratio, the coefficient of variation of arms' and legs' bones, which are of one person and so
should not change, and the jitter: the mean second difference of the landmarks in space from picture to
picture, 30 a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import combinations_with_replacement
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from stream.body import FloatArray, Image
from stream.errors import SgeError
from stream.sources.camera.model_files import POSE_MODELS
from stream.sources.camera.pose_models import PoseModels
from stream.terminal.consoles import plain_console
from tools.trials.sample_videos import pictures_of, walker_video
from tools.trials.small_people import BONES, tallest_person

__all__ = ["difference", "main", "measure"]

FIRST, STOP = 130, 175
"""Pictures in which the walker is in full view."""

out = plain_console()


def measure(model: str, pictures: Sequence[Image]) -> tuple[list[str], FloatArray]:
    """Returns the row of a model, and the bones in each picture, (pictures, bones) metres."""
    empty = np.full((512, 512, 3), 128, np.uint8)
    models = PoseModels(model)
    try:
        found = [(image, box) for image in pictures if (box := tallest_person(models, image)) is not None]
        middle = (0.0, 0.0, float(empty.shape[1]), float(empty.shape[0]))
        search = _milliseconds([partial(models.boxes, image) for image in pictures[::4]])
        nobody = _milliseconds([partial(models.pose, empty, middle)] * 12)
        person = _milliseconds([partial(models.pose, image, box) for image, box in found[::2]])
        poses = [pose.world for image, box in found if (pose := models.pose(image, box)) is not None]
    finally:
        models.close()
    world = np.stack(poses)
    bones = np.stack([np.linalg.norm(world[:, a] - world[:, b], axis=1) for a, b in BONES], axis=1)
    variation = float((bones.std(axis=0) / bones.mean(axis=0)).mean())
    jitter = 1e3 * float(np.linalg.norm(np.diff(world, 2, axis=0), axis=2).mean())
    times = f"{search:.0f}", f"{nobody:.1f}", f"{person:.1f}", f"{person / nobody:.2f}"
    return [model, *times, f"{variation:.1%}", f"{jitter:.0f} mm"], bones


def difference(bones: FloatArray, others: FloatArray) -> float:
    """Returns the mean relative difference of bones in the first half of the pictures and in the second."""
    first = np.median(bones[: len(bones) // 2], axis=0)
    second = np.median(others[len(others) // 2 :], axis=0)
    return float(np.abs(second / first - 1).mean())


def _milliseconds(runs: Sequence[Callable[[], object]]) -> float:
    times = []
    for run_once in runs:
        started = time.perf_counter()
        run_once()
        times.append(time.perf_counter() - started)
    return 1e3 * float(np.median(times))


def run(
    model: Annotated[
        list[str] | None, typer.Option(metavar="M", help="lite or full; may be given again.")
    ] = None,
) -> None:
    """Compare the pose models on the walker of the demo of Sports2D."""
    table = Table("model", "search, ms", "nobody, ms", "pose, ms", "ratio", "bones", "jitter")
    bones: dict[str, FloatArray] = {}
    try:
        pictures = pictures_of(walker_video(), FIRST, STOP)
        for name in model or POSE_MODELS:
            row, bones[name] = measure(name, pictures)
            table.add_row(*row)
    except SgeError as error:
        typer.echo(f"pose_models: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    out.print(table)
    for one, other in combinations_with_replacement(bones, 2):
        out.print(f"bones, {one} and {other}: {difference(bones[one], bones[other]):.1%}", highlight=False)


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
