"""Joint attention network: its input features, compared with their definition, and its training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stream.body import FloatArray
from stream.skeleton import BONES
from tests.tools.evaluation.synthetic_people import ProgressLog, rn_draw, synthetic_walks
from tools.evaluation.methods.classifier_networks import run_in_blocks
from tools.evaluation.methods.joint_attention import JointAttention, joint_features, train_joint_attention
from tools.evaluation.methods.method import TrainingInput

F = 6
JOINT_FEATURES = 14 + 7 * F


@pytest.fixture(scope="module")
def data() -> TrainingInput:
    return rn_draw(synthetic_walks(5, walks=3, frames=60, noise=0.02), f=F).training_input()


def rows_of(windows: FloatArray) -> torch.Tensor:
    return torch.from_numpy(joint_features(windows)[:, None])


def rotated_about_y(windows: FloatArray, angle: float) -> FloatArray:
    cosine, sine = np.cos(angle), np.sin(angle)
    rotation = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    rotated: FloatArray = (windows @ rotation.T).astype(np.float32)
    return rotated


def test_joint_features_are_position_direction_and_length(data: TrainingInput) -> None:
    window = data.train.windows[3]
    across = (window[:, 4] - window[:, 8] + window[:, 12] - window[:, 16]).mean(axis=0)
    rotated = rotated_about_y(window, float(np.arctan2(across[2], across[0])))
    features = joint_features(window[None]).reshape(19, 2 + F, 7)
    for joint, parent in BONES:
        values = []
        for skeleton in rotated[::-1]:
            bone = skeleton[joint] - skeleton[parent]
            length = np.linalg.norm(bone)
            values.append([*skeleton[joint], *(bone / length), length])
        mean, deviation = np.mean(values, axis=0), np.std(values, axis=0)
        expected = np.stack([mean, deviation, *(np.array(values) - mean)])
        np.testing.assert_allclose(features[joint - 1], expected, atol=2e-6)


@given(angle=st.floats(-np.pi, np.pi))
def test_joint_features_are_invariant_to_the_walking_direction(data: TrainingInput, angle: float) -> None:
    windows = data.train.windows[:5]
    assert joint_features(windows).shape == (5, 19 * JOINT_FEATURES)
    np.testing.assert_allclose(
        joint_features(rotated_about_y(windows, angle)), joint_features(windows), atol=1e-4
    )


@pytest.mark.slow
def test_training_is_reproducible_and_classifies_people(data: TrainingInput) -> None:
    train = data.train
    rows, progress = rows_of(train.windows), ProgressLog()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    one = train_joint_attention(rows, train.people, data, progress)
    assert torch.equal(torch.rand(3), expected), "the generator of torch is as before"
    two = train_joint_attention(rows, train.people, data, ProgressLog())
    first, second = run_in_blocks(one, rows), run_in_blocks(two, rows)
    np.testing.assert_array_equal(first, second)
    assert first.shape == (len(train), 5)
    assert (first.argmax(axis=1) == train.people).mean() > 0.9
    assert progress.shares[-1] == 1.0
    assert progress.shares == sorted(progress.shares)
    # The result for a window does not depend on the other windows.
    np.testing.assert_allclose(run_in_blocks(one, rows[7:8]), first[7:8], atol=1e-4)


def test_joint_order_matters() -> None:
    """The position embedding distinguishes the joints."""
    torch.manual_seed(0)
    network = JointAttention(19 * JOINT_FEATURES, 3).eval()
    row = torch.randn(1, 19, JOINT_FEATURES)
    shuffled = row[:, torch.randperm(19)]
    one, two = (run_in_blocks(network, each.reshape(1, 1, -1)) for each in (row, shuffled))
    assert not np.allclose(one, two, atol=1e-3)
