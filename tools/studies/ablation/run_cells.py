"""All cells of all seeds, in processes of their own."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console

from encoder.training.train_config import TrainConfig
from tools.datasets.dataset import open_dataset
from tools.evaluation.request import pick_people
from tools.evaluation.terminal_tables import progress_watch
from tools.studies.ablation.cell import Study
from tools.studies.ablation.grid import Cell

__all__ = ["measure_all"]


def _run(data: Path, people: str, base: TrainConfig, seed: int, out: Path, cells: list[Cell]) -> int:
    """In a process of its own: cells one after the other; gives how many."""
    walks = list(pick_people(open_dataset("kgbd", data), people).read())
    study = Study(walks, base, seed, out)
    for cell in cells:
        study.measure(cell)
    return len(cells)


def _groups(cells: list[Cell]) -> list[list[list[Cell]]]:
    """What may run at once, in rounds: those that join trainings of others come last, one after the other."""
    joined = [cell for cell in cells if "+" in cell.settings.get("pretext", "")]
    return [[[cell] for cell in cells if cell not in joined], [joined] if joined else []]


def measure_all(
    data: Path, people: str, base: TrainConfig, seeds: list[int], out: Path, cells: list[Cell], jobs: int
) -> None:
    """Measure what is missing, seed by seed, with a bar."""
    done, total = 0, len(seeds) * len(cells)
    context = multiprocessing.get_context("spawn")
    with (
        progress_watch(Console(stderr=True)) as watch,
        ProcessPoolExecutor(jobs, mp_context=context) as pool,
    ):
        for seed in seeds:
            for group in _groups(cells):
                pending = [pool.submit(_run, data, people, base, seed, out, each) for each in group]
                for one in as_completed(pending):
                    done += one.result()
                    watch("cells", done / total, f"{done} of {total}")
