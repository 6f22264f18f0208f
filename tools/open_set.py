"""How well the live path tells KGBD's people apart, and strangers from them.

    python -m tools.open_set DATA_DIR [--people 101-164] [--splits 20] [--seed 0]

Nothing was fitted on people 101-164. Walks 1 and 2 enrol, every other walk is a probe, at the thresholds
that ship for `--fpir`. Closed set: everybody is enrolled, Rank-1 is the part of walks whose best candidate is
right. Open set: half of the people are enrolled, the others are strangers; which half, a seeded draw says,
again for each split. FPIR is the part of strangers' walks that is named, FNIR the part of enrolled people's
walks that is not named, or wrongly. Figures are over the walks of all splits together. Intervals (95 %,
bootstrap) draw the people who walk anew, as probes, while galleries stay; where nobody was named there is
nothing to draw, and no width.

A person's score depends on nobody else's templates, so everybody is scored once, and a split's gallery is a
choice of columns.
"""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.backend import Backend, load_backend
from gallery.evidence import Evidence
from gallery.matcher import FIRST_DECISION_S
from gallery.scoring import TemplateIndex
from stream.errors import SgeError, UserError
from tools.attempts import Attempts, interval
from tools.live_path import WalkCages, encode_walk, enrol, follow, kgbd_walks
from tools.trial_kgbd import ENROL_WALKS, parse_people

__all__ = ["FPIRS", "ProbeWalk", "attempts_at", "main", "score_walks"]

SENSOR = "kinect-v1"
FPIRS = (0.01, 0.05)
MOMENTS: tuple[float | None, ...] = (2.0, 5.0, 10.0, None)
"""Seconds of usable walking; None is the whole walk."""

out = Console(width=125)

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Figure = Callable[[Floats], float]


@dataclass(frozen=True, slots=True, eq=False)
class ProbeWalk:
    """A probe before everybody's templates.

    Attributes:
        person: who walks, 0..P-1.
        means: (n, P) the evidence for each person after each of n windows, n at least 1.
    """

    person: int
    means: Floats


def score_walks(walks: Iterable[WalkCages], backend: Backend) -> tuple[int, list[ProbeWalk]]:
    """Enrol everybody from walks 1 and 2, and follow all other walks.

    Args:
        walks: of all people, in any order.
        backend: of their encoder.

    Returns:
        How many people are enrolled, and the probes; walks that gave no window are none.

    Raises:
        UserError: somebody walks who cannot be enrolled.
    """
    enrolled: list[WalkCages] = []
    probes: list[WalkCages] = []
    for walk in walks:
        if len(walk.rows):
            (enrolled if walk.walk in ENROL_WALKS else probes).append(walk)
    index = TemplateIndex(enrol(enrolled), backend, [SENSOR])
    place = {person: n for n, person in enumerate(index.people)}
    if strangers := {walk.person for walk in probes} - place.keys():
        raise UserError(f"person {min(strangers)} has no walk 1 or 2 to enrol; leave them out with --people")
    return len(place), [ProbeWalk(place[walk.person], follow(index, walk)) for walk in probes]


def thresholds_over_time(backend: Backend, people: int, windows: int, f: int) -> Floats:
    """The shipped thresholds against so many enrolled people, after 1 to `windows` windows: (windows, R).

    Infinite as long as a track is only collected.

    Raises:
        UserError: none ship.
    """
    first = math.ceil(FIRST_DECISION_S / Evidence(f).seconds_per_window - 1e-9)
    found = np.full((windows, len(FPIRS)), np.inf)
    for n in range(first, windows + 1):
        for r, fpir in enumerate(FPIRS):
            threshold = backend.threshold(SENSOR, fpir, people, n)
            if threshold is None:
                raise UserError(f"no thresholds ship for {SENSOR} and this encoder; run tools.fit_backend")
            found[n - 1, r] = threshold
    return found


def attempts_at(
    windows: int | None, probes: Sequence[ProbeWalk], splits: Iterable[Bools], thresholds: Floats
) -> Attempts:
    """Every split's walks at one moment.

    Args:
        windows: of evidence; shorter walks do not count. None is each walk's last.
        probes: before everybody's templates.
        splits: (P,) for each, who is enrolled.
        thresholds: see `thresholds_over_time`.
    """
    known: list[tuple[float, int, Bools]] = []
    strange: list[tuple[float, int, Bools, Bools]] = []
    for enrolled in splits:
        columns = np.flatnonzero(enrolled)
        for probe in probes:
            means = probe.means[:windows, columns]
            if windows is not None and len(means) < windows:
                continue
            best = means.max(axis=1)
            named = best[:, None] >= thresholds[: len(best)]
            if enrolled[probe.person]:
                right = bool(columns[means[-1].argmax()] == probe.person)
                known.append((best[-1] if right else -np.inf, probe.person, named[-1] & right))
            else:
                strange.append((best[-1], probe.person, named[-1], named.any(axis=0)))
    return Attempts(*map(np.array, zip(*known, strict=True)), *map(np.array, zip(*strange, strict=True)))


