"""How often are decisions right that are said with some confidence?

    python -m tools.trials.decision_confidence DATA [--only NAME] [--draws 10]

People are drawn as a gallery, all others visit it as strangers, and the walks that did not enrol are visits,
decided on after every window by the back-end that ships and thresholds of the drawn gallery (FPIR 5 %). The
people measure only: nothing was fitted on them. Each visit counts alike over its decisions, and strangers'
visits together as much as those of enrolled people. Intervals are those of a bootstrap over people.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.calibration.gallery_calibration import calibrate_index
from gallery.calibration.stranger_visits import enrolled_visits
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.visit_scores import FIRST_WINDOWS
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from tools.backend_fit.offline_pipeline import (
    WalkCages,
    encode_walk,
    enrol,
    estimated_walks,
    kgbd_walks,
    patho_walks,
    track_scores,
)
from tools.datasets import WalkRef
from tools.evaluation.live import SCENARIOS
from tools.evaluation.metrics.bootstrap import bootstrap_estimates, percent_text
from tools.evaluation.metrics.open_set import weighted_mean

__all__ = ["Decisions", "main", "share_right"]

FPIR = 0.05
VISITS = 80
"""The most visits to one gallery."""
BINS = ((0, 50), (50, 80), (80, 95), (95, 99), (99, 101))
"""Confidences, percent: from the first to below the second."""
GAITS = ("normal", "antalgic", "lurch")

out = plain_console(width=130)
err = plain_console(stderr=True)

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Trial:
    """People who measure only, and how they are enrolled.

    Attributes:
        name: of the rows.
        walks: finds the walks in the folder of data.
        sizes: numbers of enrolled people.
        enrol: walks that enrol each person.
    """

    name: str
    walks: Callable[[Path], Sequence[WalkRef]]
    sizes: tuple[int, ...]
    enrol: int


TRIALS = (
    Trial("kgbd", lambda data: kgbd_walks(data, range(101, 165)), (10, 20), 2),
    Trial(
        "videos", lambda data: estimated_walks(data, (SCENARIOS["rgb-both"].people or "").split(",")), (8,), 4
    ),
    Trial(
        "patho",
        lambda data: [ref for ref in patho_walks(data, range(6, 11)) if ref.condition in GAITS],
        (3,),
        6,
    ),
)


class Decisions(NamedTuple):
    """n decisions with a confidence."""

    confidence: Floats
    """(n,) percent."""
    named: Flags
    """(n,) whether the decision names the candidate; else it says that the track is a stranger's."""
    right: Flags
    """(n,) whether that is so; a stranger's track is of nobody who is enrolled."""
    final: Flags
    """(n,) whether it is the last of its visit."""
    person: NDArray[np.int64]
    """(n,) who walks."""
    enrolled: Flags
    """(n,) whether who walks is enrolled."""
    weights: Floats
    """(n,) each visit counts alike, strangers' visits together as much as those of enrolled people."""


def share_right(decisions: Decisions, chosen: Flags) -> str:
    """Returns how many percent of some decisions are right, with the 95 % interval over people."""
    if not chosen.any():
        return "-"
    right, owners = decisions.right[chosen], decisions.person[chosen]
    own = decisions.weights[chosen]

    def figures(people: Floats) -> dict[str, float]:
        return {"right": weighted_mean(right, people[owners] * own)}

    found = bootstrap_estimates(figures, int(decisions.person.max()) + 1, seed=0)["right"]
    return "-" if found is None else percent_text(found)


