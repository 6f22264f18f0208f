"""Runs the `live` protocol for `sge-stream evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from stream.errors import UserError
from tools.datasets import Walk
from tools.datasets.dataset_registry import Dataset, open_dataset
from tools.evaluation.evaluation_request import Request, choose_people, choose_splits
from tools.evaluation.live import (
    CALIBRATION_PEOPLE,
    SCENARIOS,
    SHIPPED,
    LiveResult,
    Scenario,
    live_trial,
    load_shipped,
)
from tools.evaluation.live.live_tables import COLUMNS, interval_table
from tools.evaluation.methods import Method, MethodOptions, choose_methods
from tools.evaluation.report import Section
from tools.evaluation.report_sections import live_section
from tools.evaluation.terminal_tables import figure_table, print_table, progress_bars
from tools.training.training_data import normalise_person, parse_people_selection

__all__ = ["evaluate_live"]

_DEFAULT_METHODS = f"{SHIPPED},raw,bones,d13,d16,cage-untrained"


def evaluate_live(request: Request, out: Console, err: Console) -> Iterator[tuple[dict[str, Any], Section]]:
    """Runs each requested scenario.

    Args:
        request: its `split` names a scenario; if None, the first of the data set.
        out: console for the tables.
        err: console for the progress bars.

    Yields:
        The JSON content of a scenario, and its section of the report.

    Raises:
        UserError: an option is invalid, or what it names does not exist.
        DataError: a file is broken.
    """
    methods_text = ",".join(
        _DEFAULT_METHODS if name.strip() == "default" else name.strip() for name in request.method.split(",")
    )
    names = list(dict.fromkeys(methods_text.split(",")))
    others = ",".join(name for name in names if name != SHIPPED)
    trusted = request.trust_encoder
    shipped = load_shipped(request.encoders, trusted=trusted) if SHIPPED in names else None
    dataset = open_dataset(request.dataset, request.data)
    for scenario in _scenarios(request):
        methods = _methods(request, others)
        chosen = choose_people(dataset, request.people, scenario.people)
        with progress_bars(err) as progress:
            result = live_trial(
                chosen.read(),
                scenario,
                methods,
                shipped=shipped,
                splits=request.splits,
                seed=request.seed,
                enrol=request.enrol,
                choice=request.walks,
                calibration=_calibration(dataset, chosen) if methods and dataset.name == "kgbd" else (),
                f=request.f,
                shuffle=request.shuffle,
                progress=progress,
            )
        title = _title(result)
        if shipped is not None:
            print_table(out, interval_table(result, SHIPPED))
        print_table(out, figure_table(title, COLUMNS, result.table_rows(), []))
        for note in result.notes:
            out.print(note, highlight=False)
        default = SHIPPED if shipped is not None else result.rows[0].name
        yield result.as_json() | {"default": default}, live_section(title, COLUMNS, result)


def _scenarios(request: Request) -> Sequence[Scenario]:
    possible = [scenario for scenario in SCENARIOS.values() if scenario.data_set == request.dataset]
    if not possible:
        sets = ", ".join(dict.fromkeys(scenario.data_set for scenario in SCENARIOS.values()))
        raise UserError(
            f"live: no scenario for the data set {request.dataset!r}; there are scenarios for {sets}"
        )
    return choose_splits(possible, request.split)


def _methods(request: Request, names: str) -> tuple[Method, ...]:
    options = MethodOptions(
        f=request.f, seed=request.seed, encoders=request.encoders, trust_encoder=request.trust_encoder
    )
    return choose_methods(names, options, features_required=True) if names else ()


def _calibration(dataset: Dataset, chosen: Dataset) -> Iterator[Walk]:
    """Returns walks of KGBD people outside the evaluation, to set thresholds of uncalibrated methods."""
    calibration = parse_people_selection(CALIBRATION_PEOPLE)
    people = [
        person
        for person in dataset.people
        if normalise_person(person) in calibration and person not in chosen.people
    ]
    return dataset.select_people(people).read() if people else iter(())


def _title(result: LiveResult) -> str:
    drawn, counts = result.drawn, result.counts
    return (
        f"live, {result.scenario.name}: {drawn['people']} people, {drawn['enrolled']} enrolled and "
        f"{drawn['strangers']} strangers, {drawn['splits']} splits, seed {drawn['seed']}, {drawn['enrol']} "
        f"walks to enrol ({drawn['walks_chosen']});\n{counts['probes']} probe walks, {counts['searches']} "
        "searches. Rank-1 and EER with all enrolled, FNIR with half (†: thresholds from other people)"
    )