def measure(
    probes: Sequence[ProbeWalk], people: int, backend: Backend, f: int, splits: int, seed: int
) -> Table:
    """All figures at all moments, as a table.

    Raises:
        UserError: too few people walk, or no thresholds ship.
    """
    if people < 4 or len({probe.person for probe in probes}) < people:
        raise UserError("an open set needs at least 4 people, each with a walk beside walks 1 and 2")
    random = np.random.default_rng(seed)
    halves = [np.isin(np.arange(people), random.permutation(people)[: people // 2]) for _ in range(splits)]
    longest = max(len(probe.means) for probe in probes)
    thresholds = thresholds_over_time(backend, people // 2, longest, f)
    table = Table("%, and 95 % interval")
    columns = []
    for seconds in MOMENTS:
        windows = None if seconds is None else round(seconds / Evidence(f).seconds_per_window)
        seen = [probe for probe in probes if len(probe.means) >= (windows or 1)]
        table.add_column("whole walk" if seconds is None else f"after {seconds:g} s")
        figures = _figures(attempts_at(windows, seen, halves, thresholds))
        figures = {"Rank-1, all enrolled": _rank_1(windows, seen), **figures}
        cells = {name: _cell(figure, people, seed) for name, figure in figures.items()}
        columns.append({"walks": str(len(seen)), **cells})
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    return table


def _rank_1(windows: int | None, probes: Sequence[ProbeWalk]) -> Figure:
    people = np.array([probe.person for probe in probes])
    right = np.array([probe.means[:windows][-1].argmax() == probe.person for probe in probes])
    return lambda weights: float((right * weights[people]).sum() / weights[people].sum())


def _figures(attempts: Attempts) -> dict[str, Figure]:
    figures: dict[str, Figure] = {"EER": attempts.eer}
    for rate in FPIRS:
        figures[f"FNIR where FPIR is {rate:.0%}"] = partial(attempts.fnir_at, rate)
    for r, rate in enumerate(FPIRS):
        figures[f"--fpir {rate}: FPIR"] = partial(attempts.fpir, r)
        figures[f"--fpir {rate}: FPIR, at any moment so far"] = partial(attempts.fpir, r, ever=True)
        figures[f"--fpir {rate}: FNIR"] = partial(attempts.fnir, r)
    return figures


def _cell(figure: Figure, people: int, seed: int) -> str:
    low, high = interval(figure, people, seed)
    return f"{100 * figure(np.ones(people)):.1f} ({100 * low:.1f} to {100 * high:.1f})"


def run(
    data: Annotated[Path, typer.Argument(metavar="DATA_DIR", help="Folder of the packed data sets.")],
    people: Annotated[str, typer.Option(metavar="N-M", help="Who takes part.")] = "101-164",
    splits: Annotated[int, typer.Option(min=1, help="Draws of who is enrolled.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
) -> None:
    """Measure the live path on KGBD: who is who among all, and strangers before half of them."""
    began = time.monotonic()
    try:
        refs = kgbd_walks(data, parse_people(people))
        encoder = Encoder(load_encoder(), "cpu")
        backend = load_backend(encoder.contract.id)
        walks = [
            encode_walk(encoder, ref.read())
            for ref in track(refs, "encode", console=Console(stderr=True), transient=True)
        ]
        count, probes = score_walks(walks, backend)
        table = measure(probes, count, backend, encoder.contract.f, splits, seed)
    except SgeError as error:
        typer.echo(f"open_set: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    out.print(f"KGBD, people {people}: {count} people, {len(probes)} probe walks of {len(refs)} walks")
    out.print(
        f"open set: {count // 2} enrolled, {count - count // 2} strangers, {splits} splits, seed {seed}"
    )
    out.print(table)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {encoder.device}"
    out.print(f"{machine}, Python {platform.python_version()}; {time.monotonic() - began:.0f} s")


def main() -> None:
    """Measure from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
