"""`sge-stream evaluate`: runs a protocol on a data set and compares the results with published figures."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from stream.errors import UserError
from tools.datasets import Dataset
from tools.datasets.dataset_registry import open_dataset
from tools.evaluation.evaluate_live import evaluate_live
from tools.evaluation.evaluation_request import Request, choose_people, choose_splits
from tools.evaluation.methods import Method, MethodOptions, choose_methods
from tools.evaluation.protocols.direct import DIRECT_COLUMNS, run_direct
from tools.evaluation.protocols.draw import ProtocolDraw
from tools.evaluation.protocols.measure import MethodProgress
from tools.evaluation.protocols.published_draw import draw_published_split
from tools.evaluation.protocols.results import Result
from tools.evaluation.protocols.rn import RN_COLUMNS, run_rn
from tools.evaluation.published import comparison_rows
from tools.evaluation.report import Report, Section, write_report
from tools.evaluation.report_facts import report_facts
from tools.evaluation.report_sections import resource_usage, result_section
from tools.evaluation.splits.published_splits import NamedSplit, protocol_splits
from tools.evaluation.terminal_tables import figure_table, print_table, progress_bars
from tools.figure_files import check_writable, make_folder, write_json

__all__ = ["PROTOCOLS", "evaluate", "result_json"]

PROTOCOLS = ("direct", "rn", "cve", "cme", "transfer", "live")

_DEFAULT_METHODS = {
    "direct": "raw,bones,d13,d16,untrained,fused-walks,fused,fused-known",
    "cme": "raw,bones,d13,d16,untrained",
    "rn": "d13-knn,d16-adaboost,lstm-1,lstm-2,posegait_like,raw,fused-known",
    "cve": "d13-knn,d16-adaboost,lstm-1,lstm-2,posegait_like,raw",
    "transfer": "raw,untrained",
}


def evaluate(request: Request, out: Console, err: Console) -> None:
    """Runs the protocol of a request, prints its tables and writes its files.

    Args:
        request: the protocol, the data set and the options.
        out: console for the tables.
        err: console for the progress bars.

    Raises:
        UserError: an option is invalid, or what it names does not exist.
        DataError: a file is broken.
    """
    if request.protocol not in PROTOCOLS:
        raise UserError(f"--protocol: no protocol {request.protocol!r}; choose one of {', '.join(PROTOCOLS)}")
    if not request.method.strip():
        raise UserError("--method: expected comma-separated names, default or all, got nothing")
    if request.out is not None:
        check_writable(request.out)
    if request.report is not None:
        make_folder(request.report)
    start = time.monotonic()
    run = evaluate_live if request.protocol == "live" else _evaluate_published
    results = list(run(request, out, err))
    contents = [content for content, _ in results]
    if request.out is not None:
        content = contents[0] if len(contents) == 1 else {"splits": contents}
        write_json(request.out, {**content, "cost": resource_usage(time.monotonic() - start)})
    if request.report is not None:
        title = f"{request.protocol} on {request.dataset}"
        sections = tuple(section for _, section in results)
        page = write_report(request.report, Report(title, report_facts(request), sections))
        out.print(f"wrote {page}", highlight=False, soft_wrap=True)


def _evaluate_published(
    request: Request, out: Console, err: Console
) -> Iterator[tuple[dict[str, Any], Section]]:
    """Runs a published protocol on each requested split; yields the JSON content and the report section."""
    dataset = choose_people(open_dataset(request.dataset, request.data), request.people)
    if len(dataset.people) < 2:
        raise UserError(f"expected at least two people to identify, got {len(dataset.people)}; select more")
    if request.protocol == "transfer" and not request.encoders:
        raise UserError("transfer: expected encoder weights trained on another data set; give --encoder FILE")
    for named in _splits(request, dataset):
        draw = draw_published_split(dataset, named, f=request.f, seed=request.seed)
        draw = draw.with_probes_shuffled() if request.shuffle else draw
        methods = _methods(request, draw)
        with progress_bars(err) as progress:
            result = _run(request, draw, methods, progress)
        content = result_json(request, named.name, result)
        # Published figures are of the whole data set with f = 6.
        comparable = request.f == 6 and request.people is None and not request.shuffle
        reference = _published_rows(request.protocol, dataset, named) if comparable else []
        columns = _columns(request.protocol)
        title = (
            f"{request.protocol}, {named.name}: {content['people']} people, f = {request.f}, "
            f"seed {request.seed}; {content['windows']} probe windows"
        )
        print_table(out, figure_table(title, columns, result.table_rows(), reference))
        section = result_section(
            title, named.name, columns, result, draw, reference, content["default"], shuffled=request.shuffle
        )
        yield content, section


def _splits(request: Request, dataset: Dataset) -> Sequence[NamedSplit]:
    protocol = "rn" if request.protocol == "transfer" else request.protocol
    return choose_splits(protocol_splits(dataset.name, protocol), request.split)


def _methods(request: Request, draw: ProtocolDraw) -> tuple[Method, ...]:
    options = MethodOptions(
        f=request.f,
        layout=draw.probes.layout,
        seed=request.seed,
        encoders=request.encoders,
        trust_encoder=request.trust_encoder,
        epochs=request.epochs,
        cache=request.cache,
    )
    features_required = request.protocol in {"direct", "cme"}
    return choose_methods(_names(request), options, features_required=features_required)


def _names(request: Request) -> str:
    """Returns the method names; `default` ends with the encoder: from files, or trained on the split."""
    encoder = "encoder" if request.encoders else "sgela"
    default = f"{_DEFAULT_METHODS[request.protocol]},{encoder}"
    return ",".join(default if name.strip() == "default" else name for name in request.method.split(","))


def _run(
    request: Request, draw: ProtocolDraw, methods: tuple[Method, ...], progress: MethodProgress
) -> Result:
    if request.protocol in {"direct", "cme"}:
        return run_direct(draw, methods, threads=request.threads, progress=progress)
    return run_rn(draw, methods, threads=request.threads, progress=progress)


def _columns(protocol: str) -> Mapping[str, str]:
    return DIRECT_COLUMNS if protocol in {"direct", "cme"} else RN_COLUMNS


def _published_rows(protocol: str, dataset: Dataset, named: NamedSplit) -> list[dict[str, Any]]:
    return comparison_rows(protocol, named.name) or comparison_rows(protocol, dataset.name)


def result_json(request: Request, split: str, result: Result) -> dict[str, Any]:
    """Returns the JSON content of a split; `methods` is keyed by name, plus variant if there are several."""
    repeated = {row.name for row in result.rows if sum(row.name == other.name for other in result.rows) > 1}
    methods = {
        f"{row.name}-{row.variant}" if row.name in repeated else row.name: row.as_json()
        for row in result.rows
    }
    preferred = ("fused-known", "cage", "cage-ap", "cage-plus", "cage-plus-ap")
    default = next((name for name in preferred if name in methods), next(iter(methods), None))
    return {
        "dataset": request.dataset,
        "protocol": request.protocol,
        "split": split,
        **result.drawn,
        "probes_shuffled": request.shuffle,
        "default": default,
        "methods": methods,
    }
