"""What reduced precision of the encoder costs: figures of `direct` and `live` in fp32 and in bf16.

    python -m tools.trials.reduced_precision DATA [--seed 0] [--splits 20]

DATA is KGBD, packed or as published; its people 101-164, unknown to the shipped encoder, only measure.
`direct` matches windows by the paper's encodings alone; `live` is the protocol of `sge-stream evaluate`
with the shipped back-end. In both the gallery and the probes have the same precision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import typer
from rich.table import Table

from encoder.inference import Encoder
from encoder.precision import Precision
from encoder.weights import load_encoder
from stream.body import FloatArray
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from tools.datasets import Dataset
from tools.datasets.dataset_registry import open_dataset
from tools.evaluation.evaluation_request import choose_people
from tools.evaluation.live import SCENARIOS, SHIPPED, live_trial, load_shipped
from tools.evaluation.methods import Description, FixedMethod
from tools.evaluation.protocols.direct import run_direct
from tools.evaluation.protocols.draw import ProtocolDraw
from tools.evaluation.protocols.published_draw import draw_published_split
from tools.evaluation.splits.published_splits import protocol_splits

__all__ = ["PEOPLE", "Trial", "main", "measure", "precision_table", "rms_difference"]

PEOPLE = "101-164"
_DIFFERENCE_WINDOWS = 2048
_DIRECT = ("rank1", "rank5", "map", "rank1_walk")
_LIVE = ("rank1_2s", "rank1_walk", "eer", "fnir_at_fpir1", "fpir_realised", "fnir_realised")
out = plain_console()


@dataclass(frozen=True, slots=True)
class Trial:
    """What was measured.

    Attributes:
        figures: in percent, by protocol and name, for each precision.
        rms: difference of the encodings in bf16; see `rms_difference`.
    """

    figures: Mapping[Precision, Mapping[str, float]]
    rms: float

    @property
    def largest_difference(self) -> float:
        """Largest difference of a figure to its value in fp32, points."""
        first = self.figures["fp32"]
        return max(abs(found[name] - first[name]) for found in self.figures.values() for name in first)


def measure(dataset: Dataset, *, seed: int = 0, splits: int = 20) -> Trial:
    """Computes the figures of both protocols in every precision.

    Args:
        dataset: of people unknown to the shipped encoder.
        seed: of all draws.
        splits: draws of roles in `live`.

    Raises:
        SgeError: the data cannot be read, or this machine does not have a precision.
    """
    return Trial(
        {
            precision: _direct(dataset, precision, seed) | _live(dataset, precision, seed, splits)
            for precision in get_args(Precision)
        },
        rms_difference(dataset, seed),
    )


def rms_difference(dataset: Dataset, seed: int) -> float:
    """Returns the difference of encodings in bf16 to those in fp32: root mean square over their spread.

    Raises:
        SgeError: see `measure`.
    """
    windows = _draw(dataset, load_encoder().contract.f, seed).probes.windows[:_DIFFERENCE_WINDOWS]
    encoded = {
        precision: _cages(Encoder(load_encoder(), "cpu", precision=precision), windows)
        for precision in get_args(Precision)
    }
    fp32 = encoded["fp32"]
    return float(np.sqrt(np.square(encoded["bf16"] - fp32).mean()) / fp32.std())


def _direct(dataset: Dataset, precision: Precision, seed: int) -> dict[str, float]:
    encoder = Encoder(load_encoder(), "cpu", precision=precision)
    f = encoder.contract.f
    description = Description("cage", partial(_cages, encoder), f)
    (row,) = run_direct(_draw(dataset, f, seed), [FixedMethod((description,))]).rows
    return {f"direct {name}": row.figures[name] for name in _DIRECT}


def _draw(dataset: Dataset, f: int, seed: int) -> ProtocolDraw:
    (split,) = protocol_splits(dataset.name, "direct")
    return draw_published_split(dataset, split, f=f, seed=seed)


def _cages(encoder: Encoder, windows: FloatArray) -> FloatArray:
    """Returns the CAGEs of windows without pose features, (n, 3 f K)."""
    return encoder.encode(windows)[:, :, : encoder.contract.dimension].reshape(len(windows), -1)


def _live(dataset: Dataset, precision: Precision, seed: int, splits: int) -> dict[str, float]:
    encoder = Encoder(load_encoder(), "cpu", precision=precision)
    shipped = replace(load_shipped(), encoder=encoder)
    scenario = next(each for each in SCENARIOS.values() if each.data_set == dataset.name)
    result = live_trial(dataset.read(), scenario, shipped=shipped, seed=seed, splits=splits)
    (row,) = (row for row in result.rows if row.name == SHIPPED)
    found = {name: row.figures[name] for name in _LIVE}
    return {f"live {name}": each[0] for name, each in found.items() if each is not None}


def precision_table(trial: Trial) -> Table:
    """Returns the table of the figures, one column for each precision."""
    table = Table("figure, percent", title=f"largest difference {trial.largest_difference:.2f} points")
    table.caption = f"encodings in bf16 differ by {100 * trial.rms:.2f} % (root mean square)"
    for precision in trial.figures:
        table.add_column(precision, justify="right")
    for name in trial.figures["fp32"]:
        table.add_row(name, *(f"{found[name]:.2f}" for found in trial.figures.values()))
    return table


def run(
    data: Annotated[Path, typer.Argument(help="KGBD.", show_default=False)],
    seed: Annotated[int, typer.Option(min=0, help="Seed of all draws.")] = 0,
    splits: Annotated[int, typer.Option(min=1, help="Draws of roles in live.")] = 20,
) -> None:
    """Measure what reduced precision of the encoder costs."""
    try:
        dataset = choose_people(open_dataset("kgbd", data), PEOPLE)
        out.print(precision_table(measure(dataset, seed=seed, splits=splits)))
    except SgeError as error:
        typer.echo(f"reduced_precision: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the trial from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
