"""The pictures that the stage `camera` composes show whole people, whom the pose pipeline finds."""

from __future__ import annotations

from itertools import pairwise

import pytest

from stream.sources.camera.detected_bodies import DetectedBodies
from stream.sources.camera.person_tracking import person_box
from stream.sources.camera.pose_pipeline import open_pose_pipeline
from tools.bench.camera import PEOPLE
from tools.bench.people_pictures import HEIGHT, WIDTH, compose


def detected_in(people: int, *, pictures: int = 6) -> DetectedBodies:
    image, pipeline = compose(people), open_pose_pipeline("lite")
    try:
        return [pipeline.process(image, number * 33_333_333) for number in range(pictures)][-1]
    finally:
        pipeline.close()


@pytest.mark.slow
@pytest.mark.parametrize("people", PEOPLE)
def test_the_pose_pipeline_finds_exactly_the_people_apart_and_whole(people: int) -> None:
    detected = detected_in(people)
    assert len(detected.frame.bodies) == people
    assert not detected.missed
    assert all((body.confidence > 0).all() for body in detected.frame.bodies)
    boxes = sorted(person_box(points[:, :2]) for points in detected.landmarks.values())
    assert all(left[2] < right[0] for left, right in pairwise(boxes))
    assert all(0 <= x0 < x1 <= WIDTH and 0 <= y0 < y1 <= HEIGHT for x0, y0, x1, y1 in boxes)
    assert all(y1 - y0 == pytest.approx(310, abs=20) for _, y0, _, y1 in boxes)


def test_a_picture_has_the_size_of_a_webcams() -> None:
    assert compose(1).shape == (HEIGHT, WIDTH, 3)
