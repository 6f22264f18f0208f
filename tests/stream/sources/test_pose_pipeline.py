from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

from stream.body import Body, FloatArray
from stream.errors import SourceError
from stream.skeleton import LAYOUTS, to_canonical
from stream.sources.camera import pose_models
from stream.sources.camera.detected_bodies import DetectedBodies
from stream.sources.camera.pose_pipeline import open_pose_pipeline
from tests.stream.sources.camera_scene import FOCAL, Scene, Walker, bodies, detect, hidden, number_of, pixels

WAIT_S = 20.0
FRAMES_PER_SEARCH = 5
"""A search every 150 ms, at 30 pictures a second."""

TOWARDS = Walker((0.3, -0.2, 6.0), (0, -1.3))
AWAY = Walker((-0.3, -0.2, 4.0), (0, 1.3))
ACROSS = Walker((2.0, -0.2, 5.0), (-1.3, 0))


def displacement(joints: FloatArray) -> FloatArray:
    """Returns the displacement of mid-hip from the first to the last frame, (3,) metres."""
    moved: FloatArray = joints[-1, 23:25].mean(axis=0) - joints[0, 23:25].mean(axis=0)
    return moved


def left_agrees(detected: list[tuple[int, Body]]) -> bool:
    """Whether left shoulder and hip are on the left of the direction of travel in every frame."""
    joints = np.stack([body.joints for _, body in detected])
    left = np.cross([0, 1, 0], displacement(joints))
    across = np.concatenate([joints[:, 11] - joints[:, 12], joints[:, 23] - joints[:, 24]])
    return bool((across @ left > 0).all())


def front_agrees(detected: list[tuple[int, Body]]) -> bool:
    """Whether feet and nose point in the direction of travel in every frame."""
    joints = np.stack([body.joints for _, body in detected])
    front = np.concatenate([joints[:, 31] - joints[:, 29], joints[:, 0] - joints[:, [7, 8]].mean(axis=1)])
    return bool((front @ displacement(joints) > 0).all())


@pytest.mark.parametrize("walker", [TOWARDS, AWAY, ACROSS], ids=["towards", "away", "across"])
def test_left_and_front_agree_with_the_walking_direction(walker: Walker) -> None:
    detected = bodies(detect(Scene([walker]), 60), 1)
    assert len(detected) > 50
    assert left_agrees(detected) and front_agrees(detected)
    # The axes also hold after conversion to the canonical layout.
    canonical, _ = to_canonical(LAYOUTS["mediapipe"], detected[-1][1].joints, detected[-1][1].confidence)
    assert canonical[3, 1] > canonical[0, 1] > canonical[15, 1], "head, hips, foot: Y is up"


@pytest.mark.slow
@pytest.mark.parametrize("axes", [(1, -1, 1), (-1, -1, -1), (-1, 1, 1)], ids=["x", "z", "y"])
def test_mirrored_axes_are_detected(axes: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pose_models, "TO_BODY", np.array(axes, np.float32))
    for walker in (TOWARDS, AWAY):
        detected = bodies(detect(Scene([walker]), 60), 1)
        assert not (detected and left_agrees(detected) and front_agrees(detected))


@pytest.mark.parametrize("walker", [TOWARDS, AWAY, ACROSS], ids=["towards", "away", "across"])
def test_bodies_are_at_their_true_positions(walker: Walker) -> None:
    for number, body in bodies(detect(Scene([walker]), 60), 1):
        true = walker.joints(number)
        # Smoothing lags: by less than a step in position, and by little within the body.
        assert np.linalg.norm(body.joints[[23, 24]].mean(axis=0) - true[[23, 24]].mean(axis=0)) < 0.4
        relative = (body.joints - body.joints[[23, 24]].mean(axis=0)) - (true - true[[23, 24]].mean(axis=0))
        assert np.abs(relative).max() < 0.12


