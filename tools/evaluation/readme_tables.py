"""The README's tables of figures, from the files that `sge-stream evaluate --out` and the studies wrote.

    python -m tools.evaluation.readme_tables [--write]

Reads `docs/results/*.json` and `docs/results/ablation/tables.json` and prints the tables; `--write` puts them
into README.md, between its two marks. A test holds the README to it: no figure there is anything but what a
command printed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, pstdev
from typing import Annotated, Any

import typer

from stream.errors import DataError, SgeError, UserError
from tools.evaluation.metrics.bootstrap import FEW

__all__ = ["BEGIN", "END", "fill", "main", "measured_text", "put_into"]

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"

_LIVE = {
    "rank1_window": "window", "rank1_2s": "2 s", "rank1_5s": "5 s", "rank1_10s": "10 s", "rank1_walk": "walk",
    "eer": "EER", "fnir_at_fpir1": "FNIR at FPIR 1 %", "fnir_at_fpir5": "at 5 %",
}  # fmt: skip
_SHIPPED = {
    "fpir_realised": "FPIR at `--fpir 0.01`", "fnir_realised": "FNIR", "fpir_ever": "FPIR at any moment",
    "fpir_realised5": "FPIR at `--fpir 0.05`", "fnir_realised5": "FNIR", "fpir_ever5": "FPIR at any moment",
}  # fmt: skip
_PUBLISHED = {
    "direct": {"rank1": "Rank-1", "rank5": "5", "rank10": "10", "map": "mAP", "rank1_walk": "walk"},
    "rn": {"rank1": "Rank-1", "nauc_cmc": "nAUC CMC", "roc_auc_micro": "ROC micro", "rank1_walk": "walk"},
}  # fmt: skip

_STUDIES = {
    "4": "Table 4, what each part brings", "5": "Table 5, pretext tasks", "6": "Table 6, intervals, `within`",
    "7": "Table 7, temperatures", "fig8": "Fig. 8, attention and f", "augment": "Augmentation, each alone",
}  # fmt: skip
_STUDIED = {"direct": "`direct` Rank-1", "map": "mAP", "ap": "f_RN AP", "sc": "f_RN SC"}

_Content = Mapping[str, Any]


def measured_text(folder: Path) -> str:
    """Markdown tables of all figures in a folder.

    Args:
        folder: of `<protocol>-<data set>[-<seed>].json`, and of `ablation/tables.json`.

    Raises:
        UserError: it holds none. DataError: a file is none of `sge-stream evaluate`, or of the studies.
    """
    contents = {path: _read(path) for path in sorted(folder.glob("*.json"))}
    if not contents:
        raise UserError(f"{folder} holds no figures; expected files that sge-stream evaluate --out wrote")
    live = [part for content in contents.values() for part in _parts(content) if part["protocol"] == "live"]
    tables = [_live_table(part) for part in live]
    for protocol in _PUBLISHED:
        by_set: dict[str, list[_Content]] = {}
        for content in contents.values():
            for part in _parts(content):
                if part["protocol"] == protocol:
                    name = ", ".join(dict.fromkeys((part["dataset"], part["split"])))
                    alike = f"{name}: {part['people']} people, f = {part['f']}"
                    by_set.setdefault(alike, []).append(part)
        tables += [_published_table(protocol, name, parts) for name, parts in by_set.items()]
    return "\n\n".join(tables + _studies(folder / "ablation" / "tables.json"))


def put_into(text: str, tables: str) -> str:
    """A README with other tables between its marks.

    Raises:
        DataError: it lacks a mark.
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
            own = ("scenario",) if part["protocol"] == "live" else ("dataset", "split", "f")
            _ = [part[key] for key in ("people", "seed", "methods", *own)]
            if part.get("probes_shuffled"):
                raise ValueError("its probes have wrong names: a leak check")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no file of sge-stream evaluate --out ({error}); write it anew, or take it out"
        ) from error
    return content


def _parts(content: _Content) -> Iterator[_Content]:
    """Each split, with what the command took."""
    # Of one split of `live`, "splits" says how many draws there were.
    several = content.get("splits")
    for part in several if isinstance(several, list) else [content]:
        yield {**part, "cost": content.get("cost", {})}


