"""Published figures of other methods, for comparison with the measured ones."""

from tools.evaluation.published.published_rows import Modality, PublishedRow, comparison_rows, published_rows

__all__ = ["Modality", "PublishedRow", "comparison_rows", "published_rows"]
