"""Outages of a run: sources that deliver nothing, a gallery that cannot be read; with notifications."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from stream.bus.messages import Status
from stream.sources.live_source import outage_text

__all__ = ["Outages"]


class Outages:
    """Sources that currently deliver nothing; notifies once when a source goes down and once when it is back.

    Args:
        names: names of the sources, by source number.
        notify: receives each notification, one line of text; may be replaced.

    Attributes:
        gallery: why the gallery cannot be read at present; empty if it can.
    """

    def __init__(self, names: Sequence[str], notify: Callable[[str], None]) -> None:
        self.notify = notify
        self.gallery: str = ""
        self._names = tuple(names)
        self._down: dict[int, str] = {}
        self._seen: set[int] = set()
        """Sources that have delivered frames."""

    @property
    def down(self) -> Mapping[int, str]:
        """Sources that currently deliver nothing: source number to reason."""
        return self._down.copy()

    def update(self, status: Status) -> None:
        """Processes a heartbeat of a capture worker; a remark at the end of its source is a notification."""
        source, known = status.index, status.index in self._down
        if status.state == "down":
            self._down[source] = status.text
            if not known:
                text = outage_text(self._names[source], status.text)
                self.notify(f"{text}; retrying until it is back")
        elif status.state == "ready" and status.counters.get("frames"):  # 0 until a worker's source is open
            if known:
                del self._down[source]
                self.notify(f"{self._names[source]} is up{' again' if source in self._seen else ''}")
            self._seen.add(source)
        elif status.state == "ending":
            self.notify(status.text)

    def update_gallery(self, status: Status) -> None:
        """Processes a heartbeat of the matcher; notifies once for each reason."""
        if status.state == "ready" and status.text != self.gallery:
            self.gallery = status.text
            self.notify(status.text or "the gallery can be read again")

    def mark_lost(self, source: int, reason: str, *, notify: bool) -> None:
        """Marks a source as lost permanently.

        Args:
            source: the source's number.
            reason: why it is lost.
            notify: whether to notify; not needed for the only source, because its error ends the run.
        """
        self._down[source] = reason
        if notify:
            self.notify(f"{outage_text(self._names[source], reason)}; the other sources continue")
