"""What goes beyond the paper: CAGEs and pose numbers together, and what tells known walks or people apart.

- `cage-pose`: both side by side, skeleton by skeleton.
- `fused-walks`: without anybody's name. The training recordings are told apart as if each were a person of
  its own, which shows what changes within one walk and what does not: by whitened principal components,
  linear discriminants, and a small network whose answer, softened, stands beside them. Probes and galleries
  are recordings that it never met.
- `fused`: such components and the discriminants of people, as the live system compares windows
  (`gallery.fusion`).
- `fused-known`: these, and a network's answer which of the training people a window shows: for people who are
  known. As a classifier it weighs that answer by the training window of each that is most alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from encoder.pose import POSE, pose_numbers
from evaluation.methods.contract import Description, Features, Material, Told, describe
from evaluation.methods.held_out import held_out
from evaluation.methods.joints import through_canonical
from evaluation.methods.networks import PerceptronNetwork, WindowNetwork, ask, train_network
from evaluation.methods.trained import Sgela
from gallery.cohort import unit
from gallery.directions import WindowDirections
from gallery.segments import describe_windows
from stream.body import FloatArray
from tools.fusion_fit import fit_window_directions

__all__ = ["Fused"]

_SOFTER = 2.0
"""What a network's answers are divided by: the sure ones leave room for the second best."""

_DISCRIMINANTS = 1.5
"""The length of discriminants beside whitened components of length 1."""

_ALIKE = 30.0
"""What a likeness to training windows is multiplied by, beside the logarithm of a network's answer."""

_BLOCK = 256
"""Windows compared with all training windows at once."""

_ENCODER_SHARE = 0.6
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
        train = material.train
        known = describe(both.whole, train.windows)
        _, recordings = np.unique(train.walks, return_inverse=True)
        walks, people = (
            _Telling.learn(both, known, owners, material, partial(_told_on, told, place))
            for place, owners in enumerate((recordings.astype(np.int64), train.people))
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
    """Tell how the network of walks (0) or of people (1) comes on."""
    told(_ENCODER_SHARE + (1 - _ENCODER_SHARE) * (place + done) / 2, text)


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


@dataclass(frozen=True, slots=True, eq=False)
class _Telling:
    """Directions of labels, the windows they were learned from, and a network that names them by the pose.

    Attributes:
        both: describes windows.
        directions: in which windows are compared.
        network: names the labels.
        taught: (n, K) the training windows along the directions, label by label.
        starts: (C,) where each label's begin.
    """

    both: _BesidePose
    directions: WindowDirections
    network: WindowNetwork
    taught: FloatArray
    starts: NDArray[np.intp]

    @classmethod
    def learn(
        cls,
        both: _BesidePose,
        known: FloatArray,
        owners: NDArray[np.int64],
        material: Material,
        told: Told,
    ) -> _Telling:
        """Learn from descriptions (n, D) of the material's windows whose labels (n,) are 0..C-1."""
        directions = fit_window_directions(known, material.train.walks, owners)
        rows = torch.from_numpy(known[:, None, :POSE])
        parts = held_out(material.train)
        network = train_network(PerceptronNetwork, rows, owners, parts, material, told)
        order = np.argsort(owners, kind="stable")
        _, starts = np.unique(owners[order], return_index=True)
        return cls(both, directions, network, _along(directions, known)[order], starts)

    def compared(self, windows: FloatArray) -> FloatArray:
        """(n, K) of unit length."""
        return _along(self.directions, self.both.whole(windows))

    def features(self, windows: FloatArray) -> FloatArray:
        """(n, C + K) of unit length: the network's softened answers beside what is compared."""
        described = self.both.whole(windows)
        named = softmax(self._logits(described) / _SOFTER, axis=1)
        return unit(np.concatenate((unit(named), _along(self.directions, described)), axis=1))

    def classify(self, windows: FloatArray) -> FloatArray:
        """(n, C) probabilities."""
        described = self.both.whole(windows)
        alike = self._alike(_along(self.directions, described))
        likely: FloatArray = softmax(self._logits(described) + np.float32(_ALIKE) * alike, axis=1)
        return likely

    def _logits(self, described: FloatArray) -> FloatArray:
        return ask(self.network, torch.from_numpy(np.ascontiguousarray(described[:, None, :POSE])))

    def _alike(self, rows: FloatArray) -> FloatArray:
        """(n, C) the likeness of each label's training window that is most alike."""
        blocks = np.array_split(rows, max(1, len(rows) // _BLOCK))
        nearest = [np.maximum.reduceat(block @ self.taught.T, self.starts, axis=1) for block in blocks]
        return np.concatenate(nearest)
