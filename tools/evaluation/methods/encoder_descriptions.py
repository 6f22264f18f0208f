"""Descriptions by gait encoders: CAGEs, gait states and contrastive projections."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from encoder.model import EncoderConfig, GaitEncoder, GaitEncoding
from encoder.training.contrast import ContrastHead
from encoder.training.pretext import concatenate_cages
from encoder.weights import seeded_state
from stream.body import FloatArray
from tools.evaluation.methods.method import Description, Features, Fixed

__all__ = ["encoder_descriptions", "model_of", "plus_description", "untrained"]

_CHUNK = 256
"""Windows encoded at once: 64 take 45 ms on one Xeon core, and more are no dearer each."""


def model_of(config: EncoderConfig, state: dict[str, Tensor]) -> GaitEncoder:
    """An encoder with its weights, to be used as it is."""
    model = GaitEncoder(config)
    model.load_state_dict(state)
    return model.eval()


def encoder_descriptions(
    model: GaitEncoder, head: ContrastHead | None = None, *, contexts: str = "cage", suffix: str = ""
) -> tuple[Description, ...]:
    """Descriptions of a window by a gait encoder.

    The context vectors v_t for t = 1 to f (paper, Eq. 11) and `h`, the encoded gait states (Eq. 1), both of f
    parts of 3 K numbers; and `z`, the contrastive projections of X, Y and Z (Eq. 13), 3 K numbers a window.

    Args:
        model: with its weights; used where it is, and as it is.
        head: the contrastive projection; without it there is no `z`.
        contexts: what the context vectors are called: `age` where no contrastive loss shaped them.
        suffix: added to all names.
    """
    f = model.config.f
    found = [
        Description(contexts + suffix, _described(model, lambda encoding: encoding.contexts), f),
        Description("h" + suffix, _described(model, lambda encoding: encoding.encoded), f),
    ]
    if head is not None:
        features = _described(model, lambda encoding: head.features(encoding.contexts))
        found.append(Description("z" + suffix, features))
    return tuple(found)


def plus_description(models: Sequence[GaitEncoder]) -> Description:
    """The CAGEs of several encoders side by side, step by step (paper, Sec. 5.2.1, Rev. Rec. Plus).

    Args:
        models: of equal f, in the order in which their CAGEs stand.
    """

    def features(windows: FloatArray) -> FloatArray:
        return _in_chunks(windows, lambda part: concatenate_cages([model.encode(part) for model in models]))

    return Description("cage-plus", features, models[0].config.f)


def untrained(f: int, joints: int, seed: int) -> Fixed:
    """An encoder with random weights: what the architecture is worth before it learned anything."""
    config = EncoderConfig(f=f, joints=joints)
    return Fixed(encoder_descriptions(model_of(config, seeded_state(config, seed)), suffix="-untrained"))


def _described(model: GaitEncoder, choose: Callable[[GaitEncoding], Tensor]) -> Features:
    def features(windows: FloatArray) -> FloatArray:
        return _in_chunks(windows, lambda part: choose(model(part)))

    return features


def _in_chunks(windows: FloatArray, encode: Callable[[Tensor], Tensor]) -> FloatArray:
    with torch.inference_mode():
        starts = range(0, len(windows), _CHUNK)
        parts = (torch.from_numpy(windows[start : start + _CHUNK]) for start in starts)
        return np.concatenate([encode(part).flatten(1).numpy() for part in parts])
