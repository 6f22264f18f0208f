"""Joints that a source never has: where hands and feet lie in people, and what completing them changes.

    python -m tools.trials.absent_joints DATA [--seeds 10]

DATA is a folder with the packed files. The first table gives the proportions by which
`stream.skeleton.to_canonical` completes hands and feet, and the least distance of a hand to its wrist, on
people on whom settings may be chosen. The second identifies people whose source has no hands (Kinect v2 of
the University of Calgary) or neither hands nor feet (poses estimated from videos, people with odd numbers):
with copies of wrists and ankles in their place, and with completed joints. Each seed draws the walks that
enrol a person, one of each view; all other walks are probes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.template_index import TemplateIndex
from stream.body import FloatArray
from stream.bus.messages import WindowRow
from stream.errors import SgeError
from stream.skeleton import CANONICAL, Layout, get_layout, map_joints, to_canonical
from stream.terminal.consoles import plain_console
from stream.windows.cutting import cut_windows
from tools.backend_fit.offline_pipeline import (
    WalkCages,
    enrol,
    estimated_walks,
    kgbd_walks,
    patho_walks,
    track_scores,
    ucalgary_walks,
)
from tools.backend_fit.training_provenance import RGB_PEOPLE
from tools.datasets import Walk, WalkRef

__all__ = ["Proportions", "identify", "main", "measure_proportions"]

MIN_WINDOWS = 10
MEASURED_EVERY = 5
"""Every n-th skeleton is measured."""

Conversion = Callable[[Layout, FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
out = plain_console()


class Proportions(NamedTuple):
    """Medians over skeletons, and the least distance of all."""

    hand_reach: float
    """Of the hand from its wrist, along the forearm, forearms."""
    foot_forward: float
    """Of the foot from its ankle, across the shank to the front, shanks."""
    foot_down: float
    """The same along the shank."""
    least_hand_m: float
    """Metres from a hand to its wrist."""


def measure_proportions(walks: Iterable[Walk]) -> Proportions:
    """Measures hands and feet on every fifth complete skeleton."""
    hands, forward, down, least = [], [], [], np.inf
    for walk in walks:
        joints, _ = map_joints(get_layout(walk.layout), walk.joints, walk.confidence)
        whole = joints[np.isfinite(joints).all(axis=(1, 2))].astype(np.float64)
        at = {name: whole[:, place] for place, name in enumerate(CANONICAL)}
        ahead = np.cross(at["HipLeft"] - at["HipRight"], at["ShoulderCenter"] - at["HipCenter"])
        for side in ("Left", "Right"):
            hand = at["Hand" + side] - at["Wrist" + side]
            least = min(least, np.linalg.norm(hand, axis=1).min(initial=np.inf))
            hands.append(_along(hand, at["Wrist" + side] - at["Elbow" + side]))
            shank, foot = at["Ankle" + side] - at["Knee" + side], at["Foot" + side] - at["Ankle" + side]
            length = np.linalg.norm(shank, axis=1, keepdims=True)
            across = ahead - _along(ahead, shank)[:, None] * shank
            forward.append(_along(foot, across * length / np.linalg.norm(across, axis=1, keepdims=True)))
            down.append(_along(foot, shank))
    return Proportions(_median(hands), _median(forward), _median(down), float(least))


def _along(vectors: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the components (n,) of vectors (n, 3) along axes (n, 3), in lengths of the axes."""
    squares = np.einsum("nk,nk->n", axes, axes)
    found: NDArray[np.float64] = np.einsum("nk,nk->n", vectors, axes) / np.maximum(squares, 1e-12)
    return found


def _median(parts: Sequence[NDArray[np.float64]]) -> float:
    return float(np.nanmedian(np.concatenate([part[::MEASURED_EVERY] for part in parts])))


def _encode(encoder: Encoder, walk: Walk, convert: Conversion, person: int) -> WalkCages:
    joints, confidence = convert(get_layout(walk.layout), walk.joints, walk.confidence)
    f = encoder.window_shape[0]
    windows = cut_windows(walk.time_ns, joints, confidence, f=f, walking_only=True)
    rows = tuple(WindowRow(1, w.start_ns, w.end_ns, 0, w.quality) for w in windows)
    cages = encoder.encode(np.stack([w.joints for w in windows])) if windows else encoder.empty
    return WalkCages(person, walk.walk, walk.sensor, rows, cages)


