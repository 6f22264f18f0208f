"""The interface of methods under evaluation, and how to add a baseline (see `Method`).

The protocols use a method only through `Method`. They call `fit` once for each draw, with a `TrainingInput`
that contains no probe or gallery windows. `fit` returns one or more descriptions; each is a row of the
results table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from stream.body import FloatArray
from tools.evaluation.splits.window_set import WindowSet

__all__ = [
    "Description",
    "FeatureFunction",
    "FixedMethod",
    "Method",
    "Metric",
    "Progress",
    "ScoreFunction",
    "TrainingInput",
    "compute_features",
]

FeatureFunction = Callable[[FloatArray], FloatArray]
"""Maps windows (n, f, J, 3), hip-centred metres, to feature rows (n, D) float32, one for each window."""

ScoreFunction = Callable[[FloatArray], FloatArray]
"""Maps windows (n, f, J, 3) to scores (n, C) float32 of the C training people; higher is likelier."""

Metric = Literal["euclidean", "cosine"]
"""Distance between two feature rows."""

Progress = Callable[[float, str], object]
"""Receives the progress of a training: the completed share, 0 to 1, and the current step as text."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingInput:
    """Training windows and settings of one draw; contains no probe or gallery windows.

    Attributes:
        train: labelled training windows, hip-centred, one every f // 2 skeletons.
        seed: seed of all random numbers.
        threads: CPU threads; 0 keeps the library's default.
    """

    train: WindowSet
    seed: int
    threads: int = 0

    @property
    def f(self) -> int:
        """Skeletons in a window."""
        return int(self.train.windows.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """Feature extractor, classifier or both, shown as one row of the results table.

    Attributes:
        name: name of the row, unique among all methods.
        features: maps windows to feature rows; None if the description only classifies.
        parts: number of equally long parts in a feature row: f if the row concatenates one part for each
            skeleton, 1 if it describes the window as a whole. With several parts, `rn` also measures average
            prediction.
        classify: maps windows to scores of people; None if a recognition network is to be trained on the
            features.
        metric: default distance between feature rows.
        supervised: whether its training used labels.

    Raises:
        ValueError: `features` and `classify` are both None.
    """

    name: str
    features: FeatureFunction | None = None
    parts: int = 1
    classify: ScoreFunction | None = None
    metric: Metric = "euclidean"
    supervised: bool = False

    def __post_init__(self) -> None:
        if self.features is None and self.classify is None:
            raise ValueError(f"{self.name}: expected features or classify, got neither")


class Method(Protocol):
    """Interface of a method under evaluation.

    To add a baseline:

    1. Write a feature function: windows (n, f, J, 3) in, rows (n, D) float32 out. It must not depend on other
       windows of the batch. Wrap it in `adapt_to_layout` (`tools.evaluation.methods.named_joints`) if it uses
       the canonical 20 joints.
    2. If nothing is trained, return `FixedMethod((Description(name, features),))`, as
       `tools.evaluation.methods.descriptors` does. If its weights were trained before the evaluation, pass
       the people they were trained on, as `tools.evaluation.methods.trained_weights` does.
    3. Otherwise write a frozen dataclass with the members below. `fit` takes windows and labels from
       `TrainingInput.train`, and all random numbers from `TrainingInput.seed`. To choose hyperparameters or
       an epoch, use `split_validation_windows`, never the probes. A network needs no new class: pass it to
       `NetworkMethod` (`tools.evaluation.methods.classifier_networks`).
    4. Register the method in `_factories` of `tools.evaluation.methods.method_registry`. The key is its
       name for `--method`; its place is its place in the table.
    """

    @property
    def description_names(self) -> tuple[str, ...]:
        """Names of the descriptions that `fit` returns, in the same order."""
        ...

    @property
    def needs_training(self) -> bool:
        """Whether `fit` uses training windows; if no method does, no training walks are needed."""
        ...

    @property
    def training_people(self) -> frozenset[str]:
        """People used in training before the evaluation, as `data set/person`; they must not be probes."""
        ...

    def fit(self, data: TrainingInput | None, progress: Progress) -> tuple[Description, ...]:
        """Trains the method and returns its descriptions.

        Args:
            data: training windows; may be None if `needs_training` is False.
            progress: receives the completed share, finally 1.0.

        Returns:
            Descriptions with the names of `description_names`, in that order.

        Raises:
            UserError: the training windows do not suffice for this method.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FixedMethod:
    """Method that is not trained here: hand-crafted features, or weights that were trained before.

    Attributes:
        descriptions: descriptions that `fit` returns.
        training_people: people used in training before the evaluation, as `data set/person`.
    """

    descriptions: tuple[Description, ...]
    training_people: frozenset[str] = field(default=frozenset())

    @property
    def description_names(self) -> tuple[str, ...]:
        """Names of the descriptions."""
        return tuple(description.name for description in self.descriptions)

    @property
    def needs_training(self) -> bool:
        """Always False."""
        return False

    def fit(self, data: TrainingInput | None, progress: Progress) -> tuple[Description, ...]:
        """Returns the descriptions."""
        progress(1.0, "no training")
        return self.descriptions


def compute_features(features: FeatureFunction, windows: FloatArray, block: int = 4096) -> FloatArray:
    """Returns the feature rows (n, D) of windows in a new array, computed in blocks.

    Raises:
        ValueError: there are no windows, or a feature is not finite.
    """
    if not len(windows):
        raise ValueError("windows: expected at least one")
    rows: FloatArray | None = None
    for start in range(0, len(windows), block):
        part = features(windows[start : start + block])
        if rows is None:
            rows = np.empty((len(windows), part.shape[1]), np.float32)
        rows[start : start + len(part)] = part
    assert rows is not None
    if not np.isfinite(rows).all():
        raise ValueError("features: expected finite numbers, got NaN or infinity")
    return rows
