"""Command of the ablation studies; resumable, with several seeds.

    python -m tools.studies.ablation DATA --out DIR [--people 1-50] [--epochs 1] [--seeds 0,1,2] [--jobs 2]

Runs the trainings missing in DIR, seed by seed, each on one thread, and prints each table: mean and standard
deviation over the seeds of window Rank-1 and mAP in `direct`, and of Rank-1 with f_RN (AP and SC).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table as TerminalTable

from encoder.training.train_config import TrainConfig, read_train_config
from stream.errors import UserError
from stream.terminal.consoles import plain_console
from tools.evaluation.terminal_tables import run_command
from tools.figure_files import make_folder, write_json
from tools.studies.ablation.cell import read_figures, stored_tables
from tools.studies.ablation.grid import TABLES, Row, Table, cells_of
from tools.studies.ablation.run_cells import measure_all

_HEADINGS = {"direct": "Rank-1", "map": "mAP", "ap": "f_RN AP", "sc": "f_RN SC"}


def _row_figures(out: Path, seeds: list[int], row: Row) -> list[dict[str, float]]:
    """Returns the figures of a row for each finished seed."""
    paths = (out / f"seed{seed}" / f"{row.cell.name}.json" for seed in seeds)
    return [
        figures[row.feature]
        for path in paths
        if path.exists() and row.feature in (figures := read_figures(path))
    ]


def _fill_table(table: Table, out: Path, seeds: list[int]) -> tuple[TerminalTable, dict[str, Any]]:
    """Returns a table for the terminal, and its figures as JSON content."""
    shown = TerminalTable(title=table.title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    shown.add_column("", no_wrap=True)
    for key in table.columns:
        shown.add_column(_HEADINGS[key], justify="right", no_wrap=True)
    shown.add_column("seeds", justify="right")
    content: dict[str, Any] = {}
    for row in table.rows:
        runs = _row_figures(out, seeds, row)
        cells = []
        for key in table.columns:
            values = [figures[key] for figures in runs if key in figures]
            cells.append(f"{np.mean(values):.1f} ± {np.std(values):.1f}" if values else "-")
        shown.add_row(row.label, *cells, str(len(runs)))
        content[row.label] = runs
    return shown, content


def main(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="KGBD: its folder, or the packed file.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder that keeps trainings and figures.")],
    people: Annotated[str, typer.Option(help="People of DATA.")] = "1-50",
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of each training.")] = 1,
    seeds: Annotated[str, typer.Option(help="Seeds of the split and the weights.")] = "0,1,2",
    jobs: Annotated[int, typer.Option(min=1, help="Trainings in parallel.")] = 1,
    table: Annotated[str, typer.Option(help="Tables to fill.")] = ",".join(TABLES),
    config: Annotated[Path | None, typer.Option(help="Settings of all trainings, as TOML.")] = None,
    print_only: Annotated[bool, typer.Option("--show", help="Only print existing figures.")] = False,
) -> None:
    """Train and measure the parts of the method, one table of the paper after the other."""

    def command() -> None:
        names = [name.strip() for name in table.split(",")]
        if unknown := [name for name in names if name not in TABLES]:
            raise UserError(f"--table: no table {unknown[0]!r}; choose among {', '.join(TABLES)}")
        if not all(seed.strip().isdecimal() for seed in seeds.split(",")):
            raise UserError(f"--seeds: expected comma-separated whole numbers such as 0,1,2, got {seeds!r}")
        chosen = [TABLES[name] for name in names]
        seed_numbers = list(dict.fromkeys(int(seed) for seed in seeds.split(",")))
        base = TrainConfig() if config is None else read_train_config(config)
        base = replace(base, epochs=epochs, threads=1, device="cpu", precision="fp32")
        settings = {"people": people, "epochs": epochs, "base": base.as_dict()}
        tables = stored_tables(out / "tables.json", settings)
        if not print_only:
            make_folder(out)
            write_json(out / "tables.json", settings | {"seeds": seed_numbers, "tables": tables})
            measure_all(data, people, base, seed_numbers, out, cells_of(chosen), jobs)
        for one in chosen:
            shown, tables[one.name] = _fill_table(one, out, seed_numbers)
            plain_console(width=110).print(shown)
        write_json(out / "tables.json", settings | {"seeds": seed_numbers, "tables": tables})

    run_command("ablation", command)


if __name__ == "__main__":
    typer.run(main)
