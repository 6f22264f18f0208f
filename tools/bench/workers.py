"""Processes that measure rounds on request, so that each has its own threads and none runs beside another."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import IO, TypeVar

import msgspec

from stream.errors import RunError

__all__ = ["Rates", "Worker", "measure_in_turn", "rounds_for", "serve_rounds"]

K = TypeVar("K", bound=Hashable)

Rates = dict[str, float]
"""Result of one round: rate by what was computed."""

_ROUND = b"round\n"
_MIN_ROUNDS = 3


class Worker:
    """A process `python -m MODULE ARGUMENTS` that calls `serve_rounds`; ends with the block.

    Args:
        module: the module of the process.
        arguments: its arguments.
        threads: threads of BLAS and OpenMP in it.
        without: names of environment variables that it does not inherit.
        variables: environment variables of its own.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        threads: int,
        without: tuple[str, ...] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._name = " ".join((module.rpartition(".")[2], *arguments))
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by __exit__
        self._process = subprocess.Popen(
            # -P: import no modules from the current folder.
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=_environment(os.environ, threads, without) | dict(variables or {}),
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        self._process.communicate()
        self._log.close()

    def round(self) -> Rates:
        """Measures one round; the first one waits for the process to be ready.

        Raises:
            RunError: the process failed.
        """
        self.begin()
        return self.finish()

    def begin(self) -> None:
        """Begins a round, whose result `finish` returns."""
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended; `finish` says why
            self._process.stdin.write(_ROUND)
            self._process.stdin.flush()

    def finish(self) -> Rates:
        """Waits for the result of the round that was begun.

        Raises:
            RunError: the process failed.
        """
        assert self._process.stdout is not None
        try:
            return msgspec.json.decode(self._process.stdout.readline(), type=Rates)
        except msgspec.DecodeError as error:
            self._process.kill()
            self._process.wait()
            self._log.seek(0)
            lines = self._log.read().decode(errors="replace").strip().splitlines() or ["no message"]
            raise RunError(f"the measurement {self._name!r} failed: {lines[-1]}") from error


def rounds_for(seconds: float) -> Iterator[int]:
    """Yields the numbers of rounds, from 0, for at least so many seconds and three rounds."""
    until = time.monotonic() + seconds
    number = 0
    while time.monotonic() < until or number < _MIN_ROUNDS:
        yield number
        number += 1


def measure_in_turn(
    workers: Iterable[tuple[K, Worker]], seconds: float, *, warm_up: bool = False
) -> dict[K, dict[str, list[float]]]:
    """Returns the results of each worker in all rounds, by name; the workers take turns, and end.

    Args:
        workers: by any key; an iterator may start them.
        seconds: see `rounds_for`.
        warm_up: whether a round of each comes first that does not count.

    Raises:
        RunError: a process failed.
    """
    with ExitStack() as opened:
        started = {key: opened.enter_context(worker) for key, worker in workers}
        if warm_up:
            for worker in started.values():
                worker.round()
        measured: dict[K, dict[str, list[float]]] = {key: defaultdict(list) for key in started}
        for _ in rounds_for(seconds):
            for key, worker in started.items():
                for name, value in worker.round().items():
                    measured[key][name].append(value)
    return measured


def _environment(inherited: Mapping[str, str], threads: int, without: tuple[str, ...]) -> dict[str, str]:
    kept = {name: value for name, value in inherited.items() if name not in without}
    return kept | dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))


def serve_rounds(measure: Callable[[], Rates]) -> None:
    """Answers every line of standard input with the result of one round, until the input ends."""
    for _ in sys.stdin:
        sys.stdout.buffer.write(msgspec.json.encode(measure()) + b"\n")
        sys.stdout.buffer.flush()
