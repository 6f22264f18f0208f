"""Augmentation: simulates the variation of real walks and the errors of real sensors on training windows.

`transform_spans` varies the walk (direction, side, pace, size), so it changes inputs and targets alike.
`corrupt_inputs` simulates sensor errors and changes only the inputs: the network has to reconstruct the
uncorrupted skeletons.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from stream.body import FloatArray
from stream.skeleton import CANONICAL

__all__ = ["MIRRORED", "Augmentation", "corrupt_inputs", "stretch_margin", "transform_spans"]

MIRRORED: tuple[int, ...] = tuple(
    CANONICAL.index(name.replace("Left", "Right") if name.endswith("Left") else name.replace("Right", "Left"))
    for name in CANONICAL
)
"""The mirror image of each canonical joint, as an index."""

_BOUNDS = {
    "rotation_deg": 180.0,
    "mirror": 1.0,
    "noise_m": 0.2,
    "dropout": 0.9,
    "rate_jitter": 0.5,
    "scale_jitter": 0.5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Strength of each augmentation; 0 switches it off. All are drawn independently for each window.

    Attributes:
        rotation_deg: rotation about the vertical axis by an angle within plus or minus this, 0..180 degrees.
        mirror: fraction of windows that are mirrored (X negated, left and right joints exchanged), 0..1.
        noise_m: standard deviation of the noise on each coordinate of each joint except HipCenter, 0..0.2 m.
        dropout: probability that a joint of a skeleton is lost and keeps its position of the previous
            skeleton, as Kinects infer lost joints, 0..0.9.
        rate_jitter: relative deviation of the sensor's rate from its nominal rate, within plus or minus this,
            0..0.5.
        scale_jitter: relative change of the body size, within plus or minus this, 0..0.5. Body size helps to
            identify a person: use it only if the sensor's scale is unreliable.

    Raises:
        ValueError: a value is out of bounds.
    """

    rotation_deg: float = 0.0
    mirror: float = 0.0
    noise_m: float = 0.0
    dropout: float = 0.0
    rate_jitter: float = 0.0
    scale_jitter: float = 0.0

    def __post_init__(self) -> None:
        for name, high in _BOUNDS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= high:
                raise ValueError(f"{name}: expected a number from 0 to {high:g}, got {value!r}")
            object.__setattr__(self, name, float(value))


def stretch_margin(augmentation: Augmentation, length: int) -> int:
    """Returns the number of extra skeletons that `transform_spans` needs before and after a span."""
    return math.ceil(augmentation.rate_jitter * (length - 1) / 2 - 1e-9)


def transform_spans(
    augmentation: Augmentation, spans: FloatArray, length: int, seed: tuple[int, ...]
) -> FloatArray:
    """Rotates, mirrors, stretches in time and scales spans.

    Args:
        augmentation: the strengths.
        spans: (n, margin + length + margin, 20, 3) float32, hip-centred metres, Y up; not modified. The
            margin is that of `stretch_margin`.
        length: skeletons of a resulting span.
        seed: the same seed gives the same result; each augmentation has its own random stream.

    Returns:
        (n, length, 20, 3) float32.
    """
    n = len(spans)
    rotation, mirror = augmentation.rotation_deg, augmentation.mirror
    result = _stretch(augmentation, spans, length, _random(seed, "rate"))
    if rotation:
        angle = np.deg2rad(_random(seed, "rotation").uniform(-rotation, rotation, n))
        result = _rotate(result, angle.astype(np.float32))
    if mirror:
        mirrored = result[:, :, MIRRORED] * np.array([-1, 1, 1], np.float32)
        chosen = _random(seed, "mirror").random_sample(n) < mirror
        result = np.where(chosen[:, None, None, None], mirrored, result)
    if augmentation.scale_jitter:
        jitter = augmentation.scale_jitter
        factor = 1 + _random(seed, "scale").uniform(-jitter, jitter, (n, 1, 1, 1))
        result = result * factor.astype(np.float32)
    return result


def corrupt_inputs(augmentation: Augmentation, inputs: FloatArray, seed: tuple[int, ...]) -> FloatArray:
    """Drops joints of the inputs and adds noise to them.

    Args:
        augmentation: the strengths.
        inputs: (n, f, 20, 3) float32, hip-centred metres; not modified.
        seed: as for `transform_spans`.

    Returns:
        (n, f, 20, 3) float32, HipCenter at the origin.
    """
    n, f, joints, _ = inputs.shape
    if augmentation.dropout:
        lost = _random(seed, "dropout").random_sample((n, f, joints, 1)) < augmentation.dropout
        inputs = inputs.copy()
        for t in range(1, f):
            inputs[:, t] = np.where(lost[:, t], inputs[:, t - 1], inputs[:, t])
    if augmentation.noise_m:
        noise = _random(seed, "noise").standard_normal(inputs.shape).astype(np.float32)
        noise[:, :, 0] = 0
        inputs = inputs + np.float32(augmentation.noise_m) * noise
    return inputs


def _random(seed: tuple[int, ...], name: str) -> np.random.RandomState:
    return np.random.RandomState([*seed, zlib.crc32(name.encode("ascii"))])


def _rotate(spans: FloatArray, angle: FloatArray) -> FloatArray:
    """Rotates spans about Y; a positive angle rotates Z towards X."""
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    x, y, z = (spans[..., i] for i in range(3))
    rotated: FloatArray = np.stack((cos * x + sin * z, y, cos * z - sin * x), axis=-1)
    return rotated


def _stretch(
    augmentation: Augmentation, spans: FloatArray, length: int, random: np.random.RandomState
) -> FloatArray:
    """Resamples the spans at another rate around their middle, with linear interpolation."""
    margin = stretch_margin(augmentation, length)
    if spans.shape[1] != length + 2 * margin:
        raise ValueError(f"spans: expected {length + 2 * margin} skeletons each, got {spans.shape[1]}")
    if not margin:
        return spans
    jitter = augmentation.rate_jitter
    pace = 1 + random.uniform(-jitter, jitter, (len(spans), 1))
    middle = (spans.shape[1] - 1) / 2
    position = middle + pace * (np.arange(length) - (length - 1) / 2)
    before = np.clip(np.floor(position).astype(np.int64), 0, spans.shape[1] - 2)
    weight = (position - before).astype(np.float32)[..., None, None]
    a = np.take_along_axis(spans, before[..., None, None], axis=1)
    b = np.take_along_axis(spans, before[..., None, None] + 1, axis=1)
    stretched: FloatArray = a + weight * (b - a)
    return stretched
