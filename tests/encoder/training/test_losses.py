"""The losses and the projection f_C against slow, literal transcriptions of the paper's equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from encoder.attention import Decoding, locality_mask
from encoder.pretext_tasks import Pretext
from encoder.training.contrast import Contrast, ContrastHead, Pairs, head_shapes, make_pairs
from encoder.training.losses import (
    Losses,
    LossWeights,
    alignment_loss,
    contrastive_loss,
    reconstruction_loss,
    squared_norm,
)

N, F, J, K = 5, 4, 3, 6


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape))


def test_reconstruction_is_equation_3() -> None:
    output, target = normal(N, F, J, 3), normal(N, F, J, 3, seed=1)
    for d, got in enumerate(reconstruction_loss(output, target)):
        total = 0.0
        for n in range(N):
            for i in range(F):
                for j in range(J):
                    total += float(output[n, i, j, d] - target[n, i, j, d]) ** 2
        assert float(got) == pytest.approx(total / N)


@pytest.mark.parametrize("pretext", [Pretext.REVERSE, Pretext.PLAIN])
def test_alignment_is_equation_7(pretext: Pretext) -> None:
    scores = torch.softmax(normal(N, F, 3, F), dim=-1)
    mask = locality_mask(F, F, pretext.decoding)
    for d, got in enumerate(alignment_loss(scores, mask)):
        total = 0.0
        for n in range(N):
            for t in range(1, F + 1):
                p_t = F - t + 1 if pretext is Pretext.REVERSE else t
                for j in range(1, F + 1):
                    a = float(scores[n, t - 1, d, j - 1])
                    masked = math.exp(-((j - p_t) ** 2) / (2 * (F / 2) ** 2)) * a
                    total += (a - masked) ** 2
        assert float(got) == pytest.approx(total / N)


def test_the_alignment_gradient_goes_through_the_masked_score() -> None:
    scores = torch.softmax(normal(N, F, 3, F), dim=-1).requires_grad_()
    mask = locality_mask(F, F, Decoding.REVERSE)
    (gradient,) = torch.autograd.grad(alignment_loss(scores, mask).sum(), scores)
    torch.testing.assert_close(gradient, 2 * (1 - mask.unsqueeze(1)) ** 2 * scores.detach() / N)


def similarity(a: Tensor, b: Tensor) -> float:
    return float(a @ b) / (float(a.norm()) * float(b.norm()))


def algorithm_1(z: Tensor, tau: float) -> float:
    """Algorithm 1 for one dimension, with the paper's symbols and 1-based indices; z is (n, K)."""
    n = len(z)
    samples = {}
    for k in range(1, n):
        samples[k] = z[k - 1]
        samples[k + n - 1] = z[k]
    alpha = {(i, j): similarity(samples[i], samples[j]) / tau for i in samples for j in samples}

    def loss(i: int, j: int) -> float:
        total = sum(math.exp(alpha[i, k]) for k in range(1, 2 * n - 1) if k != i)
        return -math.log(math.exp(alpha[i, j]) / total)

    return sum(loss(k, k + n - 1) + loss(k + n - 1, k) for k in range(1, n)) / (2 * n - 2)


@given(n=st.integers(2, 7), tau=st.sampled_from([0.05, 0.1, 0.5, 1.0]), seed=st.integers(0, 20))
def test_within_is_algorithm_1(n: int, tau: float, seed: int) -> None:
    z = normal(3, n, K, seed=seed)
    pairs = make_pairs(Contrast.WITHIN, torch.zeros(n, dtype=torch.int64))
    assert 2 * len(pairs.first) == 2 * n - 2
    got = contrastive_loss(z, pairs, tau)
    for d in range(3):
        assert float(got[d]) == pytest.approx(algorithm_1(z[d], tau), rel=1e-9)


def equation_14(z: Tensor, samples: list[int], recordings: list[int], mode: Contrast, tau: float) -> float:
    """Eq. 14 for samples given as rows of z; samples i and i + m (modulo 2 m) are a positive pair."""
    m = len(samples) // 2
    losses = []
    for i, row in enumerate(samples):
        j = (i + m) % (2 * m)
        total = 0.0
        for k, other in enumerate(samples):
            copy = mode is Contrast.WITHIN_MASKED and other == row
            same_recording = mode is Contrast.ACROSS and recordings[other] == recordings[row]
            if k == j or (k != i and not copy and not same_recording):
                total += math.exp(similarity(z[row], z[other]) / tau)
        losses.append(-math.log(math.exp(similarity(z[row], z[samples[j]]) / tau) / total))
    return sum(losses) / (2 * m)


@given(
    n=st.integers(2, 8),
    interval=st.integers(1, 4),
    mode=st.sampled_from([Contrast.WITHIN, Contrast.WITHIN_MASKED]),
    seed=st.integers(0, 20),
)
def test_intervals_and_masked_copies_match_equation_14(
    n: int, interval: int, mode: Contrast, seed: int
) -> None:
    z = normal(3, n, K, seed=seed)
    got = contrastive_loss(z, make_pairs(mode, torch.zeros(n, dtype=torch.int64), interval), 0.5)
    if n <= interval:
        assert got.tolist() == [0, 0, 0]
        return
    samples = [*range(n - interval), *range(interval, n)]
    for d in range(3):
        assert float(got[d]) == pytest.approx(equation_14(z[d], samples, [0] * n, mode, 0.5), rel=1e-9)


