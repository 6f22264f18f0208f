"""Fixtures of the web server's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stream.outputs.simulated_run import simulated_live
from tests.stream.web.web_server import WebServer, web_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WebServer]:
    """A server with a run that is simulated, and a gallery of Ada and Ben."""
    with web_server(tmp_path, live=simulated_live()) as serving:
        yield serving
