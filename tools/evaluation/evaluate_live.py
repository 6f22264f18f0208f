"""The protocol `live` as `sge-stream evaluate` runs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from stream.errors import UserError
from tools.datasets import Walk
from tools.datasets.dataset import Dataset, open_dataset
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
from tools.evaluation.request import Request, pick_people, pick_splits
from tools.evaluation.terminal_tables import figure_table, print_table, progress_watch
from tools.training.training_data import parse_selection, plain_person

__all__ = ["evaluate_live"]

_DEFAULT = f"{SHIPPED},raw,bones,d13,d16,cage-untrained"


def evaluate_live(request: Request, out: Console, err: Console) -> Iterator[tuple[dict[str, Any], Section]]:
    """Each scenario asked for.

    Args:
        request: its `split` names a scenario; of a data set with several the first if not given.
        out: gets the tables.
        err: gets the progress.

    Yields:
        What the file says, and a section of the report.

    Raises:
        UserError: something asked for is not there. DataError: a file is broken.
    """
    asked = ",".join(_DEFAULT if n.strip() == "default" else n.strip() for n in request.method.split(","))
    names = list(dict.fromkeys(asked.split(",")))
    others = ",".join(name for name in names if name != SHIPPED)
    trusted = request.trust_encoder
    shipped = load_shipped(request.encoders, trusted=trusted) if SHIPPED in names else None
    dataset = open_dataset(request.dataset, request.data)
    for scenario in _scenarios(request):
        methods = _methods(request, others)
        chosen = pick_people(dataset, request.people, scenario.people)
        with progress_watch(err) as watch:
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
                watch=watch,
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
    possible = [one for one in SCENARIOS.values() if one.data_set == request.dataset]
    if not possible:
        sets = ", ".join(dict.fromkeys(one.data_set for one in SCENARIOS.values()))
        raise UserError(f"live: there is no scenario for {request.dataset!r}; there are some for {sets}")
    return pick_splits(possible, request.split)


def _methods(request: Request, names: str) -> tuple[Method, ...]:
    options = MethodOptions(
        f=request.f, seed=request.seed, encoders=request.encoders, trust_encoder=request.trust_encoder
    )
    return choose_methods(names, options, described=True) if names else ()


def _calibration(dataset: Dataset, chosen: Dataset) -> Iterator[Walk]:
    """Walks of other people of KGBD, for the thresholds of what ships none."""
    wanted = parse_selection(CALIBRATION_PEOPLE)
    people = [one for one in dataset.people if plain_person(one) in wanted and one not in chosen.people]
    return dataset.only(people).read() if people else iter(())


def _title(result: LiveResult) -> str:
    drawn, counts = result.drawn, result.counts
    return (
        f"live, {result.scenario.name}: {drawn['people']} people, of whom {drawn['enrolled']} enrolled and "
        f"{drawn['strangers']} strangers, {drawn['splits']} splits, seed {drawn['seed']}, {drawn['enrol']} "
        f"walks to enrol ({drawn['walks_chosen']});\n{counts['probes']} probe walks, {counts['searches']} "
        "searches. Rank-1 and EER with all enrolled, FNIR with half (†: at thresholds of other people)"
    )
