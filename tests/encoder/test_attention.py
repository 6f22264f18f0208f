"""Alignment, locality mask and context against Eq. 4, 5 and 8 of the paper, written out."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from encoder.attention import Attention, Decoding, alignment_scores, context, locality_mask


def test_attention_choices_are_those_of_the_paper() -> None:
    assert [str(choice) for choice in Attention] == ["none", "bas", "mbas", "las"]


def test_alignment_is_a_softmax_of_dot_products_over_j() -> None:
    decoded = torch.tensor([1.0, 2.0])
    keys = torch.tensor([[0.5, 0.0], [0.0, 0.5], [-1.0, 1.0]])
    exponentials = [math.exp(0.5), math.exp(1.0), math.exp(1.0)]
    expected = torch.tensor([e / sum(exponentials) for e in exponentials])
    torch.testing.assert_close(alignment_scores(decoded, keys), expected)


def test_context_is_the_weighted_sum_of_states() -> None:
    states = torch.tensor([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]])
    got = context(torch.tensor([0.5, 0.25, 0.25]), states)
    torch.testing.assert_close(got, torch.tensor([2.0, 20.0]))


def test_mask_of_three_skeletons_written_out() -> None:
    one, two = math.exp(-1 / (2 * 1.5**2)), math.exp(-4 / (2 * 1.5**2))
    expected = [[two, one, 1.0], [one, 1.0, one], [1.0, one, two]]
    torch.testing.assert_close(locality_mask(3, 3), torch.tensor(expected, dtype=torch.float64))


def test_centres_follow_the_decoding_order() -> None:
    assert Decoding.REVERSE.centres(4).tolist() == [4, 3, 2, 1]
    assert Decoding.PLAIN.centres(4).tolist() == [1, 2, 3, 4]


@given(f=st.integers(2, 12), window=st.integers(1, 12), decoding=st.sampled_from(Decoding))
def test_mask_is_the_gaussian_of_equation_5(f: int, window: int, decoding: Decoding) -> None:
    mask = locality_mask(f, window, decoding)
    for t in range(1, f + 1):
        for j in range(1, f + 1):
            offset = j - (t if decoding is Decoding.PLAIN else f - t + 1)
            expected = math.exp(-(offset**2) / (2 * (window / 2) ** 2)) if abs(offset) <= window else 0.0
            assert float(mask[t - 1, j - 1]) == pytest.approx(expected, rel=1e-12)
