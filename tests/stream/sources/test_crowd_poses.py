"""Poses of people who stand close to each other, with a pose model that is fooled as MediaPipe's is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from stream.body import FloatArray, Image
from stream.sources.camera.boxes import Box, covered_share
from stream.sources.camera.crops import CROP_SCALE, PersonCrop, person_crop
from stream.sources.camera.crowd_poses import DUPLICATE, MISFIT, NO_POSE, TOO_MANY, estimate_poses
from stream.sources.camera.person_tracking import person_box
from stream.sources.camera.pose_models import Pose
from tests.stream.sources.camera_scene import at_rest

SIZE = (600, 1000)
BACKGROUND, PERSON = 100, 200


def landmarks(box: Box) -> FloatArray:
    """Returns the landmarks of a standing person who fills a box, (33, 2) pixels."""
    shape = at_rest()[:, :2] * (-1, -1)
    low, high = shape.min(axis=0), shape.max(axis=0)
    points: FloatArray = ((shape - low) / (high - low)).astype(np.float32)
    for _ in range(20):  # the person's box has margins around the landmarks
        got = person_box(points)
        scale = (box[2] - box[0]) / (got[2] - got[0]), (box[3] - box[1]) / (got[3] - got[1])
        points = (points - np.array(got[:2])) * scale + np.array(box[:2])
    return points.astype(np.float32)


class ProminentPerson:
    """A pose model that returns whoever is most visible in a crop, wherever in it.

    Args:
        people: true boxes; each person is a bright rectangle.
        scales: crops in which it finds somebody.
    """

    def __init__(self, people: Sequence[Box], scales: Sequence[float] = (2.0, 2.6, 1.4)) -> None:
        self.people = people
        self.calls: list[tuple[Box, float]] = []
        self._scales = scales

    @property
    def picture(self) -> Image:
        image = np.full((*SIZE, 3), BACKGROUND, np.uint8)
        for left, top, right, bottom in self.people:
            image[int(top) : int(bottom), int(left) : int(right)] = PERSON
        return image

    def pose(
        self, image: Image, box: Box, others: Sequence[Box] = (), scale: float = CROP_SCALE
    ) -> Pose | None:
        self.calls.append((box, scale))
        crop = person_crop(image, box, others, scale)
        assert crop is not None
        visible = [self._visible(crop, person) for person in self.people]
        if scale not in self._scales or not visible or max(visible) < 0.05:
            return None
        return pose_of(self.people[int(np.argmax(visible))])

    def _visible(self, crop: PersonCrop, person: Box) -> float:
        """Returns the visible area of a person in the crop, over that of the crop."""
        left, top = crop.corner
        part = (np.array(person) - (left, top, left, top)) / crop.side * len(crop.image)
        x0, y0, x1, y1 = part.clip(0, len(crop.image)).round().astype(int)
        return (
            float((crop.image[y0:y1, x0:x1, 0] > (BACKGROUND + PERSON) / 2).sum()) / crop.image[..., 0].size
        )


def pose_of(box: Box) -> Pose:
    one = np.ones(33, np.float32)
    return Pose(landmarks(box), at_rest(), one, one)


def found(model: ProminentPerson, boxes: Sequence[Box]) -> list[Box | str]:
    """Returns the box of the person found for each box, or the reason."""
    results: list[Box | str] = []
    for estimate in estimate_poses(model, model.picture, boxes):
        if isinstance(estimate, str):
            results.append(estimate)
        else:
            results.append(max(model.people, key=lambda box: covered_share(box, person_box(estimate.points))))
    return results


NEAR: Box = (300.0, 100.0, 420.0, 480.0)
BESIDE: Box = (430.0, 130.0, 530.0, 450.0)
BEHIND: Box = (380.0, 130.0, 480.0, 450.0)


def test_a_smaller_person_beside_a_larger_one_has_a_pose() -> None:
    model = ProminentPerson([NEAR, BESIDE])
    alone = model.pose(model.picture, BESIDE)
    assert alone is not None
    assert person_box(alone.points) == pytest.approx(NEAR, abs=2), "without greying out it is another's"
    assert found(model, [NEAR, BESIDE]) == [NEAR, BESIDE]


def test_people_whose_boxes_overlap_have_poses() -> None:
    assert found(ProminentPerson([NEAR, BEHIND]), [NEAR, BEHIND]) == [NEAR, BEHIND]


def test_a_person_beside_many_has_a_pose() -> None:
    people = [(100.0 + 90 * n, 100.0 + 10 * n, 200.0 + 90 * n, 400.0 - 5 * n) for n in range(6)]
    assert found(ProminentPerson(people), people) == people


def test_the_pose_of_another_is_not_taken() -> None:
    # The detector sees one of the two only, and the pose model prefers the other.
    model = ProminentPerson([NEAR, BESIDE])
    assert found(model, [BESIDE]) == [MISFIT]
    nobody = (850.0, 100.0, 900.0, 200.0)
    assert found(model, [NEAR, BESIDE, nobody])[:2] == [NEAR, BESIDE]
    assert found(model, [nobody]) == [NO_POSE]


def test_a_part_of_a_person_is_no_second_person() -> None:
    chest = (320.0, 110.0, 400.0, 320.0)
    model = ProminentPerson([NEAR])
    results = found(model, [chest, NEAR])
    assert results[1] == NEAR and results[0] in (MISFIT, DUPLICATE)


def test_of_two_boxes_of_one_person_the_better_one_has_the_pose() -> None:
    rough = (310.0, 130.0, 440.0, 500.0)
    assert found(ProminentPerson([NEAR]), [rough, NEAR]) == [DUPLICATE, NEAR]
    assert found(ProminentPerson([NEAR]), [NEAR, rough]) == [NEAR, DUPLICATE]


def test_a_ninth_person_has_no_pose_but_is_greyed_out() -> None:
    places = [(20.0 + 110 * n, 30.0, 60.0 + 110 * n, 150.0) for n in range(7)]
    model = ProminentPerson([*places, BESIDE, NEAR])
    results = found(model, [*places, BESIDE, NEAR])
    assert results == [*places, BESIDE, TOO_MANY]
    assert len({box for box, _ in model.calls}) == 8


def test_other_crops_are_tried_where_the_first_fails_but_not_many() -> None:
    model = ProminentPerson([NEAR], scales=(1.4,))
    assert found(model, [NEAR]) == [NEAR]
    assert [scale for _, scale in model.calls] == [2.0, 2.6, 1.4]
    far_apart = [(20.0 + 240 * n, 100.0, 60.0 + 240 * n, 250.0) for n in range(4)]
    model = ProminentPerson(far_apart, scales=())
    assert found(model, far_apart) == [NO_POSE] * 4
    assert len(model.calls) == 6, "one crop for each, and two more for all of them"
    model = ProminentPerson(far_apart)
    assert found(model, far_apart) == far_apart and len(model.calls) == 4
