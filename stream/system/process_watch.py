"""Notices about the processes of a run: one hangs or answers again, is restarted or runs again."""

from __future__ import annotations

from collections.abc import Sequence

from stream.system.notices import NoticeKind, Notifier
from stream.system.supervisor import HEARTBEAT_TIMEOUT_S, Child

__all__ = ["ProcessWatch"]


class ProcessWatch:
    """Sends one notice when a process begins to hang or is to be restarted, and one when it works again.

    Args:
        names: names of the sources, by source number.
        notifier: receives the notices.
    """

    def __init__(self, names: Sequence[str], notifier: Notifier) -> None:
        self._names = tuple(names)
        self._notifier = notifier
        self._hanging: set[str] = set()
        self._restarting: set[str] = set()

    def check(self, children: Sequence[Child]) -> None:
        """Sends a notice for each process whose state has changed; call it after reading the heartbeats."""
        for child in children:
            self._check_hang(child)
            if child.label in self._restarting and child.beats:
                self._restarting.discard(child.label)
                self._send("restarted", child, f"the {child.label} process runs again", child.restarts)

    def restarting(self, child: Child, reason: str) -> None:
        """Tells that a process has ended and will be started again."""
        self._hanging.discard(child.label)
        self._restarting.add(child.label)
        self._send("restarting", child, f"{reason}; it is started again", child.restarts + 1)

    def _check_hang(self, child: Child) -> None:
        known = child.label in self._hanging
        if child.hanging and not known:
            self._hanging.add(child.label)
            limit = f"{HEARTBEAT_TIMEOUT_S:.0f} s"
            text = f"the {child.label} process hangs; it is killed if it does not answer for {limit}"
            self._send("hanging", child, text)
        elif known and child.beats and not child.hanging:
            self._hanging.discard(child.label)
            self._send("responding", child, f"the {child.label} process answers again")

    def _send(self, kind: NoticeKind, child: Child, text: str, count: int | None = None) -> None:
        """Sends a notice; one on a capture worker names its source."""
        source = self._names[child.index] if child.role == "capture" else None
        shown = f"{source}: {text}" if source is not None else text
        self._notifier.send(kind, shown, source=source, process=child.label, count=count)
