"""The views that are told apart (`stream.windows.heading`), compared with those that a data set states.

    python -m tools.trials.walk_views DATA

The people whose poses were estimated from videos walk towards the camera or away from it, as the file states
of each walk. Windows are cut as in the live system. Nothing is fitted, so all 36 people are measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from stream.walk_views import VIEWS, View, seen_views
from stream.windows.cutting import Window
from stream.windows.resampling import RATE_HZ
from tools.backend_fit.offline_pipeline import walk_windows
from tools.datasets import find_walks

__all__ = ["main", "views_shown"]

F = 6
"""Skeletons of a window."""

VIDEOS = "rgb_metrabs_large_17j.npz"

out = plain_console(width=110)
err = plain_console(stderr=True)


def views_shown(windows: Iterable[Window]) -> tuple[Counter[View | None], tuple[View, ...]]:
    """Returns the number of windows of each view of a walk, and the views that an enrolment records."""
    counts = Counter(window.view for window in windows)
    step = (F // 2) / RATE_HZ
    known = {view: step * counts[view] for view in VIEWS}
    return counts, seen_views(known, step * counts.total())


def trial(data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")]) -> None:
    """Compare the views of walks with those that their data set states."""
    windows: dict[str, Counter[View | None]] = {}
    walks: dict[str, Counter[str]] = {}
    try:
        for ref in track(list(find_walks(data / VIDEOS)), "walks", console=err):
            counts, shown = views_shown(walk_windows(ref.read(), F))
            windows.setdefault(ref.view, Counter()).update(counts)
            walks.setdefault(ref.view, Counter()).update([", ".join(shown) or "not known"])
    except SgeError as error:
        typer.echo(f"walk_views: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    table = Table("stated", "windows", *VIEWS, "not known", "walks: views recorded")
    for stated, counts in sorted(windows.items()):
        shares = [f"{counts[view] / counts.total():.1%}" for view in (*VIEWS, None)]
        recorded = "; ".join(f"{views}: {number}" for views, number in walks[stated].most_common())
        table.add_row(stated, f"{counts.total():,}", *shares, recorded)
    out.print(table)


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
