"""The progress of an enrolment: for each source a bar, and under it why nothing counts just now.

A full bar is what was asked for: the seconds of walking of one passage, or a file to its end.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from stream.sources.live_source import outage_text
from stream.terminal.walk_observer import WalkObserver
from stream.windows.window_advice import advise

__all__ = ["EnrolProgress", "WatchedWalk", "what_counts"]


@dataclass(slots=True)
class WatchedWalk:
    """A source, or one track of it, that is to give a walk.

    Attributes:
        source: number of the source.
        name: of the source.
        asked: seconds of walking that are waited for; None for a file, which is read to its end.
        observer: what was seen so far.
    """

    source: int
    name: str
    asked: float | None
    observer: WalkObserver


def what_counts(walk: WatchedWalk, *, frames: bool = True, outage: str = "") -> str:
    """Returns one line that says who is in view, and why nothing of them counts at present.

    Args:
        walk: what is watched.
        frames: whether the source has given a frame yet.
        outage: why it delivers nothing at present; empty if it does.
    """
    if outage:
        return outage_text(walk.name, outage)
    if not frames:
        return f"waiting for the first frame of {walk.name}"
    observer = walk.observer
    seen = {number: cause for number, cause in observer.in_view.items() if observer.counts(number)}
    if not seen and observer.in_view:
        others = ", ".join(map(str, sorted(observer.in_view)))
        return f"track {observer.track} is not in view; in view: {others}"
    if not seen:
        return "nobody is in view"
    number, cause = min(seen.items(), key=lambda each: (bool(each[1]), each[0]))
    if cause:
        return f"track {number} does not count: {advise(cause)}"
    return f"track {number} walks" if number in observer.walks else f"track {number} is in view"


class EnrolProgress:
    """Shows how much walking of each source was seen; a context manager.

    Without a terminal, each cause why nothing of a live source counts is written once, as a line.

    Args:
        walks: one for each bar.
        console: to show it on.
    """

    def __init__(self, walks: Sequence[WatchedWalk], console: Console) -> None:
        self._walks = walks
        self._bars = _Bars(console)
        self._tasks = [self._add(walk) for walk in walks]
        self._lines: dict[TaskID, str] = {}
        self._written: set[str] = set()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            self._bars.update(task, now="")
        self._bars.stop()

    def write(self, text: str) -> None:
        """Writes a line above the bars."""
        self._bars.console.print(text, highlight=False, soft_wrap=True)

    def update(self, now: Sequence[str]) -> None:
        """Shows what was observed, and for each walk what counts now (`what_counts`)."""
        for walk, task, line in zip(self._walks, self._tasks, now, strict=True):
            seconds = _shown_seconds(walk)
            newest = walk.observer.newest
            quality = f"  quality {newest.quality:.0%}" if newest is not None else ""
            self._bars.update(
                task, completed=seconds, seen=f"{_amount(seconds, walk.asked)}{quality}", now=line
            )
            if line != self._lines.get(task):
                self._lines[task] = line
                self._bars.refresh()
            if walk.asked is not None and not self._bars.console.is_terminal:
                self._write_once(walk, line)

    def end(self) -> None:
        """Fills the bars of sources that were asked for to their end."""
        for walk, task in zip(self._walks, self._tasks, strict=True):
            if walk.asked is None:
                self._bars.update(task, total=1.0, completed=1.0)

    def _add(self, walk: WatchedWalk) -> TaskID:
        label = "walking" if len(self._walks) == 1 else walk.name
        return self._bars.add_task(label, total=walk.asked, seen=_amount(0.0, walk.asked), now="")

    def _write_once(self, walk: WatchedWalk, line: str) -> None:
        causes = set(walk.observer.in_view.values()) - {""}
        if causes - self._written:
            self._written |= causes
            self.write(line)


class _Bars(Progress):
    """Bars, each with a line under it."""

    def __init__(self, console: Console) -> None:
        columns = (_column("{task.description}"), BarColumn(), _column("{task.fields[seen]}"))
        super().__init__(*columns, console=console)

    def get_renderables(self) -> Iterable[RenderableType]:
        for task in self.tasks:
            yield self.make_tasks_table([task])
            if task.fields["now"]:
                yield Text(f"  {task.fields['now']}", style="yellow", no_wrap=True, overflow="ellipsis")


def _column(text: str) -> TextColumn:
    return TextColumn(text, markup=False)  # names may contain brackets


def _shown_seconds(walk: WatchedWalk) -> float:
    """Returns the walking of the passage that is seen now; of the longest once it is enough."""
    observer = walk.observer
    if observer.newest is None or (walk.asked is not None and observer.seconds >= walk.asked):
        return observer.seconds
    return observer.newest.seconds


def _amount(seconds: float, asked: float | None) -> str:
    if asked is None:
        return f"{seconds:.1f} s"
    # Rounded down: 100 % and the last tenth appear when nothing is missing.
    done = min(seconds, asked)
    share = math.floor(100 * done / asked + 1e-9)
    return f"{math.floor(10 * done + 1e-9) / 10:.1f} of {asked:g} s  {share} %"
