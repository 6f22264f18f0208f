"""Pictures and numbers of the attention study."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from encoder.attention import Attention
from encoder.pretext_tasks import Pretext
from encoder.training.contrast import Contrast
from encoder.training.model_card import DataSource
from encoder.training.pretext import locality_centres
from encoder.training.train_config import TrainConfig
from stream.errors import RunError
from tools.studies.attention.attention_training import Outcome, Run
from tools.training.pictures.alignment import draw_alignment
from tools.training.pictures.attention_losses import draw_final_losses, draw_training_curves
from tools.training.pictures.canvas import save_png

__all__ = ["CURVES_CSV", "FIG4", "FIG5", "FIG6", "FINAL_CSV", "NUMBERS", "AttentionResults", "write_results"]

FIG4 = "fig4_attention.png"
FIG5 = "fig5_curves.png"
FIG6 = "fig6_final.png"
CURVES_CSV = "curves.csv"
FINAL_CSV = "final.csv"
NUMBERS = "study.json"

_LABELS = {
    Attention.NONE: "No attention",
    Attention.BAS: "BAS",
    Attention.MBAS: "MBAS",
    Attention.LAS: "LAS",
}


@dataclass(frozen=True, slots=True)
class AttentionResults:
    """Finished trainings: four attentions, with and without contrastive learning, each with the same seeds.

    Attributes:
        config: common settings, with the contrast that is compared with none.
        seeds: seeds of the trainings.
        sources: sources of the training data.
        windows: number of training windows.
        runs: each training with its outcome.
    """

    config: TrainConfig
    seeds: Sequence[int]
    sources: Sequence[DataSource]
    windows: int
    runs: Sequence[tuple[Run, Outcome]]

    def outcomes(self, attention: Attention, contrast: str) -> list[Outcome]:
        """Returns the outcomes with one attention and contrast, in the order of the seeds."""
        by_seed = {
            run.config.seed: outcome
            for run, outcome in self.runs
            if (run.config.attention, run.config.contrast) == (attention, contrast)
        }
        return [by_seed[seed] for seed in self.seeds]

    def final(self, contrast: str) -> NDArray[np.float64]:
        """(4, seeds), L_S of the final weights, square metres."""
        return np.array([[outcome.final for outcome in self.outcomes(a, contrast)] for a in Attention])

    def curves(self) -> dict[Attention, NDArray[np.float64]]:
        """Returns for each attention (seeds, points), L_S without contrastive learning, square metres."""
        return {
            a: np.array([[p.reconstruction for p in o.curve] for o in self.outcomes(a, Contrast.NONE)])
            for a in Attention
        }

    def alignment(self) -> dict[Attention, NDArray[np.float64]]:
        """Returns for each attention (3, f, f), the scores without contrastive learning, mean over seeds."""
        means: dict[Attention, NDArray[np.float64]] = {}
        for attention in _LABELS:
            outcomes = self.outcomes(attention, Contrast.NONE)
            scores = [outcome.alignment for outcome in outcomes if outcome.alignment is not None]
            if scores:
                means[attention] = np.mean(np.array(scores), axis=0)
        return means


def write_results(study: AttentionResults, folder: Path, out: Console) -> list[Path]:
    """Writes the pictures and their numbers, and prints the final losses.

    Returns:
        The paths of the files.

    Raises:
        RunError: a file cannot be written.
    """
    contrast = study.config.contrast
    epochs = np.array([point.epoch for point in study.outcomes(Attention.NONE, Contrast.NONE)[0].curve])
    without, with_contrast = study.final(Contrast.NONE), study.final(contrast)
    figures = {
        FIG4: draw_alignment(
            {_LABELS[a]: matrices for a, matrices in study.alignment().items()},
            f"Average alignment scores without contrastive learning, {_size_text(study)}",
            locality_centres(Pretext.REVERSE, study.config.f).tolist(),
        ),
        FIG5: draw_training_curves(
            epochs,
            {_LABELS[a]: values for a, values in study.curves().items()},
            f"Reconstruction in training without contrastive learning, {_size_text(study)}",
        ),
        FIG6: draw_final_losses(
            list(_LABELS.values()),
            {"No LCL": without, f"LCL ({contrast})": with_contrast},
            f"Reconstruction after training, {_size_text(study)}",
        ),
    }
    for name, figure in figures.items():
        save_png(figure, folder / name)
    _write(folder / CURVES_CSV, _csv(_curve_rows(study)))
    _write(folder / FINAL_CSV, _csv(_final_rows(study)))
    _write(
        folder / NUMBERS, msgspec.json.format(msgspec.json.encode(_numbers(study, epochs)), indent=1) + b"\n"
    )
    out.print(_table(study))
    return [folder / name for name in (*figures, CURVES_CSV, FINAL_CSV, NUMBERS)]


def _size_text(study: AttentionResults) -> str:
    epochs, seeds = study.config.epochs, len(study.seeds)
    return f"{epochs} epoch{'s' * (epochs > 1)}, {seeds} seed{'s' * (seeds > 1)}"


def _curve_rows(study: AttentionResults) -> Iterable[dict[str, Any]]:
    for run, outcome in study.runs:
        for point in outcome.curve:
            yield _run_columns(run) | {
                "epoch": point.epoch,
                "windows": point.windows,
                "reconstruction_m2": point.reconstruction,
            }


def _final_rows(study: AttentionResults) -> Iterable[dict[str, Any]]:
    for run, outcome in study.runs:
        yield _run_columns(run) | {"final_m2": outcome.final, "last_epoch_m2": outcome.last_epoch}


def _run_columns(run: Run) -> dict[str, Any]:
    config = run.config
    return {"attention": config.attention, "contrast": config.contrast, "seed": config.seed}


def _csv(rows: Iterable[dict[str, Any]]) -> bytes:
    listed = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(listed[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue().encode()


def _numbers(study: AttentionResults, epochs: NDArray[np.float64]) -> dict[str, Any]:
    run, _ = study.runs[0]
    common = run.config.as_dict()
    for varied in ("attention", "contrast", "seed", "device", "threads"):
        del common[varied]
    cases = (Contrast.NONE.value, study.config.contrast)
    return {
        "settings": common,
        "sources": [
            {"name": s.name, "people": s.people, "walks": s.walks, "frames": s.frames, "licence": s.licence}
            for s in study.sources
        ],
        "windows": study.windows,
        "seeds": list(study.seeds),
        "fig4_alignment": {a: matrices.tolist() for a, matrices in study.alignment().items()},
        "fig5_epochs": epochs.tolist(),
        "fig5_reconstruction_m2": {a: _spread(values) for a, values in study.curves().items()},
        "fig6_reconstruction_m2": {
            case: {a: _spread(row[:, None]) for a, row in zip(Attention, study.final(case), strict=True)}
            for case in cases
        },
    }


def _spread(values: NDArray[np.float64]) -> dict[str, list[float]]:
    """Returns mean, standard deviation, minimum and maximum over the seeds of values (seeds, points)."""
    deviation = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
    return {
        "mean": values.mean(axis=0).tolist(),
        "std": deviation.tolist(),
        "least": values.min(axis=0).tolist(),
        "greatest": values.max(axis=0).tolist(),
    }


def _table(study: AttentionResults) -> Table:
    table = Table(title="final L_S, square metres per window: mean (min to max)", title_justify="left")
    cases = (Contrast.NONE.value, study.config.contrast)
    for heading in ("attention", *cases):
        table.add_column(heading)
    for name, *rows in zip(_LABELS.values(), *(study.final(case) for case in cases), strict=True):
        table.add_row(name, *(f"{r.mean():.4f} ({r.min():.4f} to {r.max():.4f})" for r in rows))
    return table


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise RunError(
            f"cannot write {path} ({error.strerror}); free disk space and start the same command again"
        ) from error
