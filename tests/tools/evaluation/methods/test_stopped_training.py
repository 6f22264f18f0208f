"""A training within an evaluation that is stopped by a signal is continued by the next command."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from encoder.training.checkpoint import load_checkpoint
from encoder.training.trainer import CHECKPOINT
from tests.encoder.training.test_trainer import TINY, make_spans
from tools.evaluation.methods.sgela import EncoderCache


def test_a_stopped_training_continues_within_its_epoch(tmp_path: Path) -> None:
    sent: list[float] = []

    def stop_once(done: float, text: str) -> None:
        if done > 0.4 and not sent:
            sent.append(done)
            signal.raise_signal(signal.SIGTERM)

    spans = make_spans()
    with pytest.raises(KeyboardInterrupt):
        EncoderCache(tmp_path / "cache").train(TINY, spans, stop_once)
    (checkpoint,) = (tmp_path / "cache").glob(f"*/{CHECKPOINT}")
    stopped = load_checkpoint(checkpoint)
    assert len(stopped.history) == 1 and stopped.partial.batches > 0

    reports: list[float] = []
    # A setting of the machine does not make it another training.
    again = replace(TINY, checkpoint_minutes=1.0)
    model, _ = EncoderCache(tmp_path / "cache").train(again, spans, lambda done, _: reports.append(done))
    assert min(reports) > sent[0]
    whole, _ = EncoderCache(tmp_path / "whole").train(TINY, spans, lambda *_: None)
    for name, value in model.state_dict().items():
        assert torch.equal(value, whole.state_dict()[name]), name
