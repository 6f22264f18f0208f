"""Methods that know joints by name, on windows of other joints than the canonical 20."""

from __future__ import annotations

from stream.body import FloatArray
from stream.skeleton import CANONICAL, CANONICAL_LAYOUT, get_layout
from tools.evaluation.methods.method import Features

__all__ = ["span_layout", "through_canonical"]


def through_canonical(features: Features, layout: str) -> Features:
    """Features of canonical joints, for windows in any layout.

    Args:
        features: take windows (n, f, 20, 3) of the canonical joints.
        layout: what windows come in, a key of `stream.skeleton.LAYOUTS`; all of their joints are finite.

    Returns:
        Features of windows (n, f, J, 3).

    Raises:
        ValueError: there is no such layout.
    """
    known = get_layout(layout)
    if known.joints == CANONICAL:
        return features

    def mapped(windows: FloatArray) -> FloatArray:
        canonical: FloatArray = known.weights @ windows
        return features(canonical)

    return mapped


def span_layout(layout: str) -> str:
    """What an encoder's training calls windows of that layout; see `encoder.training.spans.cut_spans`."""
    return CANONICAL_LAYOUT if get_layout(layout).joints == CANONICAL else layout
