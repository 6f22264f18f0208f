"""What goes beyond the paper: CAGEs and pose numbers together, and what tells known walks or people apart.

- `cage-pose`: both side by side, skeleton by skeleton.
- `fused-walks`: without anybody's name. The training recordings are told apart as if each were a person of
  its own, which shows what changes within one walk and what does not: by whitened principal components,
  linear discriminants, and a small network whose answer, softened, stands beside them. Probes and galleries
  are recordings that it never met.
- `fused`: such components and the discriminants of people, as the live system compares windows
  (`gallery.scoring.fusion`).
- `fused-known`: these, and the answer of a network of joints (`joint_attention`) which of the training people
  a window shows: for people who are known. As a classifier it weighs that answer by the training window of
  each that is most alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor

from encoder.pose import POSE, pose_numbers
from gallery.scoring.cohort import unit
from gallery.scoring.segments import describe_windows
from gallery.scoring.window_directions import WindowDirections
from stream.body import FloatArray
from tools.backend_fit.fusion_fit import fit_window_directions
from tools.datasets.recorded_walk import IntArray
from tools.evaluation.methods.classifier_networks import PerceptronNetwork, ask, train_network
from tools.evaluation.methods.joint_attention import joint_numbers, train_joint_attention
from tools.evaluation.methods.method import Description, Features, Material, Told, describe
from tools.evaluation.methods.named_joints import through_canonical
from tools.evaluation.methods.sgela import Sgela
from tools.evaluation.methods.validation_windows import held_out

__all__ = ["Fused"]

_SOFTER = 2.0
"""What a network's answers are divided by: the sure ones leave room for the second best."""

_DISCRIMINANTS = 1.5
"""The length of discriminants beside whitened components of length 1."""

_ALIKE = 20.0
"""What a likeness to training windows is multiplied by, beside the logarithm of a network's answer."""

_BLOCK = 256
"""Windows compared with all training windows at once."""

_ENCODER_SHARE = 0.5
_WALKS_SHARE = 0.05
"""Of the time that learning takes."""


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """CAGEs and pose numbers, learned from the trial's training walks alone.

    Attributes:
        encoder: makes the CAGEs, learned without labels.
        layout: of the windows' joints.
        seen: nobody before the trial.
    """

    encoder: Sgela
    layout: str
    seen: frozenset[str] = frozenset()

    @property
    def gives(self) -> tuple[str, ...]:
        """`cage-pose` and `fused-walks`, without labels, then `fused` and `fused-known`."""
        return ("cage-pose", "fused-walks", "fused", "fused-known")

    @property
    def learns(self) -> bool:
        """From windows and recordings; for `fused` and `fused-known` from whose they are."""
        return True

    def learn(self, material: Material | None, told: Told) -> tuple[Description, ...]:
        """Train the encoder, then fit."""
        assert material is not None
        cage, *_ = self.encoder.learn(material, lambda done, text: told(_ENCODER_SHARE * done, text))
        assert cage.features is not None
        both = _BesidePose(cage.features, through_canonical(_flat_pose, self.layout), material.f)
        joints = through_canonical(joint_numbers, self.layout)
        train = material.train
        known = describe(both.whole, train.windows)
        _, recordings = np.unique(train.walks, return_inverse=True)
        naming = (
            _names_by_pose(known, recordings.astype(np.int64), material, partial(_told_on, told, 0)),
            _names_by_joints(joints, train.people, material, partial(_told_on, told, 1)),
        )
        walks, people = (
            _Telling.learn(both, known, train.walks, owners, names)
            for owners, names in zip((recordings, train.people), naming, strict=True)
        )
        return (
            Description("cage-pose", both, material.f),
            Description("fused-walks", walks.features, metric="cosine"),
            Description("fused", people.compared, metric="cosine", supervised=True),
            Description(
                "fused-known", people.features, classify=people.classify, metric="cosine", supervised=True
            ),
        )


def _told_on(told: Told, place: int, done: float, text: str) -> None:
    """Tell how the network of walks (0) or of people (1) comes on; the former takes little."""
    share = 1 - _ENCODER_SHARE - _WALKS_SHARE if place else _WALKS_SHARE
    told(_ENCODER_SHARE + place * _WALKS_SHARE + share * done, text)


