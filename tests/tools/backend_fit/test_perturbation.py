"""Walks as a camera might have misjudged them."""

from __future__ import annotations

import numpy as np

from encoder.inference import Encoder
from encoder.pose import BONES, POSE
from encoder.weights import load_encoder
from gallery.scoring.segments import describe_windows
from tools.backend_fit.offline_pipeline import encode_walk, simulated_walks
from tools.backend_fit.perturbation import misjudge, misjudged_walk


def windows(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.5, (7, 6, 20, 3)).astype(np.float32)


def test_all_windows_of_a_walk_have_the_same_errors_and_another_walk_has_others() -> None:
    seen = windows()
    doubled = np.concatenate([seen, seen])
    first, again = np.split(misjudge(doubled, np.random.default_rng(1)), 2)
    np.testing.assert_array_equal(first, again)
    assert np.abs(misjudge(seen, np.random.default_rng(2)) - first).max() > 0.01


def test_the_hip_stays_and_the_errors_are_those_of_estimates() -> None:
    still = np.zeros((1, 1, 20, 3), np.float32)
    still[0, 0, 1:, 1] = np.linspace(0.1, 1.7, 19)
    heights, depths = [], []
    for seed in range(400):
        seen = misjudge(still, np.random.default_rng(seed))
        assert not seen[0, 0, 0].any()
        heights.append(seen[0, 0, -1, 1])
        depths.append(seen[0, 0, -1, 2])
    # Of a joint 1.7 m up: 2 % of size and 1 cm in height; in depth 3 cm, and what a lean of 6 degrees adds.
    assert abs(np.mean(heights) - 1.7) < 0.03
    assert 0.02 < np.std(heights) < 0.06
    assert 0.14 < np.std(depths) < 0.23


def test_a_walk_keeps_its_person_and_its_poses_are_changed_as_a_camera_would() -> None:
    walk = encode_walk(Encoder(load_encoder(), "cpu"), simulated_walks(1, 3, 1, 2.0)[0])
    found = misjudged_walk(walk, 2, np.random.default_rng(4))
    assert (found.person, found.walk) == (walk.person, walk.walk)
    assert found.windows.shape == (len(walk.cages[::2]), POSE)
    known = describe_windows(walk.cages)[::2, BONES]
    change = np.abs(found.windows[:, BONES] - known).mean()
    assert 0.005 < change < 0.1
