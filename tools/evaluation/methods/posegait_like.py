"""CNN baseline similar to PoseGait, on 81 hand-crafted features of each skeleton.

PoseGait (Liao et al., "A Model-Based Gait Recognition Method with Body Pose and Human Prior Knowledge",
Pattern Recognition 98, 2020) feeds 3D coordinates, joint angles, limb lengths and joint motion into a CNN.
The paper that this project follows states 81 features without listing them. The list below is therefore our
own, for the canonical 20 joints, and the method is named `posegait_like`:

- 42: coordinates of the 14 joints of PoseGait's estimated poses (head, neck, shoulders, elbows, wrists, hips,
  knees, ankles), relative to the hip, metres;
- 8: angles at elbows, shoulders, hips and knees, radians;
- 17: lengths of all bones except those of the two hands, whose ends a Kinect measures worst, metres;
- 14: distance that each of the 14 joints moved since the previous skeleton, relative to the hip, metres; the
  first skeleton of a window has the values of the second.

The network: two convolutions over time with 256 channels, mean over time, linear layer of 256.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from stream.body import FloatArray
from stream.skeleton import BONES, CANONICAL
from tools.evaluation.methods.classifier_networks import NetworkMethod, WindowNetwork
from tools.evaluation.methods.named_joints import adapt_to_layout
from tools.evaluation.methods.raw_and_bones import joint_distances

__all__ = ["FEATURES", "PoseNetwork", "posegait_features", "posegait_like_method"]

FEATURES = 81
"""Features of a skeleton."""

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
"""Joint triples; the angle is that at the second joint, between the first and the third."""

_LIMBS = tuple(bone for bone in BONES if not CANONICAL[bone[0]].startswith("Hand"))


def posegait_features(windows: FloatArray) -> FloatArray:
    """Returns the 81 features of each skeleton, (n, f * 81), in the order of the module's list."""
    positions = windows[:, :, _JOINTS]
    first, corner, third = (windows[:, :, list(joints)] for joints in zip(*_ANGLES, strict=True))
    before, after = first - corner, third - corner
    sine = np.linalg.norm(np.cross(before, after), axis=-1)
    # atan2 is accurate for nearly straight limbs, where acos is not.
    angles = np.arctan2(sine, (before * after).sum(axis=-1))
    motion = np.linalg.norm(np.diff(positions, axis=1), axis=-1)
    motion = np.concatenate((motion[:, :1], motion), axis=1)
    features = np.concatenate(
        (positions.reshape(*positions.shape[:2], -1), angles, joint_distances(windows, _LIMBS), motion), -1
    )
    return features.reshape(len(windows), -1).astype(np.float32, copy=False)


class PoseNetwork(WindowNetwork):
    """CNN over the skeletons of a window.

    Args:
        inputs: D, features of a skeleton.
        people: C, number of people.
    """

    def __init__(self, inputs: int, people: int) -> None:
        super().__init__(inputs, people)
        self.first = nn.Conv1d(inputs, _CHANNELS, 3, padding=1)
        self.second = nn.Conv1d(_CHANNELS, _CHANNELS, 3, padding=1)
        self.hidden = nn.Linear(_CHANNELS, self.output.in_features)

    def embed(self, rows: Tensor) -> Tensor:
        """Returns the linear layer on the mean over time."""
        motion = torch.relu(self.second(torch.relu(self.first(rows.transpose(1, 2)))))
        return torch.relu(self.hidden(motion.mean(dim=2)))


def posegait_like_method(layout: str) -> NetworkMethod:
    """Returns the method `posegait_like` for windows in a joint layout."""
    return NetworkMethod("posegait_like", adapt_to_layout(posegait_features, layout), PoseNetwork)
