"""Gait of a person: the average joint angle curves, modified by a personal style.

Sources:
    - Preferred speed and step width: "Healthy younger and older adults control foot placement ...", J.
      NeuroEngineering and Rehabilitation 9:69 (2012), Table 1 (no obstacles, preferred speed), mean (SD)
      between 28 people: speed 1.545 (0.276) leg lengths a second, step width 0.140 (0.031) leg lengths.
    - Stride length at a speed: Boulic et al. (1990), 1.346 sqrt(RV) leg lengths; stride length and frequency
      thus both grow with the square root of the speed.

Assumed, not published: every other SD of the style, and a smaller SD of the speed (0.20), because the room is
small. Fitted here: the gain of the hip, so that the stance foot hardly slides at the published stride length;
the offset of the ankle, so that the sole is nearly flat in mid-stance; the phase of the surge, so that people
are fastest in double support, as real walkers are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.simulation.anthropometry import BodySizes
from stream.simulation.curves import BODY_CURVES, CURVES, LIMB_CURVES, REFERENCE_RV, fourier_basis
from stream.simulation.forward_kinematics import SIDES, foot_contacts
from stream.simulation.random_parameters import Array, Distribution, draw_parameters

__all__ = ["PERSON_STYLE", "WALK_VARIATION", "Gait", "draw_gait"]

_DEGREE = np.pi / 180

PERSON_STYLE = {
    "speed": Distribution(1.545, 0.20),  # leg lengths a second
    "stride": Distribution(1.0, 0.05),  # of the published stride length
    "step_width": Distribution(0.140, 0.031),  # leg lengths
    "knee_gain": Distribution(1.0, 0.08),
    "ankle_gain": Distribution(1.0, 0.10),
    "shoulder_gain": Distribution(1.0, 0.30),
    "elbow_gain": Distribution(0.8, 0.20),
    "pelvis_yaw_gain": Distribution(1.0, 0.25),
    "pelvis_list_gain": Distribution(1.0, 0.25),
    "thorax_yaw_gain": Distribution(1.5, 0.40),
    "trunk_pitch_gain": Distribution(0.8, 0.20),
    "sway_gain": Distribution(1.0, 0.20),
    "surge_gain": Distribution(1.0, 0.20),
    "knee_phase": Distribution(0.0, 0.012),  # of a cycle
    "ankle_phase": Distribution(0.0, 0.012),
    "shoulder_phase": Distribution(0.0, 0.02),
    "elbow_phase": Distribution(0.02, 0.02),
    "knee_offset": Distribution(1.0, 1.5),  # degrees from here on
    "shoulder_offset": Distribution(6.0, 5.0),
    "elbow_offset": Distribution(6.0, 5.0),
    "abduction": Distribution(10.0, 3.5),
    "forearm_inward": Distribution(15.0, 8.0),
    "lean": Distribution(3.0, 2.5),
    "side_lean": Distribution(0.0, 1.0),
    "head_pitch": Distribution(12.0, 5.0),
    "toe_out": Distribution(7.0, 4.0),
    "hip_asymmetry": Distribution(0.0, 0.8),  # left minus right, from here on
    "knee_asymmetry": Distribution(0.0, 1.0),
    "shoulder_asymmetry": Distribution(0.0, 4.0),
    "elbow_asymmetry": Distribution(0.0, 4.0),
    "abduction_asymmetry": Distribution(0.0, 1.5),
    "swing_asymmetry": Distribution(0.0, 0.12),  # of the arm's gain
}
"""Parameters of a person's style, the same on every walk."""

WALK_VARIATION = {
    "speed": Distribution(1.0, 0.04),  # of the person's own speed
    "lean": Distribution(0.0, 0.6),  # degrees
    "shoulder_gain": Distribution(1.0, 0.06),
    "elbow_offset": Distribution(0.0, 1.5),  # degrees
}
"""Within-person variation from walk to walk."""

SURGE = 0.021
"""Amplitude of the pelvis's fore-aft motion about its mean, leg lengths (Boulic et al.)."""

MID_STANCE = 0.3
"""Phase of the right foot's mid-stance."""

SOLE_PITCH = -5 * _DEGREE
"""Pitch of the sole in mid-stance; slightly on the ball, so that the other heel does not land too early."""

FIT_PHASES = 96
FIT_ITERATIONS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Gait:
    """Gait of some people.

    Attributes:
        speed: (people,) metres per second, straight ahead.
        stride: (people,) metres from one right heel strike to the next.
        surge: (people,) metres; surge sin(4 pi phase) is the fore-aft offset of the pelvis from its mean.
        curves: angle name -> Fourier coefficients, (people, `HARMONICS` + 1).
        offsets: angle name -> constant added to the curve, (people,) radians.
        posture: name -> constant angle or length, (people,) radians or metres.
    """

    speed: Array
    stride: Array
    surge: Array
    curves: Mapping[str, NDArray[np.complex128]]
    offsets: Mapping[str, Array]
    posture: Mapping[str, Array]

    def angles(self, phase: Array, scale: Array) -> dict[str, Array]:
        """Returns all angles and lengths that `stream.simulation.forward_kinematics` needs.

        Args:
            phase: (times, people) gait cycles since a right heel strike.
            scale: (times, people) square root of the speed relative to the person's own; scales the angles.
        """
        basis = fourier_basis(phase)
        moving = {
            name: scale * np.einsum("tpk,pk->tp", basis, curve).real + self.offsets[name]
            for name, curve in self.curves.items()
        }
        return dict(self.posture) | moving


