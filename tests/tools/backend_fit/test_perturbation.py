"""Walks with the errors of a camera's pose estimates."""

from __future__ import annotations

import numpy as np

from encoder.inference import Encoder
from encoder.pose import BONE_COLUMNS, POSE_WIDTH
from encoder.weights import load_encoder
from gallery.scoring.descriptions import describe_windows
from tools.backend_fit.offline_pipeline import encode_walk, simulated_walks
from tools.backend_fit.perturbation import perturb, perturbed_walk


def windows(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.5, (7, 6, 20, 3)).astype(np.float32)


def test_all_windows_of_a_walk_have_the_same_errors_and_walks_differ() -> None:
    original = windows()
    doubled = np.concatenate([original, original])
    first, again = np.split(perturb(doubled, np.random.default_rng(1)), 2)
    np.testing.assert_array_equal(first, again)
    assert np.abs(perturb(original, np.random.default_rng(2)) - first).max() > 0.01


def test_the_hip_does_not_move_and_the_errors_have_the_expected_size() -> None:
    still = np.zeros((1, 1, 20, 3), np.float32)
    still[0, 0, 1:, 1] = np.linspace(0.1, 1.7, 19)
    heights, depths = [], []
    for seed in range(400):
        perturbed = perturb(still, np.random.default_rng(seed))
        assert not perturbed[0, 0, 0].any()
        heights.append(perturbed[0, 0, -1, 1])
        depths.append(perturbed[0, 0, -1, 2])
    # For a joint 1.7 m above the hip: 2 % of size and 1 cm in height; 3 cm and a lean of 6 degrees in depth.
    assert abs(np.mean(heights) - 1.7) < 0.03
    assert 0.02 < np.std(heights) < 0.06
    assert 0.14 < np.std(depths) < 0.23


def test_a_perturbed_walk_keeps_its_person_and_changes_its_pose() -> None:
    walk = encode_walk(Encoder(load_encoder(), "cpu"), simulated_walks(1, 3, 1, 2.0)[0])
    found = perturbed_walk(walk, 2, np.random.default_rng(4))
    assert (found.person, found.walk) == (walk.person, walk.walk)
    assert found.windows.shape == (len(walk.cages[::2]), POSE_WIDTH)
    known = describe_windows(walk.cages)[::2, BONE_COLUMNS]
    change = np.abs(found.windows[:, BONE_COLUMNS] - known).mean()
    assert 0.005 < change < 0.1
