"""Share of the windows of real walks that the limits of a track's body refuse or weigh less.

    python -m tools.trials.body_limits DATA

DATA is a folder with the packed files. Only people on whom settings may be chosen are read. Windows are those
whose posture is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from rich.table import Table

from stream.errors import SgeError
from stream.skeleton import get_layout, to_canonical
from stream.terminal.consoles import plain_console
from stream.windows.body_history import BodyHistory
from stream.windows.cutting import cut_windows
from stream.windows.posture import assess_postures
from tools.backend_fit.offline_pipeline import estimated_walks, kgbd_walks, patho_walks, ucalgary_walks
from tools.backend_fit.training_provenance import RGB_PEOPLE
from tools.datasets import Walk, WalkRef, find_walks

__all__ = ["Shares", "main", "refused"]

F = 6
out = plain_console(width=110)


class Shares(NamedTuple):
    """Counts of windows of some walks."""

    windows: int
    proportions: int
    """Refused for the proportions of the body."""
    size: int
    """Refused for its size, which changed."""
    less: int
    """Accepted with a lower weight."""


def refused(walks: Iterable[Walk]) -> Shares:
    """Counts the windows that the body's history refuses, of those whose posture is accepted."""
    counts = np.zeros(4, int)
    for walk in walks:
        history = BodyHistory()
        joints, confidence = to_canonical(get_layout(walk.layout), walk.joints, walk.confidence)
        last_ns = None
        for window in cut_windows(walk.time_ns, joints, confidence, f=F):
            follows = last_ns is not None and window.start_ns <= last_ns
            last_ns, samples = window.end_ns, F // 2 if follows else F
            (posture,) = assess_postures(window.joints[None], np.ones((1, F, 20), np.float32), [2.0])
            same = history.sameness(posture.limbs, samples)
            if posture.weight > 0:
                human = history.proportions(posture.lengths, samples)
                counts += (1, human == 0, same == 0, 0 < min(human, same) < 1)
    return Shares(*counts.tolist())


def _sets(data: Path) -> Iterator[tuple[str, list[WalkRef]]]:
    yield "KGBD, people 1-100", kgbd_walks(data, range(1, 101))
    yield "pathological gaits, people 1-5", patho_walks(data, range(1, 6))
    yield "Kinect v2 without hands", ucalgary_walks(data)
    yield "motion capture", list(find_walks(data / "cmu_walk_20j.npz"))
    yield "estimated from videos, odd people", estimated_walks(data, RGB_PEOPLE)


def trial(data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")]) -> None:
    """Count the windows of real walks that the limits of a track's body refuse."""
    table = Table("", "windows", "refused: proportions", "refused: size", "lower weight")
    try:
        for name, refs in _sets(data):
            found = refused(ref.read() for ref in refs)
            shares = (f"{count / max(found.windows, 1):.3%}" for count in found[1:])
            table.add_row(name, str(found.windows), *shares)
    except SgeError as error:
        typer.echo(f"body_limits: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    out.print(table)


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
