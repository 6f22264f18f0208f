"""Descriptions computed by gait encoders: CAGEs, gait states and contrastive projections."""

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
from tools.evaluation.methods.method import Description, FeatureFunction, FixedMethod

__all__ = ["build_encoder", "encoder_descriptions", "plus_description", "untrained_encoder_method"]

_CHUNK = 256
"""Windows encoded at once; 64 take 45 ms on one Xeon core, larger batches cost the same per window."""


def build_encoder(config: EncoderConfig, state: dict[str, Tensor]) -> GaitEncoder:
    """Returns an encoder with these weights, in evaluation mode."""
    model = GaitEncoder(config)
    model.load_state_dict(state)
    return model.eval()


def encoder_descriptions(
    model: GaitEncoder, head: ContrastHead | None = None, *, contexts_name: str = "cage", suffix: str = ""
) -> tuple[Description, ...]:
    """Returns the descriptions that a gait encoder provides.

    - `cage`: the context vectors v_t for t = 1 to f (paper, Eq. 11); f parts of 3 K features.
    - `h`: the encoded gait states (Eq. 1); f parts of 3 K features.
    - `z`: the contrastive projections of X, Y and Z (Eq. 13); 3 K features for the window.

    Args:
        model: encoder; its device and mode are not changed.
        head: contrastive projection; without it there is no `z`.
        contexts_name: name of the context vectors; `age` if they were trained without contrastive loss.
        suffix: suffix of all names.
    """
    f = model.config.f
    descriptions = [
        Description(contexts_name + suffix, _encoder_features(model, lambda encoding: encoding.contexts), f),
        Description("h" + suffix, _encoder_features(model, lambda encoding: encoding.encoded), f),
    ]
    if head is not None:
        features = _encoder_features(model, lambda encoding: head.features(encoding.contexts))
        descriptions.append(Description("z" + suffix, features))
    return tuple(descriptions)


def plus_description(models: Sequence[GaitEncoder]) -> Description:
    """Returns `cage-plus`: CAGEs of several encoders, concatenated at each step.

    This is 'Rev. Rec. Plus' of the paper, Sec. 5.2.1.

    Args:
        models: encoders of equal f, in the order of concatenation.
    """

    def features(windows: FloatArray) -> FloatArray:
        return _encode_in_chunks(
            windows, lambda part: concatenate_cages([model.encode(part) for model in models])
        )

    return Description("cage-plus", features, models[0].config.f)


def untrained_encoder_method(f: int, joints: int, seed: int) -> FixedMethod:
    """Returns the method `untrained`: an encoder with random weights, the baseline of the architecture."""
    config = EncoderConfig(f=f, joints=joints)
    return FixedMethod(
        encoder_descriptions(build_encoder(config, seeded_state(config, seed)), suffix="-untrained")
    )


def _encoder_features(model: GaitEncoder, choose: Callable[[GaitEncoding], Tensor]) -> FeatureFunction:
    def features(windows: FloatArray) -> FloatArray:
        return _encode_in_chunks(windows, lambda part: choose(model(part)))

    return features


def _encode_in_chunks(windows: FloatArray, encode: Callable[[Tensor], Tensor]) -> FloatArray:
    with torch.inference_mode():
        starts = range(0, len(windows), _CHUNK)
        parts = (torch.from_numpy(windows[start : start + _CHUNK]) for start in starts)
        return np.concatenate([encode(part).flatten(1).numpy() for part in parts])
