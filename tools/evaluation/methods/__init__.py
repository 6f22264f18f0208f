"""Methods of a table: baselines and encoders behind one interface, and the catalogue of their names."""

from __future__ import annotations

from tools.evaluation.methods.catalogue import MethodOptions, choose_methods, method_names
from tools.evaluation.methods.method import (
    Classify,
    Description,
    Features,
    Fixed,
    Material,
    Method,
    Metric,
    Told,
    describe,
)
from tools.evaluation.methods.train_test_overlap import data_set_of, person_key, refuse_seen

__all__ = [
    "Classify",
    "Description",
    "Features",
    "Fixed",
    "Material",
    "Method",
    "MethodOptions",
    "Metric",
    "Told",
    "choose_methods",
    "data_set_of",
    "describe",
    "method_names",
    "person_key",
    "refuse_seen",
]
