"""`sge-stream doctor`: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gallery.backend import load_backend
from gallery.store import open_gallery
from stream.errors import EndOfSource, SgeError
from stream.identify import version_text
from stream.rundir import open_run, running
from stream.sources.liveness import LiveSource
from stream.sources.spec import KINDS, open_source, shown
from stream.suitability import fit_command

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


def examine(
    gallery: str | None, encoder: Sequence[str] = (), sources: Sequence[str] = (), *, out: Console
) -> int:
    """Look at everything and print it; returns 1 if something is broken, else 0.

    Args:
        gallery: a URL or a path; None for the default.
        encoder: weights files and trained folders; none stand for the weights that ship.
        sources: open these, and look at nothing else.
        out: where the findings go.
    """
    table = Table(title=f"{version_text()} on this machine", title_justify="left")
    for column in ("", "state", "found", "what to do"):
        table.add_column(column, overflow="fold")
    broken = False
    with out.status("looking"):
        for finding in map(_source, sources) if sources else _findings(gallery, encoder):
            broken = broken or finding.state == "broken"
            state = Text(finding.state, style=STYLES[finding.state])
            table.add_row(finding.what, state, Text(finding.told), Text(finding.mend))
    out.print(table)
    return int(broken)


def _findings(gallery: str | None, encoder: Sequence[str]) -> Iterator[Finding]:
    yield _python()
    yield _packages()
    yield _guarded("encoder", lambda: _encoder(encoder))
    yield _guarded("back-end", lambda: _backend(encoder))
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


def _encoder(weights: Sequence[str]) -> Finding:
    from encoder.inference import Encoder  # noqa: PLC0415 - a broken torch is a finding, not a crash
    from encoder.weights import load_encoder  # noqa: PLC0415

    loaded = load_encoder(*map(Path, weights))
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


def _backend(weights: Sequence[str]) -> Finding:
    from encoder.weights import load_encoder  # noqa: PLC0415 - as above

    contract = load_encoder(*map(Path, weights)).contract.id
    backend = load_backend(contract, map(Path, weights))
    if not backend.projections:
        told = f"none is fitted for contract {contract}: uncalibrated, nobody is named unless --fpir off"
        return Finding("back-end", "note", told, fit_command(weights))
    known = ", ".join(backend.calibration.known) or "no kind of sensor"
    told = f"of contract {contract}, projections for {', '.join(backend.projections)}, thresholds for {known}"
    return Finding("back-end", "works", told)


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
        if lacking := kind.missing():
            yield Finding(f"source {kind.name}", "note", lacking, "as the text says, where you need it")
        elif kind.example:
            yield Finding(f"source {kind.name}", "works", kind.example)
        else:
            yield Finding(
                f"source {kind.name}", "note", "not part of this version", "record elsewhere, replay here"
            )


def _source(spec: str) -> Finding:
    """Open what `--source` names and wait for its first frame."""
    return _guarded(f"source {shown(spec)}", lambda: _first_frame(spec))


def _first_frame(spec: str) -> Finding:
    with contextlib.closing(open_source(spec)) as source:
        began, frame = time.monotonic(), None
        while frame is None:  # a source that gives none raises
            try:
                frame = source.read(1.0)
            except EndOfSource:
                return Finding(f"source {source.info.name}", "broken", "it holds no frame", "choose another")
        device = source.description if isinstance(source, LiveSource) else ""
        told = (
            f"{device or source.info.sensor}; the first frame came after {time.monotonic() - began:.1f} s, "
            f"people in it: {len(frame.bodies)}"
        )
    return Finding(f"source {source.info.name}", "works", told)
