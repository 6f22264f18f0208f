"""Rerun output: events, scores and skeletons as a file for the viewer of Rerun, which is never started.

The package of Rerun writes in a process of its own (`stream.outputs.rerun_writer`): when it cannot write, on
a full disk for example, its threads hang and no longer let their process end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from stream.bus.messages import Verdict
from stream.decision import to_json
from stream.outputs.delivery_queue import Delivery, DeliverySettings, Undelivered
from stream.outputs.rerun_settings import WRITTEN
from stream.system.live import Live
from stream.visits.events import VisitEvent, event_json

__all__ = ["RerunOutput"]

_END_S = 5.0
_WAIT_S = 0.2
_LIMITS = DeliverySettings(limit=100_000, patience_s=30.0)
"""For a file, which takes some hundred decisions a second."""


class RerunOutput:
    """Writes a file; one that exists stays, and the new one gets a number.

    Args:
        file: path that ends with `.rrd`.
        live: the running system.
        limits: of the queue; None for the usual.
    """

    def __init__(self, file: Path, live: Live, limits: DeliverySettings | None = None) -> None:
        limits = limits or _LIMITS
        self.delivery: Delivery[bytes] = Delivery(f"rerun {file.name}", _Writer(file), live.notifier, limits)
        self._live = live
        self._ended = threading.Event()
        self._following = threading.Thread(
            target=self._follow_skeletons, name="skeletons for rerun", daemon=True
        )

    def __enter__(self) -> Self:
        self.delivery.start()
        self._following.start()
        return self

    def write(self, verdict: Verdict) -> None:
        """Queues a decision."""
        self.delivery.put(to_json(verdict.decision))

    def write_event(self, event: VisitEvent) -> None:
        """Queues an event."""
        self.delivery.put(event_json(event))

    def begin_end(self) -> None:
        """Lets the delivery end, without waiting for it."""
        self._ended.set()
        self._following.join()  # no skeletons come any more
        self.delivery.begin_end()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.begin_end()
        self.delivery.close()

    def _follow_skeletons(self) -> None:
        """Queues the newest skeletons, at most ten frames a second of each source."""
        skeletons, number = self._live.skeletons, 0
        while skeletons is not None and not self._ended.is_set():
            number, frames = skeletons.newer(number, _WAIT_S)
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            for frame in frames:
                name = self._live.infos[frame.source].name
                record = {"skeletons": frame.bodies, "source": name, "t": frame.t, "time": now}
                self.delivery.put(msgspec.json.encode(record))


class _Writer:
    """The process that writes, as a `Receiver`; after a failure, another one writes into another file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._process: subprocess.Popen[bytes] | None = None

    def deliver(self, event: bytes) -> None:
        """Lets the process write a decision or an event, as JSON."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(event + b"\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = b""
        if answer != WRITTEN:
            self._end()
            raise Undelivered("cannot be written; is the disk full?")

    def maintain(self) -> None:
        """Starts the process."""
        self._started()

    def close(self) -> None:
        """Lets the process complete the file."""
        self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            try:
                file = _new_file(self._file)
            except OSError as error:
                raise Undelivered(f"cannot be written ({error.strerror})") from None
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "stream.outputs.rerun_writer", str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "RUST_LOG": "off"},
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.communicate(timeout=_END_S)
        except (subprocess.TimeoutExpired, OSError):
            process.kill()
            process.communicate()


def _new_file(wanted: Path) -> Path:
    """Makes an empty file that did not exist, for this user alone: the wanted one, or with a number.

    Raises:
        OSError: it cannot be made.
    """
    numbered = (wanted.with_stem(f"{wanted.stem}-{number}") for number in count(2))
    for file in chain([wanted], numbered):
        try:
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return file
    raise AssertionError
