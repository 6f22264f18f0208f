"""Fixtures that run a test once for each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gallery.store.engines import ENGINES
from gallery.store.gallery import Gallery, open_gallery
from tests.gallery.store.plain_store import PlainStore

URLS = {"sqlite": "sqlite:///{folder}/gallery.db", "plain": "plain://{folder}/gallery.db"}
"""URL of a new gallery in a test's own folder, for each engine. A new engine is one more entry."""


@pytest.fixture(params=URLS)
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URL of a gallery that does not exist yet, once for each engine."""
    monkeypatch.setitem(ENGINES, "plain", PlainStore)
    return URLS[request.param].format(folder=tmp_path.as_posix())


@pytest.fixture
def gallery(url: str) -> Iterator[Gallery]:
    """An empty gallery, once for each engine."""
    with open_gallery(url) as opened:
        yield opened
