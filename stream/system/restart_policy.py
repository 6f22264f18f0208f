"""Decides what follows when a child process ends: restart, lost source or failed run (`ProcessMonitor`)."""

from __future__ import annotations

import time
from collections.abc import Sequence

from stream.body import SourceInfo
from stream.bus.delivery import connect_encoders, send_end
from stream.bus.messages import Status
from stream.bus.sockets import Bus
from stream.errors import CutOffError, RunError, SgeError, UserError
from stream.system.drop_watch import DropWatch
from stream.system.notices import Notifier
from stream.system.outages import Outages
from stream.system.process_watch import ProcessWatch
from stream.system.run_folder import Run, can_connect, is_swept
from stream.system.supervisor import Child, ProcessExit, Supervisor
from stream.system.verdict_receiver import VerdictReceiver

__all__ = ["POLL_S", "ProcessMonitor"]

MAX_FAILURES = 5
"""Consecutive failures of a process, each within seconds, after which it is not restarted."""

SETTLE_S = 8.0
"""Longest time a capture worker needs to exit after its last decision; exceeds its resend interval."""

FINAL_STATUS_S = 0.5
"""Longest wait for the last message of an ended process, or for sending a message in its place."""

POLL_S = 0.1


class ProcessMonitor:
    """State of the sources of a run, and the reaction to each process that ends.

    - Encoder: restarted. Matcher: restarted if all sources are live; a finite source would lose decisions.
      Neither is restarted after a reported error or too many failures.
    - Capture worker: restarted for a live source. After an error or too many failures its source is lost
      and the other sources continue; the error is reported at the end of the run.
    - Everything else ends the run with an error. If it is strict, so does a lost source: the others end in
      order.

    Args:
        bus: the run's bus.
        receiver: receives the heartbeats.
        supervisor: starts and stops the processes.
        sources: descriptions of the sources, by source number.
        notifier: receives the notices on sources, processes, drops and the run folder.
        run: the run folder and the sockets.
        strict: whether a lost source ends the others.

    Attributes:
        open_sources: numbers of the sources that have not ended.
        errors: errors of lost sources, in the order of their occurrence.
        outages: sources that currently deliver nothing.
        drops: what live sources lose.
    """

    def __init__(
        self,
        bus: Bus,
        receiver: VerdictReceiver,
        supervisor: Supervisor,
        sources: Sequence[SourceInfo],
        notifier: Notifier,
        run: Run,
        *,
        strict: bool = False,
    ) -> None:
        self.open_sources: set[int] = set()
        self.errors: list[SgeError] = []
        names = [info.name for info in sources]
        self.outages = Outages(names, notifier)
        self.drops = DropWatch(notifier)
        self._watch = ProcessWatch(names, notifier)
        self._bus = bus
        self._receiver = receiver
        self._supervisor = supervisor
        self._sources = sources
        self._notifier = notifier
        self._run = run
        self._swept = False
        self._strict = strict
        self._closing: dict[int, float] = {}
        """Sources whose worker has ended: the deadline for their last decisions, monotonic seconds."""

    def wait_ready(self, label: str) -> Status:
        """Waits until a process is ready; returns its heartbeat.

        Raises:
            SgeError: a process failed.
        """
        child = self._supervisor.find(label)
        while not child.ready:
            self.read_heartbeats(POLL_S)
            self.check_processes()
        assert child.status is not None
        return child.status

    def read_heartbeats(self, timeout: float = 0.0) -> None:
        """Processes all heartbeats received so far; waits at most `timeout` seconds for the first."""
        for status in self._receiver.heartbeats(timeout):
            self._supervisor.record_heartbeat(status)
            if status.role == "capture":
                self.outages.update(status)
            elif status.role == "matcher":
                self.outages.update_gallery(status)

    def check_processes(self) -> None:
        """Tells what the processes do, and reacts to those that have ended.

        Raises:
            SgeError: a process failed permanently, and the run with it.
        """
        for index, deadline in self._closing.items():
            if time.monotonic() > deadline:
                self.open_sources.discard(index)
        self._check_folder()
        self._watch.check(self._supervisor.children)
        self.drops.check(self._supervisor.children)
        for ended in self._supervisor.poll():
            child = self._supervisor.find(ended.label)
            if ended.code in (SgeError.exit_code, UserError.exit_code):
                self._read_final_status(child)
            if child.role == "capture":
                self._capture_ended(child, ended)
            elif child.status is not None and child.status.state == "failed":
                raise _reported_error(child.status)
            elif (child.role == "encoder" or self._all_live()) and child.failures < MAX_FAILURES:
                self._restart(child, ended)
            else:
                raise _unexpected_exit(ended)

    def wait_for_capture(self) -> None:
        """Waits until the capture workers have ended."""
        deadline = time.monotonic() + SETTLE_S
        while self._supervisor.any_running("capture") and time.monotonic() < deadline:
            self.read_heartbeats(POLL_S)
            self.check_processes()
        self.read_heartbeats()
        self.drops.check(self._supervisor.children)
        self.drops.finish()

    def _check_folder(self) -> None:
        """Tells once that the run folder was deleted."""
        if self._swept or not is_swept(self._run):
            return
        self._swept = True
        self._notifier.send(
            "run-folder-gone",
            f"the run folder {self._run.folder} was deleted, as cleaners of temporary files do: other "
            "commands do not find this run, and it ends if one of its processes does; end it and start it "
            "again, with SGE_RUNTIME_DIR set to a folder that nobody clears",
        )

    def _all_live(self) -> bool:
        return all(info.live for info in self._sources)

    def _read_final_status(self, child: Child) -> None:
        """Waits for a `failed` heartbeat, which may still be on its way when the process has ended."""
        deadline = time.monotonic() + FINAL_STATUS_S
        while child.status is None or child.status.state != "failed":
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            self.read_heartbeats(remaining)

    def _capture_ended(self, child: Child, ended: ProcessExit) -> None:
        failed = child.status is not None and child.status.state == "failed"
        if child.status is not None and failed:
            # The worker ended its tracks before it exited; the other sources continue.
            self._lose_source(child, _reported_error(child.status))
        if child.index not in self.open_sources:
            return
        if failed or ended.code == 0:
            # No more ticks come: wait for the decisions on the last ones.
            self._closing[child.index] = time.monotonic() + SETTLE_S
        elif not self._sources[child.index].live:
            raise _unexpected_exit(ended)
        elif child.failures < MAX_FAILURES:
            self._restart(child, ended)
        else:
            self._end_source(child)
            self._lose_source(child, _unexpected_exit(ended))
            self._closing[child.index] = time.monotonic() + SETTLE_S

    def _restart(self, child: Child, ended: ProcessExit) -> None:
        if not can_connect(self._run):
            msg = f"{_unexpected_exit(ended)}; it cannot be started again, because the run folder was deleted"
            raise RunError(msg)
        self._watch.restarting(child, str(_unexpected_exit(ended)))
        self._supervisor.restart(child)

    def _lose_source(self, child: Child, error: SgeError) -> None:
        """Stores the error for the end of the run; notifies at once if other sources continue."""
        self.errors.append(error)
        if self._strict:
            self._supervisor.stop("capture")
        others = self.open_sources - self._closing.keys() - {child.index}
        self.outages.mark_lost(child.index, str(error), notify=bool(others) and not self._strict)

    def _end_source(self, child: Child) -> None:
        """Sends the last tick in place of a dead worker, so that the matcher ends the source's tracks."""
        send_end(connect_encoders(self._bus), child.index, child.restarts + 1, timeout=FINAL_STATUS_S)


def _reported_error(status: Status) -> SgeError:
    if status.cut_off:
        return CutOffError(status.text)
    return UserError(status.text) if status.exit_code == UserError.exit_code else RunError(status.text)


def _unexpected_exit(ended: ProcessExit) -> RunError:
    if ended.hung:
        return RunError(f"the {ended.label} process hung and was killed")
    reason = f": {ended.last_line}" if ended.last_line else ""
    return RunError(f"the {ended.label} process stopped unexpectedly (exit {ended.code}){reason}")
