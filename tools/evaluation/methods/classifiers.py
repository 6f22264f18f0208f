"""D13 and D16 with the classifiers used in the papers: k nearest neighbours, SVM and AdaBoost.

The classifiers are those of scikit-learn, on standardised descriptors. The hyperparameter is the one with the
best Rank-1 on the validation windows (the end of each training walk); probes are not used.

Consecutive windows are similar, and SVM and AdaBoost take much longer on all of them for little gain:
training uses at most `_TRAINING_LIMIT` windows of each person, drawn with the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import AdaBoostClassifier  # type: ignore[import-untyped]
from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]
from sklearn.pipeline import Pipeline, make_pipeline  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]
from sklearn.svm import SVC  # type: ignore[import-untyped]
from sklearn.tree import DecisionTreeClassifier  # type: ignore[import-untyped]

from stream.body import FloatArray
from tools.evaluation.methods.method import (
    Description,
    FeatureFunction,
    Progress,
    TrainingInput,
    compute_features,
)
from tools.evaluation.methods.validation_windows import split_validation_windows

__all__ = ["CLASSIFIER_KINDS", "DescriptorClassifier"]

_TRAINING_LIMIT: Mapping[str, int] = MappingProxyType({"knn": 400, "svm": 80, "adaboost": 80})
"""Maximum number of training windows of a person."""

_VALIDATION_LIMIT = 25
"""Maximum number of validation windows of a person."""

_TREES = 100


def _knn(neighbours: int, seed: int) -> Pipeline:
    del seed  # deterministic
    return make_pipeline(StandardScaler(), KNeighborsClassifier(neighbours, weights="distance"))


def _svm(penalty: int, seed: int) -> Pipeline:
    del seed  # deterministic
    return make_pipeline(StandardScaler(), SVC(C=penalty))


def _adaboost(depth: int, seed: int) -> Pipeline:
    tree = DecisionTreeClassifier(max_depth=depth)
    return make_pipeline(StandardScaler(), AdaBoostClassifier(tree, n_estimators=_TREES, random_state=seed))


_KINDS: Mapping[str, tuple[Callable[[int, int], Pipeline], str, tuple[int, ...]]] = MappingProxyType(
    {
        "knn": (_knn, "neighbours", (1, 5, 20, 60)),
        "svm": (_svm, "C", (1, 10, 100)),
        "adaboost": (_adaboost, "depth", (6, 9, 12)),
    }
)
CLASSIFIER_KINDS = tuple(_KINDS)
"""Names of the classifiers."""


@dataclass(frozen=True, slots=True, eq=False)
class DescriptorClassifier:
    """Method that trains a scikit-learn classifier on a descriptor.

    Attributes:
        descriptor: name of the descriptor, `d13` or `d16`.
        features: function that computes the descriptor.
        kind: name of the classifier, one of `CLASSIFIER_KINDS`.
        training_people: empty; it is trained within the draw only.
    """

    descriptor: str
    features: FeatureFunction
    kind: str
    training_people: frozenset[str] = frozenset()

    @property
    def description_names(self) -> tuple[str, ...]:
        """Name of its only description, `DESCRIPTOR-KIND`."""
        return (f"{self.descriptor}-{self.kind}",)

    @property
    def needs_training(self) -> bool:
        """Always True."""
        return True

    def fit(self, data: TrainingInput | None, progress: Progress) -> tuple[Description, ...]:
        """Trains with each hyperparameter and keeps the classifier with the best Rank-1 in validation."""
        assert data is not None
        train, validation = map(np.flatnonzero, split_validation_windows(data.train))
        rng = np.random.default_rng(data.seed)
        people = data.train.people
        train = _sample_per_person(train, people, _TRAINING_LIMIT[self.kind], rng)
        validation = _sample_per_person(validation, people, _VALIDATION_LIMIT, rng)
        rows = compute_features(self.features, data.train.windows)
        build, hyperparameter, values = _KINDS[self.kind]
        best_rank1, best = -1.0, None
        usable = [value for value in values if self.kind != "knn" or value <= len(train)]
        for done, value in enumerate(usable):
            progress(done / len(usable), f"{hyperparameter} {value}")
            fitted = build(value, data.seed).fit(rows[train], people[train])
            predicted = _scores(fitted, rows[validation]).argmax(axis=1)
            if (rank1 := float(np.mean(predicted == people[validation]))) > best_rank1:
                best_rank1, best = rank1, fitted
        progress(1.0, "trained")

        def classify(windows: FloatArray) -> FloatArray:
            return _scores(best, self.features(windows))

        return (Description(self.description_names[0], classify=classify, supervised=True),)


def _sample_per_person(
    rows: NDArray[np.int64], people: NDArray[np.int64], limit: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Returns at most `limit` random rows of each person, sorted."""
    shuffled = rng.permutation(rows)
    owners = people[shuffled]
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], owners[order])
    chosen: NDArray[np.int64] = np.sort(shuffled[order[np.arange(len(order)) - starts < limit]])
    return chosen


def _scores(fitted: Pipeline, rows: FloatArray) -> FloatArray:
    """Returns scores (n, C): the decision function if the classifier has one, else probabilities."""
    if hasattr(fitted, "decision_function"):
        scores = np.asarray(fitted.decision_function(rows), np.float32)
        # For two classes scikit-learn returns one column, positive for the second class.
        return np.stack((-scores, scores), axis=1) if scores.ndim == 1 else scores
    return np.asarray(fitted.predict_proba(rows), np.float32)