def _live_table(part: _Content) -> str:
    title = (
        f"`live`, {part['scenario']}: {part['people']} people, enrolled from {part['enrol']} walks, "
        f"{part['splits']} splits, seed {part['seed']}{_cost([part])}"
    )
    columns = {key: _counted(part, key) for key in _LIVE if any(_known(part, key))}
    rows = [
        [name, *(_interval(figures.get(key)) for key in columns)] for name, figures in part["methods"].items()
    ]
    text = f"{title}:\n\n{_table(['%', *columns.values()], rows)}"
    shipped = part["methods"].get("shipped", {})
    if shipped.get("fpir_realised") is None:
        return text
    row = ["shipped", *(_interval(shipped.get(key)) for key in _SHIPPED)]
    return f"{text}\n\n{_table(['whole walk, %', *_SHIPPED.values()], [row])}"


def _counted(part: _Content, key: str) -> str:
    """The heading of a column; where few walks last so long with their number."""
    walks = part.get(f"probes_{key.removeprefix('rank1_')}")
    if walks is None or walks >= FEW:
        return _LIVE[key]
    return f"{_LIVE[key]} ({walks} walk{'s' if walks != 1 else ''})"


def _known(part: _Content, key: str) -> Iterator[bool]:
    return (figures.get(key) is not None for figures in part["methods"].values())


def _published_table(protocol: str, name: str, parts: Sequence[_Content]) -> str:
    seeds = _seeds(parts)
    title = f"`{protocol}`, {name}, {seeds}{_cost(parts)}"
    columns = _PUBLISHED[protocol]
    methods = dict.fromkeys(method for part in parts for method in part["methods"])
    rows = []
    for method in methods:
        with_it = [part for part in parts if method in part["methods"]]
        several = [part["methods"][method] for part in with_it]
        labels = "labels" if several[0]["supervised"] else ""
        called = method if _seeds(with_it) == seeds else f"{method} ({_seeds(with_it)})"
        rows.append(
            [called, labels, *(_spread([one[key] for one in several if key in one]) for key in columns)]
        )
    return f"{title}:\n\n{_table(['%', '', *columns.values()], rows)}"


def _seeds(parts: Sequence[_Content]) -> str:
    each = list(dict.fromkeys(str(part["seed"]) for part in parts))
    return f"seed{'s' if len(each) > 1 else ''} {', '.join(each)}"


def _studies(path: Path) -> list[str]:
    """The studies' tables, of rows that were measured."""
    if not path.exists():
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        people, epochs, tables = (content[key] for key in ("people", "epochs", "tables"))
        found = {name: {row: each for row, each in rows.items() if each} for name, rows in tables.items()}
        said = f"KGBD people {people}, {epochs} epoch{'s' if epochs > 1 else ''} a training"
        texts = []
        for name, rows in found.items():
            if len(rows) < 2:
                continue
            cells = [
                [
                    row,
                    *(_spread([one[key] for one in each if key in one]) for key in _STUDIED),
                    str(len(each)),
                ]
                for row, each in rows.items()
            ]
            texts.append(f"{_STUDIES[name]} ({said}):\n\n{_table(['%', *_STUDIED.values(), 'seeds'], cells)}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is no file of python -m tools.studies.ablation ({error}); write it anew, or take it out"
        ) from error
    return texts


def _cost(parts: Sequence[_Content]) -> str:
    costs = [part["cost"] for part in parts if part["cost"]]
    if not costs:
        return ""
    minutes = max(cost["minutes"] for cost in costs)
    memory = max(cost["peak_memory_mb"] or 0 for cost in costs)
    return f" ({minutes:g} min, {memory / 1024:.1f} GB)"


def _interval(found: Sequence[float] | None) -> str:
    return "-" if found is None else f"{found[0]:.1f} ({found[1]:.1f}-{found[2]:.1f})"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{values[0]:.1f}" if len(values) == 1 else f"{fmean(values):.1f} ± {pstdev(values):.1f}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def fill(
    folder: Annotated[Path, typer.Option("--figures", metavar="DIR")] = Path("docs/results"),
    readme: Annotated[Path, typer.Option(metavar="FILE")] = Path("README.md"),
    write: Annotated[bool, typer.Option("--write", help="Put the tables into the README.")] = False,
) -> None:
    """Print the README's tables of figures, or write them into it."""
    try:
        text = measured_text(folder)
        if write:
            readme.write_text(put_into(readme.read_text(encoding="utf-8"), text), encoding="utf-8")
        else:
            typer.echo(text)
    except SgeError as error:
        typer.echo(f"measured: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Run from the command line."""
    typer.run(fill)


if __name__ == "__main__":
    main()
