"""Supervisor of the child processes: starts, watches, kills and stops them, and carries out restarts.

`stream.system.restart_policy` decides which processes are restarted.

A child receives its settings and the run's keys on standard input and stops when that is closed, which also
happens when the parent dies. So no child outlives the parent, and the process list shows no secret.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any

import msgspec

from stream.bus.messages import Status
from stream.exact_json import to_exact_json

__all__ = ["DROPS", "Child", "ProcessExit", "Supervisor"]

DROPS = (
    "frames_dropped",
    "windows_dropped",
    "lost",
    "windows_late",
    "bad",
    "decisions_dropped",
    "visits_dropped",
)
"""Heartbeat counters of dropped items; late windows are decided on, but no visit counts them."""

STOP_TIMEOUT_S = 3.0
HANG_AFTER_S = 4.0
"""A process that sends no heartbeat for this long is said to hang."""

HEARTBEAT_TIMEOUT_S = 20.0
"""A process that sends no heartbeat for this long is killed."""

START_TIMEOUT_S = 120.0
"""Longest time until the first heartbeat; loading from a slow disk takes long."""

MIN_BACKOFF_S = 0.25
MAX_BACKOFF_S = 30.0
STABLE_AFTER_S = 5.0
"""Running time after which the failure count, and with it the back-off, starts again from zero."""


# Ctrl-C reaches only the parent, which then stops its children in order.
_NEW_PROCESS_GROUP: dict[str, Any] = (
    {"creationflags": 0x200}  # CREATE_NEW_PROCESS_GROUP, a name that `subprocess` has only on Windows
    if sys.platform == "win32"
    else {"start_new_session": True}
)


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """The end of a process.

    Attributes:
        label: name of the process (`encoder`, `capture 1`).
        code: exit status; 0 if it had finished its work.
        last_line: last line that it logged, often the reason; may be empty.
        hung: whether it was killed because it hung.
    """

    label: str
    code: int
    last_line: str
    hung: bool = False


@dataclass(slots=True)
class Child:
    """One process of the run.

    Attributes:
        role: `capture`, `encoder` or `matcher`.
        index: the source's number for `capture`, the process's for `encoder`, else 0.
        make_settings: returns the settings for the next start.
        status: latest heartbeat.
        last_heartbeat: time of the latest heartbeat or start, monotonic seconds.
        process: the running or ended process; None before it was loaded or started.
        restarts: number of restarts.
        one_of_several: whether its label has a number although it is no capture worker.
        failures: number of consecutive restarts, each within `STABLE_AFTER_S` of the first heartbeat.
    """

    role: str
    index: int
    make_settings: Callable[[Child], msgspec.Struct]
    status: Status | None = None
    restarts: int = 0
    one_of_several: bool = False
    last_heartbeat: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    _log: deque[str] = field(default_factory=lambda: deque(maxlen=40))
    _log_reader: threading.Thread | None = None
    _awaits_settings: bool = False
    _restart_at: float | None = None
    _first_heartbeat: float | None = None
    failures: int = 0
    _dropped: dict[str, float] = field(default_factory=dict)
    _dropped_before_restart: Counter[str] = field(default_factory=Counter)

    @property
    def label(self) -> str:
        """Name of the process in messages."""
        numbered = self.one_of_several or self.role == "capture"
        return f"{self.role} {self.index + 1}" if numbered else self.role

    @property
    def ready(self) -> bool:
        """True if the process runs and has reported that it is ready."""
        return self.process is not None and self.status is not None and self.status.state == "ready"

    @property
    def dropped(self) -> float:
        """Number of items dropped in the whole run, including before restarts."""
        return sum(map(self.dropped_items, DROPS))

    def dropped_items(self, counter: str) -> float:
        """Returns the number of items of one sort, such as `windows_dropped`, dropped in the whole run."""
        return self._dropped_before_restart[counter] + self._dropped.get(counter, 0)

    @property
    def beats(self) -> bool:
        """True if the process runs and has sent a heartbeat since its start."""
        status, process = self.status, self.process
        return (
            self._restart_at is None and status is not None and process is not None and process.poll() is None
        )

    @property
    def hanging(self) -> bool:
        """True if the process has sent heartbeats, but none for `HANG_AFTER_S`."""
        status = self.status
        at_work = status is not None and status.state not in ("done", "failed")
        return at_work and self.beats and time.monotonic() - self.last_heartbeat > HANG_AFTER_S

    @property
    def works(self) -> bool:
        """True if the process runs, has sent a heartbeat and does not hang."""
        return self.beats and not self.hanging

    def record_heartbeat(self, status: Status) -> None:
        """Stores a heartbeat."""
        self.last_heartbeat, self.status = time.monotonic(), status
        self._first_heartbeat = self._first_heartbeat or self.last_heartbeat
        # The last heartbeat of a process has no drop counters.
        if drops := {name: status.counters[name] for name in DROPS if name in status.counters}:
            self._dropped = drops

    @property
    def state(self) -> str:
        """Current state as a short text; starts with `down` if the process delivers nothing."""
        status = self.status  # read once: the screen runs in another thread
        if self._restart_at is not None:
            return "down, restarting"
        if self.process is None or self.process.poll() is not None:
            return "down" if self.problem else "ended"
        if self.hanging:
            return "down, hanging"
        return status.state if status is not None else "starting"

    @property
    def problem(self) -> str:
        """Reason why the process delivers nothing; empty if it works, loads or ended normally."""
        status = self.status
        return status.text if status is not None and status.state in ("down", "failed") else ""

    def load(self, echo: Callable[[str], None]) -> None:
        """Starts the process, which imports its modules and waits for its settings; see `start`."""
        self._awaits_settings = True
        self.process = subprocess.Popen(
            # -P: import no modules from the current folder.
            [sys.executable, "-P", "-m", "stream.system.child_process", self.role],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            **_NEW_PROCESS_GROUP,
        )
        assert self.process.stderr is not None
        self._log_reader = threading.Thread(
            target=self._read_log, args=(self.process.stderr, echo), daemon=True
        )
        self._log_reader.start()

    def start(self, echo: Callable[[str], None]) -> None:
        """Gives the process its settings, after starting it if it was not loaded.

        Args:
            echo: receives each line that it logs.
        """
        settings = to_exact_json(self.make_settings(self)) + b"\n"
        self.status, self._restart_at, self._first_heartbeat = None, None, None
        self._dropped_before_restart.update(self._dropped)
        self._dropped = {}
        if not self._awaits_settings:
            self.load(echo)
        self._awaits_settings = False
        self.last_heartbeat = time.monotonic()
        assert self.process is not None and self.process.stdin is not None
        with contextlib.suppress(OSError):  # it died at once; `poll` reports it
            self.process.stdin.write(settings)
            self.process.stdin.flush()

    def _read_log(self, stream: IO[bytes], echo: Callable[[str], None]) -> None:
        for raw in stream:
            line = raw.decode(errors="replace").rstrip()
            self._log.append(line)
            echo(f"{self.label}: {line}")
        stream.close()

    def request_stop(self) -> None:
        """Closes the standard input of the process, which then finishes its work and exits."""
        if self.process is not None and self.process.stdin is not None and not self.process.stdin.closed:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def wait(self, deadline: float) -> None:
        """Waits until the process has ended; kills it at the deadline (monotonic seconds)."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self._log_reader is not None:
            self._log_reader.join()

    def last_line(self) -> str:
        """Returns the last non-empty line that the process logged."""
        if self._log_reader is not None:
            self._log_reader.join(1.0)
        return next((line for line in reversed(self._log) if line.strip()), "")


