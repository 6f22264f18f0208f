"""Starts the processes of a run, watches them, restarts what may be restarted, and leaves none behind.

A child gets its orders and the run's keys through its standard input, and lives as long as that stays open:
when the parent closes it or dies, by whatever signal, the child stops. Nothing secret is in the process list.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

import msgspec

from stream.bus.messages import Status

__all__ = ["Child", "Exit", "Supervisor"]

_DROPS = ("frames_dropped", "windows_dropped", "lost", "bad", "decisions_dropped")
"""Counters of what was left out."""

KILL_AFTER_S = 3.0
HANG_AFTER_S = 20.0
"""Without a heartbeat for this long a process that had begun to work is taken for hung, and killed."""

START_WITHIN_S = 120.0
"""A process may take this long to load before its first heartbeat (a cold disk, a large library)."""

FIRST_BACKOFF_S = 0.25
LAST_BACKOFF_S = 30.0
WELL_AFTER_S = 5.0
"""After this long at work, the next restart counts as the first again."""


# Ctrl-C reaches the parent alone, which then ends its children in order.
_OWN_GROUP: dict[str, Any] = (
    {"creationflags": 0x200}  # CREATE_NEW_PROCESS_GROUP, which only Windows' subprocess names
    if sys.platform == "win32"
    else {"start_new_session": True}
)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended.

    Attributes:
        label: which one, for people (`encoder`, `capture 1`).
        code: its exit status; 0 where it had finished its work.
        words: the last line that it wrote, often the reason.
    """

    label: str
    code: int
    words: str


