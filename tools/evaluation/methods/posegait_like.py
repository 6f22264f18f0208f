"""A CNN on 81 hand-crafted numbers a skeleton, like PoseGait.

Liao et al., "A Model-Based Gait Recognition Method with Body Pose and Human Prior Knowledge" (Pattern
Recognition 98, 2020): 3D coordinates, joint angles, limb lengths and joint motion, into a CNN. The paper that
this project follows counts 81 of them and lists none, so the list here is of our own making, for the
canonical 20 joints, and the method is called `posegait_like`:

- 42: the coordinates of the 14 joints that PoseGait's estimated poses have (head, neck, shoulders, elbows,
  wrists, hips, knees, ankles), relative to the hip, metres;
- 8: the angles at elbows, shoulders, hips and knees, radians;
- 17: the lengths of all bones but the two of the hands, whose ends a Kinect sees worst, metres;
- 14: how far each of the 14 joints moved since the skeleton before, relative to the hip, metres; a window's
  first skeleton has the second's.

The network has two convolutions over time of 256 channels, the mean over time, and a layer of 256.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from stream.body import FloatArray
from stream.skeleton import BONES, CANONICAL
from tools.evaluation.methods.classifier_networks import Network, WindowNetwork
from tools.evaluation.methods.named_joints import through_canonical
from tools.evaluation.methods.raw_and_bones import lengths

__all__ = ["NUMBERS", "PoseNetwork", "pose_numbers", "posegait_like"]

NUMBERS = 81
"""Numbers a skeleton."""

_CHANNELS = 256

_JOINTS = tuple(
    CANONICAL.index(joint)
    for joint in (
        "Head", "ShoulderCenter", "ShoulderLeft", "ElbowLeft", "WristLeft", "ShoulderRight", "ElbowRight",
        "WristRight", "HipLeft", "KneeLeft", "AnkleLeft", "HipRight", "KneeRight", "AnkleRight",
    )
)  # fmt: skip

_ANGLES = tuple(
    tuple(CANONICAL.index(joint if joint == "ShoulderCenter" else joint + side) for joint in joints)
    for side in ("Left", "Right")
    for joints in (
        ("Shoulder", "Elbow", "Wrist"),
        ("ShoulderCenter", "Shoulder", "Elbow"),
        ("Shoulder", "Hip", "Knee"),
        ("Hip", "Knee", "Ankle"),
    )
)
"""The angle at the second of three joints, between the first and the third."""

_LIMBS = tuple(bone for bone in BONES if not CANONICAL[bone[0]].startswith("Hand"))


def pose_numbers(windows: FloatArray) -> FloatArray:
    """The 81 numbers of each skeleton, (n, f * 81), in the order of this module's list."""
    places = windows[:, :, _JOINTS]
    first, corner, third = (windows[:, :, list(joints)] for joints in zip(*_ANGLES, strict=True))
    before, after = first - corner, third - corner
    sine = np.linalg.norm(np.cross(before, after), axis=-1)
    # The tangent of both sides is sure where an arc cosine is not, near straight limbs.
    angles = np.arctan2(sine, (before * after).sum(axis=-1))
    moved = np.linalg.norm(np.diff(places, axis=1), axis=-1)
    moved = np.concatenate((moved[:, :1], moved), axis=1)
    numbers = np.concatenate(
        (places.reshape(*places.shape[:2], -1), angles, lengths(windows, _LIMBS), moved), -1
    )
    return numbers.reshape(len(windows), -1).astype(np.float32, copy=False)


class PoseNetwork(WindowNetwork):
    """Convolutions over time.

    Args:
        inputs: D, numbers a skeleton.
        people: C.
    """

    def __init__(self, inputs: int, people: int) -> None:
        super().__init__(inputs, people)
        self.first = nn.Conv1d(inputs, _CHANNELS, 3, padding=1)
        self.second = nn.Conv1d(_CHANNELS, _CHANNELS, 3, padding=1)
        self.hidden = nn.Linear(_CHANNELS, self.output.in_features)

    def embed(self, rows: Tensor) -> Tensor:
        """The layer of 256, of the mean over time."""
        moved = torch.relu(self.second(torch.relu(self.first(rows.transpose(1, 2)))))
        return torch.relu(self.hidden(moved.mean(dim=2)))


def posegait_like(layout: str) -> Network:
    """The CNN as a method; on windows in that layout."""
    return Network("posegait_like", through_canonical(pose_numbers, layout), PoseNetwork)
