"""Trains and measures one cell of the study under the protocols `direct` and `rn`.

Both protocols use one split of the walks (`tools.evaluation.splits.walk_split.direct_split`). Encoders are
trained on the training walks only. In `direct` the probe windows are matched with those of the gallery walks.
In `rn` recognition networks are trained on non-overlapping windows of the training and gallery walks and
classify the same probes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from encoder.training.train_config import TrainConfig, train_config_from_dict
from stream.errors import DataError, UserError
from stream.file_writing import replace_file
from stream.paths import path_exists
from tools.datasets import Walk
from tools.evaluation.methods import FixedMethod, Method, MethodOptions, choose_methods
from tools.evaluation.methods.sgela import EncoderCache, Sgela
from tools.evaluation.protocols.direct import run_direct
from tools.evaluation.protocols.draw import ProtocolDraw, draw_from_split
from tools.evaluation.protocols.rn import run_rn
from tools.evaluation.splits.walk_split import direct_split
from tools.figure_files import figures_json, write_errors
from tools.studies.ablation.grid import Cell, table_features

__all__ = ["SeedStudy", "read_figures", "stored_tables"]

_DIRECT_KEYS = {"rank1": "direct", "map": "map", "rank1_walk": "walk"}
"""Figures kept of `direct`: key of the protocol -> key in the file."""


class SeedStudy:
    """Measures cells with one seed.

    Args:
        walks: walks of the people in the study.
        base: the base settings.
        seed: seed of the split, of weights, batches and networks.
        folder: keeps trainings and figures; those already there are reused.
    """

    def __init__(self, walks: Sequence[Walk], base: TrainConfig, seed: int, folder: Path) -> None:
        self._split = direct_split(walks, seed)
        self._base = base
        self._seed = seed
        self._folder = folder / f"seed{seed}"

    def measure(self, cell: Cell) -> dict[str, dict[str, float]]:
        """Returns the figures of a cell, in percent, by description.

        The keys are `direct`, `map` and `walk` (of `direct`), and `ap`, `sc`, `own` (Rank-1 of `rn`), each of
        the latter also with the suffix `_nauc_cmc`. Only descriptions that a table shows are measured; all of
        them if the cell is in no table.

        Raises:
            UserError: the folder cannot be written.
            DataError: a stored file is broken.
        """
        path = self._folder / f"{cell.name}.json"
        if path.exists():
            return read_figures(path)
        methods, f = self._methods(cell)
        direct = draw_from_split(self._split, f=f, seed=self._seed)
        training_input = direct.training_input(threads=1)
        # Encoders are trained on the training walks only; gallery walks are for the recognition networks.
        descriptions = [
            description
            for method in methods
            for description in method.fit(
                training_input if method.needs_training else None, lambda done, text: None
            )
        ]
        shown = table_features(cell)
        kept = tuple(one for one in descriptions if not shown or one.name in shown)
        fitted = [FixedMethod(kept)]
        figures: dict[str, dict[str, float]] = {}
        for row in run_direct(direct, fitted).rows:
            figures[row.name] = {name: row.figures[key] for key, name in _DIRECT_KEYS.items()}
        for row in run_rn(self._rn_draw(f), fitted).rows:
            own = figures.setdefault(row.name, {})
            own[row.variant] = row.figures["rank1"]
            own[f"{row.variant}_nauc_cmc"] = row.figures["nauc_cmc"]
        self._folder.mkdir(parents=True, exist_ok=True)
        with write_errors(path):
            replace_file(path, figures_json(figures))
        return figures

    def _methods(self, cell: Cell) -> tuple[Sequence[Method], int]:
        if cell.methods is not None:
            f = self._base.f
            return choose_methods(
                cell.methods, MethodOptions(f=f, seed=self._seed), features_required=False
            ), f
        config = train_config_from_dict({**self._base.as_dict(), **cell.settings}, cell.name)
        return (Sgela(config, EncoderCache(self._folder / "trainings")),), config.f

    def _rn_draw(self, f: int) -> ProtocolDraw:
        split = self._split
        rn_split = replace(split, train=(*split.train, *split.gallery), gallery=())
        return draw_from_split(rn_split, f=f, seed=self._seed, train_step=f)


def read_figures(path: Path) -> dict[str, Any]:
    """Reads a file of figures.

    Raises:
        DataError: the file is broken.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path} ({error}); remove it to measure it again") from error
    return content


def stored_tables(path: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the stored tables of these settings; empty for a new folder.

    Args:
        path: the file of the tables.
        settings: the settings by name.

    Raises:
        UserError: the stored tables have other settings.
        DataError: the file is broken.
    """
    if not path_exists(path):
        return {}
    stored = read_figures(path)
    for name, value in settings.items():
        if stored.get(name) != value:
            raise UserError(
                f"{path.parent} holds figures of other settings ({name}: {stored.get(name)}, not {value}); "
                "give another folder as --out, or use those settings"
            )
    return dict(stored.get("tables", {}))
