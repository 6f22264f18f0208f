"""One person's way of walking: the average curves, bent by a personal style.

Sources:
    - Preferred speed and step width: "Healthy younger and older adults control foot placement ...", J.
      NeuroEngineering and Rehabilitation 9:69 (2012), Table 1 (no obstacles, preferred speed), mean (SD)
      between 28 people: speed 1.545 (0.276) leg lengths a second, step width 0.140 (0.031) leg lengths.
    - Stride length at a speed: Boulic et al. (1990), 1.346 sqrt(RV) leg lengths; both the stride and its
      frequency so grow with the root of the speed.

Chosen here, from no publication: every other spread of style, and a narrower one of the speed (0.20), since
the room is small. Fitted here: the gain of the hip, so that the planted foot hardly slides while the
published stride is made; the zero of the ankle, so that the sole is nearly flat in mid-stance; the phase
of the surge, so that people are fastest while both feet are on the floor, as real walkers are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stream.simulation.anthropometry import Bodies
from stream.simulation.curves import BODY_CURVES, CURVES, LIMB_CURVES, REFERENCE_RV, waves
from stream.simulation.forward_kinematics import SIDES, contacts
from stream.simulation.traits import Array, Spread, draw

__all__ = ["DAY", "HABITS", "Gait", "draw_gait"]

_DEGREE = np.pi / 180

HABITS = {
    "speed": Spread(1.545, 0.20),  # leg lengths a second
    "stride": Spread(1.0, 0.05),  # of the published stride length
    "step_width": Spread(0.140, 0.031),  # leg lengths
    "knee_gain": Spread(1.0, 0.08),
    "ankle_gain": Spread(1.0, 0.10),
    "shoulder_gain": Spread(1.0, 0.30),
    "elbow_gain": Spread(0.8, 0.20),
    "pelvis_yaw_gain": Spread(1.0, 0.25),
    "pelvis_list_gain": Spread(1.0, 0.25),
    "thorax_yaw_gain": Spread(1.5, 0.40),
    "trunk_pitch_gain": Spread(0.8, 0.20),
    "sway_gain": Spread(1.0, 0.20),
    "surge_gain": Spread(1.0, 0.20),
    "knee_phase": Spread(0.0, 0.012),  # of a cycle
    "ankle_phase": Spread(0.0, 0.012),
    "shoulder_phase": Spread(0.0, 0.02),
    "elbow_phase": Spread(0.02, 0.02),
    "knee_offset": Spread(1.0, 1.5),  # degrees from here on
    "shoulder_offset": Spread(6.0, 5.0),
    "elbow_offset": Spread(6.0, 5.0),
    "abduction": Spread(10.0, 3.5),
    "forearm_inward": Spread(15.0, 8.0),
    "lean": Spread(3.0, 2.5),
    "side_lean": Spread(0.0, 1.0),
    "head_pitch": Spread(12.0, 5.0),
    "toe_out": Spread(7.0, 4.0),
    "hip_tilt": Spread(0.0, 0.8),  # what the left side has more than the right, from here on
    "knee_tilt": Spread(0.0, 1.0),
    "shoulder_tilt": Spread(0.0, 4.0),
    "elbow_tilt": Spread(0.0, 4.0),
    "abduction_tilt": Spread(0.0, 1.5),
    "swing_tilt": Spread(0.0, 0.12),  # of the arm's gain
}
"""Style of a person, the same on every walk."""

DAY = {
    "speed": Spread(1.0, 0.04),  # of the person's habit
    "lean": Spread(0.0, 0.6),  # degrees
    "shoulder_gain": Spread(1.0, 0.06),
    "elbow_offset": Spread(0.0, 1.5),  # degrees
}
"""What differs from one walk of a person to the next."""

SURGE = 0.021
"""Amplitude of the pelvis's forward and backward motion about its mean, in leg lengths (Boulic et al.)."""

MID_STANCE = 0.3
"""Phase of the right foot's mid-stance."""

SOLE_PITCH = -5 * _DEGREE
"""The sole's pitch in mid-stance; a little on the ball, so that the other heel is not put down too early."""

SOLVING_PHASES = 96
SOLVING_ROUNDS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Gait:
    """How some people walk.

    Attributes:
        speed: (people,) metres a second, straight ahead.
        stride: (people,) metres from one right heel strike to the next.
        surge: (people,) metres; surge sin(4 pi phase) is how far the pelvis is ahead of its mean.
        curves: angle name to its harmonics, (people, `HARMONICS` + 1).
        offsets: angle name to what is added to the curve, (people,) radians.
        posture: name to what stays as it is, (people,) radians or metres.
    """

    speed: Array
    stride: Array
    surge: Array
    curves: Mapping[str, NDArray[np.complex128]]
    offsets: Mapping[str, Array]
    posture: Mapping[str, Array]

    def angles(self, phase: Array, scale: Array) -> dict[str, Array]:
        """All angles and lengths that `stream.simulation.forward_kinematics` asks for.

        Args:
            phase: (times, people) cycles since a right heel strike.
            scale: (times, people) root of the speed over the person's own; steps shrink with it.
        """
        basis = waves(phase)
        moving = {
            name: scale * np.einsum("tpk,pk->tp", basis, curve).real + self.offsets[name]
            for name, curve in self.curves.items()
        }
        return dict(self.posture) | moving


