"""`sge-stream doctor`: what works on this machine, and how to mend what does not."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gallery.scoring.backend import load_backend
from gallery.store.gallery import open_gallery
from stream.sources.spec import KINDS
from stream.system.compatibility import fit_command
from stream.system.run_folder import open_run, running
from stream.terminal.identify import version_text
from tools.doctor.findings import INSTALL, Finding, State, guarded
from tools.doctor.source_check import check_source

__all__ = ["examine"]

STYLES: dict[State, str] = {"works": "green", "note": "yellow", "broken": "bold red"}
PACKAGES = (
    "torch",
    "numpy",
    "pyzmq",
    "msgspec",
    "mcap",
    "SQLAlchemy",
    "safetensors",
    "rich",
    "typer",
    "opencv-python-headless",
    "mediapipe",
)
TRIALS = 20


def examine(
    gallery: str | None,
    encoder: Sequence[str] = (),
    sources: Sequence[str] = (),
    *,
    out: Console,
    folder: Path = Path(),
) -> int:
    """Look at everything and print it; returns 1 if something is broken, else 0.

    Args:
        gallery: a URL or a path; None for the default.
        encoder: weights files and trained folders; none stand for the weights that ship.
        sources: open these, draw what each sees into a PNG, and look at nothing else.
        out: where the findings go.
        folder: where the PNGs go.
    """
    table = Table(title=f"{version_text()} on this machine", title_justify="left")
    for column in ("", "state", "found", "what to do"):
        table.add_column(column, overflow="fold")
    broken = False
    with out.status("looking"):
        seen = (
            check_source(spec, folder.absolute() / f"doctor-{number}.png")
            for number, spec in enumerate(sources, 1)
        )
        for finding in seen if sources else _findings(gallery, encoder):
            broken = broken or finding.state == "broken"
            state = Text(finding.state, style=STYLES[finding.state])
            table.add_row(finding.what, state, Text(finding.told), Text(finding.mend))
    out.print(table)
    return int(broken)


def _findings(gallery: str | None, encoder: Sequence[str]) -> Iterator[Finding]:
    yield _python()
    yield _packages()
    yield guarded("encoder", lambda: _encoder(encoder))
    yield guarded("back-end", lambda: _backend(encoder))
    yield guarded("GPU", _gpu)
    yield guarded("gallery", lambda: _gallery(gallery))
    yield guarded("sockets", _sockets)
    yield from _sources()


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
        return Finding("packages", "broken", f"missing: {', '.join(missing)}", INSTALL)
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
