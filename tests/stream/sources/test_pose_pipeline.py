from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from stream.body import Body, FloatArray
from stream.errors import SourceError
from stream.skeleton import LAYOUTS, to_canonical
from stream.sources.camera import pose_models as estimator
from stream.sources.camera.detected_bodies import Sight
from stream.sources.camera.pose_pipeline import open_eyes
from tests.stream.sources.camera_scene import FOCAL, HEIGHT, Scene, Walker, bodies, hidden, watch

TOWARDS = Walker((0.3, -0.2, 6.0), (0, -1.3))
AWAY = Walker((-0.3, -0.2, 4.0), (0, 1.3))
ACROSS = Walker((2.0, -0.2, 5.0), (-1.3, 0))


def left_agrees(seen: list[tuple[int, Body]]) -> bool:
    """Whether the left of every body is on the left of where it travels, by shoulders and by hips."""
    joints = np.stack([body.joints for _, body in seen])
    way = joints[-1, 23:25].mean(axis=0) - joints[0, 23:25].mean(axis=0)
    left = np.cross([0, 1, 0], way)
    across = np.concatenate([joints[:, 11] - joints[:, 12], joints[:, 23] - joints[:, 24]])
    return bool((across @ left > 0).all())


def front_agrees(seen: list[tuple[int, Body]]) -> bool:
    """Whether feet and nose point where the body travels."""
    joints = np.stack([body.joints for _, body in seen])
    way = joints[-1, 23:25].mean(axis=0) - joints[0, 23:25].mean(axis=0)
    ahead = np.concatenate([joints[:, 31] - joints[:, 29], joints[:, 0] - joints[:, [7, 8]].mean(axis=1)])
    return bool((ahead @ way > 0).all())


@pytest.mark.parametrize("walker", [TOWARDS, AWAY, ACROSS], ids=["towards", "away", "across"])
def test_left_and_front_agree_with_the_way_that_somebody_walks(walker: Walker) -> None:
    seen = bodies(watch(Scene([walker]), 60), 1)
    assert len(seen) > 50
    assert left_agrees(seen) and front_agrees(seen)
    # And so they do for everything that comes after the sources.
    canonical, _ = to_canonical(LAYOUTS["mediapipe"], seen[-1][1].joints, seen[-1][1].confidence)
    assert canonical[3, 1] > canonical[0, 1] > canonical[15, 1], "head, hips, foot: Y is up"


@pytest.mark.parametrize("axes", [(1, -1, 1), (-1, -1, -1), (-1, 1, 1)], ids=["x", "z", "y"])
def test_mirrored_axes_would_be_seen(axes: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimator, "TO_BODY", np.array(axes, np.float32))
    for walker in (TOWARDS, AWAY):
        seen = bodies(watch(Scene([walker]), 60), 1)
        assert not (seen and left_agrees(seen) and front_agrees(seen))


@pytest.mark.parametrize("walker", [TOWARDS, AWAY, ACROSS], ids=["towards", "away", "across"])
def test_bodies_stand_where_they_are(walker: Walker) -> None:
    for number, body in bodies(watch(Scene([walker]), 60), 1):
        true = walker.joints(number)
        # Smoothing lags behind: by less than a step, and by little within the body.
        assert np.linalg.norm(body.joints[[23, 24]].mean(axis=0) - true[[23, 24]].mean(axis=0)) < 0.4
        relative = (body.joints - body.joints[[23, 24]].mean(axis=0)) - (true - true[[23, 24]].mean(axis=0))
        assert np.abs(relative).max() < 0.12


def test_two_who_cross_keep_their_ids() -> None:
    near = Walker((1.5, -0.2, 4.0), (-1.3, 0))
    far = Walker((-1.5, -0.2, 5.2), (1.3, 0))
    for walkers in ([near, far], [near, hidden(far, range(31, 40))]):
        sights = watch(Scene(walkers), 70)
        assert {body.id for sight in sights for body in sight.frame.bodies} == {1, 2}
        for number, sign in ((1, -1), (2, 1)):
            x = [float(body.joints[[23, 24], 0].mean()) for _, body in bodies(sights, number)]
            assert sign * (x[-1] - x[0]) > 2, "who went one way went on"
            assert np.nanmax(np.abs(np.diff(x))) < 0.5


