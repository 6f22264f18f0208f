"""Generates the README's tables of figures from the files of `sge-stream evaluate --out` and the studies.

    python -m tools.evaluation.readme_tables [--write]

Reads `docs/results/*.json` and `docs/results/ablation/tables.json` and prints the tables; `--write` puts them
between the two marks of README.md. A test checks that the README has exactly these tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Annotated, Any

import typer

from stream.errors import DataError, SgeError, UserError
from tools.evaluation.metrics.bootstrap import MIN_SAMPLE_SIZE

__all__ = ["BEGIN", "END", "figure_tables", "main", "readme_command", "replace_tables"]

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"

_LIVE_COLUMNS = {
    "rank1_window": "window", "rank1_2s": "2 s", "rank1_5s": "5 s", "rank1_10s": "10 s", "rank1_walk": "walk",
    "eer": "EER", "fnir_at_fpir1": "FNIR at FPIR 1 %", "fnir_at_fpir5": "at 5 %",
}  # fmt: skip
_SHIPPED_COLUMNS = {
    "fpir_realised": "FPIR at `--fpir 0.01`", "fnir_realised": "FNIR", "fpir_ever": "FPIR at any moment",
    "fpir_realised5": "FPIR at `--fpir 0.05`", "fnir_realised5": "FNIR", "fpir_ever5": "FPIR at any moment",
}  # fmt: skip
_PUBLISHED_COLUMNS = {
    "direct": {"rank1": "Rank-1", "rank5": "5", "rank10": "10", "map": "mAP", "rank1_walk": "walk"},
    "rn": {"rank1": "Rank-1", "nauc_cmc": "nAUC CMC", "roc_auc_micro": "ROC micro", "rank1_walk": "walk"},
}  # fmt: skip

_STUDY_TITLES = {
    "4": "Table 4, what each part brings", "5": "Table 5, pretext tasks", "6": "Table 6, intervals, `within`",
    "7": "Table 7, temperatures", "fig8": "Fig. 8, attention and f", "augment": "Augmentation, each alone",
}  # fmt: skip
_STUDY_COLUMNS = {"direct": "`direct` Rank-1", "map": "mAP", "ap": "f_RN AP", "sc": "f_RN SC"}

_Content = Mapping[str, Any]


def figure_tables(folder: Path) -> str:
    """Returns Markdown tables of all figures in a folder.

    Args:
        folder: folder with files `<protocol>-<data set>[-<seed>].json` and `ablation/tables.json`.

    Raises:
        UserError: the folder has no figures.
        DataError: a file was not written by `sge-stream evaluate` or the studies.
    """
    contents = {path: _read(path) for path in sorted(folder.glob("*.json"))}
    if not contents:
        raise UserError(f"{folder} holds no figures; expected files written by sge-stream evaluate --out")
    live = [part for content in contents.values() for part in _parts(content) if part["protocol"] == "live"]
    tables = [_live_table(part) for part in live]
    for protocol in _PUBLISHED_COLUMNS:
        groups: dict[str, list[_Content]] = {}
        for content in contents.values():
            for part in _parts(content):
                if part["protocol"] == protocol:
                    name = ", ".join(dict.fromkeys((part["dataset"], part["split"])))
                    group = f"{name}: {part['people']} people, f = {part['f']}"
                    groups.setdefault(group, []).append(part)
        tables += [_published_table(protocol, name, parts) for name, parts in groups.items()]
    return "\n\n".join(tables + _study_tables(folder / "ablation" / "tables.json"))


def replace_tables(text: str, tables: str) -> str:
    """Returns the README's text with new tables between its marks.

    Raises:
        DataError: a mark is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DataError(f"README.md: expected the marks {BEGIN} and {END}; put them where the tables belong")
    return f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}"


def _read(path: Path) -> _Content:
    try:
        content: _Content = json.loads(path.read_text(encoding="utf-8"))
        for part in _parts(content):
            keys = ("scenario",) if part["protocol"] == "live" else ("dataset", "split", "f")
            _ = [part[key] for key in ("people", "seed", "methods", *keys)]
            if part.get("probes_shuffled"):
                raise ValueError("its probes have permuted names: a leak check")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no file of sge-stream evaluate --out ({error}); write it again, or remove it"
        ) from error
    return content


def _parts(content: _Content) -> Iterator[_Content]:
    """Yields each split of a file, with the cost of the command."""
    # In a file of one `live` scenario, "splits" is the number of random splits.
    splits = content.get("splits")
    for part in splits if isinstance(splits, list) else [content]:
        yield {**part, "cost": content.get("cost", {})}


