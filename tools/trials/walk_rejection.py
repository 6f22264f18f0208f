"""How many windows of real walks the live path leaves out, and of bodies that do not walk.

    python -m tools.trials.walk_rejection DATA

DATA is a folder with the packed files of KGBD, of the pathological gaits, and of motion capture. Only those
people are read of whom settings may be chosen. A window counts as at rest if neither ankle, seen from the
hip, leaves its place by `REST` in the second around: people stand at a walk's ends, and where they turn.
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
from rich.console import Console
from rich.table import Table

from stream.body import FloatArray
from stream.errors import SgeError
from stream.skeleton import CANONICAL, get_layout, to_canonical
from stream.windows.cutting import Trouble, Window, WindowCutter
from tools.backend_fit.offline_pipeline import kgbd_walks, patho_walks, simulated_walks
from tools.datasets import Walk, find_walks
from tools.trials import synthetic_bodies as made

__all__ = ["Tally", "made_up", "main", "real", "tally"]

F = 6
REST = 0.12
"""Metres, of medians over 7 frames; a slow step is 0.3 long."""

AROUND_NS = 500_000_000
SEEDS = (1, 2, 3, 4, 5)
_HIP, *_ANKLES = (CANONICAL.index(name) for name in ("HipCenter", "AnkleLeft", "AnkleRight"))
out = Console()


@dataclass(slots=True)
class Tally:
    """What became of some walks' windows.

    Attributes:
        windows: how many there are where nothing is left out.
        given: how many the live path gives.
        quality: summed over those given.
        resting: how many show a body at rest.
        skipped: how many of the others are left out, by reason.
    """

    windows: int = 0
    given: int = 0
    quality: float = 0.0
    resting: int = 0
    skipped: Counter[Trouble | None] = field(default_factory=Counter)

    @property
    def skipped_moving(self) -> float:
        """The share of the windows in which somebody moves that is left out."""
        return self.skipped.total() / max(self.windows - self.resting, 1)


def tally(walks: Iterable[Walk]) -> Tally:
    """Cut walks with and without leaving out, and compare."""
    result = Tally()
    for walk in walks:
        joints, confidence = to_canonical(get_layout(walk.layout), walk.joints, walk.confidence)
        every, walking = WindowCutter(F), WindowCutter(F, walking_only=True)
        missing: dict[int, tuple[Window, Trouble | None]] = {}
        ankles = _ankles(joints)
        for time_ns, frame, sure in zip(walk.time_ns.tolist(), joints, confidence, strict=True):
            cut, given = every.push(time_ns, frame, sure), walking.push(time_ns, frame, sure)
            missing |= {window.start_ns: (window, walking.trouble) for window in cut}
            for window in given:
                del missing[window.start_ns]
                result.quality += window.quality
            result.windows += len(cut)
            result.given += len(given)
            result.resting += sum(_rests(window, walk.time_ns, ankles) for window in cut)
        result.skipped.update(
            trouble for window, trouble in missing.values() if not _rests(window, walk.time_ns, ankles)
        )
    return result


def _ankles(joints: FloatArray) -> NDArray[np.float64]:
    """(T, 2, 3) metres, from the hip, medians over 7 frames."""
    ankles = (joints[:, _ANKLES] - joints[:, [_HIP]]).astype(np.float64)
    padded = np.pad(ankles, ((3, 3), (0, 0), (0, 0)), mode="edge")
    medians: NDArray[np.float64] = np.median(sliding_window_view(padded, 7, axis=0), axis=-1)
    return medians


def _rests(window: Window, time_ns: NDArray[np.int64], ankles: NDArray[np.float64]) -> bool:
    middle = (window.start_ns + window.end_ns) / 2
    around = ankles[np.abs(time_ns - middle) <= AROUND_NS]
    seen = around[np.isfinite(around).all(axis=(1, 2))]
    return bool(len(seen)) and bool((np.linalg.norm(seen - seen.mean(axis=0), axis=2) < REST).all())


def real(data: Path) -> Iterator[tuple[str, Callable[[], Iterable[Walk]]]]:
    """The sets of walks, by name, read when they are asked for."""
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


def made_up(walks: Iterable[Walk]) -> Iterator[tuple[str, list[Walk]]]:
    """Bodies that do not walk, made of walks; by name."""
    known = [walk for walk in walks if np.isfinite(walk.joints).all()]

    def of(how: Callable[[FloatArray], FloatArray], metres: float = 2.5) -> list[Walk]:
        found = []
        for seed, walk in enumerate(known):
            joints, sure = made.seen_by_kinect(made.placed(how(walk.joints), metres), seed)
            found.append(replace(walk, joints=joints, confidence=sure))
        return found

    def unsure(joints: tuple[int, ...], confidence: float) -> list[Walk]:
        found = []
        for walk in known:
            sure = walk.confidence.copy()
            sure[:, list(joints)] = confidence
            found.append(replace(walk, confidence=sure))
        return found

    for metres in (2.5, 3.5, 4.5):
        yield f"standing, {metres} m", of(_stood, metres)
    yield "standing, swaying", of(lambda joints: made.swayed(_stood(joints)))
    yield "sitting", of(lambda joints: made.seated(_stood(joints)))
    yield "sitting, legs swing", of(lambda joints: made.seated(_stood(joints), swing=20))
    yield "a doll's size", of(lambda joints: joints * np.float32(0.45))
    yield "merged with another", of(made.merged)
    yield "changes size each second", of(made.flickering)
    for metres in (2.5, 3.5, 4.5, 6.0, 8.0, 10.0):
        yield f"walking, {metres} m", of(lambda joints: joints, metres)
    yield "feet inferred", unsure(made.BELOW_KNEES, 0.5)
    yield "feet hardly seen", unsure(made.BELOW_KNEES, 0.1)
    yield "one side inferred", unsure(made.LEFT_SIDE, 0.5)
    yield "one side hardly seen", unsure(made.LEFT_SIDE, 0.1)


def _stood(joints: FloatArray) -> FloatArray:
    return made.standing(joints, len(joints) // 2)


def _report(title: str, found: Iterable[tuple[str, Tally]]) -> None:
    table = Table("", "windows", "at rest", "given", "their quality", "moving, left out", "why", title=title)
    for name, result in found:
        share = result.given / max(result.windows, 1)
        why = ", ".join(f"{trouble}: {count}" for trouble, count in result.skipped.most_common())
        table.add_row(
            name,
            str(result.windows),
            f"{result.resting / max(result.windows, 1):.2%}",
            f"{share:.2%}",
            f"{result.quality / max(result.given, 1):.3f}",
            f"{result.skipped_moving:.2%}",
            why,
        )
    out.print(table)


def trial(data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")]) -> None:
    """Count the windows that are left out of real walks, and of bodies that do not walk."""
    try:
        _report("Real walks, and simulated ones", ((name, tally(walks())) for name, walks in real(data)))
        base = [ref.read() for ref in kgbd_walks(data, range(81, 101)) if ref.walk == "1"]
        _report("Made of KGBD's walks", ((name, tally(walks)) for name, walks in made_up(base)))
    except SgeError as error:
        typer.echo(f"walking_trial: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Run the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
