"""Body sizes: stature and the share of it that each segment takes.

Sources:
    - Stature: 2012 Anthropometric Survey of U.S. Army Personnel (ANSUR II; Gordon et al. 2014,
      NATICK/TR-15/007): men 1.756 m (SD 0.0686), women 1.629 m (SD 0.0640).
    - Segment shares, mean and SD of the *ratio* to stature over all 6,068 people of ANSUR II: thigh =
      trochanterion - tibiale height, shank = tibiale - lateral malleolus height, shoulders = biacromial
      breadth, upper arm = acromion-radiale, forearm = radiale-stylion. They come from a public
      recomputation of the survey's open data, not from the report's tables. The older shares of Drillis
      and Contini (1966; Winter, Biomechanics and Motor Control of Human Movement, Fig. 4.1: 0.245, 0.246,
      0.039, 0.152, 0.259, 0.186, 0.146, 0.108 in the order below) differ by about a tenth at most.

Chosen here, from no publication: where a Kinect's joints lie on those segments (the constants below),
and the spread of the shoulder height, because leg and trunk vary against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stream.simulation.traits import Array, Spread, draw

__all__ = ["MEN", "SHARES", "WOMEN", "Bodies", "draw_bodies"]

MEN = Spread(1.756, 0.0686)
"""Stature of men, metres."""

WOMEN = Spread(1.629, 0.0640)
"""Stature of women, metres."""

SHARES = {
    "thigh": Spread(0.2476, 0.0113),
    "shank": Spread(0.2267, 0.0088),
    "ankle_height": Spread(0.0405, 0.0032),
    "foot": Spread(0.1534, 0.0055),
    "shoulders": Spread(0.2328, 0.0114),
    "upper_arm": Spread(0.1909, 0.0062),
    "forearm": Spread(0.1511, 0.0067),
    "hand": Spread(0.1104, 0.0044),
    "shoulder_height": Spread(0.8200, 0.0100),
    "hips": Spread(0.1000, 0.0060),
    "neck": Spread(0.1100, 0.0050),
}
"""Segment lengths as shares of stature."""

SHOULDER_JOINTS = 0.88
"""Distance of the shoulder joints as a share of the biacromial breadth."""

SHOULDER_CENTER = 0.02
"""Height of ShoulderCenter over the line of the shoulders, as a share of stature."""

HIP_CENTER = 0.028
"""Height of HipCenter over the line of the hip joints, as a share of stature."""

SPINE = 0.05
"""Height of Spine over HipCenter, as a share of stature."""

HAND_JOINT = 0.42
"""Distance from the wrist to the Hand joint (the palm) as a share of the hand's length."""

HEEL, BALL = 0.25, 0.40
"""Heel behind and ball of the foot before the ankle, as shares of the foot's length."""

FOOT_JOINT = 0.75
"""Drop from the ankle to the Foot joint (inside the ball) as a share of the ankle's height."""


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """The sizes of some people, metres, (people,) each; every one a constant of the person."""

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
        """Thigh and shank, (people,) metres: the length that the gait studies divide by."""
        return self.thigh + self.shank


def draw_bodies(generators: Sequence[np.random.Generator]) -> Bodies:
    """Draw one body from each person's generator; men and women are equally likely."""
    size = draw({"sex": Spread(0.0, 1.0), "stature": Spread(0.0, 1.0)} | SHARES, generators)
    man = size["sex"] > 0
    stature = np.where(man, MEN.mean + MEN.sd * size["stature"], WOMEN.mean + WOMEN.sd * size["stature"])
    part = {name: size[name] * stature for name in SHARES}
    hip_height = part["thigh"] + part["shank"] + part["ankle_height"]
    shoulder_line = part["shoulder_height"] - hip_height - HIP_CENTER * stature
    return Bodies(
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
