"""Body sizes: stature, and segment lengths as shares of it.

Sources:
    - Stature: 2012 Anthropometric Survey of U.S. Army Personnel (ANSUR II; Gordon et al. 2014,
      NATICK/TR-15/007): men 1.756 m (SD 0.0686), women 1.629 m (SD 0.0640).
    - Segment shares, mean and SD of the *ratio* to stature over all 6,068 people of ANSUR II: thigh =
      trochanterion - tibiale height, shank = tibiale - lateral malleolus height, shoulders = biacromial
      breadth, upper arm = acromion-radiale, forearm = radiale-stylion. They come from a public
      recomputation of the survey's open data, not from the report's tables. The older shares of Drillis
      and Contini (1966; Winter, Biomechanics and Motor Control of Human Movement, Fig. 4.1: 0.245, 0.246,
      0.039, 0.152, 0.259, 0.186, 0.146, 0.108 in the order below) differ by about a tenth at most.

Assumed, not published: the positions of a Kinect's joints on those segments (the constants below), and the
SD of the shoulder height, because leg and trunk lengths are negatively correlated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stream.simulation.random_parameters import Array, Distribution, draw_parameters

__all__ = ["MEN", "SHARES", "WOMEN", "BodySizes", "draw_body_sizes"]

MEN = Distribution(1.756, 0.0686)
"""Stature of men, metres."""

WOMEN = Distribution(1.629, 0.0640)
"""Stature of women, metres."""

SHARES = {
    "thigh": Distribution(0.2476, 0.0113),
    "shank": Distribution(0.2267, 0.0088),
    "ankle_height": Distribution(0.0405, 0.0032),
    "foot": Distribution(0.1534, 0.0055),
    "shoulders": Distribution(0.2328, 0.0114),
    "upper_arm": Distribution(0.1909, 0.0062),
    "forearm": Distribution(0.1511, 0.0067),
    "hand": Distribution(0.1104, 0.0044),
    "shoulder_height": Distribution(0.8200, 0.0100),
    "hips": Distribution(0.1000, 0.0060),
    "neck": Distribution(0.1100, 0.0050),
}
"""Segment lengths as shares of stature."""

SHOULDER_JOINTS = 0.88
"""Distance of the shoulder joints as a share of the biacromial breadth."""

SHOULDER_CENTER = 0.02
"""Height of ShoulderCenter above the line of the shoulders, as a share of stature."""

HIP_CENTER = 0.028
"""Height of HipCenter above the line of the hip joints, as a share of stature."""

SPINE = 0.05
"""Height of Spine above HipCenter, as a share of stature."""

HAND_JOINT = 0.42
"""Distance from the wrist to the Hand joint (the palm) as a share of the hand's length."""

HEEL, BALL = 0.25, 0.40
"""Distance of the heel behind and of the ball in front of the ankle, as shares of the foot's length."""

FOOT_JOINT = 0.75
"""Depth of the Foot joint (inside the ball) below the ankle, as a share of the ankle's height."""


@dataclass(frozen=True, slots=True, eq=False)
class BodySizes:
    """Body sizes of some people, metres, (people,) each; constant for each person."""

    stature: Array
    thigh: Array
    shank: Array
    ankle_height: Array
    heel: Array
    ball: Array
    foot_drop: Array
    hips: Array
    hip_center: Array
    spine: Array
    shoulder_line: Array
    shoulder_center: Array
    neck: Array
    shoulders: Array
    upper_arm: Array
    forearm: Array
    hand: Array

    @property
    def leg(self) -> Array:
        """Leg length, thigh plus shank, (people,) metres: the normalisation of the gait studies."""
        return self.thigh + self.shank


def draw_body_sizes(generators: Sequence[np.random.Generator]) -> BodySizes:
    """Draws one body from each person's generator; men and women are equally likely."""
    size = draw_parameters(
        {"sex": Distribution(0.0, 1.0), "stature": Distribution(0.0, 1.0)} | SHARES, generators
    )
    man = size["sex"] > 0
    stature = np.where(man, MEN.mean + MEN.sd * size["stature"], WOMEN.mean + WOMEN.sd * size["stature"])
    part = {name: size[name] * stature for name in SHARES}
    hip_height = part["thigh"] + part["shank"] + part["ankle_height"]
    shoulder_line = part["shoulder_height"] - hip_height - HIP_CENTER * stature
    return BodySizes(
        stature=stature,
        thigh=part["thigh"],
        shank=part["shank"],
        ankle_height=part["ankle_height"],
        heel=HEEL * part["foot"],
        ball=BALL * part["foot"],
        foot_drop=FOOT_JOINT * part["ankle_height"],
        hips=part["hips"],
        hip_center=HIP_CENTER * stature,
        spine=SPINE * stature,
        shoulder_line=shoulder_line,
        shoulder_center=shoulder_line + SHOULDER_CENTER * stature,
        neck=part["neck"],
        shoulders=SHOULDER_JOINTS * part["shoulders"],
        upper_arm=part["upper_arm"],
        forearm=part["forearm"],
        hand=HAND_JOINT * part["hand"],
    )
