"""Sources of body frames: sensors, cameras, files and simulated people, all behind the `Source` protocol."""

from __future__ import annotations

from stream.sources.source import Source
from stream.sources.source_registry import check_labels, open_source

__all__ = ["Source", "check_labels", "open_source"]
