"""Share of windows that walk detection rejects, for real walks and for synthetic non-walking bodies.

    python -m tools.trials.walk_rejection DATA

DATA is a folder with the packed files of KGBD, the pathological gaits and motion capture. Only people on whom
settings may be chosen are read. A window counts as at rest if both ankles, relative to the hip, stay within
`REST` of their mean position during the second around it: people stand still at the ends of a walk, and where
they turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from rich.table import Table

from stream.body import FloatArray
from stream.errors import SgeError
from stream.skeleton import CANONICAL, get_layout, to_canonical
from stream.terminal.consoles import plain_console
from stream.windows.cutting import Window, WindowCutter, WindowProblem
from tools.backend_fit.offline_pipeline import kgbd_walks, patho_walks, simulated_walks
from tools.datasets import Walk, find_walks
from tools.trials import synthetic_bodies

__all__ = ["Tally", "count_windows", "main", "real_walks", "synthetic_walks"]

F = 6
REST = 0.12
"""Metres, of positions smoothed by a median over 7 frames; a slow step is 0.3 m long."""

AROUND_NS = 500_000_000
SEEDS = (1, 2, 3, 4, 5)
_HIP, *_ANKLES = (CANONICAL.index(name) for name in ("HipCenter", "AnkleLeft", "AnkleRight"))
out = plain_console()


@dataclass(slots=True)
class Tally:
    """Counts of windows of some walks.

    Attributes:
        windows: number of windows without walk detection.
        kept: number of windows that walk detection keeps.
        quality: sum over the kept windows.
        at_rest: number of windows that show a body at rest.
        rejected: number of rejected windows that are not at rest, by reason.
    """

    windows: int = 0
    kept: int = 0
    quality: float = 0.0
    at_rest: int = 0
    rejected: Counter[WindowProblem | None] = field(default_factory=Counter)

    @property
    def rejected_moving(self) -> float:
        """Share of the windows with movement that are rejected."""
        return self.rejected.total() / max(self.windows - self.at_rest, 1)


def count_windows(walks: Iterable[Walk]) -> Tally:
    """Cuts walks with and without walk detection, and compares."""
    result = Tally()
    for walk in walks:
        joints, confidence = to_canonical(get_layout(walk.layout), walk.joints, walk.confidence)
        unfiltered, walking = WindowCutter(F), WindowCutter(F, walking_only=True)
        rejected: dict[int, tuple[Window, WindowProblem | None]] = {}
        ankles = _ankles(joints)
        for time_ns, frame, frame_confidence in zip(walk.time_ns.tolist(), joints, confidence, strict=True):
            cut = unfiltered.push(time_ns, frame, frame_confidence)
            kept = walking.push(time_ns, frame, frame_confidence)
            rejected |= {window.start_ns: (window, walking.problem) for window in cut}
            for window in kept:
                del rejected[window.start_ns]
                result.quality += window.quality
            result.windows += len(cut)
            result.kept += len(kept)
            result.at_rest += sum(_is_at_rest(window, walk.time_ns, ankles) for window in cut)
        result.rejected.update(
            problem for window, problem in rejected.values() if not _is_at_rest(window, walk.time_ns, ankles)
        )
    return result


def _ankles(joints: FloatArray) -> NDArray[np.float64]:
    """Returns ankle positions (T, 2, 3), metres, relative to the hip, smoothed by a median over 7 frames."""
    ankles = (joints[:, _ANKLES] - joints[:, [_HIP]]).astype(np.float64)
    padded = np.pad(ankles, ((3, 3), (0, 0), (0, 0)), mode="edge")
    medians: NDArray[np.float64] = np.median(sliding_window_view(padded, 7, axis=0), axis=-1)
    return medians


def _is_at_rest(window: Window, time_ns: NDArray[np.int64], ankles: NDArray[np.float64]) -> bool:
    middle = (window.start_ns + window.end_ns) / 2
    around = ankles[np.abs(time_ns - middle) <= AROUND_NS]
    valid = around[np.isfinite(around).all(axis=(1, 2))]
    return bool(len(valid)) and bool((np.linalg.norm(valid - valid.mean(axis=0), axis=2) < REST).all())


def real_walks(data: Path) -> Iterator[tuple[str, Callable[[], Iterable[Walk]]]]:
    """Yields name and reader of each set of recorded or simulated walks."""
    yield "KGBD, people 81-100", lambda: (ref.read() for ref in kgbd_walks(data, range(81, 101)))
    for gait in ("normal", "antalgic", "lurch"):
        chosen = [gait]
        yield (
            f"Kinect v2, {gait}, people 1-5",
            lambda chosen=chosen: (  # type: ignore[misc]
                ref.read() for ref in patho_walks(data, range(1, 6)) if ref.condition in chosen
            ),
        )
    yield "motion capture", lambda: (ref.read() for ref in find_walks(data / "cmu_walk_20j.npz"))
    for seed in SEEDS:
        yield f"walkers, seed {seed}", lambda seed=seed: simulated_walks(8, seed, 1, 20.0)  # type: ignore[misc]


def synthetic_walks(walks: Iterable[Walk]) -> Iterator[tuple[str, list[Walk]]]:
    """Yields name and walks of each set of synthetic bodies, derived from the given walks."""
    complete = [walk for walk in walks if np.isfinite(walk.joints).all()]

    def transformed(change: Callable[[FloatArray], FloatArray], metres: float = 2.5) -> list[Walk]:
        changed = []
        for seed, walk in enumerate(complete):
            placed = synthetic_bodies.at_distance(change(walk.joints), metres)
            joints, confidence = synthetic_bodies.with_kinect_noise(placed, seed)
            changed.append(replace(walk, joints=joints, confidence=confidence))
        return changed

    def with_confidence(joints: tuple[int, ...], value: float) -> list[Walk]:
        changed = []
        for walk in complete:
            confidence = walk.confidence.copy()
            confidence[:, list(joints)] = value
            changed.append(replace(walk, confidence=confidence))
        return changed

    for metres in (2.5, 3.5, 4.5):
        yield f"standing, {metres} m", transformed(_standing, metres)
    yield "standing, swaying", transformed(lambda joints: synthetic_bodies.swayed(_standing(joints)))
    yield "sitting", transformed(lambda joints: synthetic_bodies.seated(_standing(joints)))
    yield (
        "sitting, legs swing",
        transformed(lambda joints: synthetic_bodies.seated(_standing(joints), swing=20)),
    )
    yield "doll size", transformed(lambda joints: joints * np.float32(0.45))
    yield "two people merged", transformed(synthetic_bodies.merged)
    yield "size changes every second", transformed(synthetic_bodies.changing_size)
    for metres in (2.5, 3.5, 4.5, 6.0, 8.0, 10.0):
        yield f"walking, {metres} m", transformed(lambda joints: joints, metres)
    yield "feet inferred", with_confidence(synthetic_bodies.BELOW_KNEES, 0.5)
    yield "feet low confidence", with_confidence(synthetic_bodies.BELOW_KNEES, 0.1)
    yield "one side inferred", with_confidence(synthetic_bodies.LEFT_SIDE, 0.5)
    yield "one side low confidence", with_confidence(synthetic_bodies.LEFT_SIDE, 0.1)


def _standing(joints: FloatArray) -> FloatArray:
    return synthetic_bodies.standing(joints, len(joints) // 2)


def _report(title: str, counts: Iterable[tuple[str, Tally]]) -> None:
    table = Table(
        "", "windows", "at rest", "kept", "mean quality", "moving, rejected", "reasons", title=title
    )
    for name, result in counts:
        share = result.kept / max(result.windows, 1)
        reasons = ", ".join(f"{problem}: {count}" for problem, count in result.rejected.most_common())
        table.add_row(
            name,
            str(result.windows),
            f"{result.at_rest / max(result.windows, 1):.2%}",
            f"{share:.2%}",
            f"{result.quality / max(result.kept, 1):.3f}",
            f"{result.rejected_moving:.2%}",
            reasons,
        )
    out.print(table)


def trial(data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")]) -> None:
    """Count the windows that walk detection rejects, of real walks and of synthetic non-walking bodies."""
    try:
        _report(
            "Recorded and simulated walks", ((name, count_windows(read())) for name, read in real_walks(data))
        )
        base = [ref.read() for ref in kgbd_walks(data, range(81, 101)) if ref.walk == "1"]
        _report(
            "Synthetic bodies from KGBD walks",
            ((name, count_windows(walks)) for name, walks in synthetic_walks(base)),
        )
    except SgeError as error:
        typer.echo(f"walk_rejection: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
