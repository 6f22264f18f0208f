"""Several real processes of one training: each runs the same code, as torchrun would start it."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ROOT", "Ended", "run_team"]

ROOT = Path(__file__).resolve().parents[3]

Ended = tuple[int, str, str]
"""Exit status, stdout and stderr."""


def _free_port() -> int:
    """A port below those that the system hands out, so that nobody takes it before the team does."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def run_team(commands: Sequence[Sequence[str]]) -> list[Ended]:
    """Run Python with the arguments of each process, all at once, and wait for all of them."""
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
        told = [child.communicate(timeout=280) for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
    return [(child.returncode, *each) for child, each in zip(children, told, strict=True)]
