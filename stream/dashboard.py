"""The screen: who is in view and how sure that is, and how the processes do."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stream.bus.messages import Verdict
from stream.live import Live
from stream.supervisor import Child

__all__ = ["Dashboard", "final_line"]

STYLES = {"person": "bold green", "unknown": "yellow", "collecting": "dim"}
RATE_OVER_S = 2.0
MAX_ROWS = 30


def final_line(verdict: Verdict) -> Text:
    """A track's last word, as it scrolls by above the tables."""
    decision = verdict.decision
    line = Text(f"{decision.t:8.1f} s  track {decision.track}  ")
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
    """A rich renderable over a running system; `update` it with every verdict."""

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

    def __rich__(self) -> RenderableType:
        return Group(self._people(), self._processes(), Text(self._footer(), style="dim"))

    def _people(self) -> Table:
        table = Table(title="People in view", title_justify="left", expand=True)
        for column in ("track", "source", "who", "best so far", "score / threshold", "margin", "seen", "why"):
            table.add_column(column, overflow="fold" if column == "why" else "ellipsis")
        tracks = sorted(self._tracks.copy().items())  # the screen asks from another thread
        for number, verdict in tracks[:MAX_ROWS]:
            decision = verdict.decision
            table.add_row(
                str(number),
                Text(decision.source),
                Text(decision.person or decision.state, style=STYLES[decision.state]),
                Text(decision.candidate or "-"),
                _score(verdict),
                "-" if decision.margin is None else f"{decision.margin:.3f}",
                f"{verdict.seconds:.1f} s",
                Text(decision.reason),
            )
        if len(tracks) > MAX_ROWS:
            table.add_row("...", f"{len(tracks) - MAX_ROWS} more", *[""] * 6)
        return table

    def _processes(self) -> Table:
        table = Table(title="Processes", title_justify="left", expand=True)
        for column in (
            "process",
            "state",
            "restarts",
            "frames/s",
            "windows/s",
            "dropped",
            "latency p50 / p95",
        ):
            table.add_column(column)
        for child in self._live.supervisor.children:
            table.add_row(*self._process(child))
        return table

    def _process(self, child: Child) -> tuple[str, ...]:
        status = child.status
        counters = status.counters if status else {}
        dropped = sum(
            counters.get(name, 0)
            for name in ("frames_dropped", "windows_dropped", "lost", "bad", "decisions_dropped")
        )
        latency = "-"
        if "latency_p50" in counters:
            latency = f"{counters['latency_p50']:.0f} / {counters['latency_p95']:.0f} ms"
        return (
            child.label,
            child.state,
            str(child.restarts),
            self._rate(child.label, "frames", counters),
            self._rate(child.label, "windows", counters),
            f"{dropped:.0f}",
            latency,
        )

    def _rate(self, label: str, name: str, counters: dict[str, float]) -> str:
        if name not in counters:
            return "-"
        return f"{self._rates.setdefault(label + name, _Rate()).of(counters[name]):.0f}"

    def _footer(self) -> str:
        live = self._live
        strangers = "strangers are not told apart" if live.fpir is None else f"FPIR {live.fpir:.1%}"
        return f"gallery {live.gallery}   {strangers}   {live.encoder.features}   Ctrl-C ends"


def _score(verdict: Verdict) -> str:
    decision = verdict.decision
    if decision.score is None:
        return "-"
    threshold = "" if decision.threshold is None else f" / {decision.threshold:.3f}"
    return f"{decision.score:.3f}{threshold}"
