"""How many strangers are named during a visit, and how many enrolled people are missed.

    python -m tools.trials.stranger_rates DATA [--only NAME] [--splits 40]

People are drawn as a gallery, all others visit it as strangers, and every walk that did not enrol is a visit.
Thresholds are those of the drawn gallery (`gallery.calibration`) for 1, 5 and 10 % of strangers. A stranger
counts as named if any decision of the visit names a person; an enrolled person as missed unless some decision
gives their name and none another. Intervals are those of a bootstrap over people.

`tail` is the plain way to compare with: the fusion without the mean of the site, portable directions and bone
lengths, each enrolled walk against the other people as a whole, an exponential tail beyond the highest fifth,
one threshold for the walk's end.

The people measure only: neither the fusions nor what was measured elsewhere know them. Of UCalgary, for which
that does not hold of the back-end that ships, the fusion is fitted on the pathological gaits and KGBD 1-100,
and visits elsewhere are those of KGBD 61-100 by a fusion of these gaits and KGBD 1-60.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import ArrayLike

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.calibration.stranger_visits import template_ends
from gallery.scoring.backend import ANY_SENSOR, Backend, load_backend
from gallery.scoring.fusion import FusionModel
from stream.body import FloatArray
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from tools.backend_fit.left_out_fit import fit_without_ucalgary
from tools.datasets.dataset_registry import open_dataset
from tools.evaluation.evaluation_request import choose_people
from tools.evaluation.live import SCENARIOS, Shipped, live_trial
from tools.evaluation.live.compared_recording import ComparedRecording
from tools.evaluation.live.comparison_methods import (
    FPIRS,
    ComparisonMethod,
    Floats,
    index_of,
    shipped_method,
    thresholds_over_time,
)
from tools.evaluation.live.live_result import LiveRow
from tools.evaluation.metrics.bootstrap import Estimate

__all__ = ["main"]

HIGHEST = 0.2
"""Share of comparisons that the exponential tail is fitted to."""

out = plain_console(width=150)
err = plain_console(stderr=True)


@dataclass(frozen=True, slots=True)
class Trial:
    """A row of the table.

    Attributes:
        name: of the row, which `--only` selects by its beginning.
        scenario: a key of `SCENARIOS`.
        sensor: kind of sensor.
        sizes: numbers of enrolled people.
        enrol: walks that enrol each person.
    """

    name: str
    scenario: str
    sensor: str
    sizes: tuple[int, ...]
    enrol: int = 2


TRIALS = (
    Trial("ucalgary, arm held still", "ucalgary-arm", "kinect-v2", (8,)),
    Trial("ucalgary, normal", "ucalgary-normal", "kinect-v2", (8,), enrol=1),
    Trial("patho, normal", "patho-normal", "kinect-v2", (3,)),
    Trial("patho, antalgic", "patho-antalgic", "kinect-v2", (3,)),
    Trial("patho, lurching", "patho-lurch", "kinect-v2", (3,)),
    Trial("rgb, both ways", "rgb-both", "camera", (8, 12)),
    Trial("kgbd", "kgbd", "kinect-v1", (8, 15, 30)),
)


class _Remembering(Encoder):
    """An encoder that encodes the windows of a walk once."""

    def __init__(self) -> None:
        super().__init__(load_encoder(), "cpu")
        self._known: dict[bytes, FloatArray] = {}

    def encode(self, windows: ArrayLike) -> FloatArray:
        """See `Encoder.encode`."""
        key = sha256(np.ascontiguousarray(windows).tobytes()).digest()
        if key not in self._known:
            self._known[key] = super().encode(windows)
        return self._known[key]


def tail_thresholds(backend: Backend, sensor: str, people: Sequence[Sequence[ComparedRecording]]) -> Floats:
    """Returns the scores (R,) that a stranger exceeds for `FPIRS`, by a plain exponential tail.

    Comparisons of enrolled walks with other people are taken as those of strangers, and as independent.
    """
    index = index_of(backend, sensor, people)
    scores: list[float] = []
    for walk in index.walks:
        others = index.without(walk.person_id, sensor)
        ends = template_ends(walk)
        scores += others.walk_course(walk.templates, walk.statistics, ends, sensor)[-1].tolist()
    limit = float(np.quantile(scores, 1 - HIGHEST))
    excess = float(np.mean([score - limit for score in scores if score >= limit]))
    shares = -np.expm1(np.log1p(-np.array(FPIRS)) / len(people))
    found: Floats = limit + excess * np.log(HIGHEST / shares)
    return found


def tail_method(shipped: Shipped, sensor: str) -> ComparisonMethod:
    """Returns the comparison of `shipped` with plain thresholds."""

    def thresholds(people: Sequence[Sequence[ComparedRecording]], windows: int) -> Floats:
        limits = dict(zip(FPIRS, tail_thresholds(shipped.backend, sensor, people), strict=True))
        return thresholds_over_time(lambda fpir, _: float(limits[fpir]), windows)

    return replace(shipped_method(shipped, sensor), thresholds=thresholds)


@dataclass(frozen=True, slots=True, eq=False)
class _Backends:
    """Back-ends that do not know the people measured: those of the live system, and the plain ones."""

    encoder: Encoder
    data: Path

    def of(self, trial: Trial) -> tuple[Backend, Backend]:
        """Returns the back-end and the plain one for a row."""
        shipped = load_backend(self.encoder.contract.id)
        if trial.sensor == "kinect-v1":
            return shipped, shipped
        if trial.sensor == "camera":
            return shipped, _plain(shipped, shipped.fusions[ANY_SENSOR], trial.sensor)
        found = fit_without_ucalgary(
            self.encoder, self.data, lambda refs, what: track(refs, what, console=err)
        )
        if trial.scenario.startswith("patho"):
            return shipped, replace(shipped, fusions={trial.sensor: found.plain})
        return found.backend, replace(found.backend, fusions={ANY_SENSOR: found.plain})


def _plain(backend: Backend, model: FusionModel, sensor: str) -> Backend:
    weights = {**model.weights, "site": 0.0, "bones": 0.0}
    return replace(backend, fusions={sensor: replace(model, weights=weights)})


def _rates(row: LiveRow, named: str, missed: str) -> Iterator[str]:
    for fpir in FPIRS:
        suffix = "" if fpir == FPIRS[0] else f"{100 * fpir:g}"
        strangers, misses = (_shown(row.figures[name + suffix]) for name in (named, missed))
        yield f"{100 * fpir:g} %: {strangers}, {misses}"


def _shown(estimate: Estimate | None) -> str:
    if estimate is None:
        return "none"
    value, low, high = estimate
    return f"{value:.1f} ({low:.1f}-{high:.1f})"


def run(data: Path, trials: Sequence[Trial], splits: int, seed: int) -> None:
    """Runs the trial and prints its table.

    Raises:
        SgeError: the data cannot be read.
    """
    encoder = _Remembering()
    backends = _Backends(encoder, data)
    for one in trials:
        scenario = SCENARIOS[one.scenario]
        known = backends.of(one)
        dataset = choose_people(open_dataset(scenario.data_set, data), None, scenario.people)
        walks = list(dataset.read())
        for size in one.sizes:
            out.print(f"\n{one.name}: {size} enrolled by {one.enrol} walks, {splits} draws, seed {seed}")
            for name, backend in zip(("calibrated", "tail"), known, strict=True):
                shipped = Shipped(encoder, backend, all_known=True)
                method = (shipped_method if name == "calibrated" else tail_method)(shipped, one.sensor)
                result = live_trial(
                    walks, scenario, shipped=shipped, splits=splits, seed=seed, enrol=one.enrol,
                    enrolled=size, compared_by=method,
                )  # fmt: skip
                keys = (
                    ("fpir_ever", "fnir_ever") if name == "calibrated" else ("fpir_realised", "fnir_realised")
                )
                out.print(f"  {name:10}  " + "; ".join(_rates(result.rows[0], *keys)))


def trial(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Folder of packed skeletons.")],
    only: Annotated[str, typer.Option(help="Rows whose names begin so.")] = "",
    splits: Annotated[int, typer.Option(min=1, help="Draws of the enrolled people.")] = 20,
    seed: Annotated[int, typer.Option(help="Of all draws.")] = 0,
) -> None:
    """Measure strangers named and people missed, at thresholds from the gallery."""
    try:
        run(data, [one for one in TRIALS if one.name.startswith(only)], splits, seed)
    except SgeError as error:
        typer.echo(f"stranger_rates: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(trial)


if __name__ == "__main__":
    main()
