"""Pretext tasks against the indices of the paper (sections 3.1.1 and 3.1.2), skeleton by skeleton."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from encoder.attention import Attention
from encoder.pretext_tasks import Pretext, parse_pretexts
from encoder.training.pretext import (
    concatenate_cages,
    locality_centres,
    make_pretext_batch,
    span_length,
    suitable_attention,
)
from stream.body import FloatArray


def spans(n: int, length: int, joints: int = 3) -> FloatArray:
    """Returns spans: skeleton S_i (i from 1) of window w is 100 w + i at all joints in X; Y and Z differ."""
    value = 100.0 * np.arange(n)[:, None] + np.arange(1, length + 1)
    xyz = np.stack([value, 1000 + value, 2000 + value], axis=-1)
    return np.repeat(xyz[:, :, None], joints, axis=2).astype(np.float32)


def indices(skeletons: FloatArray) -> list[list[int]]:
    """Returns the index i of S_i at each position of each window; X, Y, Z and all joints must agree."""
    numbers = skeletons - np.array([0, 1000, 2000], np.float32)
    assert (numbers == numbers[:, :, :1, :1]).all()
    return [[int(i) for i in row] for row in numbers[:, :, 0, 0] % 100]


@pytest.mark.parametrize(
    ("pretext", "length", "expected"),
    [
        (Pretext.REVERSE, 6, [6, 5, 4, 3, 2, 1]),
        (Pretext.PLAIN, 6, [1, 2, 3, 4, 5, 6]),
        (Pretext.PREDICTION, 12, [7, 8, 9, 10, 11, 12]),
        (Pretext.PREDICTION_HALF, 9, [4, 5, 6, 7, 8, 9]),
    ],
)
def test_inputs_and_targets_are_those_of_the_paper(
    pretext: Pretext, length: int, expected: list[int]
) -> None:
    assert span_length(pretext, 6) == length
    batch = make_pretext_batch(pretext, spans(2, length), 6, np.random.RandomState(0))
    assert indices(batch.inputs) == [[1, 2, 3, 4, 5, 6]] * 2
    assert indices(batch.targets) == [expected] * 2


@given(f=st.integers(2, 10), n=st.integers(1, 40), seed=st.integers(0, 99))
def test_sorting_shuffles_x_y_and_z_in_the_same_order(f: int, n: int, seed: int) -> None:
    given_spans = spans(n, f)
    batch = make_pretext_batch(Pretext.SORTING, given_spans, f, np.random.RandomState(seed))
    assert all(sorted(row) == list(range(1, f + 1)) for row in indices(batch.inputs))
    np.testing.assert_array_equal(batch.targets, given_spans)
    again = make_pretext_batch(Pretext.SORTING, given_spans, f, np.random.RandomState(seed))
    np.testing.assert_array_equal(again.inputs, batch.inputs)


def test_sorting_draws_all_orders_uniformly() -> None:
    batch = make_pretext_batch(Pretext.SORTING, spans(6000, 3)[:, :], 3, np.random.RandomState(0))
    values = batch.inputs[:, :, 0, 0].argsort(axis=1)
    _, counts = np.unique(values, axis=0, return_counts=True)
    assert len(counts) == 6
    assert counts.min() > 900


@pytest.mark.parametrize("pretext", list(Pretext))
def test_only_reconstruction_uses_teacher_forcing(pretext: Pretext) -> None:
    given_spans = spans(2, span_length(pretext, 4))
    batch = make_pretext_batch(pretext, given_spans, 4, np.random.RandomState(0))
    if pretext in {Pretext.REVERSE, Pretext.PLAIN}:
        assert batch.auxiliary is not None
        np.testing.assert_array_equal(batch.auxiliary, batch.targets)
    else:
        assert batch.auxiliary is None


def test_locality_centres_follow_the_decoding_order() -> None:
    assert locality_centres(Pretext.REVERSE, 4).tolist() == [4, 3, 2, 1]
    assert locality_centres(Pretext.PLAIN, 4).tolist() == [1, 2, 3, 4]
    for pretext in (Pretext.PREDICTION, Pretext.PREDICTION_HALF, Pretext.SORTING):
        with pytest.raises(ValueError, match="no locality mask"):
            locality_centres(pretext, 4)


def test_tasks_without_locality_use_basic_attention() -> None:
    for attention in Attention:
        assert suitable_attention(Pretext.REVERSE, attention) is attention
    assert suitable_attention(Pretext.PREDICTION, Attention.LAS) is Attention.BAS
    assert suitable_attention(Pretext.SORTING, Attention.MBAS) is Attention.BAS
    assert suitable_attention(Pretext.SORTING, Attention.NONE) is Attention.NONE
    assert suitable_attention(Pretext.PLAIN, Attention.MBAS) is Attention.MBAS


def test_combinations_of_tasks_keep_their_order() -> None:
    assert parse_pretexts("reverse") == (Pretext.REVERSE,)
    plus = (Pretext.REVERSE, Pretext.PREDICTION, Pretext.SORTING)
    assert parse_pretexts("reverse+prediction+sorting") == plus
    for bad in ("", "reverse+", "backwards", "plain+plain", "reverse prediction"):
        with pytest.raises(ValueError, match="pretext: expected"):
            parse_pretexts(bad)


def test_cages_of_tasks_are_concatenated() -> None:
    first, second = torch.randn(2, 4, 6), torch.randn(2, 4, 6)
    joined = concatenate_cages([first, second])
    assert joined.shape == (2, 4, 12)
    assert torch.equal(joined[..., :6], first)
    assert torch.equal(joined[..., 6:], second)


def test_spans_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected \(n, 12, J, 3\) for prediction"):
        make_pretext_batch(Pretext.PREDICTION, spans(2, 6), 6, np.random.RandomState(0))
    with pytest.raises(ValueError, match="even"):
        span_length(Pretext.PREDICTION_HALF, 5)
