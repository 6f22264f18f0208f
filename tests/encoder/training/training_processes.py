"""Starts several real processes of one training, as torchrun does."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ROOT", "ProcessResult", "run_processes"]

ROOT = Path(__file__).resolve().parents[3]

ProcessResult = tuple[int, str, str]
"""Exit status, stdout and stderr."""


def _free_port() -> int:
    """Returns a free port below the system's ephemeral range, so that no other program takes it."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def run_processes(commands: Sequence[Sequence[str]]) -> list[ProcessResult]:
    """Runs Python with the arguments of each process, all at the same time, and waits for all of them."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "400",
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "WORLD_SIZE": str(len(commands)),
    }
    children = [
        subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, command in enumerate(commands)
    ]
    try:
        outputs = [child.communicate(timeout=280) for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    return [(child.returncode, *output) for child, output in zip(children, outputs, strict=True)]
