"""What a real sensor and a real walk do to skeletons, done to training windows on purpose.

`move` changes what is seen (direction, side, pace, size), so inputs and targets alike. `disturb` is the
sensor's own doing and touches the inputs only: the network shall give back what was really there.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from stream.body import FloatArray
from stream.skeleton import CANONICAL

__all__ = ["MIRRORED", "Augmentation", "disturb", "margin", "move"]

MIRRORED: tuple[int, ...] = tuple(
    CANONICAL.index(name.replace("Left", "Right") if name.endswith("Left") else name.replace("Right", "Left"))
    for name in CANONICAL
)
"""Which canonical joint each one becomes in a mirror."""

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
    """How strong each augmentation is; 0 switches it off. All are drawn anew for each window.

    Attributes:
        rotation_deg: about the vertical, by an angle within plus or minus this, 0..180 degrees.
        mirror: the share of windows that are mirrored (X turned, left and right joints exchanged), 0..1.
        noise_m: standard deviation of the noise on each coordinate of each joint but HipCenter, 0..0.2 m.
        dropout: the probability that a joint of a skeleton is lost and stays where it was in the skeleton
            before, as Kinects infer lost joints, 0..0.9.
        rate_jitter: the sensor's rate differs from its nominal one by a share within plus or minus this,
            0..0.5.
        scale_jitter: the body is larger or smaller by a share within plus or minus this, 0..0.5. Size is
            part of who somebody is: leave it off unless the sensor's scale is not to be trusted.

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


def margin(augmentation: Augmentation, length: int) -> int:
    """How many skeletons `move` needs before and after a span of `length`, to quicken it by."""
    return math.ceil(augmentation.rate_jitter * (length - 1) / 2 - 1e-9)


def move(augmentation: Augmentation, spans: FloatArray, length: int, seed: tuple[int, ...]) -> FloatArray:
    """Turn, mirror, stretch in time and scale spans.

    Args:
        augmentation: what to do.
        spans: (n, margin + length + margin, 20, 3) float32, hip-centred metres, Y up; left as they are.
        length: skeletons of a span.
        seed: the same seed gives the same result; what is switched on changes no other draw.

    Returns:
        (n, length, 20, 3) float32.
    """
    n = len(spans)
    rotation, mirror = augmentation.rotation_deg, augmentation.mirror
    moved = _stretch(augmentation, spans, length, _draw(seed, "rate"))
    if rotation:
        angle = np.deg2rad(_draw(seed, "rotation").uniform(-rotation, rotation, n))
        moved = _turn(moved, angle.astype(np.float32))
    if mirror:
        turned = moved[:, :, MIRRORED] * np.array([-1, 1, 1], np.float32)
        chosen = _draw(seed, "mirror").random_sample(n) < mirror
        moved = np.where(chosen[:, None, None, None], turned, moved)
    if augmentation.scale_jitter:
        jitter = augmentation.scale_jitter
        factor = 1 + _draw(seed, "scale").uniform(-jitter, jitter, (n, 1, 1, 1))
        moved = moved * factor.astype(np.float32)
    return moved


def disturb(augmentation: Augmentation, inputs: FloatArray, seed: tuple[int, ...]) -> FloatArray:
    """Lose joints of the inputs, and add noise to them.

    Args:
        augmentation: what to do.
        inputs: (n, f, 20, 3) float32, hip-centred metres; left as they are.
        seed: as for `move`.

    Returns:
        (n, f, 20, 3) float32, HipCenter still at the origin.
    """
    n, f, joints, _ = inputs.shape
    if augmentation.dropout:
        lost = _draw(seed, "dropout").random_sample((n, f, joints, 1)) < augmentation.dropout
        inputs = inputs.copy()
        for t in range(1, f):
            inputs[:, t] = np.where(lost[:, t], inputs[:, t - 1], inputs[:, t])
    if augmentation.noise_m:
        noise = _draw(seed, "noise").standard_normal(inputs.shape).astype(np.float32)
        noise[:, :, 0] = 0
        inputs = inputs + np.float32(augmentation.noise_m) * noise
    return inputs


def _draw(seed: tuple[int, ...], name: str) -> np.random.RandomState:
    return np.random.RandomState([*seed, zlib.crc32(name.encode("ascii"))])


def _turn(spans: FloatArray, angle: FloatArray) -> FloatArray:
    """Rotate windows about Y; a positive angle turns Z towards X."""
    cos, sin = np.cos(angle)[:, None, None], np.sin(angle)[:, None, None]
    x, y, z = (spans[..., i] for i in range(3))
    turned: FloatArray = np.stack((cos * x + sin * z, y, cos * z - sin * x), axis=-1)
    return turned


def _stretch(
    augmentation: Augmentation, spans: FloatArray, length: int, draw: np.random.RandomState
) -> FloatArray:
    """Read the spans at another rate, about their middle, between skeletons linearly."""
    beside = margin(augmentation, length)
    if spans.shape[1] != length + 2 * beside:
        raise ValueError(f"spans: expected {length + 2 * beside} skeletons each, got {spans.shape[1]}")
    if not beside:
        return spans
    jitter = augmentation.rate_jitter
    pace = 1 + draw.uniform(-jitter, jitter, (len(spans), 1))
    middle = (spans.shape[1] - 1) / 2
    place = middle + pace * (np.arange(length) - (length - 1) / 2)
    before = np.clip(np.floor(place).astype(np.int64), 0, spans.shape[1] - 2)
    weight = (place - before).astype(np.float32)[..., None, None]
    a = np.take_along_axis(spans, before[..., None, None], axis=1)
    b = np.take_along_axis(spans, before[..., None, None] + 1, axis=1)
    stretched: FloatArray = a + weight * (b - a)
    return stretched