def draw_gait(
    bodies: BodySizes,
    person_generators: Sequence[np.random.Generator],
    walk_generators: Sequence[np.random.Generator],
) -> Gait:
    """Draws each person's style, and its variation on this walk."""
    style = draw_parameters(PERSON_STYLE, person_generators)
    variation = draw_parameters(WALK_VARIATION, walk_generators)
    speed = style["speed"] * variation["speed"]
    gait = Gait(
        speed=speed * bodies.leg,
        stride=style["stride"] * 1.346 * np.sqrt(speed) * bodies.leg,
        surge=SURGE * style["surge_gain"] * bodies.leg,
        curves=_curves(bodies, style, variation, np.sqrt(speed / REFERENCE_RV)),
        offsets=_offsets(style, variation),
        posture=_posture(bodies, style),
    )
    return _fit_stance(bodies, gait)


def _curves(
    bodies: BodySizes, style: Mapping[str, Array], variation: Mapping[str, Array], amplitude: Array
) -> dict[str, NDArray[np.complex128]]:
    curves = {}
    for name in BODY_CURVES:
        curves[name] = (amplitude * style[f"{name}_gain"])[:, None] * CURVES[name]
    curves["sway"] = curves["sway"] * bodies.leg[:, None]
    for side, sign in SIDES.items():
        half_cycle = 0.5 if side == "left" else 0.0
        for name in LIMB_CURVES:
            gain = amplitude * style.get(f"{name}_gain", 1.0) * variation.get(f"{name}_gain", 1.0)
            if name in {"shoulder", "elbow"}:
                gain = gain * (1.0 + 0.5 * sign * style["swing_asymmetry"])
            delay = half_cycle + style.get(f"{name}_phase", np.zeros_like(amplitude))
            curves[f"{name}_{side}"] = gain[:, None] * CURVES[name] * fourier_basis(-delay)
    return curves


def _offsets(style: Mapping[str, Array], variation: Mapping[str, Array]) -> dict[str, Array]:
    zeros = np.zeros_like(style["speed"])
    offsets = dict.fromkeys(BODY_CURVES, zeros) | {
        "trunk_pitch": _DEGREE * (style["lean"] + variation["lean"])
    }
    for side, sign in SIDES.items():
        for name in LIMB_CURVES:
            degrees = style.get(f"{name}_offset", zeros) + variation.get(f"{name}_offset", zeros)
            offsets[f"{name}_{side}"] = _DEGREE * (
                degrees + 0.5 * sign * style.get(f"{name}_asymmetry", zeros)
            )
    return offsets


def _posture(bodies: BodySizes, style: Mapping[str, Array]) -> dict[str, Array]:
    posture = {
        "half_step_width": 0.5 * style["step_width"] * bodies.leg,
        "toe_out": _DEGREE * style["toe_out"],
        "forearm_inward": _DEGREE * style["forearm_inward"],
        "head_pitch": _DEGREE * style["head_pitch"],
        "trunk_roll": _DEGREE * style["side_lean"],
    }
    for side, sign in SIDES.items():
        abduction = style["abduction"] + 0.5 * sign * style["abduction_asymmetry"]
        posture[f"abduction_{side}"] = _DEGREE * abduction
    return posture


def _fit_stance(bodies: BodySizes, gait: Gait) -> Gait:
    """Fits hips and ankles so that the stance foot hardly slides (see the module's docstring)."""
    curves, offsets = dict(gait.curves), dict(gait.offsets)
    fitted = replace(gait, curves=curves, offsets=offsets)
    people = len(gait.stride)
    cycle = np.repeat(np.arange(FIT_PHASES)[:, None] / FIT_PHASES, people, axis=1)
    own_speed = np.ones(1)
    for _ in range(FIT_ITERATIONS):
        for side, phase in (("right", MID_STANCE), ("left", MID_STANCE + 0.5)):
            mid_stance = fitted.angles(np.full((1, people), phase), own_speed)
            pitch = mid_stance[f"hip_{side}"] - mid_stance[f"knee_{side}"] + mid_stance[f"ankle_{side}"]
            offsets[f"ankle_{side}"] = offsets[f"ankle_{side}"] + SOLE_PITCH - pitch[0]
        feet = foot_contacts(bodies, fitted.angles(cycle, own_speed))
        backwards = np.roll(feet.forward, 1, axis=1) - np.roll(feet.forward, -1, axis=1)
        stride = (0.5 * FIT_PHASES * feet.weight * backwards).sum(axis=0).mean(axis=0)
        for side in SIDES:
            # The square root, because stride grows faster than gain: a larger swing also lands later.
            curves[f"hip_{side}"] = curves[f"hip_{side}"] * np.sqrt(gait.stride / stride)[:, None]
    return fitted
