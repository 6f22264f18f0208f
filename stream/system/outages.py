"""Outages of a run: sources that deliver nothing, a gallery that cannot be read; with notifications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stream.bus.messages import Status
from stream.sources.live_source import outage_text
from stream.system.notices import Notifier

__all__ = ["Outages"]


class Outages:
    """Sources that currently deliver nothing; notifies once when a source goes down and once when it is back.

    Args:
        names: names of the sources, by source number.
        notifier: receives the notices.

    Attributes:
        gallery: why the gallery cannot be read at present; empty if it can.
        history: why visits cannot be stored at present; empty if they can.
    """

    def __init__(self, names: Sequence[str], notifier: Notifier) -> None:
        self._notifier = notifier
        self.gallery: str = ""
        self.history: str = ""
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
        name = self._names[source]
        if status.state == "down":
            self._down[source] = status.text
            if not known:
                text = f"{outage_text(name, status.text)}; retrying until it is back"
                self._notifier.send("source-down", text, source=name)
        elif status.state == "ready" and status.counters.get("frames"):  # 0 until a worker's source is open
            if known:
                del self._down[source]
                text = f"{name} is up{' again' if source in self._seen else ''}"
                self._notifier.send("source-up", text, source=name)
            self._seen.add(source)
        elif status.state == "ending":
            self._notifier.send("source-remark", status.text, source=name)

    def update_gallery(self, status: Status) -> None:
        """Processes a heartbeat of the matcher; notifies once for each reason."""
        if status.state != "ready":
            return
        about_history = status.counters.get("history_stuck", 0) > 0
        gallery = "" if about_history else status.text
        if gallery != self.gallery:
            self.gallery = gallery
            if gallery:
                self._notifier.send("gallery-unreadable", gallery)
            else:
                self._notifier.send("gallery-readable", "the gallery can be read again")
        history = status.text if about_history else self.history if gallery else ""
        if bool(history) != bool(self.history):  # further reasons of one outage are no news
            if history:
                text = f"visits are not stored: {history}; they wait until they can be"
                self._notifier.send("history-stuck", text)
            else:
                self._notifier.send("history-stored", "visits are stored again")
        self.history = history

    def mark_lost(self, source: int, reason: str, *, notify: bool) -> None:
        """Marks a source as lost permanently.

        Args:
            source: the source's number.
            reason: why it is lost.
            notify: whether to notify; not needed for the only source, because its error ends the run.
        """
        self._down[source] = reason
        if notify:
            name = self._names[source]
            text = f"{outage_text(name, reason)}; the other sources continue"
            self._notifier.send("source-lost", text, source=name)
