"""How often does a stranger who comes again get the same number, and how often do two people share one?

    python -m tools.trials.visitor_ids DATA [--only NAME] [--fpir 0.01] [--draws 10]

Everybody passes once, in random order, and then once more: walk 1 and walk 3 of KGBD. Nobody is enrolled, and
each walk is kept as the running system keeps those of strangers (`gallery.visits.stranger_bank`).

`returns` are second passages that get the number of the same person's first; `taken` are passages that get
the number of somebody else; `shared` are numbers that two people have at the end. People 101-164 measure
only. The back-end that ships was fitted on 1-100: figures of 81-100 are too good, and show what a setting
changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.backend import Backend, load_backend
from gallery.store.history import MAX_VISITORS, MAX_WALKS_OF_VISITOR
from gallery.store.history_records import RememberedVisitor, VisitWalk
from gallery.visits.stranger_bank import VISITOR_FPIR, find_visitor
from gallery.visits.visit_records import STRANGER_TEMPLATES, fewer_templates
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from tools.backend_fit.offline_pipeline import WalkCages, encode_walk, kgbd_walks, stored_walk
from tools.evaluation.metrics.bootstrap import bootstrap_estimates, percent_text

__all__ = ["Passages", "main", "pass_by"]

PEOPLE = {"kgbd 81-100": range(81, 101), "kgbd 101-164": range(101, 165)}
WALKS = ("1", "3")

out = plain_console(width=130)
err = plain_console(stderr=True)


class Passages(NamedTuple):
    """What happened when everybody passed twice; arrays by person."""

    returns: NDArray[np.bool_]
    """(P,) whether the second passage got the number of the first."""
    taken: NDArray[np.int64]
    """(P,) passages, of two, that got somebody else's number."""
    shared: float
    """Share of the numbers that two people have."""


@dataclass(slots=True)
class _Bank:
    """What the gallery remembers of strangers, in memory."""

    backend: Backend
    fpir: float
    walks: dict[int, list[VisitWalk]]
    given: int = 0

    def number(self, walk: VisitWalk) -> int:
        known = [RememberedVisitor(number, tuple(own)) for number, own in self.walks.items()]
        found = find_visitor(known, walk, self.backend, self.fpir)
        if found is None:
            self.given = found = self.given + 1
        own = [*self.walks.pop(found, []), walk][-MAX_WALKS_OF_VISITOR:]
        self.walks[found] = own
        while len(self.walks) > MAX_VISITORS:
            del self.walks[next(iter(self.walks))]
        return found


def kept(walk: WalkCages) -> VisitWalk:
    """Returns what is kept of a stranger's walk, with the precision of the gallery."""
    stored = stored_walk(walk.cages, walk.sensor)
    windows = len(walk.cages)
    templates = (
        fewer_templates(stored.templates, windows, STRANGER_TEMPLATES).astype(np.float16).astype(np.float32)
    )
    return VisitWalk("", walk.sensor, windows, templates, stored.statistics, None, None, stored.seconds, 1.0)


def pass_by(
    walks: Sequence[tuple[VisitWalk, VisitWalk]], backend: Backend, fpir: float, seed: int
) -> Passages:
    """Lets P people pass twice, each time in random order.

    Args:
        walks: of each person, the first and the second passage.
        backend: compares walks.
        fpir: see `VISITOR_FPIR`.
        seed: of the orders.
    """
    random = np.random.default_rng(seed)
    bank = _Bank(backend, fpir, {})
    count = len(walks)
    numbers = np.zeros((2, count), np.int64)
    owner: dict[int, int] = {}
    taken = np.zeros(count, np.int64)
    for turn in (0, 1):
        for person in random.permutation(count).tolist():
            number = bank.number(walks[person][turn])
            numbers[turn, person] = number
            taken[person] += owner.setdefault(number, person) != person
    people = [{*np.flatnonzero((numbers == number).any(axis=0)).tolist()} for number in owner]
    shared = float(np.mean([len(own) > 1 for own in people]))
    return Passages(numbers[0] == numbers[1], taken, shared)


def _row(
    walks: Sequence[tuple[VisitWalk, VisitWalk]], backend: Backend, fpir: float, draws: int
) -> list[str]:
    started = perf_counter()
    found = [pass_by(walks, backend, fpir, seed) for seed in range(draws)]
    each = (perf_counter() - started) / (2 * draws * len(walks))
    returns = np.mean([one.returns for one in found], axis=0)
    taken = np.mean([one.taken / 2 for one in found], axis=0)

    def figures(weights: NDArray[np.float64]) -> dict[str, float]:
        return {
            "returns": float(np.average(returns, weights=weights)),
            "taken": float(np.average(taken, weights=weights)),
        }

    estimates = bootstrap_estimates(figures, len(walks), seed=0)
    shared = 100 * np.array([one.shared for one in found])
    return [
        f"{fpir:g}",
        percent_text(estimates["returns"]),
        percent_text(estimates["taken"]),
        f"{shared.mean():.1f} ({shared.min():.1f}-{shared.max():.1f})",
        f"{1000 * each:.0f}",
    ]


def run(data: Path, names: Sequence[str], fpirs: Sequence[float], draws: int) -> None:
    """Runs the trial and prints its tables.

    Raises:
        SgeError: the data cannot be read.
    """
    encoder = Encoder(load_encoder(), "cpu")
    backend = load_backend(encoder.contract.id)
    for name in names:
        refs = [ref for ref in kgbd_walks(data, PEOPLE[name]) if ref.walk in WALKS]
        read = [encode_walk(encoder, ref.read()) for ref in track(refs, name, console=err)]
        by_person: dict[int, dict[str, VisitWalk]] = {}
        for walk in read:
            if walk.rows:
                by_person.setdefault(walk.person, {})[walk.walk] = kept(walk)
        pairs = [(own[WALKS[0]], own[WALKS[1]]) for own in by_person.values() if len(own) == len(WALKS)]
        title = f"{name}: {len(pairs)} people pass twice, {draws} random orders; percent"
        table = Table("fpir", "returns", "taken", "shared (least-most)", "ms", title=title)
        for fpir in fpirs:
            table.add_row(*_row(pairs, backend, fpir, draws))
        out.print(table)


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    only: Annotated[str, typer.Option(help="Rows whose names begin so.")] = "",
    fpir: Annotated[list[float] | None, typer.Option(help="Settings; by default the shipped one.")] = None,
    draws: Annotated[int, typer.Option(min=1, help="Random orders.")] = 10,
) -> None:
    """Measure how often strangers keep their number, and how often two share one."""
    try:
        run(data, [name for name in PEOPLE if name.startswith(only)], fpir or [VISITOR_FPIR], draws)
    except SgeError as error:
        typer.echo(f"visitor_ids: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
