"""Which sources of a run give nothing, why, and what the user is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from stream.bus.messages import Status
from stream.sources.live_source import down

__all__ = ["Outages"]


class Outages:
    """Says once that a source is down, and once that it is up again.

    Args:
        names: of the sources.
        notify: gets a line for people; may be replaced.
    """

    def __init__(self, names: Sequence[str], notify: Callable[[str], None]) -> None:
        self.notify = notify
        self._names = tuple(names)
        self._down: dict[int, str] = {}

    @property
    def down(self) -> Mapping[int, str]:
        """The sources that give nothing at present, by number, and why."""
        return self._down.copy()

    def follow(self, status: Status) -> None:
        """Note the heartbeat of a capture worker."""
        source, known = status.index, status.index in self._down
        if status.state == "down":
            self._down[source] = status.text
            if not known:
                self.notify(f"{down(self._names[source], status.text)}; it is tried again until it is back")
        elif status.state == "ready" and known:
            del self._down[source]
            self.notify(f"{self._names[source]} is up again")

    def give_up(self, source: int, why: str, *, alone: bool) -> None:
        """Note that a source is lost for good; where it was `alone`, the run ends with that and says so."""
        self._down[source] = why
        if not alone:
            self.notify(f"{down(self._names[source], why)}; the other sources run on")
