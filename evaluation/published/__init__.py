"""Figures that others published, to stand beside what is measured here."""

from evaluation.published.rows import Kind, PublishedRow, published, published_rows

__all__ = ["Kind", "PublishedRow", "published", "published_rows"]
