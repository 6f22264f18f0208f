"""Tables of measured figures, for the documents; the figures are those of `docs/results/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from stream.errors import UserError
from tools.documentation.markdown_table import markdown_table
from tools.documentation.results_files import RESULTS, Part, read_results
from tools.evaluation.metrics.bootstrap import MIN_SAMPLE_SIZE
from tools.evaluation.published import comparison_rows

__all__ = [
    "live_table",
    "measured_with",
    "protocol_table",
    "shipped_table",
    "studied_with",
    "study_table",
    "threshold_table",
]

_LIVE_COLUMNS = {
    "rank1_window": "window", "rank1_2s": "2 s", "rank1_5s": "5 s", "rank1_10s": "10 s", "rank1_walk": "walk",
    "eer": "EER", "fnir_at_fpir1": "FNIR at FPIR 1 %", "fnir_at_fpir5": "at 5 %",
}  # fmt: skip
_SHIPPED_COLUMNS = {"rank1_walk": "Rank-1", "eer": "EER", "fnir_at_fpir1": "FNIR at FPIR 1 %"}
SUMMARY = {
    "Kinect v1, other walks of people whom nothing was fitted on": "kgbd",
    "Kinect v2, rooms of the fitting data, other people": "patho-normal",
    "the same, an imitated lurch against normal walks": "patho-lurch",
    "the same, three sensors enrol, three others watch": "patho-views",
    "poses from videos, enrolled coming and going": "rgb-both",
    "poses from videos, enrolled coming, watched going": "rgb-away",
}
"""What the rows of the README's table test -> the scenario."""

_MOMENTS = {"after 2 s": "_2s", "after 5 s": "_5s", "after 10 s": "_10s", "whole walk": ""}
_THRESHOLD_COLUMNS = {
    "fpir_ever{}": "`--fpir 0.01`: strangers so far",
    "fnir_ever{}": "missed so far",
    "fpir_ever5{}": "`--fpir 0.05`: strangers so far",
    "fnir_ever5{}": "missed so far",
    "fpir_realised5{}": "strangers at that moment",
    "fnir_realised5{}": "missed at that moment",
}
_PROTOCOL_COLUMNS = {
    "direct": {"rank1": "Rank-1", "rank5": "Rank-5", "rank10": "Rank-10", "map": "mAP", "rank1_walk": "walk"},
    "rn": {"rank1": "Rank-1", "nauc_cmc": "nAUC of CMC", "roc_auc_micro": "AUC of ROC", "rank1_walk": "walk"},
}  # fmt: skip
_PUBLISHED_KEYS = {"roc_auc_micro": "nauc"}
"""What the paper calls nAUC is, by its code, the micro-averaged area under the ROC curve."""

NO_BREAK_HYPHEN = "\N{NON-BREAKING HYPHEN}"
_STUDY_COLUMNS = {"direct": "`direct` Rank-1", "map": "mAP", "ap": "f_RN, AP", "sc": "f_RN, SC"}


def live_table(scenario: str, folder: Path = RESULTS) -> str:
    """Returns the figures of all methods in a scenario of the protocol `live`, with 95 % intervals.

    Args:
        scenario: a key of `tools.evaluation.live.scenarios.SCENARIOS`.
        folder: of the figures.

    Raises:
        UserError: there are no figures.
    """
    part = read_results(folder).live(scenario)
    columns = {key: _live_heading(part, key) for key in _LIVE_COLUMNS if _has_values(part, key)}
    rows = [
        [f"**{name}**" if name == "shipped" else name, *(_interval(row.get(key)) for key in columns)]
        for name, row in part["methods"].items()
    ]
    return markdown_table(["%", *columns.values()], rows)


def shipped_table(scenarios: Mapping[str, str] = SUMMARY, folder: Path = RESULTS) -> str:
    """Returns the figures of the shipped system on whole walks, in several scenarios of `live`.

    Args:
        scenarios: what a row tests -> the scenario.
        folder: of the figures.

    Raises:
        UserError: a scenario has no figures.
    """
    results = read_results(folder)
    rows = []
    for text, scenario in scenarios.items():
        part = results.live(scenario)
        figures = part["methods"]["shipped"]
        rows.append([text, str(part["people"]), *(_interval(figures.get(key)) for key in _SHIPPED_COLUMNS)])
    return markdown_table(["%", "people", *_SHIPPED_COLUMNS.values()], rows)


def threshold_table(scenario: str, folder: Path = RESULTS) -> str:
    """Returns the rates of the shipped system at the thresholds that it ships, at several moments.

    Raises:
        UserError: there are no figures, or its kind of sensor has no thresholds.
    """
    shipped = read_results(folder).live(scenario)["methods"]["shipped"]
    if shipped.get("fpir_realised") is None:
        raise UserError(f"the kind of sensor of {scenario} has no thresholds")
    rows = [
        [moment, *(_interval(shipped.get(key.format(suffix))) for key in _THRESHOLD_COLUMNS)]
        for moment, suffix in _MOMENTS.items()
    ]
    return markdown_table(["%", *_THRESHOLD_COLUMNS.values()], rows)


