"""Runs `sge-stream` as a process; tests check its output and exit status."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import pytest
from rich.console import Console

from stream.body import BodyFrame
from stream.recording import read_recording
from tools.record import record_source

__all__ = ["Program", "System", "read_frames", "record", "record_two"]

WAIT_S = 90.0


def record(source: str, target: Path) -> Path:
    """Records a source that ends, as `sge-stream record` does, in this process."""
    record_source(source, target, seconds=None, speed=0.0, out=Console(quiet=True))
    return target


def record_two(folder: Path, seconds: int) -> dict[str, Path]:
    """Records two simulated people: each alone on a first walk, both together on a second."""
    options = f"n=2,seed=11,seconds={seconds},live=0"
    return {
        "ada": record(f"walkers:{options},only=1", folder / "ada.mcap"),
        "ben": record(f"walkers:{options},only=2", folder / "ben.mcap"),
        "both": record(f"walkers:{options},walk=2", folder / "both.mcap"),
    }


def read_frames(recording: Path) -> Iterator[BodyFrame]:
    """Yields all frames of a recording."""
    with read_recording(recording) as frames:
        yield from frames


class Program:
    """The program, with its own gallery and runtime folder."""

    def __init__(self, gallery: Path, runtime: Path) -> None:
        self.runtime = runtime
        self.environment = {
            **os.environ,
            "SGE_GALLERY": str(gallery),
            "SGE_RUNTIME_DIR": str(runtime),
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            "COLUMNS": "200",
        }

    def run(
        self, *arguments: str, stdin: str = "", folder: Path | None = None, encoding: str = "utf-8"
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end, in a working folder; other bytes than of the encoding are surrogates."""
        return subprocess.run(
            [sys.executable, "-P", "-m", "stream", *arguments],
            cwd=folder,
            env=self.environment,
            input=stdin,
            capture_output=True,
            encoding=encoding,
            errors="surrogateescape",
            timeout=WAIT_S,
            check=False,
        )

    def start(self, *arguments: str) -> System:
        """Starts a command in the background."""
        return System(self, arguments)


class System:
    """A running command; a thread reads its JSON lines."""

    def __init__(self, program: Program, arguments: tuple[str, ...]) -> None:
        self._open = ExitStack()
        errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed by the exit stack
        self._stderr = self._open.enter_context(errors)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stream", *arguments],
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def line(self) -> dict[str, Any]:
        """Returns the next line; fails if the program ended or prints none in time."""
        raw = self._lines.get(timeout=WAIT_S)
        assert raw is not None, f"the program ended: {self.errors()}"
        read: dict[str, Any] = json.loads(raw)
        return read

    def rest(self) -> list[dict[str, Any]]:
        """Returns all further lines, until the program ends."""
        lines: list[dict[str, Any]] = []
        while (raw := self._lines.get(timeout=WAIT_S)) is not None:
            lines.append(json.loads(raw))
        return lines

    def children(self) -> list[psutil.Process]:
        """Returns its child processes."""
        found: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        return found

    def child(self, role: str, *, wait: bool = False) -> psutil.Process:
        """Returns its child process of that role; `wait` waits until there is one."""
        while True:
            for child in self.children():
                try:
                    if child.cmdline()[-2:] == ["stream.system.child_process", role]:
                        return child
                except (psutil.Error, IndexError):
                    continue
            assert wait, f"no {role} among the processes"
            self.line()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Waits until the condition holds; fails if the program ends before."""
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, f"the condition never held: {self.errors()}"
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(0.05)
                pytest.fail(f"the program ended: {self.errors()}")

    def interrupt(self) -> None:
        """Sends Ctrl-C (SIGINT)."""
        self.process.send_signal(signal.SIGINT)

    def wait(self) -> int:
        """Waits for the end; returns the exit status."""
        return self.process.wait(WAIT_S)

    def errors(self) -> str:
        """Returns the text of stderr so far."""
        if sys.platform == "win32":
            self._stderr.seek(0)
            return self._stderr.read()
        # The program writes at the position that `seek` would change.
        file = self._stderr.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")

    def notices(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Returns the notices on stderr so far, of one kind or of all."""
        lines = [json.loads(line) for line in self.errors().splitlines() if line.startswith("{")]
        return [line for line in lines if kind in (None, line["kind"])]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._open.close()
