"""Reads the files of measured figures in `docs/results/`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.errors import DataError, UserError

__all__ = ["RESULTS", "SPEED", "SPEED_ELSEWHERE", "Part", "Results", "Study", "read_results"]

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "results"
"""Folder of the project's figures."""

SPEED = RESULTS / "speed.json"
"""Figures of `sge-stream bench`, which are of another kind."""

SPEED_ELSEWHERE = RESULTS / "speed"
"""Folder of the same figures on other machines, a file each."""

Part = Mapping[str, Any]
"""Figures of one split or scenario, as `sge-stream evaluate --out` writes them, with the file's `cost`."""


@dataclass(frozen=True, slots=True)
class Study:
    """Tables of the ablation studies (`python -m tools.studies.ablation`).

    Attributes:
        people: the people of KGBD that it used.
        epochs: of each training.
        tables: table -> row -> figures of each seed; rows without figures are left out.
    """

    people: str
    epochs: int
    tables: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]


@dataclass(frozen=True, slots=True)
class Results:
    """All figures of a folder.

    Attributes:
        parts: of the evaluations, in the order of the file names.
        study: of the ablation studies, if there is one.
    """

    parts: tuple[Part, ...]
    study: Study | None

    def live(self, scenario: str) -> Part:
        """Returns the figures of a scenario of the protocol `live`.

        Raises:
            UserError: there are none.
        """
        for part in self.parts:
            if part["protocol"] == "live" and part["scenario"] == scenario:
                return part
        raise UserError(f"no figures of the live scenario {scenario}; write them with sge-stream evaluate")

    def seeds(self, protocol: str, dataset: str) -> list[Part]:
        """Returns the figures of a published protocol on a data set, one part for each file.

        Raises:
            UserError: there are none, or they differ in people, split or window length.
        """
        parts = [part for part in self.parts if (part["protocol"], part["dataset"]) == (protocol, dataset)]
        if not parts:
            raise UserError(f"no figures of {protocol} on {dataset}; write them with sge-stream evaluate")
        if len({(part["people"], part["split"], part["f"]) for part in parts}) > 1:
            raise UserError(f"the files of {protocol} on {dataset} differ in people, split or f")
        return parts


def read_results(folder: Path = RESULTS) -> Results:
    """Reads a folder of files `*.json`, without `speed.json`, and `ablation/tables.json`.

    Raises:
        UserError: the folder has no figures.
        DataError: a file was not written by `sge-stream evaluate` or the studies, or is a leak check.
    """
    parts = tuple(
        part
        for path in sorted(folder.glob("*.json"))
        if path.name != SPEED.name
        for part in _read_parts(path)
    )
    if not parts:
        raise UserError(f"{folder} holds no figures; expected files written by sge-stream evaluate --out")
    return Results(parts, _read_study(folder / "ablation" / "tables.json"))


def _read_parts(path: Path) -> list[Part]:
    try:
        parts = list(_parts(json.loads(path.read_text(encoding="utf-8"))))
        for part in parts:
            keys = ("scenario",) if part["protocol"] == "live" else ("split", "f")
            _ = [part[key] for key in ("dataset", "people", "seed", "methods", *keys)]
            if part.get("probes_shuffled"):
                raise ValueError("its probes have permuted names: a leak check")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no file of sge-stream evaluate --out ({error}); write it again, or remove it"
        ) from error
    return parts


def _parts(content: Part) -> Iterator[Part]:
    # In a file of one `live` scenario, "splits" is the number of random splits.
    splits = content.get("splits")
    for part in splits if isinstance(splits, list) else [content]:
        yield {**part, "cost": content.get("cost", {})}


def _read_study(path: Path) -> Study | None:
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        tables = {
            name: {row: list(runs) for row, runs in rows.items() if runs}
            for name, rows in content["tables"].items()
        }
        return Study(str(content["people"]), int(content["epochs"]), tables)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no file of python -m tools.studies.ablation ({error}); write it again, or remove it"
        ) from error
