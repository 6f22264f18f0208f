"""`sge-stream doctor`: checks what works on this machine and how to fix what does not."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import zmq
from rich.box import MINIMAL
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gallery.scoring.backend import load_backend
from gallery.store.gallery import open_gallery
from gallery.store.store_protocol import MissingGalleryError
from stream.bus.sockets import Bus
from stream.sources import open_source
from stream.sources.source_registry import SOURCE_KINDS
from stream.system.compatibility import fit_command
from stream.system.run_folder import open_run, running
from stream.terminal.version import version_text
from tools.doctor.findings import INSTALL, Finding, State, run_check
from tools.doctor.source_check import check_source

__all__ = ["examine"]

STYLES: dict[State, str] = {"works": "green", "not tried": "cyan", "note": "yellow", "broken": "bold red"}
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
    "av",
    "mediapipe",
)
TIMED_RUNS = 20
_FINDING_WIDTH = 40
"""Least number of characters in a line of a finding."""
_WAIT_S = 5.0
"""Longest wait for what comes at once if it works."""


def examine(
    gallery: str | None,
    encoder: Sequence[str] = (),
    sources: Sequence[str] = (),
    *,
    out: Console,
    folder: Path = Path(),
) -> int:
    """Runs all checks and prints their findings.

    Args:
        gallery: a URL or a path; None for the default.
        encoder: weights files and trained folders; empty for the shipped weights.
        sources: if not empty, only these sources are checked; a frame of each is drawn into a PNG.
        out: console for the findings.
        folder: folder for the PNGs.

    Returns:
        1 if something is broken, else 0.
    """
    table = _table()
    broken = False
    with out.status("checking"):
        source_findings = (
            check_source(spec, folder.absolute() / f"doctor-{number}.png")
            for number, spec in enumerate(sources, 1)
        )
        for finding in source_findings if sources else _findings(gallery, encoder):
            broken = broken or finding.state == "broken"
            state = Text(finding.state, style=STYLES[finding.state])
            advice = f"\n-> {finding.fix}" if finding.fix else ""
            table.add_row(Text(finding.subject), state, Text(finding.result + advice))
    out.print(table)
    return int(broken)


def _table() -> Table:
    """Returns an empty table in which most of a narrow line is left for the findings."""
    title = f"{version_text()} on this machine"
    table = Table(title=title, title_justify="left", box=MINIMAL, show_header=False, show_edge=False)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", min_width=_FINDING_WIDTH)
    return table


def _findings(gallery: str | None, encoder: Sequence[str]) -> Iterator[Finding]:
    yield _python()
    yield _packages()
    yield run_check("encoder", lambda: _encoder(encoder))
    yield run_check("back-end", lambda: _backend(encoder))
    yield run_check("GPU", _gpu)
    yield run_check("gallery", lambda: _gallery(gallery))
    yield run_check("sockets", _sockets)
    yield from _sources()


def _python() -> Finding:
    result = f"{platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Finding("Python", "works", result)


def _packages() -> Finding:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding("packages", "broken", f"missing: {', '.join(missing)}", INSTALL)
    return Finding("packages", "not tried", f"installed: {', '.join(found)}")


def _encoder(weights: Sequence[str]) -> Finding:
    from encoder.inference import Encoder  # noqa: PLC0415 - a broken torch is a finding, not a crash
    from encoder.weights import load_encoder  # noqa: PLC0415

    loaded = load_encoder(*map(Path, weights))
    encoder = Encoder(loaded, "cpu")
    encoder.warm_up()
    window = np.zeros((1, *encoder.window_shape), np.float32)
    began = time.perf_counter()
    for _ in range(TIMED_RUNS):
        encoder.encode(window)
    each = (time.perf_counter() - began) / TIMED_RUNS * 1000
    result = (
        f"{loaded.description}; a single window takes {each:.1f} ms on the CPU; contract {loaded.contract.id}"
    )
    if not loaded.trained:
        return Finding("encoder", "note", result, "usable; trained weights are more accurate")
    return Finding("encoder", "works", result)


def _backend(weights: Sequence[str]) -> Finding:
    from encoder.weights import load_encoder  # noqa: PLC0415 - see _encoder

    contract = load_encoder(*map(Path, weights)).contract.id
    backend = load_backend(contract, map(Path, weights))
    if not backend.projections:
        result = f"not fitted for contract {contract}: uncalibrated, no person is named unless --fpir off"
        return Finding("back-end", "note", result, fit_command(weights))
    known = ", ".join(backend.visits) or "no kind of sensor"
    projected = ", ".join(backend.projections)
    result = f"of contract {contract}; projections for {projected}; thresholds for {known}"
    return Finding("back-end", "works", result)


def _gpu() -> Finding:
    import torch  # noqa: PLC0415

    if torch.cuda.is_available():
        ones = torch.ones(8, 8, device="cuda")
        if float((ones @ ones).sum()) != 8**3:
            return Finding(
                "GPU", "broken", "a product of matrices is wrong", "check its driver; --device cpu"
            )
        return Finding("GPU", "works", torch.cuda.get_device_name())
    return Finding("GPU", "note", "none that torch can use; the CPU serves several people")


def _gallery(url: str | None) -> Finding:
    try:
        with open_gallery(url, create=False) as store:
            people = len(store.people())
            pending = store.erasure_pending()
            where = store.url
    except MissingGalleryError as missing:
        return Finding(
            "gallery", "note", f"{missing.url}: none yet", "enrol a person: sge-stream enroll NAME"
        )
    if pending:
        return Finding(
            "gallery", "note", f"{where}: an erasure is not finished", "end other programs that use the file"
        )
    return Finding("gallery", "works", f"{where}: {people} people")


def _sockets() -> Finding:
    systems = len(list(running()))
    with open_run("doctor") as run, Bus(run.wiring) as bus:
        kind = "tcp with CURVE" if run.wiring.public_key else "ipc in a private folder"
        receiver, sender = bus.bind(zmq.PULL, "windows"), bus.connect(zmq.PUSH, "windows")
        sender.send(b"doctor")
        if not receiver.poll(int(1000 * _WAIT_S)):
            text = f"{kind}: a message did not arrive within {_WAIT_S:g} s"
            return Finding(
                "sockets", "broken", text, "let programs connect on this machine, as a firewall may not"
            )
    return Finding("sockets", "works", f"{kind}, a message arrived; your running systems: {systems}")


def _walkers(subject: str, example: str) -> Finding:
    with contextlib.closing(open_source("walkers:n=1,seed=1")) as source:
        if source.read(_WAIT_S) is None:
            return Finding(subject, "broken", f"{example}: no frame within {_WAIT_S:g} s", INSTALL)
    return Finding(subject, "works", f"{example}; a frame was read")


def _sources() -> Iterator[Finding]:
    for kind in SOURCE_KINDS:
        subject = f"source {kind.name}"
        if missing := kind.missing():
            yield Finding(subject, "note", missing)
        elif kind.name == "walkers":
            yield run_check(subject, lambda: _walkers(subject, kind.example))  # noqa: B023 - called at once
        elif kind.example:
            yield Finding(subject, "not tried", kind.example, "to try yours: sge-stream doctor --source S")
        else:
            yield Finding(
                f"source {kind.name}", "note", "not part of this version", "record elsewhere and replay here"
            )
