"""A system that serves: `sge-stream serve` as a process, for measurements beside its web server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from stream.errors import RunError

__all__ = ["Site", "served_site"]

START_S = 120.0


@dataclass(frozen=True, slots=True)
class Site:
    """A system that serves.

    Attributes:
        url: of its web server.
        token_file: with the token.
        log: its log lines.
    """

    url: str
    token_file: Path
    log: Path

    @contextmanager
    def lines(self) -> Iterator[Iterator[dict[str, Any]]]:
        """Opens a stream of all events and decisions; yields them, as they come."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=START_S)
        headers = {"Authorization": f"Bearer {self.token_file.read_text().strip()}"}
        connection.request("GET", "/api/v1/events?events=all", headers=headers)
        with closing(connection), connection.getresponse() as answer:
            yield (json.loads(line[5:]) for line in answer if line.startswith(b"data:"))


@contextmanager
def served_site(
    folder: Path,
    sources: Sequence[str],
    gallery: Path,
    *,
    outputs: Sequence[str] = (),
    prefix: Sequence[str] = (),
) -> Iterator[Site]:
    """Serves sources while it is open.

    Args:
        folder: for its settings, token and log.
        sources: values of `--source`.
        gallery: path of the gallery.
        outputs: values of `--output`.
        prefix: command before the program's own.

    Raises:
        RunError: the system does not serve, or what is done with it fails so; with its log.
    """
    token_file, config, log = folder / "token", folder / "site.toml", folder / "log"
    config.write_text(
        f"sources = {json.dumps(list(sources))}\ngallery = {json.dumps(str(gallery))}\n"
        f"output = {json.dumps(list(outputs))}\n"
        f'[serve]\nlisten = "127.0.0.1:0"\ntoken_file = {json.dumps(str(token_file))}\n'
    )
    command = [*prefix, sys.executable, "-P", "-m", "stream", "serve", "--config", str(config)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment)
    try:
        yield Site(_url_of(process, log), token_file, log)
    except RunError as error:
        said = log.read_text(errors="replace").strip()
        raise RunError(f"{error}\n{said}") from None
    finally:
        process.terminate()
        process.wait()


def _url_of(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        _, said, rest = log.read_text(errors="replace").partition("listening at ")
        if said and ";" in rest:
            return rest.partition(";")[0].strip()
        time.sleep(0.1)
    raise RunError("the system does not serve")
