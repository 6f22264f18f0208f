"""Averages over windows, compared with a loop over single windows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from encoder.attention import Attention
from encoder.model import GaitEncoder
from encoder.training.augment import Augmentation
from encoder.training.batch_losses import span_length_and_step
from encoder.training.pretext import make_pretext_batch
from encoder.training.spans import Spans
from encoder.training.train_config import TrainConfig
from encoder.weights import seeded_state
from tools.training.window_averages import average_windows

WINDOWS = 300  # more than one batch


def encoder_and_spans(**given: Any) -> tuple[TrainConfig, GaitEncoder, Spans]:
    config = TrainConfig(f=4, hidden=5, layers=1, **given)
    (pretext,) = config.pretexts
    encoder = config.encoder_config(pretext)
    model = GaitEncoder(encoder)
    model.load_state_dict(seeded_state(encoder, 3))
    length, _ = span_length_and_step(config, pretext)
    draw = np.random.RandomState(1)
    skeletons = draw.standard_normal((WINDOWS, length, 20, 3)).astype("f4")
    return config, model, Spans(skeletons, np.zeros(WINDOWS, np.int64), ("a",), ("1",), 1000)


def window_of(config: TrainConfig, spans: Spans, row: int) -> Any:
    (pretext,) = config.pretexts
    batch = make_pretext_batch(pretext, spans.skeletons[row : row + 1], config.f, np.random.RandomState(0))
    return [torch.tensor(np.ascontiguousarray(s)) for s in (batch.inputs, batch.targets)]


@pytest.mark.slow
@pytest.mark.parametrize("attention", [Attention.BAS, Attention.MBAS, Attention.LAS])
def test_scores_and_loss_equal_those_of_a_loop(attention: Attention) -> None:
    config, model, spans = encoder_and_spans(attention=attention)
    loss = 0.0
    scores = np.zeros((3, 4, 4))
    for row in range(WINDOWS):
        inputs, targets = window_of(config, spans, row)
        with torch.no_grad():
            encoding = model(inputs, targets)
        loss += float(((encoding.reconstruction - targets) ** 2).sum())
        for dimension in range(3):
            for t in range(4):
                for j in range(4):
                    score = float(encoding.alignment[0, t, dimension, j])
                    if attention is Attention.MBAS:
                        score *= np.exp(-((j + 1 - (4 - t)) ** 2) / (2 * 2.0**2))
                    scores[dimension, t, j] += score
    found = average_windows(model, config, spans)
    assert found.windows == WINDOWS
    assert found.reconstruction == pytest.approx(loss / WINDOWS, rel=1e-5)
    assert found.alignment is not None
    np.testing.assert_allclose(found.alignment, scores / WINDOWS, rtol=1e-5)


def test_a_sample_has_distinct_windows_and_depends_on_the_seed() -> None:
    config, model, spans = encoder_and_spans()
    each = []
    for row in range(WINDOWS):
        inputs, targets = window_of(config, spans, row)
        with torch.no_grad():
            each.append(float(((model(inputs, targets).reconstruction - targets) ** 2).sum()))
    found = average_windows(model, config, spans, max_windows=2, seed=5)
    pairs = {(i, j): (each[i] + each[j]) / 2 for i in range(WINDOWS) for j in range(i)}
    assert found.windows == 2
    assert min(abs(mean - found.reconstruction) for mean in pairs.values()) < 1e-3
    assert average_windows(model, config, spans, max_windows=2, seed=5).reconstruction == found.reconstruction
    assert average_windows(model, config, spans, max_windows=2, seed=6).reconstruction != found.reconstruction


def test_without_attention_there_are_no_scores() -> None:
    config, model, spans = encoder_and_spans(attention="none")
    assert average_windows(model, config, spans).alignment is None


@pytest.mark.parametrize("pretext", ["plain", "prediction", "prediction-half", "sorting"])
def test_scores_of_every_task_sum_to_one(pretext: str) -> None:
    config, model, spans = encoder_and_spans(pretext=pretext)
    found = average_windows(model, config, spans, max_windows=20)
    assert found.alignment is not None
    np.testing.assert_allclose(found.alignment.sum(axis=-1), 1, rtol=1e-5)


def test_windows_lie_in_the_middle_of_spans_with_a_margin() -> None:
    config, model, spans = encoder_and_spans(augment=Augmentation(rate_jitter=0.5))
    margin = (spans.skeletons.shape[1] - 4) // 2
    assert margin > 0
    without_margin = Spans(
        spans.skeletons[:, margin:-margin], spans.recording, spans.names, spans.people, spans.frames
    )
    plain_config, _, _ = encoder_and_spans()
    got, want = average_windows(model, config, spans), average_windows(model, plain_config, without_margin)
    assert got.reconstruction == want.reconstruction
