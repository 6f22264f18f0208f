"""The dashboard: tables of the people in view and of the processes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from stream.bus.messages import Verdict
from stream.decision import Decision
from stream.sources.live_source import outage_text
from stream.system.live import Live
from stream.system.supervisor import Child

__all__ = ["Dashboard", "confidence_text"]

STYLES = {"person": "bold green", "unknown": "yellow", "collecting": "dim"}
RATE_OVER_S = 2.0
WIDE = 110
"""Terminal width from which all columns fit."""

FRAME_LINES = 5
"""Lines of a table's title, header and borders."""

MEDIUM = 70
"""Terminal width from which the less important columns and the table of processes fit."""


@dataclass(slots=True)
class _Rate:
    """Increase per second of a counter, over the last `RATE_OVER_S` seconds."""

    samples: deque[tuple[float, float]] = field(default_factory=deque)

    def update(self, count: float) -> float:
        now = time.monotonic()
        if not self.samples or self.samples[-1][1] != count:
            self.samples.append((now, count))
        while len(self.samples) > 1 and now - self.samples[0][0] > RATE_OVER_S:
            self.samples.popleft()
        elapsed = now - self.samples[0][0]
        # Not negative: a restarted process counts from 0.
        return max(0.0, (count - self.samples[0][1]) / elapsed) if elapsed > 0 else 0.0


class Dashboard:
    """A rich renderable that shows a running system; call `update` with every verdict.

    It adapts to the terminal: less important columns are dropped first, then one line replaces the table of
    processes.

    Args:
        live: the running system.
    """

    def __init__(self, live: Live) -> None:
        self._live = live
        self._tracks: dict[int, Verdict] = {}
        self._rates: dict[str, _Rate] = {}

    def update(self, verdict: Verdict) -> None:
        """Stores the verdict on its track; a final one removes the track."""
        if verdict.decision.final:
            self._tracks.pop(verdict.decision.track, None)
        else:
            self._tracks[verdict.decision.track] = verdict

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        width, height = options.max_width, console.height
        children = self._live.supervisor.children
        tracks = sorted(self._tracks.copy().items())  # a copy: the screen runs in another thread
        outages = self._outages()
        rest = height - len(outages) - 1  # the footer has a line
        summary = self._summary(children)
        processes = self._processes(children, width) if width >= MEDIUM else summary
        people: Table = self._people(tracks, width, whole_reasons=True)
        lines = _lines(console, options, people)
        if lines + _lines(console, options, processes) > rest:
            processes = summary
            if lines + 1 > rest:
                people = self._fitting(tracks, width, rest - FRAME_LINES - 1)
        yield people
        yield processes
        yield from outages
        yield Text(self._footer(), style="dim", no_wrap=True, overflow="ellipsis")

    def _fitting(self, tracks: list[tuple[int, Verdict]], width: int, rows: int) -> Table:
        """Returns the table of as many people as fit into some rows, at least one; counts the others."""
        if len(tracks) <= rows:
            return self._people(tracks, width)
        shown = max(1, rows - 1)
        table = self._people(tracks[:shown], width)
        table.add_row("...", f"{len(tracks) - shown} more")
        return table

    def _people(self, tracks: list[tuple[int, Verdict]], width: int, *, whole_reasons: bool = False) -> Table:
        table = Table(title="People in view", title_justify="left", expand=True)
        columns = ["track", "identity", "confidence"]
        if width >= MEDIUM:
            columns += ["reason"]
        if width >= WIDE:
            columns[-1:] = ["best so far", "walked", "reason"]
        if len(self._live.infos) > 1:
            columns.insert(1 if width >= MEDIUM else len(columns), "source")
        for column in columns:
            # The last column takes the remaining width.
            ratio = 1 if column == columns[-1] else None
            wraps = whole_reasons and column == "reason"
            table.add_column(column, no_wrap=not wraps, overflow="fold" if wraps else "ellipsis", ratio=ratio)
        for number, verdict in tracks:
            cells = self._cells(number, verdict)
            table.add_row(*[cells[column] for column in columns])
        return table

    def _cells(self, number: int, verdict: Verdict) -> dict[str, RenderableType]:
        decision = verdict.decision
        other = decision.candidate if decision.candidate != decision.person else None
        return {
            "track": str(number),
            "source": Text(decision.source),
            "identity": Text(decision.person or decision.state, style=STYLES[decision.state]),
            "confidence": confidence_text(decision),
            "best so far": Text(other or ""),
            "walked": f"{verdict.seconds:.1f} s",
            "reason": Text(decision.reason),
        }

    def _processes(self, children: list[Child], width: int) -> Table:
        table = Table(title="Processes", title_justify="left", expand=True)
        columns = ["process", "state", "restarts", "CPU", "frames/s", "dropped", "p50 / p95"]
        if width >= WIDE:
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
        """Returns the source of a capture worker: the device's description if it has one, else the name."""
        if child.role != "capture":
            return ""
        status = child.status
        described = status.text if status is not None and status.state == "ready" else ""
        return described or self._live.infos[child.index].name

    def _outages(self) -> list[Text]:
        """Returns a line for each source that delivers nothing, for the gallery, and for what was dropped."""
        names = [info.name for info in self._live.infos]
        outages = self._live.outages
        lines = [outage_text(names[index], reason) for index, reason in sorted(outages.down.items())]
        lines += [text for text in (outages.gallery, self._live.overload) if text]
        return [Text(line, style="bold red", no_wrap=True, overflow="ellipsis") for line in lines]

    def _summary(self, children: list[Child]) -> Text:
        counters = [_counters(child) for child in children]
        down = [child.label for child in children if child.state.startswith("down")]
        latency = next((text for text in map(_latency, counters) if text != "-"), "-")
        dropped = sum(child.dropped for child in children)
        health = f"down: {', '.join(down)}" if down else f"{len(children)} processes"
        text = f"{health}, {dropped:.0f} dropped, {latency}"
        return Text(text, no_wrap=True, overflow="ellipsis")

    def _rate(self, label: str, name: str, counters: dict[str, float], style: str = "{:.0f}") -> str:
        if name not in counters:
            return "-"
        return style.format(self._rates.setdefault(label + name, _Rate()).update(counters[name]))

    def _footer(self) -> str:
        live = self._live
        strangers = "strangers are not rejected" if live.fpir is None else f"FPIR {live.fpir:.1%}"
        return f"Ctrl-C ends   {strangers}   gallery {live.gallery}   {live.encoder.description}"


def _counters(child: Child) -> dict[str, float]:
    status = child.status  # read once: another thread changes it
    return status.counters if status else {}


def _latency(counters: dict[str, float]) -> str:
    if "latency_p50" not in counters:
        return "-"
    return f"{counters['latency_p50']:.0f} / {counters['latency_p95']:.0f} ms"


def _lines(console: Console, options: ConsoleOptions, part: RenderableType) -> int:
    return len(console.render_lines(part, options))


def confidence_text(decision: Decision) -> str:
    """Returns the confidence of a decision for people, `-` where there is none."""
    return "-" if decision.confidence is None else f"{decision.confidence} %"