def test_two_people_who_cross_keep_their_ids() -> None:
    near = Walker((1.5, -0.2, 4.0), (-1.3, 0))
    far = Walker((-1.5, -0.2, 5.2), (1.3, 0))
    for walkers in ([near, far], [near, hidden(far, range(31, 40))]):
        detections = detect(Scene(walkers), 70)
        assert {body.id for detected in detections for body in detected.frame.bodies} == {1, 2}
        for number, sign in ((1, -1), (2, 1)):
            x = [float(body.joints[[23, 24], 0].mean()) for _, body in bodies(detections, number)]
            assert sign * (x[-1] - x[0]) > 2, "each continues in the same direction"
            assert np.nanmax(np.abs(np.diff(x))) < 0.5


def test_briefly_hidden_person_is_absent_and_keeps_the_id() -> None:
    detections = detect(Scene([hidden(ACROSS, range(25, 33))]), 50)
    assert ids(detections[10:25]) == ids(detections[33:]) == {1}
    assert ids(detections[25:33]) == set()


def test_ids_are_never_reused() -> None:
    detections = detect(Scene([hidden(ACROSS, range(20, 40))]), 60)
    assert ids(detections[:20]) == {1}
    assert ids(detections[20:40]) == set()
    assert ids(detections[40:]) == {2}


def test_person_is_reported_three_pictures_after_the_search() -> None:
    detections = detect(Scene([ACROSS]), 10)
    assert [len(detected.frame.bodies) for detected in detections] == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]


class MeetingScene(Scene):
    """From the second search on, a search and a pose end only once both have begun."""

    def __init__(self) -> None:
        super().__init__([ACROSS])
        self.searches = 0
        self._both = threading.Barrier(2)

    def detect_boxes(self, image: Any) -> Any:
        self.searches += 1
        if self.searches > 2:  # the first is that of the empty picture which warms the model up
            self._both.wait(WAIT_S)
        return super().detect_boxes(image)

    def detect_pose(self, image: Any) -> Any:
        if self.number % FRAMES_PER_SEARCH == 0:
            self._both.wait(WAIT_S)
        return super().detect_pose(image)


def test_the_search_for_people_runs_beside_the_poses_and_changes_nothing() -> None:
    scene = MeetingScene()
    beside, plain = detect(scene, 16), detect(Scene([ACROSS]), 16)
    assert scene.searches == 5
    for one, other in zip(beside, plain, strict=True):
        assert [body.id for body in one.frame.bodies] == [body.id for body in other.frame.bodies]
        for a, b in zip(one.frame.bodies, other.frame.bodies, strict=True):
            np.testing.assert_array_equal(a.joints, b.joints)


def test_a_search_that_fails_is_reported_with_the_next_picture() -> None:
    class Broken(Scene):
        def detect_boxes(self, image: Any) -> Any:
            if number_of(image.numpy_view()):
                raise SourceError("the detector failed")
            return super().detect_boxes(image)

    with pytest.raises(SourceError, match="the detector failed"):
        detect(Broken([ACROSS]), 10)


def test_each_person_is_detected_once() -> None:
    people = [Walker((1.6 - 0.8 * n, -0.2, 6.0 + n % 2), (0.1, -1.0)) for n in range(5)]
    detections = detect(Scene(people), 20)
    assert all(len(detected.frame.bodies) == 5 for detected in detections[10:])
    assert ids(detections) == {1, 2, 3, 4, 5}


@pytest.mark.slow
def test_nobody_is_left_out_for_people_who_have_left() -> None:
    staying = [Walker((2.4 - 0.7 * n, -0.2, 6.0), (0.01, -0.1)) for n in range(5)]
    leaving = [hidden(Walker((-1.1 - 0.7 * n, -0.2, 6.0), (0.01, -0.1)), range(20, 60)) for n in range(3)]
    newcomer = hidden(Walker((0.0, -0.2, 3.0), (0.01, -0.1)), range(22))
    detections = detect(Scene([*staying, *leaving, newcomer]), 40)
    assert ids(detections[19:20]) == set(range(1, 9)), "eight people are in view"
    came = next(number for number, detected in enumerate(detections) if 9 in ids([detected]))
    assert came < 34, "before those who left are forgotten"


