"""Fusion of CAGEs and pose features (beyond the paper): `cage-pose`, `fused-walks`, `fused`, `fused-known`.

- `cage-pose`: CAGE and pose features of each skeleton, concatenated.
- `fused-walks`: unsupervised. Each training recording is treated as a class of its own, so that the training
  separates variation within a walk from variation between walks. Features: whitened principal components,
  linear discriminants, and the softened class probabilities of a small network. Probe and gallery recordings
  are not among the classes.
- `fused`: supervised. Whitened principal components and linear discriminants of people, as the live system
  compares windows (`gallery.scoring.fusion`).
- `fused-known`: supervised, for probes of the training people. The features of `fused`, concatenated with the
  softened probabilities of a network (`joint_attention`) that classifies the training people. As a classifier
  it adds, to the network's logit of each person, the scaled similarity to the person's most similar training
  window.
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

from encoder.pose import POSE_WIDTH, pose_features
from gallery.scoring.cohort import unit
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.window_comparison import WindowDirections
from stream.body import FloatArray
from tools.backend_fit.fusion_fit import fit_window_directions
from tools.datasets.recorded_walk import IntArray
from tools.evaluation.methods.classifier_networks import PerceptronNetwork, run_in_blocks, train_network
from tools.evaluation.methods.joint_attention import joint_features, train_joint_attention
from tools.evaluation.methods.method import (
    Description,
    FeatureFunction,
    Progress,
    TrainingInput,
    compute_features,
)
from tools.evaluation.methods.named_joints import adapt_to_layout
from tools.evaluation.methods.sgela import Sgela
from tools.evaluation.methods.validation_windows import split_validation_windows

__all__ = ["FusionMethod"]

_TEMPERATURE = 2.0
"""Divides the logits before the softmax, so that the second-best classes keep some weight."""

_DISCRIMINANT_LENGTH = 1.5
"""Length of the discriminants; the whitened components beside them have length 1."""

_SIMILARITY_WEIGHT = 20.0
"""Weight of the similarity to training windows, added to the network's logits."""

_BLOCK = 256
"""Windows compared with all training windows at once."""

_ENCODER_SHARE = 0.5
_WALKS_SHARE = 0.05
"""Shares of the training time, for the progress: of the encoder and of the network of walks."""


@dataclass(frozen=True, slots=True, eq=False)
class FusionMethod:
    """Method of fused CAGEs and pose features, trained on the training walks of the draw only.

    Attributes:
        encoder: method that trains the encoder of the CAGEs, without labels.
        layout: joint layout of the windows.
        training_people: empty; it is trained within the draw only.
    """

    encoder: Sgela
    layout: str
    training_people: frozenset[str] = frozenset()

    @property
    def description_names(self) -> tuple[str, ...]:
        """`cage-pose` and `fused-walks` (unsupervised), `fused` and `fused-known` (supervised)."""
        return ("cage-pose", "fused-walks", "fused", "fused-known")

    @property
    def needs_training(self) -> bool:
        """Always True."""
        return True

    def fit(self, data: TrainingInput | None, progress: Progress) -> tuple[Description, ...]:
        """Trains the encoder, then both networks and the directions."""
        assert data is not None
        cage, *_ = self.encoder.fit(data, lambda done, text: progress(_ENCODER_SHARE * done, text))
        assert cage.features is not None
        cage_pose = _CagePose(cage.features, adapt_to_layout(_flat_pose, self.layout), data.f)
        joints = adapt_to_layout(joint_features, self.layout)
        train = data.train
        descriptors = compute_features(cage_pose.window_descriptors, train.windows)
        _, recordings = np.unique(train.walks, return_inverse=True)
        networks = (
            _train_on_pose(
                descriptors, recordings.astype(np.int64), data, partial(_report_network, progress, 0)
            ),
            _train_on_joints(joints, train.people, data, partial(_report_network, progress, 1)),
        )
        walks, people = (
            _LabelModel.fit(cage_pose, descriptors, train.walks, labels, network)
            for labels, network in zip((recordings, train.people), networks, strict=True)
        )
        return (
            Description("cage-pose", cage_pose, data.f),
            Description("fused-walks", walks.features, metric="cosine"),
            Description("fused", people.projected, metric="cosine", supervised=True),
            Description(
                "fused-known", people.features, classify=people.classify, metric="cosine", supervised=True
            ),
        )


def _report_network(progress: Progress, place: int, done: float, text: str) -> None:
    """Reports the progress of the network of walks (place 0) or of people (place 1)."""
    share = 1 - _ENCODER_SHARE - _WALKS_SHARE if place else _WALKS_SHARE
    progress(_ENCODER_SHARE + place * _WALKS_SHARE + share * done, text)


def _flat_pose(windows: FloatArray) -> FloatArray:
    return pose_features(windows).reshape(len(windows), -1)


