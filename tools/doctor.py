"""`sge-stream doctor`: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gallery.store import open_gallery
from stream.errors import SgeError
from stream.identify import version_text
from stream.rundir import open_run, running
from stream.sources.spec import KINDS

__all__ = ["Finding", "examine"]

State = Literal["works", "note", "broken"]
STYLES: dict[State, str] = {"works": "green", "note": "yellow", "broken": "bold red"}
PACKAGES = ("torch", "numpy", "pyzmq", "msgspec", "mcap", "SQLAlchemy", "safetensors", "rich", "typer")
TRIALS = 20
INSTALL = "pip install -c constraints.txt ."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        what: its name.
        state: whether it works; a `note` works, but the user should know.
        told: what was found.
        mend: what to do; empty where nothing is to be done.
    """

    what: str
    state: State
    told: str
    mend: str = ""


def examine(gallery: str | None, *, out: Console) -> int:
    """Look at everything and print it; returns 1 if something is broken, else 0."""
    table = Table(title=f"{version_text()} on this machine", title_justify="left")
    for column in ("", "state", "found", "what to do"):
        table.add_column(column, overflow="fold")
    broken = False
    with out.status("looking"):
        for finding in _findings(gallery):
            broken = broken or finding.state == "broken"
            state = Text(finding.state, style=STYLES[finding.state])
            table.add_row(finding.what, state, Text(finding.told), Text(finding.mend))
    out.print(table)
    return int(broken)


def _findings(gallery: str | None) -> Iterator[Finding]:
    yield _python()
    yield _packages()
    yield _guarded("encoder", _encoder)
    yield _guarded("GPU", _gpu)
    yield _guarded("gallery", lambda: _gallery(gallery))
    yield _guarded("sockets", _sockets)
    yield from _sources()


def _guarded(what: str, look: Callable[[], Finding]) -> Finding:
    try:
        return look()
    except SgeError as error:
        return Finding(what, "broken", str(error), "as the text says")
    except Exception as error:
        return Finding(what, "broken", f"{type(error).__name__}: {error}", INSTALL)


def _python() -> Finding:
    told = f"{platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Finding("Python", "works", told)


def _packages() -> Finding:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(
            "packages", "broken", f"missing: {', '.join(missing)}", "pip install -c constraints.txt ."
        )
    return Finding("packages", "works", ", ".join(found))


def _encoder() -> Finding:
    from encoder.inference import Encoder  # noqa: PLC0415 - a broken torch is a finding, not a crash
    from encoder.weights import load_encoder  # noqa: PLC0415

    loaded = load_encoder()
    encoder = Encoder(loaded, "cpu")
    encoder.warm_up()
    window = np.zeros((1, *encoder.window_shape), np.float32)
    began = time.perf_counter()
    for _ in range(TRIALS):
        encoder.encode(window)
    each = (time.perf_counter() - began) / TRIALS * 1000
    told = (
        f"{loaded.description}; a window alone takes {each:.1f} ms on the CPU; contract {loaded.contract.id}"
    )
    if not loaded.trained:
        return Finding("encoder", "note", told, "usable, but less accurate than trained weights will be")
    return Finding("encoder", "works", told)


def _gpu() -> Finding:
    import torch  # noqa: PLC0415

    if torch.cuda.is_available():
        return Finding("GPU", "works", torch.cuda.get_device_name())
    return Finding("GPU", "note", "none that torch can use", "not needed: the CPU serves several people")


def _gallery(url: str | None) -> Finding:
    with open_gallery(url) as store:
        people = len(store.people())
        pending = store.erasure_pending()
        where = store.url
    if pending:
        return Finding(
            "gallery", "note", f"{where}: an erasure is not finished", "end other users of the file"
        )
    return Finding("gallery", "works", f"{where}: {people} people")


def _sockets() -> Finding:
    systems = len(list(running()))
    with open_run("doctor") as run:
        kind = "tcp with CURVE" if run.wiring.public_key else "ipc in a private folder"
    return Finding("sockets", "works", f"{kind}; systems of yours that are running: {systems}")


def _sources() -> Iterator[Finding]:
    for kind in KINDS:
        if kind.example:
            yield Finding(f"source {kind.name}", "works", kind.example)
        else:
            yield Finding(
                f"source {kind.name}", "note", "not part of this version", "record elsewhere, replay here"
            )
