"""Transformer over the joints of a window that classifies people.

The features of a joint are its position and the direction and length of the bone that ends in it: their means
and standard deviations over the window, and each skeleton's deviation from the means. Two Transformer layers
(Vaswani et al., "Attention Is All You Need", 2017) process the 19 joints and a class token. There is no
temporal position encoding, since a window lasts a fifth of a second.

Training mixes pairs of windows (Zhang et al., "mixup", ICLR 2018) for a fixed number of steps, so that no
validation windows are needed. The architecture was chosen on KGBD people 1-100, trained on four walks and
tested on the fifth, where it beats a two-layer perceptron on whole-window features that was trained equally
long. Augmentation by rotation, scaling and jitter made it worse there. People outside the training are
separated better by discriminants.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from encoder.pose import BONE_COLUMNS, DIRECTION_COLUMNS, JOINT_COLUMNS, pose_features
from encoder.training.precision import choose_precision
from stream.body import FloatArray
from stream.skeleton import CANONICAL
from tools.evaluation.methods.classifier_networks import WindowNetwork, fit_scaling, seeded_torch
from tools.evaluation.methods.method import Progress, TrainingInput

__all__ = ["JointAttention", "joint_features", "train_joint_attention"]

_JOINT_COUNT = len(CANONICAL) - 1
"""Joints without the root, whose position is always 0."""

_WIDTH = 256
_LAYERS = 2
_HEADS = 4
_DROPOUT = 0.4

_BATCH = 256
_STEPS = (300, 6000)
"""Minimum and maximum; between them the number of steps in `_EPOCHS` epochs."""
_EPOCHS = 20
_WARM_UP = 200
_RATE = 1e-3
_DECAY = 0.05
_CLIP = 5.0
_MIXUP_ALPHA = 0.4
"""Parameter of the beta distribution of the second window's share."""


def joint_features(windows: FloatArray) -> FloatArray:
    """Returns the network's inputs (n, 19 * (14 + 7 f)) of windows (n, f, 20, 3), hip-centred, metres."""
    pose = pose_features(windows)
    shape = (*windows.shape[:2], _JOINT_COUNT, -1)
    parts = [pose[:, :, part].reshape(shape) for part in (JOINT_COLUMNS, DIRECTION_COLUMNS, BONE_COLUMNS)]
    joints = np.concatenate(parts, axis=3).transpose(0, 2, 1, 3)
    means = joints.mean(axis=2, keepdims=True)
    differences = joints - means
    deviations = np.sqrt((differences**2).mean(axis=2, keepdims=True))
    features = np.concatenate((means, deviations, differences), axis=2)
    return features.reshape(len(windows), -1)


class JointAttention(WindowNetwork):
    """Transformer over the joints of a window, with inputs (n, 1, D) of `joint_features`.

    Args:
        inputs: D, features of a window.
        people: C, number of people.
    """

    def __init__(self, inputs: int, people: int) -> None:
        super().__init__(inputs, people)
        self.joint = nn.Linear(inputs // _JOINT_COUNT, _WIDTH)
        self.positions = nn.Parameter(0.02 * torch.randn(_JOINT_COUNT + 1, _WIDTH))
        layer = nn.TransformerEncoderLayer(
            _WIDTH, _HEADS, 2 * _WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, nn.LayerNorm(_WIDTH), enable_nested_tensor=False)
        self.hidden = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(2 * _WIDTH, self.output.in_features))

    def embed(self, rows: Tensor) -> Tensor:
        """Returns a linear layer on the class token and the mean of the joint tokens."""
        joints = self.joint(rows.reshape(len(rows), _JOINT_COUNT, -1))
        tokens = nn.functional.pad(joints, (0, 0, 1, 0)) + self.positions
        # On a CPU, attention over 20 tokens is fastest with plain matrix products.
        with sdpa_kernel(SDPBackend.MATH):
            encoded = self.layers(tokens)
        embedded: Tensor = self.hidden(torch.cat((encoded[:, 0], encoded[:, 1:].mean(dim=1)), dim=1))
        return embedded


def train_joint_attention(
    rows: Tensor, labels: NDArray[np.int64], data: TrainingInput, progress: Progress
) -> JointAttention:
    """Trains a network that classifies C labels.

    The result is bit-identical for the same data, thread count and precision: bf16 where that is clearly
    faster, else fp32.

    Args:
        rows: (n, 1, D) inputs of the training windows.
        labels: (n,) labels 0..C-1.
        data: provides the seed and the thread count.
        progress: receives the progress.
    """
    with seeded_torch(data):
        network = JointAttention(rows.shape[2], int(labels.max()) + 1)
        fit_scaling(network, rows)
        _train(network, rows, torch.from_numpy(labels), np.random.default_rng(data.seed), progress)
    return network


def _train(
    network: JointAttention, rows: Tensor, labels: Tensor, rng: np.random.Generator, progress: Progress
) -> None:
    batch = min(_BATCH, math.ceil(len(rows) / 8))
    minimum, maximum = _STEPS
    steps = min(maximum, max(minimum, _EPOCHS * math.ceil(len(rows) / batch)))
    warm_up = min(_WARM_UP, steps // 10)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / warm_up) * (1 + math.cos(math.pi * step / steps)) / 2
    )
    network.train()
    for step in range(steps):
        progress(step / steps, f"step {step + 1} of {steps}")
        first, second = torch.randint(len(rows), (2, batch))
        share = float(rng.beta(_MIXUP_ALPHA, _MIXUP_ALPHA))
        with torch.autocast("cpu", torch.bfloat16, enabled=_low_precision()):
            logits = network((1 - share) * rows[first] + share * rows[second])
        loss = (1 - share) * nn.functional.cross_entropy(logits.float(), labels[first])
        loss = loss + share * nn.functional.cross_entropy(logits.float(), labels[second])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimiser.step()
        schedule.step()
    network.eval()
    progress(1.0, "trained")


@cache
def _low_precision() -> bool:
    """Returns whether this process trains in bf16."""
    return choose_precision("auto", torch.device("cpu")) == "bf16"