@given(recordings=st.lists(st.integers(0, 3), min_size=1, max_size=5), seed=st.integers(0, 20))
def test_across_has_negatives_of_other_recordings_only(recordings: list[int], seed: int) -> None:
    of_row = [r for r in recordings for _ in range(2)]
    z = normal(3, len(of_row), K, seed=seed)
    got = contrastive_loss(z, make_pairs(Contrast.ACROSS, torch.tensor(of_row)), 0.1)
    samples = [*range(0, len(of_row), 2), *range(1, len(of_row), 2)]
    for d in range(3):
        expected = equation_14(z[d], samples, of_row, Contrast.ACROSS, 0.1)
        assert float(got[d]) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(seed=st.integers(0, 200))
def test_an_identical_copy_keeps_the_within_loss_above_log_2(seed: int) -> None:
    pairs = make_pairs(Contrast.WITHIN, torch.zeros(3, dtype=torch.int64))
    assert float(contrastive_loss(normal(3, 3, K, seed=seed), pairs, 0.1).min()) > math.log(2)


def test_identical_pairs_have_zero_loss_across_recordings() -> None:
    z = torch.eye(4).expand(3, 4, 4)[:, [0, 0, 1, 1]]
    got = contrastive_loss(z, make_pairs(Contrast.ACROSS, torch.tensor([0, 0, 1, 1])), 0.1)
    assert float(got.max()) < 1e-3


def test_a_batch_without_a_pair_has_zero_loss_and_gradient() -> None:
    z = normal(3, 1, K).requires_grad_()
    loss = contrastive_loss(z, make_pairs(Contrast.WITHIN, torch.zeros(1, dtype=torch.int64)), 0.1)
    assert loss.tolist() == [0, 0, 0]
    (gradient,) = torch.autograd.grad(loss.sum(), z)
    assert torch.equal(gradient, torch.zeros_like(z))


def test_invalid_pairs_are_refused() -> None:
    with pytest.raises(ValueError, match="none"):
        make_pairs(Contrast.NONE, torch.zeros(4, dtype=torch.int64))
    with pytest.raises(ValueError, match="even"):
        make_pairs(Contrast.ACROSS, torch.zeros(3, dtype=torch.int64))


def test_weighted_losses_and_squared_norm_give_equation_16() -> None:
    losses = Losses(
        torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.1, 0.2, 0.3]), torch.tensor([4.0, 5.0, 6.0])
    )
    theta = [torch.tensor([1.0, -2.0]), torch.tensor([[3.0]])]
    weights = LossWeights(reconstruction=2.0, alignment=3.0, contrast=0.5, l2=0.02)
    assert float(squared_norm(theta)) == 14.0
    expected = 2 * 6.0 + 3 * 0.6 + 0.5 * 15.0 + 0.02 * 14.0
    assert float(losses.weighted(weights) + weights.l2 * squared_norm(theta)) == pytest.approx(expected)
    assert LossWeights() == LossWeights(1.0, 1.0, 1.0, 0.02)


def filled_head() -> ContrastHead:
    head = ContrastHead(F, K)
    for i, name in enumerate(head_shapes(F, K)):
        with torch.no_grad():
            parameter = head.get_parameter(name)
            parameter.copy_(normal(*parameter.shape, seed=i))
    return head.double()


def test_projection_is_equation_13() -> None:
    head = filled_head()
    contexts = normal(N, F, 3, K)
    with torch.no_grad():
        got = head(contexts)
        features = head.features(contexts)
    for d in range(3):
        w1, b1, w2, b2 = (head.get_parameter(name).detach()[d] for name in head_shapes(F, K))
        for n in range(N):
            v = torch.cat([contexts[n, t, d] for t in range(F)])
            z = torch.clamp(v @ w1 + b1, min=0) @ w2 + b2
            torch.testing.assert_close(got[d, n], z)
            torch.testing.assert_close(features[n, d * K : (d + 1) * K], z)


def test_projection_has_the_papers_size() -> None:
    with torch.device("meta"):
        head = ContrastHead(6, 256)
    assert sum(parameter.numel() for parameter in head.parameters()) == 3 * 459_264


def test_the_contrastive_loss_reaches_every_parameter() -> None:
    head = filled_head()
    z = head(normal(6, F, 3, K))
    pairs: Pairs = make_pairs(Contrast.ACROSS, torch.tensor([0, 0, 1, 1, 2, 2]))
    names, parameters = zip(*head.named_parameters(), strict=True)
    gradients = torch.autograd.grad(contrastive_loss(z, pairs, 0.1).sum(), parameters)
    for name, gradient in zip(names, gradients, strict=True):
        assert float(gradient.abs().max()) > 0, name
