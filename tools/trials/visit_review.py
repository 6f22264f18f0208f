"""How many answers would `sge-stream visits review` call changed although the gallery is the same?

    python -m tools.trials.visit_review DATA [--draws 5] [--enrolled 20] [--fpir 0.05]

A review compares what is kept of a walk, means of windows with half precision, in place of the windows that
the last decision of the visit rested on. People are drawn as a gallery, by two walks each, and all further
walks and all other people visit it. KGBD people 101-164 measure only. Intervals are those of a bootstrap over
people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.calibration.gallery_calibration import Calibrations, calibrate_index
from gallery.calibration.stranger_visits import enrolled_visits
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.history_records import VisitWalk
from gallery.visits.visit_records import KEPT_TEMPLATES, fewer_templates
from gallery.visits.walk_comparison import compare_walk, named_person
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from tools.backend_fit.offline_pipeline import (
    WalkCages,
    encode_walk,
    enrol,
    kgbd_walks,
    stored_walk,
    track_scores,
)
from tools.evaluation.metrics.bootstrap import bootstrap_estimates, percent_text
from tools.trials.visit_options import DataArgument, EnrolledOption, FpirOption

__all__ = ["Answers", "compare_answers", "main"]

PEOPLE = range(101, 165)
ENROL = 2

out = plain_console(width=130)
err = plain_console(stderr=True)


class Answers(NamedTuple):
    """Visits to one gallery, by person."""

    visits: NDArray[np.float64]
    """(P,) visits."""
    changed: NDArray[np.float64]
    """(P,) those with another answer in the review."""


def kept(walk: WalkCages) -> VisitWalk:
    """Returns what is kept of the walk of an identified person, with the precision of the gallery."""
    stored = stored_walk(walk.cages, walk.sensor)
    fewer = fewer_templates(stored.templates, len(walk.cages), KEPT_TEMPLATES)
    cages = fewer.astype(np.float16).astype(np.float32)
    seconds = stored.seconds
    return VisitWalk("", walk.sensor, len(walk.cages), cages, stored.statistics, None, None, seconds, 1.0)


def compare_answers(
    walks: Sequence[WalkCages], backend: Backend, enrolled: int, fpir: float, seed: int
) -> Answers:
    """Draws a gallery and compares the last decision of each visit with its review.

    Args:
        walks: of P people, numbered from 0.
        backend: compares them.
        enrolled: number of people in the gallery.
        fpir: the share of strangers that may be named.
        seed: of the draw.
    """
    random = np.random.default_rng(seed)
    own: dict[int, list[WalkCages]] = {}
    for place in random.permutation(len(walks)):
        own.setdefault(walks[place].person, []).append(walks[place])
    inside = random.permutation(sorted(own)).tolist()[:enrolled]
    stored = enrol(walk for person in sorted(inside) for walk in own[person][:ENROL])
    sensor = walks[0].sensor
    index = TemplateIndex([replace(one, walk_id=n) for n, one in enumerate(stored)], backend, [sensor])
    calibrations = calibrate_index(index, enrolled_visits(index, sensor), [])
    found = Answers(np.zeros(len(own)), np.zeros(len(own)))
    for person, all_walks in own.items():
        for walk in all_walks[ENROL if person in inside else 0 :]:
            reviewed = named_person(compare_walk(index, calibrations, kept(walk), fpir), fpir)
            found.visits[person] += 1
            found.changed[person] += reviewed != _answer(index, calibrations, walk, fpir)
    return found


def _answer(index: TemplateIndex, calibrations: Calibrations, walk: WalkCages, fpir: float) -> int | None:
    """Returns whom the last decision of a visit names."""
    scores = track_scores(index, walk, last_only=True)[-1]
    best = int(scores.argmax())
    limit = calibrations[walk.sensor].threshold(fpir, len(walk.rows))
    return index.people_of(walk.sensor)[best] if scores[best] >= limit else None


def run(data: Path, draws: int, enrolled: int, fpir: float) -> None:
    """Runs the trial and prints its line.

    Raises:
        SgeError: the data cannot be read.
    """
    encoder = Encoder(load_encoder(), "cpu")
    backend = load_backend(encoder.contract.id)
    refs = kgbd_walks(data, PEOPLE)
    names = sorted({ref.person for ref in refs})
    read = track(refs, "kgbd 101-164", console=err)
    walks = [encode_walk(encoder, ref.read(), person=names.index(ref.person)) for ref in read]
    walks = [walk for walk in walks if walk.rows]
    found = [
        compare_answers(walks, backend, enrolled, fpir, seed)
        for seed in track(range(draws), "galleries", console=err)
    ]
    visits = np.sum([one.visits for one in found], axis=0)
    changed = np.sum([one.changed for one in found], axis=0)

    def figures(weights: NDArray[np.float64]) -> dict[str, float]:
        return {"changed": float(weights @ changed) / float(weights @ visits)}

    share = bootstrap_estimates(figures, len(visits), seed=0)["changed"]
    out.print(
        f"kgbd 101-164: {enrolled} enrolled, --fpir {fpir:g}, {draws} draws, {visits.sum():.0f} visits: "
        f"{percent_text(share)} % of the answers differ in a review"
    )


def trial(
    data: DataArgument,
    draws: Annotated[int, typer.Option(min=1, help="Draws of the enrolled people.")] = 5,
    enrolled: EnrolledOption = 20,
    fpir: FpirOption = 0.05,
) -> None:
    """Measure how many answers a review calls changed although nothing changed."""
    try:
        run(data, draws, enrolled, fpir)
    except SgeError as error:
        typer.echo(f"visit_review: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
