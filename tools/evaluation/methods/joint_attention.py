"""A network that names people from a window's joints, each of which attends to all others.

A joint is described by its place, the direction and the length of the bone that ends in it: their means and
deviations over the window, and how each skeleton differs from the means. Two Transformer layers (Vaswani et
al., "Attention Is All You Need", 2017) on the 19 joints and a token that asks; no positions in time, since a
window is a fifth of a second.

It is trained on mixtures of two windows (Zhang et al., "mixup", ICLR 2018), for a number of steps that does
not depend on how it does: no window has to be held out to choose by. Chosen on KGBD people 1-100, known by
four walks and asked about by the fifth, where it beats two layers on the numbers of a whole window that were
trained as long. Turning, scaling and trembling the skeletons in training made it worse there, and people whom
it never saw are told apart better by discriminants.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from encoder.pose import BONES, DIRECTIONS, JOINTS, pose_numbers
from encoder.training.precision import choose_precision
from stream.body import FloatArray
from stream.skeleton import CANONICAL
from tools.evaluation.methods.classifier_networks import WindowNetwork, scale_by, seeded
from tools.evaluation.methods.method import Material, Told

__all__ = ["JointAttention", "joint_numbers", "train_joint_attention"]

_LIMBS = len(CANONICAL) - 1
_WIDTH = 256
_LAYERS = 2
_HEADS = 4
_DROPOUT = 0.4

_BATCH = 256
_STEPS = (300, 6000)
"""The fewest and the most; between them as many as make so many epochs:"""
_EPOCHS = 20
_WARM_UP = 200
_RATE = 1e-3
_DECAY = 0.05
_CLIP = 5.0
_MIXING = 0.4
"""Of the beta distribution that the share of the second window is drawn from."""


def joint_numbers(windows: FloatArray) -> FloatArray:
    """What the network reads of windows (n, f, 20, 3), hip-centred, metres: (n, 19 * (14 + 7 f))."""
    pose = pose_numbers(windows)
    shape = (*windows.shape[:2], _LIMBS, -1)
    parts = [pose[:, :, part].reshape(shape) for part in (JOINTS, DIRECTIONS, BONES)]
    joints = np.concatenate(parts, axis=3).transpose(0, 2, 1, 3)
    means = joints.mean(axis=2, keepdims=True)
    moved = joints - means
    deviations = np.sqrt((moved**2).mean(axis=2, keepdims=True))
    numbers = np.concatenate((means, deviations, moved), axis=2)
    return numbers.reshape(len(windows), -1)


class JointAttention(WindowNetwork):
    """The joints of a window, (n, 1, D) of `joint_numbers`, and what they say of the walker together.

    Args:
        inputs: D, numbers a window.
        people: C.
    """

    def __init__(self, inputs: int, people: int) -> None:
        super().__init__(inputs, people)
        self.joint = nn.Linear(inputs // _LIMBS, _WIDTH)
        self.places = nn.Parameter(0.02 * torch.randn(_LIMBS + 1, _WIDTH))
        layer = nn.TransformerEncoderLayer(
            _WIDTH, _HEADS, 2 * _WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, _LAYERS, nn.LayerNorm(_WIDTH), enable_nested_tensor=False)
        self.hidden = nn.Sequential(nn.Dropout(_DROPOUT), nn.Linear(2 * _WIDTH, self.output.in_features))

    def embed(self, rows: Tensor) -> Tensor:
        """A layer on the token that asked, and the mean of the joints."""
        joints = self.joint(rows.reshape(len(rows), _LIMBS, -1))
        tokens = nn.functional.pad(joints, (0, 0, 1, 0)) + self.places
        # On a CPU attention over 20 tokens is quickest in plain products.
        with sdpa_kernel(SDPBackend.MATH):
            seen = self.layers(tokens)
        embedded: Tensor = self.hidden(torch.cat((seen[:, 0], seen[:, 1:].mean(dim=1)), dim=1))
        return embedded


def train_joint_attention(
    rows: Tensor, labels: NDArray[np.int64], material: Material, told: Told
) -> JointAttention:
    """A network that tells C labels apart.

    The same material and threads give the same bits in the same precision: bf16 where that is clearly
    quicker, else fp32.

    Args:
        rows: (n, 1, D) of the material's windows.
        labels: (n,) 0..C-1.
        material: says the seed and the threads.
        told: is told how it goes.
    """
    with seeded(material):
        network = JointAttention(rows.shape[2], int(labels.max()) + 1)
        scale_by(network, rows)
        _train(network, rows, torch.from_numpy(labels), np.random.default_rng(material.seed), told)
    return network


def _train(
    network: JointAttention, rows: Tensor, labels: Tensor, rng: np.random.Generator, told: Told
) -> None:
    batch = min(_BATCH, math.ceil(len(rows) / 8))
    fewest, most = _STEPS
    steps = min(most, max(fewest, _EPOCHS * math.ceil(len(rows) / batch)))
    warm_up = min(_WARM_UP, steps // 10)
    optimiser = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / warm_up) * (1 + math.cos(math.pi * step / steps)) / 2
    )
    network.train()
    for step in range(steps):
        told(step / steps, f"step {step + 1} of {steps}")
        one, two = torch.randint(len(rows), (2, batch))
        share = float(rng.beta(_MIXING, _MIXING))
        with torch.autocast("cpu", torch.bfloat16, enabled=_low_precision()):
            logits = network((1 - share) * rows[one] + share * rows[two])
        loss = (1 - share) * nn.functional.cross_entropy(logits.float(), labels[one])
        loss = loss + share * nn.functional.cross_entropy(logits.float(), labels[two])
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
        optimiser.step()
        schedule.step()
    network.eval()
    told(1.0, "trained")


@cache
def _low_precision() -> bool:
    """Whether this process trains in bf16."""
    return choose_precision("auto", torch.device("cpu")) == "bf16"