@dataclass(frozen=True, slots=True, eq=False)
class _CagePose:
    """Feature function: CAGE and pose features of each skeleton, concatenated."""

    cages: FeatureFunction
    pose: FeatureFunction
    f: int

    def __call__(self, windows: FloatArray) -> FloatArray:
        return self._rows(windows).reshape(len(windows), -1)

    def window_descriptors(self, windows: FloatArray) -> FloatArray:
        """Returns one descriptor (n, D) for each window as a whole."""
        return describe_windows(self._rows(windows))

    def _rows(self, windows: FloatArray) -> FloatArray:
        parts = [part(windows).reshape(len(windows), self.f, -1) for part in (self.cages, self.pose)]
        return np.concatenate(parts, axis=2)


def _project(directions: WindowDirections, descriptors: FloatArray) -> FloatArray:
    """Returns window descriptors (n, D) projected on the directions, (n, K) of unit length."""
    return directions.project(descriptors, _DISCRIMINANT_LENGTH)


_LogitFunction = Callable[[FloatArray, FloatArray], FloatArray]
"""Maps windows (n, f, J, 3) and their descriptors (n, D) to the logits (n, C) of a network."""


def _train_on_pose(
    descriptors: FloatArray, labels: NDArray[np.int64], data: TrainingInput, progress: Progress
) -> _LogitFunction:
    """Trains a perceptron to classify labels 0..C-1 by the pose part of the window descriptors."""

    def inputs(descriptors: FloatArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(descriptors[:, None, :POSE_WIDTH]))

    split = split_validation_windows(data.train)
    network = train_network(PerceptronNetwork, inputs(descriptors), labels, split, data, progress)
    return lambda _, descriptors: run_in_blocks(network, inputs(descriptors))


def _train_on_joints(
    joints: FeatureFunction, labels: NDArray[np.int64], data: TrainingInput, progress: Progress
) -> _LogitFunction:
    """Trains a joint attention network to classify labels 0..C-1."""

    def inputs(windows: FloatArray) -> Tensor:
        return torch.from_numpy(joints(windows)[:, None])

    rows = torch.from_numpy(compute_features(joints, data.train.windows)[:, None])
    network = train_joint_attention(rows, labels, data, progress)
    return lambda windows, _: run_in_blocks(network, inputs(windows))


@dataclass(frozen=True, slots=True, eq=False)
class _LabelModel:
    """Model of C labels (walks or people): directions, projected training windows, and a classifier network.

    Attributes:
        cage_pose: computes the window descriptors.
        logits: logits of the network.
        directions: directions that window descriptors are projected on.
        projections: (n, K) projected training windows, sorted by label.
        starts: (C,) index of the first training window of each label.
    """

    cage_pose: _CagePose
    logits: _LogitFunction
    directions: WindowDirections
    projections: FloatArray
    starts: NDArray[np.intp]

    @classmethod
    def fit(
        cls,
        cage_pose: _CagePose,
        descriptors: FloatArray,
        walks: IntArray,
        labels: IntArray,
        logits: _LogitFunction,
    ) -> _LabelModel:
        """Fits the directions to window descriptors (n, D) with walks (n,) and labels (n,) 0..C-1."""
        directions = fit_window_directions(descriptors, walks, labels)
        order = np.argsort(labels, kind="stable")
        _, starts = np.unique(labels[order], return_index=True)
        return cls(cage_pose, logits, directions, _project(directions, descriptors)[order], starts)

    def projected(self, windows: FloatArray) -> FloatArray:
        """Returns the projected window descriptors, (n, K) of unit length."""
        return _project(self.directions, self.cage_pose.window_descriptors(windows))

    def features(self, windows: FloatArray) -> FloatArray:
        """Returns softened network probabilities and projected descriptors, (n, C + K) of unit length."""
        descriptors = self.cage_pose.window_descriptors(windows)
        softened = softmax(self.logits(windows, descriptors) / _TEMPERATURE, axis=1)
        return unit(np.concatenate((unit(softened), _project(self.directions, descriptors)), axis=1))

    def classify(self, windows: FloatArray) -> FloatArray:
        """Returns the probabilities (n, C) of the labels."""
        descriptors = self.cage_pose.window_descriptors(windows)
        similarity = self._best_similarity(_project(self.directions, descriptors))
        logits = self.logits(windows, descriptors)
        probabilities: FloatArray = softmax(logits + np.float32(_SIMILARITY_WEIGHT) * similarity, axis=1)
        return probabilities

    def _best_similarity(self, rows: FloatArray) -> FloatArray:
        """Returns the similarity (n, C) to the most similar training window of each label."""
        blocks = np.array_split(rows, max(1, len(rows) // _BLOCK))
        best = [np.maximum.reduceat(block @ self.projections.T, self.starts, axis=1) for block in blocks]
        return np.concatenate(best)
