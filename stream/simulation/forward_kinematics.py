"""Forward kinematics: from body sizes and joint angles to the 20 joints of a Kinect v1.

Body axes: forward, left, up, a right-handed frame on the floor under the pelvis; metres and radians. All
arrays are (times, people), or broadcast to it. Bone lengths are constant for all angles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stream.simulation.anthropometry import BodySizes
from stream.simulation.random_parameters import Array

__all__ = ["SIDES", "FootContacts", "JointAngles", "foot_contacts", "joints_of"]

JointAngles = Mapping[str, Array]
"""Name -> angle (radians) or length (metres); the names are those of `stream.simulation.gait.Gait.angles`."""

SIDES = {"left": 1.0, "right": -1.0}

CONTACT_SOFTNESS = 0.002
"""Metres; a larger value transfers the weight more gradually from one contact point to the next."""

_SIDE_OFFSET = {"left": 0, "right": 4}
"""Offset of a side's joints in the Kinect order, from ShoulderLeft (4) and HipLeft (12)."""


@dataclass(frozen=True, slots=True, eq=False)
class FootContacts:
    """Heels and balls of both feet: forward and up, relative to HipCenter, (4, times, people) metres."""

    forward: Array
    up: Array

    @property
    def weight(self) -> Array:
        """Share of the body weight on each point, (4, times, people); largest on the lowest point."""
        share = np.exp(-(self.up - self.up.min(axis=0)) / CONTACT_SOFTNESS)
        return np.asarray(share / share.sum(axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class _Leg:
    """Joints of one leg as forward, left, up relative to HipCenter, (times, people, 3) metres."""

    hip: Array
    knee: Array
    ankle: Array
    foot: Array
    heel_up: Array
    heel_forward: Array
    ball_up: Array
    ball_forward: Array


def joints_of(bodies: BodySizes, angles: JointAngles) -> Array:
    """Returns all joints, (times, people, 20, 3) as forward, left, up; the lower foot is on the floor."""
    legs = {side: _leg(bodies, angles, side) for side in SIDES}
    trunk = _trunk(bodies, angles)
    pelvis_up = -_contacts(legs).up.min(axis=0)
    joints = np.zeros((*pelvis_up.shape, 20, 3))
    for joint, position in enumerate(trunk, start=1):
        joints[..., joint, :] = position
    for side, leg in legs.items():
        offset = _SIDE_OFFSET[side]
        for joint, position in enumerate(_arm(bodies, angles, side, trunk[1]), start=4 + offset):
            joints[..., joint, :] = position
        for joint, position in enumerate((leg.hip, leg.knee, leg.ankle, leg.foot), start=12 + offset):
            joints[..., joint, :] = position
    joints[..., 1] += angles["sway"][..., None]
    joints[..., 2] += pelvis_up[..., None]
    return joints


def foot_contacts(bodies: BodySizes, angles: JointAngles) -> FootContacts:
    """Returns the points of the feet that can touch the floor."""
    return _contacts({side: _leg(bodies, angles, side) for side in SIDES})


def _contacts(legs: Mapping[str, _Leg]) -> FootContacts:
    left, right = legs["left"], legs["right"]
    return FootContacts(
        np.stack([left.heel_forward, left.ball_forward, right.heel_forward, right.ball_forward]),
        np.stack([left.heel_up, left.ball_up, right.heel_up, right.ball_up]),
    )


def _leg(bodies: BodySizes, angles: JointAngles, side: str) -> _Leg:
    sign = SIDES[side]
    hip = _hip(bodies, angles, sign)
    thigh = angles[f"hip_{side}"]
    shank = thigh - angles[f"knee_{side}"]
    pitch = shank + angles[f"ankle_{side}"]
    knee_forward, knee_down = bodies.thigh * np.sin(thigh), bodies.thigh * np.cos(thigh)
    ankle_forward = knee_forward + bodies.shank * np.sin(shank)
    ankle_down = knee_down + bodies.shank * np.cos(shank)
    # The leg leans sideways so that the ankle is half a step width beside the line of progression.
    sin_lean = (sign * angles["half_step_width"] - angles["sway"] - hip[..., 1]) / ankle_down
    cos_lean = np.sqrt(1.0 - sin_lean**2)
    knee = hip + _vector(knee_forward, knee_down * sin_lean, -knee_down * cos_lean)
    ankle = hip + _vector(ankle_forward, ankle_down * sin_lean, -ankle_down * cos_lean)
    sin_pitch, cos_pitch = np.sin(pitch), np.cos(pitch)
    foot_forward = bodies.ball * cos_pitch + bodies.foot_drop * sin_pitch
    toe_out = angles["toe_out"]
    foot = ankle + _vector(
        foot_forward * np.cos(toe_out),
        sign * foot_forward * np.sin(toe_out),
        bodies.ball * sin_pitch - bodies.foot_drop * cos_pitch,
    )
    sole_up = ankle[..., 2] - bodies.ankle_height * cos_pitch
    sole_forward = ankle[..., 0] + bodies.ankle_height * sin_pitch
    return _Leg(
        hip,
        knee,
        ankle,
        foot,
        heel_up=sole_up - bodies.heel * sin_pitch,
        heel_forward=sole_forward - bodies.heel * cos_pitch,
        ball_up=sole_up + bodies.ball * sin_pitch,
        ball_forward=sole_forward + bodies.ball * cos_pitch,
    )


def _hip(bodies: BodySizes, angles: JointAngles, sign: float) -> Array:
    """Returns a hip joint: half the hip width to the side of the pelvis, slightly below HipCenter."""
    yaw, lean = angles["pelvis_yaw"], angles["pelvis_list"]
    aside = sign * 0.5 * bodies.hips
    left = aside * np.cos(lean) - bodies.hip_center * np.sin(lean)
    up = -aside * np.sin(lean) - bodies.hip_center * np.cos(lean)
    return _vector(-left * np.sin(yaw), left * np.cos(yaw), up)


def _trunk(bodies: BodySizes, angles: JointAngles) -> tuple[Array, Array, Array]:
    """Returns Spine, ShoulderCenter and Head."""
    axis = _tilt(angles["trunk_pitch"], angles["trunk_roll"])[2]
    nod = _tilt(angles["head_pitch"], angles["trunk_roll"])[2]
    shoulder_center = axis * bodies.shoulder_center[:, None]
    return axis * bodies.spine[:, None], shoulder_center, shoulder_center + nod * bodies.neck[:, None]


def _arm(bodies: BodySizes, angles: JointAngles, side: str, shoulder_center: Array) -> tuple[Array, ...]:
    """Returns shoulder, elbow, wrist and hand."""
    sign = SIDES[side]
    ahead, across, axis = _tilt(angles["trunk_pitch"], angles["trunk_roll"])
    half, yaw = sign * 0.5 * bodies.shoulders, angles["thorax_yaw"]
    drop = bodies.shoulder_center - bodies.shoulder_line
    shoulder = (
        shoulder_center
        - ahead * (half * np.sin(yaw))[..., None]
        + across * (half * np.cos(yaw))[..., None]
        - axis * drop[:, None]
    )
    swing, abduction = angles[f"shoulder_{side}"], angles[f"abduction_{side}"]
    upper = _vector(
        np.sin(swing), sign * np.cos(swing) * np.sin(abduction), -np.cos(swing) * np.cos(abduction)
    )
    bend, inward = swing + angles[f"elbow_{side}"], angles["forearm_inward"]
    reach, down = np.sin(bend), np.cos(bend)
    lower = _vector(
        reach * np.cos(inward),
        sign * (down * np.sin(abduction) - reach * np.sin(inward)),
        -down * np.cos(abduction),
    )
    lower /= np.linalg.norm(lower, axis=-1, keepdims=True)
    elbow = shoulder + upper * bodies.upper_arm[:, None]
    wrist = elbow + lower * bodies.forearm[:, None]
    return shoulder, elbow, wrist, wrist + lower * bodies.hand[:, None]


def _tilt(pitch: Array, roll: Array) -> tuple[Array, Array, Array]:
    """Returns the forward, left and up axes of a segment with forward pitch and roll to the left."""
    sin_p, cos_p, sin_r, cos_r = np.sin(pitch), np.cos(pitch), np.sin(roll), np.cos(roll)
    return (
        _vector(cos_p, -sin_p * sin_r, -sin_p * cos_r),
        _vector(np.zeros_like(cos_r), cos_r, -sin_r),
        _vector(sin_p, cos_p * sin_r, cos_p * cos_r),
    )


def _vector(forward: Array, left: Array, up: Array) -> Array:
    return np.stack(np.broadcast_arrays(forward, left, up), axis=-1)