def _decide(
    walks: Sequence[WalkCages], size: int, enrols: int, backend: Backend, seed: int
) -> list[Decisions]:
    """Draws a gallery and decides on visits to it."""
    random = np.random.default_rng(seed)
    people = sorted({walk.person for walk in walks})
    inside = {people[n] for n in random.permutation(len(people))[:size]}
    enrolled: list[int] = []
    for person in sorted(inside):
        own = [n for n, walk in enumerate(walks) if walk.person == person]
        enrolled += random.permutation(own)[:enrols].tolist()
    stored = [replace(each, walk_id=n) for n, each in enumerate(enrol(walks[n] for n in enrolled))]
    sensor = walks[0].sensor
    index = TemplateIndex(stored, backend, [sensor])
    calibration = calibrate_index(index, enrolled_visits(index, sensor), [])[sensor]
    fit = backend.confidence_of(sensor)
    assert fit is not None, f"the back-end has no confidence for {sensor}"
    names = np.array(index.people_of(sensor))
    others = [n for n in range(len(walks)) if n not in set(enrolled)]
    found = []
    for place in random.permutation(others)[:VISITS]:
        walk = walks[place]
        scores = track_scores(index, walk)[FIRST_WINDOWS - 1 :]
        if not len(scores):
            continue
        windows = range(FIRST_WINDOWS, FIRST_WINDOWS + len(scores))
        best, nearest = scores.max(axis=1), names[scores.argmax(axis=1)]
        standardised = map(calibration.standardised, best.tolist(), windows)
        probability = np.array(list(map(fit.probability, standardised, windows)))
        named = best >= [calibration.threshold(FPIR, n) for n in windows]
        right = np.where(named, nearest == walk.person, walk.person not in inside)
        confidence = np.rint(100 * np.where(named, probability, 1 - probability))
        final = np.arange(len(best)) == len(best) - 1
        weights = np.full(len(best), 1 / len(best))
        owner = np.full(len(best), people.index(walk.person))
        known = np.full(len(best), walk.person in inside)
        found.append(Decisions(confidence, named, right, final, owner, known, weights))
    return found


def _balanced(visits: Sequence[Decisions]) -> Decisions:
    """Joins visits; those of strangers have together the weight of those of enrolled people."""
    joined = Decisions(*(np.concatenate(each) for each in zip(*visits, strict=True)))
    weights = joined.weights.copy()
    for known in (False, True):
        weights[joined.enrolled == known] /= 2 * weights[joined.enrolled == known].sum()
    return joined._replace(weights=weights)


def _table(title: str, decisions: Decisions) -> Table:
    table = Table(
        "confidence, %", "names: right, %", "at the end", "strangers: right, %", "at the end", title=title
    )
    for low, high in BINS:
        within = (decisions.confidence >= low) & (decisions.confidence < high)
        cells = [
            share_right(decisions, within & (decisions.named == named) & moment)
            for named in (True, False)
            for moment in (np.ones_like(within), decisions.final)
        ]
        table.add_row(f"{low} to {high - 1}", *cells)
    return table


def run(data: Path, trials: Sequence[Trial], draws: int) -> None:
    """Runs the trial and prints its tables.

    Raises:
        SgeError: the data cannot be read.
    """
    encoder = Encoder(load_encoder(), "cpu")
    backend = load_backend(encoder.contract.id)
    for one in trials:
        refs = list(one.walks(data))
        names = sorted({ref.person for ref in refs})
        read = track(refs, one.name, console=err)
        walks = [encode_walk(encoder, ref.read(), person=names.index(ref.person)) for ref in read]
        walks = [walk for walk in walks if walk.rows]
        for size in one.sizes:
            drawn = [_decide(walks, size, one.enrol, backend, seed) for seed in range(draws)]
            decisions = _balanced([visit for visits in drawn for visit in visits])
            title = f"{one.name}: {size} enrolled by {one.enrol} walks, {draws} draws"
            out.print(_table(title, decisions))


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    only: Annotated[str, typer.Option(help="Rows whose names begin so.")] = "",
    draws: Annotated[int, typer.Option(min=1, help="Draws of the enrolled people.")] = 10,
) -> None:
    """Measure how often decisions are right, by their confidence."""
    try:
        run(data, [one for one in TRIALS if one.name.startswith(only)], draws)
    except SgeError as error:
        typer.echo(f"decision_confidence: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
