"""The screen: who is in view and how sure that is, and how the processes do."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from stream.bus.messages import Verdict
from stream.sources.live_source import down
from stream.system.live import Live
from stream.system.supervisor import Child

__all__ = ["Dashboard", "final_line"]

STYLES = {"person": "bold green", "unknown": "yellow", "collecting": "dim"}
RATE_OVER_S = 2.0
ROOMY = 110
"""Columns of a terminal from which every column of the tables fits."""

NARROW = 70
FRAME_LINES = 5
"""Title, head and borders of a table."""


def final_line(verdict: Verdict, source: str = "") -> Text:
    """A track's last word, as it scrolls by above the tables; `source` is said where there are several."""
    decision = verdict.decision
    named = f"{source}  " if source else ""
    line = Text(f"{decision.t:8.1f} s  {named}track {decision.track}  ")
    line.append(decision.person or decision.state, style=STYLES[decision.state])
    line.append(
        f"  {_score(verdict)}  after {verdict.seconds:.1f} s of walking  ({decision.reason})", style="dim"
    )
    return line


@dataclass(slots=True)
class _Rate:
    """Counts a second, over the last moments."""

    seen: deque[tuple[float, float]] = field(default_factory=deque)

    def of(self, count: float) -> float:
        now = time.monotonic()
        if not self.seen or self.seen[-1][1] != count:
            self.seen.append((now, count))
        while len(self.seen) > 1 and now - self.seen[0][0] > RATE_OVER_S:
            self.seen.popleft()
        elapsed = now - self.seen[0][0]
        # A process that was started again counts from 0.
        return max(0.0, (count - self.seen[0][1]) / elapsed) if elapsed > 0 else 0.0


class Dashboard:
    """A rich renderable over a running system; `update` it with every verdict.

    It takes the room there is: less important columns go first, then the table of processes becomes a line.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._tracks: dict[int, Verdict] = {}
        self._rates: dict[str, _Rate] = {}

    def update(self, verdict: Verdict) -> None:
        """Show what a verdict says of its track."""
        if verdict.decision.final:
            self._tracks.pop(verdict.decision.track, None)
        else:
            self._tracks[verdict.decision.track] = verdict

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        width, height = options.max_width, console.height
        children = self._live.supervisor.children
        tracks = sorted(self._tracks.copy().items())  # the screen asks from another thread
        outages = self._outages()
        whole = len(tracks) + len(children) + len(outages) + 2 * FRAME_LINES + 1 <= height
        # Without the table of processes: a line for them, one for the footer, one for who has no room.
        room = len(tracks) if whole else max(1, height - FRAME_LINES - len(outages) - 3)
        yield self._people(tracks, room, width)
        yield self._processes(children, width) if whole and width >= NARROW else self._summary(children)
        yield from outages
        yield Text(self._footer(), style="dim", no_wrap=True, overflow="ellipsis")

    def _people(self, tracks: list[tuple[int, Verdict]], room: int, width: int) -> Table:
        table = Table(title="People in view", title_justify="left", expand=True)
        columns = ["track", "who", "score / threshold"]
        if width >= NARROW:
            columns[2:] = ["best so far", "score / threshold", "seen", "why"]
        if width >= ROOMY:
            columns[1:1] = ["source"]
            columns[-1:] = ["margin", "why"]
        for column in columns:
            # The last column takes what the others leave.
            ratio = 1 if column == columns[-1] else None
            table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=ratio)
        for number, verdict in tracks[:room]:
            cells = self._cells(number, verdict)
            table.add_row(*[cells[column] for column in columns])
        if len(tracks) > room:
            table.add_row("...", f"{len(tracks) - room} more", *[""] * (len(columns) - 2))
        return table

    def _cells(self, number: int, verdict: Verdict) -> dict[str, RenderableType]:
        decision = verdict.decision
        return {
            "track": str(number),
            "source": Text(decision.source),
            "who": Text(decision.person or decision.state, style=STYLES[decision.state]),
            "best so far": Text(decision.candidate or "-"),
            "score / threshold": _score(verdict),
            "seen": f"{verdict.seconds:.1f} s",
            "margin": "-" if decision.margin is None else f"{decision.margin:.3f}",
            "why": Text(decision.reason),
        }

    def _processes(self, children: list[Child], width: int) -> Table:
        table = Table(title="Processes", title_justify="left", expand=True)
        columns = ["process", "state", "restarts", "CPU", "frames/s", "dropped", "p50 / p95"]
        if width >= ROOMY:
            columns[5:] = ["windows/s", "dropped", "p50 / p95", "source"]
        for column in columns:
            ratio = 1 if column == "source" else None
            table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=ratio)
        for child in children:
            cells = self._process_cells(child)
            table.add_row(*[cells[column] for column in columns])
        return table

    def _process_cells(self, child: Child) -> dict[str, RenderableType]:
        counters = _counters(child)
        state = child.state
        return {
            "process": child.label,
            "state": Text(state, style="bold red" if state.startswith("down") else ""),
            "restarts": str(child.restarts),
            "CPU": self._rate(child.label, "cpu", counters, "{:.0%}"),
            "frames/s": self._rate(child.label, "frames", counters),
            "windows/s": self._rate(child.label, "windows", counters),
            "dropped": f"{child.dropped:.0f}",
            "p50 / p95": _latency(counters),
            "source": Text(self._source(child)),
        }

    def _source(self, child: Child) -> str:
        """What a capture worker watches, as the device calls itself where it does."""
        if child.role != "capture":
            return ""
        status = child.status
        described = status.text if status is not None and status.state == "ready" else ""
        return described or self._live.infos[child.index].name

    def _outages(self) -> list[Text]:
        """A line for each source that gives nothing, and why."""
        names = [info.name for info in self._live.infos]
        return [
            Text(down(names[index], why), style="bold red", no_wrap=True, overflow="ellipsis")
            for index, why in sorted(self._live.outages.down.items())
        ]

    def _summary(self, children: list[Child]) -> Text:
        counters = [_counters(child) for child in children]
        down = [child.label for child in children if child.state.startswith("down")]
        latency = next((text for text in map(_latency, counters) if text != "-"), "-")
        dropped = sum(child.dropped for child in children)
        health = f"down: {', '.join(down)}" if down else f"{len(children)} processes"
        text = f"{health}, {dropped:.0f} dropped, {latency}"
        return Text(text, no_wrap=True, overflow="ellipsis")

    def _rate(self, label: str, name: str, counters: dict[str, float], shown: str = "{:.0f}") -> str:
        if name not in counters:
            return "-"
        return shown.format(self._rates.setdefault(label + name, _Rate()).of(counters[name]))

    def _footer(self) -> str:
        live = self._live
        strangers = "strangers are not told apart" if live.fpir is None else f"FPIR {live.fpir:.1%}"
        return f"Ctrl-C ends   {strangers}   gallery {live.gallery}   {live.encoder.features}"


def _counters(child: Child) -> dict[str, float]:
    status = child.status  # once: another thread changes it
    return status.counters if status else {}


def _latency(counters: dict[str, float]) -> str:
    if "latency_p50" not in counters:
        return "-"
    return f"{counters['latency_p50']:.0f} / {counters['latency_p95']:.0f} ms"


def _score(verdict: Verdict) -> str:
    decision = verdict.decision
    if decision.score is None:
        return "-"
    threshold = "" if decision.threshold is None else f" / {decision.threshold:.3f}"
    return f"{decision.score:.3f}{threshold}"