def identify(
    walks: Sequence[WalkCages], views: Sequence[str], backend: Backend, seed: int
) -> tuple[float, float]:
    """Enrols every person from one walk of each view, and identifies the other walks.

    Args:
        walks: of several people.
        views: of each walk.
        backend: scores the comparisons.
        seed: draws the enrolled walks.

    Returns:
        Share of walks with the right best candidate, and the equal error rate of final scores.
    """
    random = np.random.default_rng(seed)
    chosen: dict[tuple[int, str], int] = {}
    for place in random.permutation(len(walks)).tolist():
        chosen.setdefault((walks[place].person, views[place]), place)
    enrolled = set(chosen.values())
    index = TemplateIndex(enrol(walks[place] for place in sorted(enrolled)), backend, [walks[0].sensor])
    people = np.array(index.people_of(walks[0].sensor))
    right, own, others = [], [], []
    for place, walk in enumerate(walks):
        if place not in enrolled:
            scores = track_scores(index, walk)[-1]
            mine = people == walk.person
            right.append(bool(mine[scores.argmax()]))
            own += scores[mine].tolist()
            others += scores[~mine].tolist()
    return float(np.mean(right)), _equal_error_rate(np.array(own), np.array(others))


def _equal_error_rate(own: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    limits = np.unique(np.concatenate((own, others)))
    missed = np.searchsorted(np.sort(own), limits) / len(own)
    accepted = 1 - np.searchsorted(np.sort(others), limits) / len(others)
    place = int(np.abs(missed - accepted).argmin())
    return float(missed[place] + accepted[place]) / 2


def _without_joints(data: Path) -> list[tuple[str, list[WalkRef]]]:
    return [
        ("Kinect v2 without hands", ucalgary_walks(data)),
        ("estimated from videos, odd people", estimated_walks(data, RGB_PEOPLE)),
    ]


def _report_proportions(data: Path) -> None:
    table = Table("", "hand reach", "foot forward", "foot down", "least hand distance")
    for name, refs in (
        ("KGBD, people 1-100", kgbd_walks(data, range(1, 101))),
        ("pathological gaits, people 1-5", patho_walks(data, range(1, 6))),
    ):
        found = measure_proportions(ref.read() for ref in refs)
        shares = (f"{value:.3f}" for value in found[:3])
        table.add_row(name, *shares, f"{1000 * found.least_hand_m:.2f} mm")
    out.print(table)


def _report_identification(data: Path, seeds: int) -> None:
    loaded = load_encoder()
    encoder, backend = Encoder(loaded, "cpu"), load_backend(loaded.contract.id)
    table = Table("", "people", "walks", "hands and feet", "right candidate", "EER")
    for name, refs in _without_joints(data):
        numbers = {person: n for n, person in enumerate(sorted({ref.person for ref in refs}), start=1)}
        for what, convert in (("copies", map_joints), ("completed", to_canonical)):
            pairs = [(_encode(encoder, ref.read(), convert, numbers[ref.person]), ref.view) for ref in refs]
            usable = [pair for pair in pairs if len(pair[0].cages) >= MIN_WINDOWS]
            walks, views = [walk for walk, _ in usable], [view for _, view in usable]
            found = np.array([identify(walks, views, backend, seed) for seed in range(seeds)])
            figures = [
                f"{m:.2%} ± {s:.2%}" for m, s in zip(found.mean(axis=0), found.std(axis=0), strict=True)
            ]
            table.add_row(name, str(len(numbers)), str(len(walks)), what, *figures)
    out.print(table)


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    seeds: Annotated[int, typer.Option(min=1, help="Number of draws of the enrolled walks.")] = 10,
) -> None:
    """Measure hands and feet, and identify people whose source has none."""
    try:
        _report_proportions(data)
        _report_identification(data, seeds)
    except SgeError as error:
        typer.echo(f"absent_joints: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
