"""Where body frames come from: one module a kind of source, one contract for all of them."""

from __future__ import annotations

from stream.sources.source import Source
from stream.sources.spec import open_source

__all__ = ["Source", "open_source"]
