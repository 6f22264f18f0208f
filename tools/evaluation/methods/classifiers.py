"""D13 and D16 with the classifiers that papers give them: nearest neighbours, SVM and AdaBoost.

Each classifier is scikit-learn's, on standardised descriptors, and its setting is the one that names most of
the windows at the end of each training walk, which it does not learn from; never the test.

Windows overlap and resemble each other, and SVM and AdaBoost take far longer than they gain with all of them:
of each person at most `_LIMIT` windows, drawn by the seed, are learned from.
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
from tools.evaluation.methods.method import Description, Features, Material, Told, describe
from tools.evaluation.methods.validation_windows import held_out

__all__ = ["CLASSIFIERS", "Classifier"]

_LIMIT: Mapping[str, int] = MappingProxyType({"knn": 400, "svm": 80, "adaboost": 80})
"""Windows of a person learned from, at most."""

_JUDGED = 25
"""Windows of a person, at most, by which a setting is chosen."""

_TREES = 100


def _knn(neighbours: int, seed: int) -> Pipeline:
    del seed
    return make_pipeline(StandardScaler(), KNeighborsClassifier(neighbours, weights="distance"))


def _svm(penalty: int, seed: int) -> Pipeline:
    del seed  # nothing is drawn
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
CLASSIFIERS = tuple(_KINDS)
"""Kinds of classifier."""


@dataclass(frozen=True, slots=True, eq=False)
class Classifier:
    """A descriptor with a classifier of its own.

    Attributes:
        descriptor: `d13` or `d16`, or how else the features are called.
        features: the descriptor.
        kind: one of `CLASSIFIERS`.
        seen: nobody before the trial.
    """

    descriptor: str
    features: Features
    kind: str
    seen: frozenset[str] = frozenset()

    @property
    def gives(self) -> tuple[str, ...]:
        """One description, of the descriptor's name and the kind's."""
        return (f"{self.descriptor}-{self.kind}",)

    @property
    def learns(self) -> bool:
        """From windows with their people."""
        return True

    def learn(self, material: Material | None, told: Told) -> tuple[Description, ...]:
        """Fit each setting, and keep the one that names most of the held-out windows."""
        assert material is not None
        train, held = map(np.flatnonzero, held_out(material.train))
        draw = np.random.default_rng(material.seed)
        people = material.train.people
        train = _some_of_each(train, people, _LIMIT[self.kind], draw)
        held = _some_of_each(held, people, _JUDGED, draw)
        rows = describe(self.features, material.train.windows)
        make, word, settings = _KINDS[self.kind]
        best, kept = -1.0, None
        usable = [setting for setting in settings if self.kind != "knn" or setting <= len(train)]
        for done, setting in enumerate(usable):
            told(done / len(usable), f"{word} {setting}")
            fitted = make(setting, material.seed).fit(rows[train], people[train])
            named = _scores(fitted, rows[held]).argmax(axis=1)
            if (rank1 := float(np.mean(named == people[held]))) > best:
                best, kept = rank1, fitted
        told(1.0, "chosen")

        def classify(windows: FloatArray) -> FloatArray:
            return _scores(kept, self.features(windows))

        return (Description(self.gives[0], classify=classify, supervised=True),)


def _some_of_each(
    rows: NDArray[np.int64], people: NDArray[np.int64], limit: int, draw: np.random.Generator
) -> NDArray[np.int64]:
    """At most `limit` of each person's rows, in order."""
    mixed = draw.permutation(rows)
    owners = people[mixed]
    order = np.argsort(owners, kind="stable")
    starts = np.searchsorted(owners[order], owners[order])
    chosen: NDArray[np.int64] = np.sort(mixed[order[np.arange(len(order)) - starts < limit]])
    return chosen


def _scores(fitted: Pipeline, rows: FloatArray) -> FloatArray:
    """(n, C); what the classifier ranks people by."""
    if hasattr(fitted, "decision_function"):
        found = np.asarray(fitted.decision_function(rows), np.float32)
        # For two people scikit-learn gives one column, positive for the second.
        return np.stack((-found, found), axis=1) if found.ndim == 1 else found
    return np.asarray(fitted.predict_proba(rows), np.float32)
