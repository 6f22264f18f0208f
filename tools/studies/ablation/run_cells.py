"""Measures the cells of all seeds in worker processes."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from encoder.training.train_config import TrainConfig
from stream.terminal.consoles import plain_console
from tools.datasets.dataset_registry import open_dataset
from tools.evaluation.evaluation_request import choose_people
from tools.evaluation.terminal_tables import progress_bars
from tools.studies.ablation.cell import SeedStudy
from tools.studies.ablation.grid import Cell

__all__ = ["measure_all"]


def _run(data: Path, people: str, base: TrainConfig, seed: int, out: Path, cells: list[Cell]) -> int:
    """Measures cells one after the other in a worker process; returns their number."""
    walks = list(choose_people(open_dataset("kgbd", data), people).read())
    study = SeedStudy(walks, base, seed, out)
    for cell in cells:
        study.measure(cell)
    return len(cells)


def _groups(cells: list[Cell]) -> list[list[list[Cell]]]:
    """Groups cells into rounds of parallel jobs; combinations of pretext tasks come last, in one job.

    Combinations reuse the trainings of their parts, which must exist before.
    """
    combined = [cell for cell in cells if "+" in cell.settings.get("pretext", "")]
    return [[[cell] for cell in cells if cell not in combined], [combined] if combined else []]


def measure_all(
    data: Path, people: str, base: TrainConfig, seeds: list[int], out: Path, cells: list[Cell], jobs: int
) -> None:
    """Measures missing cells, seed by seed, with a progress bar."""
    done, total = 0, len(seeds) * len(cells)
    context = multiprocessing.get_context("spawn")
    with (
        progress_bars(plain_console(stderr=True)) as progress,
        ProcessPoolExecutor(jobs, mp_context=context) as pool,
    ):
        for seed in seeds:
            for group in _groups(cells):
                pending = [pool.submit(_run, data, people, base, seed, out, job) for job in group]
                for future in as_completed(pending):
                    done += future.result()
                    progress("cells", done / total, f"{done} of {total}")