def protocol_table(protocol: str, dataset: str, folder: Path = RESULTS) -> str:
    """Returns the figures of a published protocol, measured and published rows, best Rank-1 first.

    Measured rows have the mean and the sample standard deviation over the seeds; a published row is in
    italics, with its source.

    Args:
        protocol: `direct` or `rn`.
        dataset: such as `kgbd`.
        folder: of the figures.

    Raises:
        UserError: there are no figures.
    """
    parts = read_results(folder).seeds(protocol, dataset)
    columns = _PROTOCOL_COLUMNS[protocol]
    rows = [_measured_row(name, parts, columns) for name in _methods(parts)]
    rows += [_published_row(row, columns) for row in comparison_rows(protocol, dataset)]
    rows.sort(key=lambda row: float(row[2].split()[0]), reverse=True)
    return markdown_table(["%", "", *columns.values(), "source"], rows)


def study_table(name: str, folder: Path = RESULTS) -> str:
    """Returns a table of the ablation studies: mean and sample standard deviation over the seeds.

    Args:
        name: `4` to `7` or `fig8` as in the paper, or `augment`.
        folder: of the figures.

    Raises:
        UserError: the table has not been measured.
    """
    study = read_results(folder).study
    if study is None or name not in study.tables:
        raise UserError(f"no figures of table {name}; write them with python -m tools.studies.ablation")
    rows = [
        [row, *(_spread([run[key] for run in runs if key in run]) for key in _STUDY_COLUMNS), str(len(runs))]
        for row, runs in study.tables[name].items()
    ]
    return markdown_table(["%", *_STUDY_COLUMNS.values(), "seeds"], rows)


def studied_with(folder: Path = RESULTS) -> str:
    """Returns the people and the length of the trainings of the ablation studies.

    Raises:
        UserError: there are no figures of them.
    """
    study = read_results(folder).study
    if study is None:
        raise UserError("no figures of the studies; write them with python -m tools.studies.ablation")
    return f"KGBD's people {study.people}, {study.epochs} epoch{'s' if study.epochs > 1 else ''} a training."


def measured_with(protocol: str, name: str, folder: Path = RESULTS) -> str:
    """Returns what figures were measured with: people, draws or seeds, machine, time and memory.

    Args:
        protocol: `live`, `direct` or `rn`.
        name: the scenario of `live`, else the data set.
        folder: of the figures.

    Raises:
        UserError: there are no figures.
    """
    results = read_results(folder)
    if protocol == "live":
        part = results.live(name)
        parts = [part]
        conditions = (
            f"{part['people']} people, {part['enrolled']} of them enrolled from {part['enrol']} walks and "
            f"{part['strangers']} strangers, drawn {part['splits']} times; {part['probes']} walks as probes; "
            f"seed {part['seed']}"
        )
    else:
        parts = results.seeds(protocol, name)
        conditions = f"{parts[0]['people']} people, f = {parts[0]['f']}, {_seeds(parts)}"
    return f"{conditions}{_cost(parts)}."


def _interval(estimate: Sequence[float] | None) -> str:
    """Returns an estimate with its 95 % interval, which no line break splits; `-` for None."""
    if estimate is None:
        return "-"
    value, low, high = estimate
    return f"{value:.1f} ({low:.1f}{NO_BREAK_HYPHEN}{high:.1f})"


def _methods(parts: Sequence[Part]) -> list[str]:
    return list(dict.fromkeys(name for part in parts for name in part["methods"]))


def _measured_row(method: str, parts: Sequence[Part], columns: Mapping[str, str]) -> list[str]:
    measured = [part for part in parts if method in part["methods"]]
    runs = [part["methods"][method] for part in measured]
    seeds = _seeds(measured)
    source = "measured" if seeds == _seeds(parts) else f"measured, {seeds}"
    figures = [_spread([run[key] for run in runs if key in run]) for key in columns]
    return [method, _labels(runs[0]), *figures, source]


def _published_row(row: Mapping[str, Any], columns: Mapping[str, str]) -> list[str]:
    name = " ".join(str(row[key]) for key in ("name", "strategy", "setting") if key in row)
    values = [row.get(_PUBLISHED_KEYS.get(key, key)) for key in columns]
    figures = ["-" if value is None else f"{value:.1f}" for value in values]
    return [f"*{name}*", _labels(row), *figures, row["source"]]


def _live_heading(part: Part, key: str) -> str:
    """Returns the heading of a column, with the number of walks if few last that long."""
    walks = part.get(f"probes_{key.removeprefix('rank1_')}")
    if walks is None or walks >= MIN_SAMPLE_SIZE:
        return _LIVE_COLUMNS[key]
    return f"{_LIVE_COLUMNS[key]} ({walks} walk{'s' if walks != 1 else ''})"


def _has_values(part: Part, key: str) -> bool:
    return any(figures.get(key) is not None for figures in part["methods"].values())


def _labels(row: Mapping[str, Any]) -> str:
    return "labels" if row["supervised"] else ""


def _seeds(parts: Sequence[Part]) -> str:
    seeds = list(dict.fromkeys(str(part["seed"]) for part in parts))
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"


def _cost(parts: Sequence[Part]) -> str:
    costs = [part["cost"] for part in parts if part["cost"]]
    if not costs:
        return ""
    minutes = max(cost["minutes"] for cost in costs)
    memory = max(cost["peak_memory_mb"] or 0 for cost in costs)
    machines = "; ".join(dict.fromkeys(cost["machine"] for cost in costs))
    longest = "" if len(costs) == 1 else "at most "
    return f"; {machines}; {longest}{minutes:g} min and {memory / 1024:.1f} GB"


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{values[0]:.1f}" if len(values) == 1 else f"{fmean(values):.1f} ± {stdev(values):.1f}"
