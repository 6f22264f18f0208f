"""Adaptation of features of the canonical 20 joints to windows in other joint layouts."""

from __future__ import annotations

from stream.body import FloatArray
from stream.skeleton import CANONICAL, CANONICAL_LAYOUT, get_layout
from tools.evaluation.methods.method import FeatureFunction

__all__ = ["adapt_to_layout", "span_layout"]


def adapt_to_layout(features: FeatureFunction, layout: str) -> FeatureFunction:
    """Returns the features for windows in any layout, which are mapped to the canonical joints first.

    Args:
        features: function of windows (n, f, 20, 3) of the canonical joints.
        layout: layout of the windows, a key of `stream.skeleton.LAYOUTS`; all joints must be finite.

    Returns:
        Function of windows (n, f, J, 3).

    Raises:
        ValueError: the layout is unknown.
    """
    source = get_layout(layout)
    if source.joints == CANONICAL:
        return features

    def adapted(windows: FloatArray) -> FloatArray:
        canonical: FloatArray = source.weights @ windows
        return features(canonical)

    return adapted


def span_layout(layout: str) -> str:
    """Returns the layout name of training spans in this layout; see `encoder.training.spans.cut_spans`."""
    return CANONICAL_LAYOUT if get_layout(layout).joints == CANONICAL else layout
