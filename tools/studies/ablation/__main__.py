"""The studies of the paper's tables, resumable, several seeds.

    python -m tools.studies.ablation DATA --out DIR [--people 1-50] [--epochs 1] [--seeds 0,1,2] [--jobs 2]

Trains what is missing in DIR, seed by seed, each training on one thread, and prints each table: mean and
spread (standard deviation over the seeds) of window Rank-1 and mAP in `direct`, and of Rank-1 with f_RN (AP
and SC).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Screen

from encoder.training.train_config import TrainConfig, read_train_config
from stream.errors import UserError
from tools.evaluation.terminal_tables import make_folder, run_command, write_json
from tools.studies.ablation.cell import read_figures, stored_tables
from tools.studies.ablation.grid import TABLES, Row, Table, cells_of
from tools.studies.ablation.run_cells import measure_all

_HEADINGS = {"direct": "Rank-1", "map": "mAP", "ap": "f_RN AP", "sc": "f_RN SC"}


def _found(out: Path, seeds: list[int], row: Row) -> list[dict[str, float]]:
    """The figures of a row, one a seed that is done."""
    paths = (out / f"seed{seed}" / f"{row.cell.name}.json" for seed in seeds)
    return [
        figures[row.feature]
        for path in paths
        if path.exists() and row.feature in (figures := read_figures(path))
    ]


def _screen(table: Table, out: Path, seeds: list[int]) -> tuple[Screen, dict[str, Any]]:
    screen = Screen(title=table.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    screen.add_column("", no_wrap=True)
    for key in table.columns:
        screen.add_column(_HEADINGS[key], justify="right", no_wrap=True)
    screen.add_column("seeds", justify="right")
    content: dict[str, Any] = {}
    for row in table.rows:
        found = _found(out, seeds, row)
        cells = []
        for key in table.columns:
            values = [figures[key] for figures in found if key in figures]
            cells.append(f"{np.mean(values):.1f} ± {np.std(values):.1f}" if values else "-")
        screen.add_row(row.label, *cells, str(len(found)))
        content[row.label] = found
    return screen, content


def main(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="KGBD: its folder, or the packed file.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Keeps trainings and figures.")],
    people: Annotated[str, typer.Option(help="Of DATA.")] = "1-50",
    epochs: Annotated[int, typer.Option(min=1, help="Of each training.")] = 1,
    seeds: Annotated[str, typer.Option(help="Each draws walks and weights anew.")] = "0,1,2",
    jobs: Annotated[int, typer.Option(min=1, help="Trainings at once.")] = 1,
    table: Annotated[str, typer.Option(help="Which tables.")] = ",".join(TABLES),
    config: Annotated[Path | None, typer.Option(help="Settings of all trainings, as TOML.")] = None,
    show: Annotated[bool, typer.Option("--show", help="Only print what is measured.")] = False,
) -> None:
    """Train and measure the parts of the method, one table of the paper after the other."""

    def command() -> None:
        names = [name.strip() for name in table.split(",")]
        if odd := [name for name in names if name not in TABLES]:
            raise UserError(f"--table: there is no {odd[0]!r}; there are {', '.join(TABLES)}")
        if not all(seed.strip().isdecimal() for seed in seeds.split(",")):
            raise UserError(
                f"--seeds: expected whole numbers with commas between, such as 0,1,2, got {seeds!r}"
            )
        chosen = [TABLES[name] for name in names]
        draws = list(dict.fromkeys(int(seed) for seed in seeds.split(",")))
        base = TrainConfig() if config is None else read_train_config(config)
        base = replace(base, epochs=epochs, threads=1, device="cpu", precision="fp32")
        settings = {"people": people, "epochs": epochs, "base": base.as_dict()}
        tables = stored_tables(out / "tables.json", settings)
        if not show:
            make_folder(out)
            write_json(out / "tables.json", settings | {"seeds": draws, "tables": tables})
            measure_all(data, people, base, draws, out, cells_of(chosen), jobs)
        for one in chosen:
            screen, tables[one.name] = _screen(one, out, draws)
            Console(width=110).print(screen)
        write_json(out / "tables.json", settings | {"seeds": draws, "tables": tables})

    run_command("ablation", command)


if __name__ == "__main__":
    typer.run(main)