@dataclass(slots=True)
class Child:
    """One process of the run.

    Attributes:
        role: `capture`, `encoder` or `matcher`.
        index: which one of its role.
        orders: makes its configuration, for each start anew.
        status: its latest heartbeat.
        restarts: how often it was started again.
        failures: how often in a row, each time within seconds.
    """

    role: str
    index: int
    orders: Callable[[Child], msgspec.Struct]
    status: Status | None = None
    restarts: int = 0
    heard: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    _words: deque[str] = field(default_factory=lambda: deque(maxlen=40))
    _listener: threading.Thread | None = None
    _due: float | None = None
    _worked_at: float | None = None
    failures: int = 0
    _dropped: float = 0.0
    _dropped_before: float = 0.0

    @property
    def label(self) -> str:
        """Its name for people."""
        return f"{self.role} {self.index + 1}" if self.role == "capture" else self.role

    @property
    def ready(self) -> bool:
        """Whether it runs and has said that it can work."""
        return self.process is not None and self.status is not None and self.status.state == "ready"

    @property
    def dropped(self) -> float:
        """How much was dropped in the whole run, before it was started again included."""
        return self._dropped_before + self._dropped

    def hear(self, status: Status) -> None:
        """Note a heartbeat."""
        self.heard, self.status = time.monotonic(), status
        self._worked_at = self._worked_at or self.heard
        if told := [status.counters[name] for name in _DROPS if name in status.counters]:
            self._dropped = sum(told)  # a last word has none

    @property
    def state(self) -> str:
        """What it does, in a word."""
        status = self.status  # the screen asks from another thread
        if self._due is not None:
            return "down, starts again"
        if self.process is None or self.process.poll() is not None:
            return "down" if self.trouble else "ended"
        return status.state if status is not None else "starting"

    @property
    def trouble(self) -> str:
        """Why nothing comes from it; empty where it works, loads, or has ended in order."""
        status = self.status
        return status.text if status is not None and status.state in ("down", "failed") else ""

    def start(self, echo: Callable[[str], None]) -> None:
        """Start the process; `echo` gets each line that it writes."""
        orders = msgspec.json.encode(self.orders(self)) + b"\n"
        self.status, self._due, self._worked_at = None, None, None
        self._dropped, self._dropped_before = 0.0, self.dropped
        self.heard = time.monotonic()
        self.process = subprocess.Popen(
            # -P: no module of the folder that the user happens to stand in.
            [sys.executable, "-P", "-m", "stream.system.child_process", self.role],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **_OWN_GROUP,
        )
        assert self.process.stdin is not None and self.process.stderr is not None
        with contextlib.suppress(OSError):  # it died at once; `poll` will say so
            self.process.stdin.write(orders)
            self.process.stdin.flush()
        self._listener = threading.Thread(target=self._listen, args=(self.process.stderr, echo), daemon=True)
        self._listener.start()

    def _listen(self, stream: IO[bytes], echo: Callable[[str], None]) -> None:
        for raw in stream:
            line = raw.decode(errors="replace").rstrip()
            self._words.append(line)
            echo(f"{self.label}: {line}")
        stream.close()

    def ask_to_stop(self) -> None:
        """Close its standard input: it finishes what it holds and ends."""
        if self.process is not None and self.process.stdin is not None and not self.process.stdin.closed:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def wait(self, deadline: float) -> None:
        """Wait until it has ended; kill it at the deadline (monotonic seconds)."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self._listener is not None:
            self._listener.join()

    def last_words(self) -> str:
        """The last line that it wrote."""
        if self._listener is not None:
            self._listener.join(1.0)
        return next((line for line in reversed(self._words) if line.strip()), "")


class Supervisor:
    """The parent's view of all processes of a run."""

    def __init__(self, echo: Callable[[str], None]) -> None:
        self.children: list[Child] = []
        self._echo = echo

    def start(self, child: Child) -> None:
        """Start a process and watch it from now on."""
        self.children.append(child)
        child.start(self._echo)

    def hear(self, status: Status) -> None:
        """Note a heartbeat."""
        for child in self.children:
            if (child.role, child.index) == (status.role, status.index):
                child.hear(status)

    def poll(self) -> list[Exit]:
        """Kill what hangs, start again what is due, and tell who has just ended."""
        now = time.monotonic()
        exits: list[Exit] = []
        for child in self.children:
            if child._due is not None:
                if now >= child._due:
                    child.restarts += 1
                    child.start(self._echo)
                continue
            if child.process is None:
                continue
            patience = HANG_AFTER_S if child.status is not None else START_WITHIN_S
            if child.process.poll() is None and now - child.heard > patience:
                self._echo(f"{child.label}: no heartbeat for {patience:.0f} s, killed")
                child.process.kill()
                child.process.wait()
            code = child.process.poll()
            if code is not None and child.process.stdin is not None and not child.process.stdin.closed:
                child.ask_to_stop()
                exits.append(Exit(child.label, code, child.last_words()))
        return exits

    def restart(self, child: Child) -> None:
        """Start an ended process again after a while, longer with each failure in a row."""
        now = time.monotonic()
        well = child._worked_at is not None and now - child._worked_at > WELL_AFTER_S
        child.failures = 0 if well else child.failures + 1
        backoff = min(LAST_BACKOFF_S, FIRST_BACKOFF_S * 2.0**child.failures)
        child._due = now + backoff * random.uniform(0.8, 1.2)  # noqa: S311 - spreads restarts, guards nothing

    def busy(self, role: str) -> bool:
        """Whether a process of the role still runs, or has ended without `poll` telling it yet."""
        return any(
            child.role == role
            and child.process is not None
            and child.process.stdin is not None
            and not child.process.stdin.closed
            for child in self.children
        )

    def find(self, label: str) -> Child:
        """The process of that name."""
        return next(child for child in self.children if child.label == label)

    def stop(self, role: str | None = None) -> None:
        """Ask the processes of a role, or all, to finish."""
        for child in self.children:
            if role in (None, child.role):
                child._due = None
                child.ask_to_stop()

    def end(self) -> None:
        """Stop everything and return when no process is left."""
        self.stop()
        deadline = time.monotonic() + KILL_AFTER_S
        for child in self.children:
            child.wait(deadline)