def test_who_is_hidden_shortly_is_the_same_and_absent_meanwhile() -> None:
    sights = watch(Scene([hidden(ACROSS, range(25, 33))]), 50)
    assert ids(sights[10:25]) == ids(sights[33:]) == {1}
    assert ids(sights[25:33]) == set()


def test_ids_are_never_given_again() -> None:
    sights = watch(Scene([hidden(ACROSS, range(20, 40))]), 60)
    assert ids(sights[:20]) == {1}
    assert ids(sights[20:40]) == set()
    assert ids(sights[40:]) == {2}


def test_somebody_counts_after_a_few_pictures() -> None:
    sights = watch(Scene([ACROSS]), 10)
    assert [len(sight.frame.bodies) for sight in sights] == [0, 0, 1, 1, 1, 1, 1, 1, 1, 1]


def test_everybody_is_seen_once() -> None:
    crowd = [Walker((1.6 - 0.8 * n, -0.2, 6.0 + n % 2), (0.1, -1.0)) for n in range(5)]
    sights = watch(Scene(crowd), 20)
    assert all(len(sight.frame.bodies) == 5 for sight in sights[10:])
    assert ids(sights) == {1, 2, 3, 4, 5}


def test_joints_outside_the_picture_are_not_seen() -> None:
    close = Walker((0, -0.2, 1.5), (0.05, 0))
    _, body = bodies(watch(Scene([close]), 20), 1)[-1]
    feet = [27, 28, 29, 30, 31, 32]
    assert (body.confidence[feet] == 0).all() and np.isnan(body.joints[feet]).all()
    assert (body.confidence[[11, 12, 23, 24]] == 1).all()


def test_hidden_joints_count_for_little() -> None:
    def sure(walker: int, number: int) -> FloatArray:
        visible = np.ones(33, np.float32)
        visible[14] = 0.1
        return visible

    _, body = bodies(watch(Scene([ACROSS], sure), 20), 1)[-1]
    assert body.confidence[14] == pytest.approx(0.1)
    assert np.isfinite(body.joints[14]).all()


def test_people_too_small_to_tell_are_not_seen() -> None:
    far = Walker((0, 0, 20.0), (0.5, 0))
    assert 0.08 < 1.57 * FOCAL / 20 / HEIGHT < 0.12
    assert ids(watch(Scene([Walker((0, 0, 29.0), (0.5, 0))]), 20)) == set()
    seen = bodies(watch(Scene([far]), 20), 1)
    assert all(0 < body.confidence.max() < 1 for _, body in seen)


def test_two_in_one_place_count_for_little() -> None:
    one, other = Walker((0, -0.2, 4.0), (0, -0.3)), Walker((0.28, -0.2, 4.3), (0, -0.3))
    seen = [body for sight in watch(Scene([one, other]), 20)[5:] for body in sight.frame.bodies]
    assert seen
    assert all(body.confidence.min() < 0.85 for body in seen), "joints that may be the other's"
    apart = watch(Scene([one, Walker((1.2, -0.2, 4.0), (0, -0.3))]), 20)
    assert all(body.confidence.min() == 1 for sight in apart[5:] for body in sight.frame.bodies)


def test_a_model_that_there_is_not_is_refused() -> None:
    with pytest.raises(SourceError, match="there is no pose model 'heavy'; possible: lite, full"):
        open_eyes("heavy")


QUIET = """
import numpy as np
from stream.sources.camera.pose_pipeline import open_eyes
for model in ("lite", "full"):
    eyes = open_eyes(model)
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3)).astype(np.uint8)
    for number, image in enumerate((noise, np.full((240, 320, 3), 90, np.uint8))):
        print(len(eyes.see(image, number * 10**9).frame.bodies))
    eyes.close()
    eyes.close()
"""


def test_the_genuine_models_find_nobody_in_noise_and_write_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["0"] * 4


def ids(sights: list[Sight]) -> set[int]:
    return {body.id for sight in sights for body in sight.frame.bodies}
