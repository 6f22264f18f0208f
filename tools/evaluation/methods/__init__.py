"""Methods under evaluation: baselines and encoders with one interface, and the catalogue of their names."""

from __future__ import annotations

from tools.evaluation.methods.method import (
    Description,
    FeatureFunction,
    FixedMethod,
    Method,
    Metric,
    Progress,
    ScoreFunction,
    TrainingInput,
    compute_features,
)
from tools.evaluation.methods.method_registry import MethodOptions, choose_methods
from tools.evaluation.methods.train_test_overlap import data_set_of, person_key, refuse_overlap

__all__ = [
    "Description",
    "FeatureFunction",
    "FixedMethod",
    "Method",
    "MethodOptions",
    "Metric",
    "Progress",
    "ScoreFunction",
    "TrainingInput",
    "choose_methods",
    "compute_features",
    "data_set_of",
    "person_key",
    "refuse_overlap",
]
