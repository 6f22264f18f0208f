"""What denying visits brings and costs: the same stranger named again, and enrolled people missed.

    python -m tools.trials.denied_visits DATA [--draws 10] [--enrolled 20] [--fpir 0.05]

People are drawn as a gallery, by two walks each. Everybody else passes once; each visit that ends with a name
is denied. Then all further walks are visits, decided on with the denials and without: those of strangers who
were denied, of all strangers, of the enrolled people whom they were taken for, and of all enrolled people.
KGBD people 101-164 measure only. Decisions are the last of each visit. Intervals are those of a bootstrap
over people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.table import Table

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.calibration.gallery_calibration import calibrate_index
from gallery.calibration.site_calibration import SiteCalibration
from gallery.calibration.stranger_visits import enrolled_visits
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.template_index import TemplateIndex
from gallery.store.history_records import DeniedVisit
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from tools.backend_fit.offline_pipeline import WalkCages, encode_walk, enrol, kgbd_walks, track_scores
from tools.evaluation.metrics.bootstrap import bootstrap_estimates, percent_text
from tools.trials.visit_options import DataArgument, EnrolledOption, FpirOption

__all__ = ["Counts", "main", "visit_gallery"]

PEOPLE = range(101, 165)
ENROL = 2
GROUPS = {
    "denied strangers named": "named",
    "all strangers named": "named",
    "people they were taken for, missed": "missed",
    "all enrolled people missed": "missed",
}

out = plain_console(width=130)
err = plain_console(stderr=True)


@dataclass(slots=True)
class Counts:
    """Visits of one group, by person.

    Attributes:
        visits: (P,) visits.
        without: (P,) those named or missed without the denials.
        denied: (P,) those with them.
    """

    visits: NDArray[np.float64]
    without: NDArray[np.float64]
    denied: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Visit:
    """The last decision of a visit: the best candidate, and the evidence."""

    walk: WalkCages
    person: int
    score: float
    windows: int

    def named(self, calibration: SiteCalibration, fpir: float) -> int | None:
        limit = calibration.threshold(fpir, self.windows, self.person)
        return self.person if self.score >= limit else None


@dataclass(slots=True)
class _Gallery:
    index: TemplateIndex
    sensor: str

    def visit(self, walk: WalkCages) -> _Visit:
        scores = track_scores(self.index, walk, last_only=True)[-1]
        best = int(scores.argmax())
        return _Visit(walk, self.index.people_of(self.sensor)[best], float(scores[best]), len(walk.rows))

    def calibrate(self, denied: Sequence[_Visit]) -> SiteCalibration:
        people = len(self.index.people_of(self.sensor))
        visits = [DeniedVisit(v.person, self.sensor, v.score, v.windows, people, False) for v in denied]
        return calibrate_index(self.index, enrolled_visits(self.index, self.sensor), [], visits)[self.sensor]


def visit_gallery(
    walks: Sequence[WalkCages], backend: Backend, enrolled: int, fpir: float, seed: int
) -> dict[str, Counts]:
    """Draws a gallery, lets everybody else pass and denies who was named, and counts what follows.

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
    people = random.permutation(sorted(own)).tolist()
    inside, outside = people[:enrolled], people[enrolled:]
    stored = enrol(walk for person in sorted(inside) for walk in own[person][:ENROL])
    sensor = walks[0].sensor
    index = TemplateIndex([replace(one, walk_id=n) for n, one in enumerate(stored)], backend, [sensor])
    gallery = _Gallery(index, sensor)
    before = gallery.calibrate([])
    first = [gallery.visit(own[person][0]) for person in outside]
    wrong = [visit for visit in first if visit.named(before, fpir) is not None]
    after = gallery.calibrate(wrong)
    denied, taken_for = {visit.walk.person for visit in wrong}, {visit.person for visit in wrong}
    counts = {name: Counts(*np.zeros((3, len(own)))) for name in GROUPS}
    for person in outside:
        groups = ["all strangers named", *(["denied strangers named"] if person in denied else [])]
        for visit in map(gallery.visit, own[person][1:]):
            named = [visit.named(each, fpir) is not None for each in (before, after)]
            _count(counts, groups, person, named)
    for person in inside:
        groups = ["all enrolled people missed"]
        groups += ["people they were taken for, missed"] if person in taken_for else []
        for visit in map(gallery.visit, own[person][ENROL:]):
            missed = [visit.named(each, fpir) != person for each in (before, after)]
            _count(counts, groups, person, missed)
    return counts


def _count(
    counts: Mapping[str, Counts], groups: Sequence[str], person: int, happened: Sequence[bool]
) -> None:
    for name in groups:
        counts[name].visits[person] += 1
        counts[name].without[person] += happened[0]
        counts[name].denied[person] += happened[1]


def _cells(each: Sequence[Counts]) -> list[str]:
    visits = np.sum([one.visits for one in each], axis=0)
    cells = [f"{visits.sum():.0f}"]
    for happened in ([one.without for one in each], [one.denied for one in each]):
        total = np.sum(happened, axis=0)

        def figures(weights: NDArray[np.float64], total: NDArray[np.float64] = total) -> dict[str, float]:
            seen = float(weights @ visits)
            return {"share": float(weights @ total) / seen if seen else np.nan}

        cells.append(percent_text(bootstrap_estimates(figures, len(visits), seed=0)["share"]))
    return cells


def run(data: Path, draws: int, enrolled: int, fpir: float) -> None:
    """Runs the trial and prints its table.

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
        visit_gallery(walks, backend, enrolled, fpir, seed)
        for seed in track(range(draws), "galleries", console=err)
    ]
    title = f"kgbd 101-164: {enrolled} enrolled, --fpir {fpir:g}, {draws} draws; percent of visits"
    table = Table("visits of", "visits", "without denials", "with denials", title=title)
    for name in GROUPS:
        table.add_row(name, *_cells([one[name] for one in found]))
    out.print(table)


def trial(
    data: DataArgument,
    draws: Annotated[int, typer.Option(min=1, help="Draws of the enrolled people.")] = 10,
    enrolled: EnrolledOption = 20,
    fpir: FpirOption = 0.05,
) -> None:
    """Measure what denying visits brings and costs."""
    try:
        run(data, draws, enrolled, fpir)
    except SgeError as error:
        typer.echo(f"denied_visits: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
