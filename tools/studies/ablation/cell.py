"""One cell of the study: learned from a draw's training walks, measured both ways.

One draw of walks serves both protocols (`tools.evaluation.splits.walk_split.direct_split`): encoders learn
from the training walks alone. For `direct` the probe windows meet those of the gallery walks; for `rn`
recognition networks learn from training and gallery walks together, by windows that do not overlap, and name
the same probes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from encoder.training.train_config import TrainConfig, config_from
from stream.errors import DataError, UserError
from stream.paths import is_there
from tools.datasets import Walk
from tools.evaluation.methods import Fixed, Method, MethodOptions, choose_methods
from tools.evaluation.methods.sgela import Sgela, Workshop
from tools.evaluation.protocols.direct import run_direct
from tools.evaluation.protocols.draw import Trial, trial_of
from tools.evaluation.protocols.rn import run_rn
from tools.evaluation.splits.walk_split import direct_split
from tools.evaluation.terminal_tables import write_json
from tools.studies.ablation.grid import Cell, shown_features

__all__ = ["Study", "read_figures", "stored_tables"]

_SHOWN = {"rank1": "direct", "map": "map", "rank1_walk": "walk"}


class Study:
    """All cells of one seed.

    Args:
        walks: of the people taken.
        base: the settings that cells differ from.
        seed: of the draw, of weights, batches and networks.
        folder: where trainings and figures are kept; what lies there is not done again.
    """

    def __init__(self, walks: Sequence[Walk], base: TrainConfig, seed: int, folder: Path) -> None:
        self._split = direct_split(walks, seed)
        self._base = base
        self._seed = seed
        self._folder = folder / f"seed{seed}"

    def measure(self, cell: Cell) -> dict[str, dict[str, float]]:
        """Figures in percent by description: `direct`, `map`, `walk`, and of networks `ap`, `sc`, `own`.

        Only what some table shows is measured; all descriptions of a cell that no table has.

        Raises:
            UserError: the folder cannot be written.
        """
        path = self._folder / f"{cell.name}.json"
        if path.exists():
            return read_figures(path)
        methods, f = self._methods(cell)
        direct = trial_of(self._split, f=f, seed=self._seed)
        material = direct.material(threads=1)
        # Learned once, from the training walks: those of the gallery are for the recognition networks alone.
        found = [
            description
            for method in methods
            for description in method.learn(material if method.learns else None, lambda done, text: None)
        ]
        shown = shown_features(cell)
        learned = [Fixed(tuple(one for one in found if not shown or one.name in shown))]
        figures: dict[str, dict[str, float]] = {}
        for row in run_direct(direct, learned).rows:
            figures[row.name] = {to: row.figures[key] for key, to in _SHOWN.items()}
        for row in run_rn(self._recognised(f), learned).rows:
            of = figures.setdefault(row.name, {})
            of[row.how] = row.figures["rank1"]
            of[f"{row.how}_nauc_cmc"] = row.figures["nauc_cmc"]
        self._folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        write_json(part, figures)
        part.replace(path)
        return figures

    def _methods(self, cell: Cell) -> tuple[Sequence[Method], int]:
        if cell.methods is not None:
            f = self._base.f
            return choose_methods(cell.methods, MethodOptions(f=f, seed=self._seed), described=False), f
        config = config_from({**self._base.as_dict(), **cell.settings}, cell.name)
        return (Sgela(config, Workshop(self._folder / "trainings")),), config.f

    def _recognised(self, f: int) -> Trial:
        split = self._split
        taught = replace(split, train=(*split.train, *split.gallery), gallery=())
        return trial_of(taught, f=f, seed=self._seed, train_step=f)


def read_figures(path: Path) -> dict[str, Any]:
    """What `Study.measure` has written.

    Raises:
        DataError: the file is broken.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({error}); remove it, and it is measured anew") from error
    return found


def stored_tables(path: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The tables that a folder has of these settings; none in a new folder.

    Args:
        path: the file of the tables.
        settings: by name.

    Raises:
        UserError: what lies there was measured with others. DataError: the file is broken.
    """
    if not is_there(path):
        return {}
    before = read_figures(path)
    for name, value in settings.items():
        if before.get(name) != value:
            raise UserError(
                f"{path.parent} holds figures of other settings ({name}: {before.get(name)}, not {value}); "
                "give another folder as --out, or those settings"
            )
    return dict(before.get("tables", {}))
