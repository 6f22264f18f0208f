"""Figures that others published, to stand beside what is measured here."""

from tools.evaluation.published.published_rows import Kind, PublishedRow, published, published_rows

__all__ = ["Kind", "PublishedRow", "published", "published_rows"]
