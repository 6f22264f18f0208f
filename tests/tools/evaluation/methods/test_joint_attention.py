"""The network of joints: what it reads, against the literal definition, and how it learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stream.body import FloatArray
from stream.skeleton import BONES
from tests.tools.evaluation.made import Told, draw_rn, made_walks
from tools.evaluation.methods.classifier_networks import ask
from tools.evaluation.methods.joint_attention import JointAttention, joint_numbers, train_joint_attention
from tools.evaluation.methods.method import Material

F = 6
NUMBERS = 14 + 7 * F


@pytest.fixture(scope="module")
def material() -> Material:
    return draw_rn(made_walks(5, walks=3, frames=60, noise=0.02), f=F).material()


def rows_of(windows: FloatArray) -> torch.Tensor:
    return torch.from_numpy(joint_numbers(windows)[:, None])


def turned_about_y(windows: FloatArray, angle: float) -> FloatArray:
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    turned: FloatArray = (windows @ turn.T).astype(np.float32)
    return turned


def test_each_joint_is_described_by_place_direction_and_length(material: Material) -> None:
    window = material.train.windows[3]
    across = (window[:, 4] - window[:, 8] + window[:, 12] - window[:, 16]).mean(axis=0)
    turned = turned_about_y(window, float(np.arctan2(across[2], across[0])))
    described = joint_numbers(window[None]).reshape(19, 2 + F, 7)
    for joint, parent in BONES:
        seen = []
        for skeleton in turned[::-1]:
            bone = skeleton[joint] - skeleton[parent]
            length = np.linalg.norm(bone)
            seen.append([*skeleton[joint], *(bone / length), length])
        mean, deviation = np.mean(seen, axis=0), np.std(seen, axis=0)
        expected = np.stack([mean, deviation, *(np.array(seen) - mean)])
        np.testing.assert_allclose(described[joint - 1], expected, atol=2e-6)


@given(angle=st.floats(-np.pi, np.pi))
def test_which_way_a_walker_faces_changes_nothing(material: Material, angle: float) -> None:
    windows = material.train.windows[:5]
    assert joint_numbers(windows).shape == (5, 19 * NUMBERS)
    np.testing.assert_allclose(
        joint_numbers(turned_about_y(windows, angle)), joint_numbers(windows), atol=1e-4
    )


def test_the_same_material_gives_the_same_network_which_names_people(material: Material) -> None:
    train = material.train
    rows, told = rows_of(train.windows), Told()
    one = train_joint_attention(rows, train.people, material, told)
    two = train_joint_attention(rows, train.people, material, Told())
    first, second = ask(one, rows), ask(two, rows)
    np.testing.assert_array_equal(first, second)
    assert first.shape == (len(train), 5)
    assert (first.argmax(axis=1) == train.people).mean() > 0.9
    assert told.shares[-1] == 1.0
    assert told.shares == sorted(told.shares)
    # A window's answer is its own.
    np.testing.assert_allclose(ask(one, rows[7:8]), first[7:8], atol=1e-4)


def test_training_leaves_the_callers_random_numbers_alone(material: Material) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_joint_attention(rows_of(material.train.windows), material.train.people, material, Told())
    assert torch.equal(torch.rand(3), expected)


def test_a_joints_place_in_the_body_counts() -> None:
    """Joints are told from each other, or a body would be a bag of them."""
    torch.manual_seed(0)
    network = JointAttention(19 * NUMBERS, 3).eval()
    row = torch.randn(1, 19, NUMBERS)
    swapped = row[:, torch.randperm(19)]
    one, two = (ask(network, each.reshape(1, 1, -1)) for each in (row, swapped))
    assert not np.allclose(one, two, atol=1e-3)