class Supervisor:
    """All child processes of a run.

    Args:
        echo: receives each line that the processes log.

    Attributes:
        children: those that were started.
    """

    def __init__(self, echo: Callable[[str], None]) -> None:
        self.children: list[Child] = []
        self._loaded: list[Child] = []
        """Those that wait for their settings; if one ends, that is noticed when it is started."""
        self._echo = echo

    def load(self, child: Child) -> None:
        """Starts a process whose settings are not known yet; meanwhile it imports its modules."""
        self._loaded.append(child)
        child.load(self._echo)

    def start(self, child: Child) -> None:
        """Gives a process its settings and monitors it from now on; starts it if it was not loaded."""
        self.children.append(child)
        if child in self._loaded:
            self._loaded.remove(child)
        child.start(self._echo)

    def record_heartbeat(self, status: Status) -> None:
        """Stores a heartbeat with its process."""
        for child in self.children:
            if (child.role, child.index) == (status.role, status.index):
                child.record_heartbeat(status)

    def poll(self) -> list[ProcessExit]:
        """Kills processes that hang, performs due restarts, and returns the processes that just ended."""
        now = time.monotonic()
        exits: list[ProcessExit] = []
        for child in self.children:
            if child._restart_at is not None:
                if now >= child._restart_at:
                    child.restarts += 1
                    child.start(self._echo)
                continue
            if child.process is None:
                continue
            timeout = HEARTBEAT_TIMEOUT_S if child.status is not None else START_TIMEOUT_S
            hung = child.process.poll() is None and now - child.last_heartbeat > timeout
            if hung:
                self._echo(f"{child.label}: no heartbeat for {timeout:.0f} s, killed")
                child.process.kill()
                child.process.wait()
            code = child.process.poll()
            if code is not None and child.process.stdin is not None and not child.process.stdin.closed:
                child.request_stop()
                exits.append(ProcessExit(child.label, code, child.last_line(), hung))
        return exits

    def restart(self, child: Child) -> None:
        """Schedules the restart of an ended process, with exponential back-off for consecutive failures."""
        now = time.monotonic()
        stable = child._first_heartbeat is not None and now - child._first_heartbeat > STABLE_AFTER_S
        child.failures = 0 if stable else child.failures + 1
        backoff = min(MAX_BACKOFF_S, MIN_BACKOFF_S * 2.0**child.failures)
        child._restart_at = now + backoff * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not security

    def any_running(self, role: str) -> bool:
        """Returns True if a process of the role runs, or has ended but `poll` has not returned it yet."""
        return any(
            child.role == role
            and child.process is not None
            and child.process.stdin is not None
            and not child.process.stdin.closed
            for child in self.children
        )

    def find(self, label: str) -> Child:
        """Returns the process with this label."""
        return next(child for child in self.children if child.label == label)

    def stop(self, role: str | None = None) -> None:
        """Requests the processes of a role, or all, to stop; cancels their restarts."""
        for child in self.children:
            if role in (None, child.role):
                child._restart_at = None
                child.request_stop()

    def end(self) -> None:
        """Stops all processes; returns when none is left."""
        self.stop()
        for child in self._loaded:
            child.request_stop()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for child in (*self.children, *self._loaded):
            child.wait(deadline)
