"""The documents of the project."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DOCUMENTS", "PAGES", "ROOT"]

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(str(path.relative_to(ROOT)) for path in sorted((ROOT / "docs").rglob("*.md")))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", *PAGES)
"""Paths from the project's root."""