def test_a_ninth_person_is_shown_with_the_reason() -> None:
    people = [Walker((2.4 - 0.6 * n, -0.2, 6.0), (0.01, -0.1)) for n in range(9)]
    last = detect(Scene(people), 10)[-1]
    assert len(last.frame.bodies) == 8
    assert [missed.reason for missed in last.missed] == ["more than 8 people"]
    left, _, right, _ = last.missed[0].box
    middles = [float(pixels(person.joints(9))[:, 0].mean()) for person in people]
    followed = [float(points[:, 0].mean()) for points in last.landmarks.values()]
    (ninth,) = (x for x in middles if min(abs(x - other) for other in followed) > 20)
    assert left < ninth < right


def test_joints_outside_the_picture_are_not_seen() -> None:
    close = Walker((0, -0.2, 1.5), (0.05, 0))
    _, body = bodies(detect(Scene([close]), 20), 1)[-1]
    feet = [27, 28, 29, 30, 31, 32]
    assert (body.confidence[feet] == 0).all() and np.isnan(body.joints[feet]).all()
    assert (body.confidence[[11, 12, 23, 24]] == 1).all()


def test_occluded_joints_have_low_confidence() -> None:
    def visibility(walker: int, number: int) -> FloatArray:
        values = np.ones(33, np.float32)
        values[14] = 0.1
        return values

    _, body = bodies(detect(Scene([ACROSS], visibility), 20), 1)[-1]
    assert body.confidence[14] == pytest.approx(0.1)
    assert np.isfinite(body.joints[14]).all()


def test_small_people_have_low_confidence_or_are_not_seen() -> None:
    def pixels_high(walker: Walker) -> float:
        return 1.8 * walker.scale * FOCAL / walker.start[2]

    def confidences(walker: Walker) -> list[float]:
        return [float(body.confidence.max()) for _, body in bodies(detect(Scene([walker]), 20), 1)]

    large, small, tiny = (
        Walker((0, 0, z), (0.5, 0), scale=s) for z, s in ((20.0, 1), (26.0, 1), (29.0, 0.75))
    )
    assert pixels_high(large) > 65 and 42 < pixels_high(small) < 58 and pixels_high(tiny) < 38
    assert set(confidences(large)) == {1.0}
    assert confidences(small) and all(0 < value < 1 for value in confidences(small))
    detected = detect(Scene([tiny]), 20)
    assert ids(detected) == set()
    assert "too small, or hidden" in {missed.reason for each in detected for missed in each.missed}


def test_overlapping_people_have_low_confidence() -> None:
    one, other = Walker((0, -0.2, 4.0), (0, -0.3)), Walker((0.28, -0.2, 4.3), (0, -0.3))
    detected = [body for pair in detect(Scene([one, other]), 20)[5:] for body in pair.frame.bodies]
    assert detected
    assert all(body.confidence.min() < 0.85 for body in detected), "joints that may be the other person's"
    apart = detect(Scene([one, Walker((1.2, -0.2, 4.0), (0, -0.3))]), 20)
    assert all(body.confidence.min() == 1 for pair in apart[5:] for body in pair.frame.bodies)


def test_unknown_model_is_rejected() -> None:
    with pytest.raises(SourceError, match="unknown pose model 'heavy'; possible: lite, full"):
        open_pose_pipeline("heavy")


QUIET = """
import numpy as np
from stream.sources.camera.pose_pipeline import open_pose_pipeline
for model in ("lite", "full"):
    pipeline = open_pose_pipeline(model)
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    cost = pipeline.measure(noise)
    assert cost.detection_s > 0 and cost.pose_s > 0
    for number, image in enumerate((noise, np.full((240, 320, 3), 90, np.uint8))):
        print(len(pipeline.process(image, number * 10**9).frame.bodies))
    pipeline.close()
    pipeline.close()
"""


@pytest.mark.slow
def test_real_models_detect_no_person_in_noise_and_write_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["0"] * 4


def ids(detections: list[DetectedBodies]) -> set[int]:
    return {body.id for detected in detections for body in detected.frame.bodies}