def _live_table(part: _Content) -> str:
    title = (
        f"`live`, {part['scenario']}: {part['people']} people, enrolled from {part['enrol']} walks, "
        f"{part['splits']} splits, seed {part['seed']}{_cost([part])}"
    )
    columns = {key: _live_heading(part, key) for key in _LIVE_COLUMNS if _has_values(part, key)}
    rows = [
        [name, *(_interval(figures.get(key)) for key in columns)] for name, figures in part["methods"].items()
    ]
    text = f"{title}:\n\n{_table(['%', *columns.values()], rows)}"
    shipped = part["methods"].get("shipped", {})
    if shipped.get("fpir_realised") is None:
        return text
    row = ["shipped", *(_interval(shipped.get(key)) for key in _SHIPPED_COLUMNS)]
    return f"{text}\n\n{_table(['whole walk, %', *_SHIPPED_COLUMNS.values()], [row])}"


def _live_heading(part: _Content, key: str) -> str:
    """Returns the heading of a column, with the number of walks if few last that long."""
    walks = part.get(f"probes_{key.removeprefix('rank1_')}")
    if walks is None or walks >= MIN_SAMPLE_SIZE:
        return _LIVE_COLUMNS[key]
    return f"{_LIVE_COLUMNS[key]} ({walks} walk{'s' if walks != 1 else ''})"


def _has_values(part: _Content, key: str) -> bool:
    return any(figures.get(key) is not None for figures in part["methods"].values())


def _published_table(protocol: str, name: str, parts: Sequence[_Content]) -> str:
    seeds = _seeds(parts)
    title = f"`{protocol}`, {name}, {seeds}{_cost(parts)}"
    columns = _PUBLISHED_COLUMNS[protocol]
    methods = dict.fromkeys(method for part in parts for method in part["methods"])
    rows = []
    for method in methods:
        measured_parts = [part for part in parts if method in part["methods"]]
        runs = [part["methods"][method] for part in measured_parts]
        labels = "labels" if runs[0]["supervised"] else ""
        name_text = method if _seeds(measured_parts) == seeds else f"{method} ({_seeds(measured_parts)})"
        rows.append(
            [name_text, labels, *(_spread([run[key] for run in runs if key in run]) for key in columns)]
        )
    return f"{title}:\n\n{_table(['%', '', *columns.values()], rows)}"


def _seeds(parts: Sequence[_Content]) -> str:
    seeds = list(dict.fromkeys(str(part["seed"]) for part in parts))
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"


def _study_tables(path: Path) -> list[str]:
    """Returns the tables of the ablation studies; rows without measurements are left out."""
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        people, epochs, tables = (content[key] for key in ("people", "epochs", "tables"))
        measured = {name: {row: runs for row, runs in rows.items() if runs} for name, rows in tables.items()}
        settings = f"KGBD people {people}, {epochs} epoch{'s' if epochs > 1 else ''} a training"
        texts = []
        for name, rows in measured.items():
            if len(rows) < 2:
                continue
            cells = [
                [
                    row,
                    *(_spread([run[key] for run in runs if key in run]) for key in _STUDY_COLUMNS),
                    str(len(runs)),
                ]
                for row, runs in rows.items()
            ]
            lines = _table(["%", *_STUDY_COLUMNS.values(), "seeds"], cells)
            texts.append(f"{_STUDY_TITLES[name]} ({settings}):\n\n{lines}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no file of python -m tools.studies.ablation ({error}); write it again, or remove it"
        ) from error
    return texts


def _cost(parts: Sequence[_Content]) -> str:
    costs = [part["cost"] for part in parts if part["cost"]]
    if not costs:
        return ""
    minutes = max(cost["minutes"] for cost in costs)
    memory = max(cost["peak_memory_mb"] or 0 for cost in costs)
    return f" ({minutes:g} min, {memory / 1024:.1f} GB)"


def _interval(estimate: Sequence[float] | None) -> str:
    return "-" if estimate is None else f"{estimate[0]:.1f} ({estimate[1]:.1f}-{estimate[2]:.1f})"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{values[0]:.1f}" if len(values) == 1 else f"{fmean(values):.1f} ± {pstdev(values):.1f}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def readme_command(
    folder: Annotated[Path, typer.Option("--figures", metavar="DIR")] = Path("docs/results"),
    readme: Annotated[Path, typer.Option(metavar="FILE")] = Path("README.md"),
    write: Annotated[bool, typer.Option("--write", help="Put the tables into the README.")] = False,
) -> None:
    """Print the README's tables of figures, or write them into the README."""
    try:
        text = figure_tables(folder)
        if write:
            readme.write_text(replace_tables(readme.read_text(encoding="utf-8"), text), encoding="utf-8")
        else:
            typer.echo(text)
    except SgeError as error:
        typer.echo(f"readme_tables: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the command."""
    typer.run(readme_command)


if __name__ == "__main__":
    main()
