"""Name and version of the program."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["version_text"]


def version_text() -> str:
    """Returns the name and version of the program."""
    try:
        return f"sge-stream {version('sge-stream')}"
    except PackageNotFoundError:
        return "sge-stream (not installed)"
