from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stream.body import Image
from stream.sources.camera.pose_models import PoseModels
from tools.trials.composed_people import CutOut, background_of, paste
from tools.trials.side_by_side import (
    SPACINGS,
    compose,
    greyed,
    measure,
    plain,
    plaza_cut_outs,
    total,
    walker_cut_outs,
)


def bright(width: int, height: int, value: int) -> CutOut:
    """Returns a bright rectangle as a person, 40 pixels below the upper edge, with 5 clear pixels around."""
    opacity = np.zeros((height + 10, width + 10, 1), np.float32)
    opacity[5:-5, 5:-5] = 1
    pixels = np.full((height + 10, width + 10, 3), value, np.uint8)
    return CutOut(pixels, opacity, (-5, 35), (0.0, 40.0, float(width), 40.0 + height))


def inside(image: Image, value: int) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(image[:, :, 0] == value)
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_people_are_pasted_where_their_boxes_are() -> None:
    canvas = np.zeros((200, 300, 3), np.uint8)
    assert paste(canvas, bright(20, 100, 250), 70) == inside(canvas, 250) == (70, 40, 90, 140)
    canvas = np.zeros((200, 300, 3), np.uint8)
    paste(canvas, bright(20, 100, 250), -10)
    assert inside(canvas, 250) == (0, 40, 10, 140), "cut off by the edge"


def test_a_scene_has_everybody_at_the_spacing_and_each_alone() -> None:
    background = np.zeros((200, 400, 3), np.uint8)
    people = [bright(20, 100, 100 + 30 * n) for n in range(4)]
    scene = compose(background, people, 0.3, np.random.default_rng(1))
    assert not background.any()
    boxes = sorted(box for box, _ in scene.people)
    assert np.diff([box[0] for box in boxes]) == pytest.approx([30, 30, 30], abs=1)
    assert len({tuple(np.unique(alone)) for _, alone in scene.people}) == 4, "each alone once"
    for box, alone in scene.people:
        (value,) = set(np.unique(alone)) - {0}
        assert inside(alone, int(value)) == box == inside(scene.image, int(value))


def test_the_background_is_what_is_there_most_of_the_time() -> None:
    pictures = [np.full((50, 60, 3), 80, np.uint8) for _ in range(5)]
    for n, picture in enumerate(pictures):
        picture[:, 10 * n : 10 * n + 10] = 200
    assert (background_of(pictures) == 80).all()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["walker", "plaza"])
def test_people_side_by_side_keep_their_poses(place: str, walker_film: Path, plaza_film: Path) -> None:
    models = PoseModels("lite")
    try:
        background, people, *_ = walker_cut_outs(models) if place == "walker" else plaza_cut_outs(models)
        random = np.random.default_rng(2)
        without, with_grey = [], []
        for spacing in SPACINGS:
            groups = [[people[n] for n in random.choice(len(people), 4)] for _ in range(4)]
            scenes = [compose(background, group, spacing, random) for group in groups]
            one, other = measure(models, scenes, (plain, greyed))
            without.append(one)
            with_grey.append(other)
    finally:
        models.close()
    before, after = total(without), total(with_grey)
    assert before.boxes == after.boxes > 30
    assert after.alone > 0.9 * after.people == 0.9 * 64
    assert after.kept >= 0.95 * after.boxes
    assert before.kept < 0.85 * before.boxes, "the clips are such that greying out matters"
    # Where shoulders do not cover each other, the poses are those of the same people alone.
    assert np.median(total(with_grey[2:]).distances) < 0.03
    assert total(with_grey[2:]).others <= 0.05 * after.kept
