"""Average joint angles over one gait cycle, as Fourier coefficients.

Source: Boulic, Thalmann and Thalmann, "A global human walking model with real-time kinematic
personification", The Visual Computer 6 (1990) 344-358, whose formulas depend on the relative velocity
RV = speed / leg length (1/s). They are taken from two public implementations (one by V. C. Chen and
Y. Hai, one in a radar toolbox), not from the paper itself, at RV = 1.5, close to the preferred speed. The
model defines some angles as sines and the others by control points, which are the curve's extremes; cubics
with zero slope at the points interpolate between them. All are reduced to `HARMONICS` harmonics; slower or
faster walking scales them (see `stream.simulation.gait`).

The cycle runs from 0 to 1 and begins with the right heel strike; the left side follows half a cycle later.
Degrees in the definitions, radians in `CURVES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream.simulation.random_parameters import Array

__all__ = [
    "BODY_CURVES",
    "CURVES",
    "HARMONICS",
    "LIMB_CURVES",
    "REFERENCE_RV",
    "fourier_basis",
    "fourier_coefficients",
]

HARMONICS: Final = 6
"""Number of harmonics of the stride frequency, in addition to the mean."""

REFERENCE_RV: Final = 1.5
"""Relative velocity (1/s) at which the model is evaluated."""

SAMPLES: Final = 240

_FAST = (REFERENCE_RV - 1.3) / 1.7
_SUPPORT = 0.752 - 0.143 * REFERENCE_RV / (1.346 * np.sqrt(REFERENCE_RV))
"""Stance share of the cycle: (0.752 D - 0.143) / D with D the duration of the cycle."""

Curve = Callable[[Array], Array]


def fourier_coefficients(samples: Array) -> NDArray[np.complex128]:
    """Returns c, (`HARMONICS` + 1,), of one evenly sampled cycle: x(p) = Re sum c_k e^(2 pi i k p)."""
    spectrum = np.fft.rfft(samples)[: HARMONICS + 1] / len(samples)
    spectrum[1:] *= 2.0
    return spectrum


def fourier_basis(phase: Array) -> NDArray[np.complex128]:
    """Returns e^(2 pi i k p) of phases p of any shape, as that shape + (`HARMONICS` + 1,)."""
    first = np.exp(2j * np.pi * phase)
    powers = np.empty((*phase.shape, HARMONICS + 1), dtype=np.complex128)
    powers[..., 0] = 1.0
    for k in range(HARMONICS):
        powers[..., k + 1] = powers[..., k] * first
    return powers


def _interpolate(*points: tuple[float, float]) -> Curve:
    """Returns a periodic curve through (phase, value) points, with zero slope at each."""
    knots, values = np.array(sorted((t % 1.0, y) for t, y in points)).T
    knots, values = np.append(knots, knots[0] + 1.0), np.append(values, values[0])

    def curve(t: Array) -> Array:
        t = np.where(t < knots[0], t + 1.0, t)
        left = np.searchsorted(knots, t, side="right") - 1
        u = (t - knots[left]) / (knots[left + 1] - knots[left])
        return np.asarray(values[left] + (values[left + 1] - values[left]) * u * u * (3.0 - 2.0 * u))

    return curve


def _pelvic_list(t: Array) -> Array:
    """Returns the pelvic drop on the side of the swing leg; positive while the right leg is in stance."""
    half = t % 0.5
    rise = np.where(
        half < 0.15,
        1.0 - np.cos(2 * np.pi * half * 10 / 3),
        1.0 + np.cos(2 * np.pi * (half - 0.15) * 10 / 7),
    )
    return np.where(t < 0.5, rise, -rise)


LIMB_CURVES: Final[dict[str, Curve]] = {
    "hip": _interpolate((0.2 * _FAST - 0.1, 25 + 5 * _FAST), (0.5, -15.0), (0.9, 25 + 6 * _FAST)),
    "knee": _interpolate(
        (0.17 - 0.05 * _FAST, 3 + 22 * _FAST),
        (0.4, 3.0),
        (0.75 - 0.05 * _FAST, 70 - 5 * _FAST),
        (1.0 - 0.03 * _FAST, 3 + 3 * _FAST),
    ),
    "ankle": _interpolate(
        (0.0, 5 * _FAST - 3),
        (0.08, 4 * _FAST - 18),
        (0.5 - 0.1 * _FAST, 8 - 3 * _FAST),
        (_SUPPORT, -20 - 8 * _FAST),
        (0.85, 5 * _FAST - 3),
    ),
    "shoulder": lambda t: 3 - 9.88 * REFERENCE_RV * (0.5 + np.cos(2 * np.pi * t)),
    "elbow": _interpolate(
        (0.05, 14 - 6 * _FAST), (0.51 + 0.04 * _FAST, 44 + 26 * _FAST), (0.9 - 0.1 * _FAST, 17 - 6 * _FAST)
    ),
}
"""Right limb, degrees, flexion and dorsiflexion positive; thigh and upper arm relative to the vertical."""

BODY_CURVES: Final[dict[str, Curve]] = {
    "pelvis_yaw": lambda t: 4 * REFERENCE_RV * np.cos(2 * np.pi * t),
    "pelvis_list": lambda t: 1.66 * REFERENCE_RV * _pelvic_list(t),
    "thorax_yaw": _interpolate(
        (0.1, -4 / 3 * REFERENCE_RV),
        (0.4, 1.5 * REFERENCE_RV),
        (0.6, 4 / 3 * REFERENCE_RV),
        (0.9, -1.5 * REFERENCE_RV),
    ),
    "trunk_pitch": lambda t: 2 * np.sin(2 * np.pi * (2 * t - 0.1)),
    "sway": lambda t: -np.degrees(0.032) * np.sin(2 * np.pi * (t - 0.1)),
}
"""Trunk, degrees: yaw to the left, list to the left and forward pitch positive.

`sway` is the lateral shift of the pelvis as an angle at hip height (0.032 of it), left positive.
"""

_CYCLE: Final[Array] = np.arange(SAMPLES) / SAMPLES

CURVES: Final[dict[str, NDArray[np.complex128]]] = {
    name: fourier_coefficients(np.radians(curve(_CYCLE)))
    for name, curve in (LIMB_CURVES | BODY_CURVES).items()
}
"""Angle name -> (`HARMONICS` + 1,) Fourier coefficients, radians."""
