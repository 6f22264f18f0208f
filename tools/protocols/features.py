"""What a window is compared by: one row of numbers a window, whatever makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from encoder.card import HEAD
from encoder.contrast import Contrast, ContrastHead, load_head
from encoder.model import EncoderConfig, GaitEncoder, GaitEncoding
from encoder.weights import load_weights, seeded_state
from stream.body import FloatArray
from stream.errors import UserError
from stream.skeleton import CANONICAL

__all__ = [
    "BONES",
    "Features",
    "Method",
    "bone_lengths",
    "choose_methods",
    "describe",
    "encoder_methods",
    "raw_window",
]

Features = Callable[[FloatArray], FloatArray]
"""Windows (n, f, 20, 3), hip-centred metres, to rows (n, D) float32; each row depends on its window alone."""

BONES = tuple(
    (CANONICAL.index(joint), CANONICAL.index(parent))
    for joint, parent in (
        ("Spine", "HipCenter"), ("ShoulderCenter", "Spine"), ("Head", "ShoulderCenter"),
        ("ShoulderLeft", "ShoulderCenter"), ("ElbowLeft", "ShoulderLeft"),
        ("WristLeft", "ElbowLeft"), ("HandLeft", "WristLeft"),
        ("ShoulderRight", "ShoulderCenter"), ("ElbowRight", "ShoulderRight"),
        ("WristRight", "ElbowRight"), ("HandRight", "WristRight"),
        ("HipLeft", "HipCenter"), ("KneeLeft", "HipLeft"),
        ("AnkleLeft", "KneeLeft"), ("FootLeft", "AnkleLeft"),
        ("HipRight", "HipCenter"), ("KneeRight", "HipRight"),
        ("AnkleRight", "KneeRight"), ("FootRight", "AnkleRight"),
    )
)  # fmt: skip
"""The 19 bones of the canonical joints, each as (joint, the joint that it hangs on)."""

_CHUNK = 256
"""Windows encoded at once: 64 take 45 ms on one Xeon core, and more are no dearer each."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to describe windows, as a row of a table.

    Attributes:
        name: how it is called.
        features: describes windows.
        parts: the equally long parts that a row is the concatenation of, one a skeleton; 1 where a row
            describes the window as a whole.
        supervised: whether labels were used to learn it.
    """

    name: str
    features: Features
    parts: int = 1
    supervised: bool = False


def raw_window(windows: FloatArray) -> FloatArray:
    """The hip-centred coordinates themselves, (n, f * 60)."""
    return windows.reshape(len(windows), -1)


def bone_lengths(windows: FloatArray) -> FloatArray:
    """The median over the window's skeletons of each bone's length, (n, 19), metres."""
    joints, parents = np.array(BONES).T
    lengths = np.linalg.norm(windows[:, :, joints] - windows[:, :, parents], axis=-1)
    medians: FloatArray = np.median(lengths, axis=1)
    return medians


def encoder_methods(
    model: GaitEncoder, head: ContrastHead | None = None, *, contexts: str = "cage", suffix: str = ""
) -> list[Method]:
    """Descriptions of a window by a gait encoder.

    The context vectors v_t for t = 1 to f (paper, Eq. 11) and `h`, the encoded gait states (Eq. 1), both of f
    parts of 3 K numbers; and `z`, the contrastive projections of X, Y and Z (Eq. 13), 3 K numbers a window.

    Args:
        model: with its weights; used where it is, and as it is.
        head: the contrastive projection; without it there is no `z`.
        contexts: what the context vectors are called: `age` where no contrastive loss shaped them.
        suffix: added to all names.
    """

    def described(choose: Callable[[GaitEncoding], Tensor]) -> Features:
        def features(windows: FloatArray) -> FloatArray:
            with torch.inference_mode():
                starts = range(0, len(windows), _CHUNK)
                parts = (torch.from_numpy(windows[start : start + _CHUNK]) for start in starts)
                return np.concatenate([choose(model(part)).flatten(1).numpy() for part in parts])

        return features

    f = model.config.f
    methods = [
        Method(contexts + suffix, described(lambda encoding: encoding.contexts), f),
        Method("h" + suffix, described(lambda encoding: encoding.encoded), f),
    ]
    if head is not None:
        methods.append(Method("z" + suffix, described(lambda encoding: head.features(encoding.contexts))))
    return methods


def choose_methods(f: int, seed: int, encoder: Path | None, names: str | None) -> list[Method]:
    """The methods of a table.

    Args:
        f: skeletons a window.
        seed: of the untrained encoder's weights.
        encoder: weights of a trained one; its contrastive projection is taken from the file beside it.
        names: `raw,bones,...`; all that there are if not given.

    Raises:
        UserError: there is no such method, or the encoder takes other windows.
        DataError: the weights cannot be used.
    """
    methods = [Method("raw", raw_window, parts=f), Method("bones", bone_lengths)]
    config = EncoderConfig(f=f)
    methods += encoder_methods(_model(config, seeded_state(config, seed)), suffix="-untrained")
    if encoder is not None:
        methods += _trained(encoder, f)
    by_name = {method.name: method for method in methods}
    wanted = list(by_name) if names is None else [name.strip() for name in names.split(",")]
    if unknown := [name for name in wanted if name not in by_name]:
        raise UserError(f"--method: there is no {unknown[0]!r} here; there are {', '.join(by_name)}")
    return [by_name[name] for name in dict.fromkeys(wanted)]


def _trained(encoder: Path, f: int) -> list[Method]:
    """The descriptions by trained weights, as `sge-stream train` leaves them in a folder."""
    weights = load_weights(encoder)
    config = weights.config
    if (config.f, config.joints) != (f, len(CANONICAL)):
        raise UserError(
            f"{encoder} takes windows of {config.f} skeletons of {config.joints} joints, not of {f} of "
            f"{len(CANONICAL)}: give --f {config.f}, or other weights"
        )
    model = _model(config, dict(weights.state))
    if weights.extra.get("contrast") == Contrast.NONE:
        return encoder_methods(model, contexts="age")
    beside = encoder.with_name(HEAD)
    return encoder_methods(model, load_head(beside, f, config.hidden) if beside.is_file() else None)


def _model(config: EncoderConfig, state: dict[str, Tensor]) -> GaitEncoder:
    model = GaitEncoder(config)
    model.load_state_dict(state)
    return model.eval()


def describe(features: Features, windows: FloatArray, block: int = 4096) -> FloatArray:
    """Rows (n, D) of windows, described some at a time, in an array of its own.

    Raises:
        ValueError: a row is not finite, or there are no windows.
    """
    if not len(windows):
        raise ValueError("windows: expected at least one")
    rows: FloatArray | None = None
    for start in range(0, len(windows), block):
        part = features(windows[start : start + block])
        if rows is None:
            rows = np.empty((len(windows), part.shape[1]), np.float32)
        rows[start : start + len(part)] = part
    assert rows is not None
    if not np.isfinite(rows).all():
        raise ValueError("features: expected finite numbers, got NaN or infinity")
    return rows