def _flat_pose(windows: FloatArray) -> FloatArray:
    return pose_numbers(windows).reshape(len(windows), -1)


@dataclass(frozen=True, slots=True, eq=False)
class _BesidePose:
    """CAGEs and pose numbers of each skeleton side by side."""

    cages: Features
    pose: Features
    f: int

    def __call__(self, windows: FloatArray) -> FloatArray:
        return self._rows(windows).reshape(len(windows), -1)

    def whole(self, windows: FloatArray) -> FloatArray:
        """The same as one description of the window."""
        return describe_windows(self._rows(windows))

    def _rows(self, windows: FloatArray) -> FloatArray:
        parts = [part(windows).reshape(len(windows), self.f, -1) for part in (self.cages, self.pose)]
        return np.concatenate(parts, axis=2)


def _along(directions: WindowDirections, described: FloatArray) -> FloatArray:
    """Descriptions (n, D) as they are compared, (n, K) of unit length."""
    return directions.windows(described, _DISCRIMINANTS)


_Names = Callable[[FloatArray, FloatArray], FloatArray]
"""Windows (n, f, J, 3) and their descriptions (n, D) to a network's logits (n, C)."""


def _names_by_pose(
    described: FloatArray, owners: NDArray[np.int64], material: Material, told: Told
) -> _Names:
    """Learn owners 0..C-1 from the pose in the descriptions of the material's windows."""

    def rows(described: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(described[:, None, :POSE]))

    parts = held_out(material.train)
    network = train_network(PerceptronNetwork, rows(described), owners, parts, material, told)
    return lambda _, described: ask(network, rows(described))


def _names_by_joints(joints: Features, owners: NDArray[np.int64], material: Material, told: Told) -> _Names:
    """Learn owners 0..C-1 from the joints of the material's windows."""

    def rows(windows: FloatArray) -> Tensor:
        return torch.from_numpy(joints(windows)[:, None])

    taught = torch.from_numpy(describe(joints, material.train.windows)[:, None])
    network = train_joint_attention(taught, owners, material, told)
    return lambda windows, _: ask(network, rows(windows))


@dataclass(frozen=True, slots=True, eq=False)
class _Telling:
    """Directions of labels, the windows they were learned from, and a network that names them.

    Attributes:
        both: describes windows.
        names: the labels.
        directions: in which windows are compared.
        taught: (n, K) the training windows along the directions, label by label.
        starts: (C,) where each label's begin.
    """

    both: _BesidePose
    names: _Names
    directions: WindowDirections
    taught: FloatArray
    starts: NDArray[np.intp]

    @classmethod
    def learn(
        cls, both: _BesidePose, known: FloatArray, walks: IntArray, owners: IntArray, names: _Names
    ) -> _Telling:
        """Learn from descriptions (n, D) of windows of walks (n,) whose labels (n,) are 0..C-1."""
        directions = fit_window_directions(known, walks, owners)
        order = np.argsort(owners, kind="stable")
        _, starts = np.unique(owners[order], return_index=True)
        return cls(both, names, directions, _along(directions, known)[order], starts)

    def compared(self, windows: FloatArray) -> FloatArray:
        """(n, K) of unit length."""
        return _along(self.directions, self.both.whole(windows))

    def features(self, windows: FloatArray) -> FloatArray:
        """(n, C + K) of unit length: the network's softened answers beside what is compared."""
        described = self.both.whole(windows)
        named = softmax(self.names(windows, described) / _SOFTER, axis=1)
        return unit(np.concatenate((unit(named), _along(self.directions, described)), axis=1))

    def classify(self, windows: FloatArray) -> FloatArray:
        """(n, C) probabilities."""
        described = self.both.whole(windows)
        alike = self._alike(_along(self.directions, described))
        logits = self.names(windows, described)
        likely: FloatArray = softmax(logits + np.float32(_ALIKE) * alike, axis=1)
        return likely

    def _alike(self, rows: FloatArray) -> FloatArray:
        """(n, C) the likeness of each label's training window that is most alike."""
        blocks = np.array_split(rows, max(1, len(rows) // _BLOCK))
        nearest = [np.maximum.reduceat(block @ self.taught.T, self.starts, axis=1) for block in blocks]
        return np.concatenate(nearest)