def draw_gait(
    bodies: Bodies, identities: Sequence[np.random.Generator], moods: Sequence[np.random.Generator]
) -> Gait:
    """Draw each person's style from their identity and what this walk adds from their mood."""
    habit, day = draw(HABITS, identities), draw(DAY, moods)
    speed = habit["speed"] * day["speed"]
    gait = Gait(
        speed=speed * bodies.leg,
        stride=habit["stride"] * 1.346 * np.sqrt(speed) * bodies.leg,
        surge=SURGE * habit["surge_gain"] * bodies.leg,
        curves=_curves(bodies, habit, day, np.sqrt(speed / REFERENCE_RV)),
        offsets=_offsets(habit, day),
        posture=_posture(bodies, habit),
    )
    return _planted(bodies, gait)


def _curves(
    bodies: Bodies, habit: Mapping[str, Array], day: Mapping[str, Array], effort: Array
) -> dict[str, NDArray[np.complex128]]:
    curves = {}
    for name in BODY_CURVES:
        curves[name] = (effort * habit[f"{name}_gain"])[:, None] * CURVES[name]
    curves["sway"] = curves["sway"] * bodies.leg[:, None]
    for side, sign in SIDES.items():
        half_cycle = 0.5 if side == "left" else 0.0
        for name in LIMB_CURVES:
            gain = effort * habit.get(f"{name}_gain", 1.0) * day.get(f"{name}_gain", 1.0)
            if name in {"shoulder", "elbow"}:
                gain = gain * (1.0 + 0.5 * sign * habit["swing_tilt"])
            delay = half_cycle + habit.get(f"{name}_phase", np.zeros_like(effort))
            curves[f"{name}_{side}"] = gain[:, None] * CURVES[name] * waves(-delay)
    return curves


def _offsets(habit: Mapping[str, Array], day: Mapping[str, Array]) -> dict[str, Array]:
    nothing = np.zeros_like(habit["speed"])
    offsets = dict.fromkeys(BODY_CURVES, nothing) | {"trunk_pitch": _DEGREE * (habit["lean"] + day["lean"])}
    for side, sign in SIDES.items():
        for name in LIMB_CURVES:
            degrees = habit.get(f"{name}_offset", nothing) + day.get(f"{name}_offset", nothing)
            offsets[f"{name}_{side}"] = _DEGREE * (degrees + 0.5 * sign * habit.get(f"{name}_tilt", nothing))
    return offsets


def _posture(bodies: Bodies, habit: Mapping[str, Array]) -> dict[str, Array]:
    posture = {
        "half_step_width": 0.5 * habit["step_width"] * bodies.leg,
        "toe_out": _DEGREE * habit["toe_out"],
        "forearm_inward": _DEGREE * habit["forearm_inward"],
        "head_pitch": _DEGREE * habit["head_pitch"],
        "trunk_roll": _DEGREE * habit["side_lean"],
    }
    for side, sign in SIDES.items():
        abduction = habit["abduction"] + 0.5 * sign * habit["abduction_tilt"]
        posture[f"abduction_{side}"] = _DEGREE * abduction
    return posture


def _planted(bodies: Bodies, gait: Gait) -> Gait:
    """Fit hips and ankles so that the foot on the floor hardly slides (see the module's text)."""
    curves, offsets = dict(gait.curves), dict(gait.offsets)
    fitted = replace(gait, curves=curves, offsets=offsets)
    people = len(gait.stride)
    cycle = np.repeat(np.arange(SOLVING_PHASES)[:, None] / SOLVING_PHASES, people, axis=1)
    straight = np.ones(1)
    for _ in range(SOLVING_ROUNDS):
        for side, at in (("right", MID_STANCE), ("left", MID_STANCE + 0.5)):
            still = fitted.angles(np.full((1, people), at), straight)
            pitch = still[f"hip_{side}"] - still[f"knee_{side}"] + still[f"ankle_{side}"]
            offsets[f"ankle_{side}"] = offsets[f"ankle_{side}"] + SOLE_PITCH - pitch[0]
        feet = contacts(bodies, fitted.angles(cycle, straight))
        backwards = np.roll(feet.forward, 1, axis=1) - np.roll(feet.forward, -1, axis=1)
        stride = (0.5 * SOLVING_PHASES * feet.weight * backwards).sum(axis=0).mean(axis=0)
        for side in SIDES:
            # The root, because stride grows faster than gain: a larger swing also lands later.
            curves[f"hip_{side}"] = curves[f"hip_{side}"] * np.sqrt(gait.stride / stride)[:, None]
    return fitted
