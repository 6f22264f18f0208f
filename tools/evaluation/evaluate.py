"""`sge-stream evaluate`: a protocol on a data set, its table beside published figures, its report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from stream.errors import UserError
from tools.datasets import Dataset
from tools.datasets.dataset import open_dataset
from tools.evaluation.evaluate_live import evaluate_live
from tools.evaluation.methods import Method, MethodOptions, choose_methods
from tools.evaluation.protocols.direct import DIRECT_COLUMNS, run_direct
from tools.evaluation.protocols.draw import Trial
from tools.evaluation.protocols.measure import Watch
from tools.evaluation.protocols.published_draw import draw_published
from tools.evaluation.protocols.results import Result
from tools.evaluation.protocols.rn import RN_COLUMNS, run_rn
from tools.evaluation.published import published
from tools.evaluation.report import Report, Section, write_report
from tools.evaluation.report_sections import cost, machine, result_section
from tools.evaluation.request import Request, pick_people, pick_splits
from tools.evaluation.splits.published_splits import NamedSplit, protocol_splits
from tools.evaluation.terminal_tables import (
    check_writable,
    figure_table,
    make_folder,
    print_table,
    progress_watch,
    write_json,
)

__all__ = ["PROTOCOLS", "evaluate", "result_json"]

PROTOCOLS = ("direct", "rn", "cve", "cme", "transfer", "live")

_DEFAULTS = {
    "direct": "raw,bones,d13,d16,untrained,fused-walks,fused,fused-known",
    "cme": "raw,bones,d13,d16,untrained",
    "rn": "d13-knn,d16-adaboost,lstm-1,lstm-2,posegait_like,raw,fused-known",
    "cve": "d13-knn,d16-adaboost,lstm-1,lstm-2,posegait_like,raw",
    "transfer": "raw,untrained",
}


def evaluate(request: Request, out: Console, err: Console) -> None:
    """Measure, print, and write what was asked for.

    Args:
        request: see there.
        out: gets the tables.
        err: gets the progress.

    Raises:
        UserError: something asked for is not there. DataError: a file is broken.
    """
    if request.protocol not in PROTOCOLS:
        raise UserError(f"--protocol: there is no {request.protocol!r}; there are {', '.join(PROTOCOLS)}")
    if not request.method.strip():
        raise UserError("--method: expected names with commas between, default or all, got nothing")
    if request.out is not None:
        check_writable(request.out)
    if request.report is not None:
        make_folder(request.report)
    began = time.monotonic()
    run = evaluate_live if request.protocol == "live" else _published
    done = list(run(request, out, err))
    contents = [content for content, _ in done]
    if request.out is not None:
        content = contents[0] if len(contents) == 1 else {"splits": contents}
        write_json(request.out, {**content, "cost": cost(time.monotonic() - began)})
    if request.report is not None:
        facts = {
            "data set": request.dataset,
            "protocol": request.protocol,
            "f": str(request.f),
            "seed": str(request.seed),
            "probes": "by wrong names (--shuffle-probes): all must be at chance" if request.shuffle else "",
            "encoder": ", ".join(path.name for path in request.encoders),
            "machine": machine(),
        }
        facts = {what: fact for what, fact in facts.items() if fact}
        title = f"{request.protocol} on {request.dataset}"
        page = write_report(request.report, Report(title, facts, tuple(section for _, section in done)))
        out.print(f"wrote {page}", highlight=False, soft_wrap=True)


def _published(request: Request, out: Console, err: Console) -> Iterator[tuple[dict[str, Any], Section]]:
    """Each split asked for, measured as the papers do."""
    dataset = pick_people(open_dataset(request.dataset, request.data), request.people)
    if len(dataset.people) < 2:
        raise UserError(f"expected at least two people to tell apart, got {len(dataset.people)}; take more")
    if request.protocol == "transfer" and not request.encoders:
        raise UserError(
            "transfer: expected the weights that were trained on another set; give --encoder FILE"
        )
    for named in _splits(request, dataset):
        trial = draw_published(dataset, named, f=request.f, seed=request.seed)
        trial = trial.with_probes_shuffled() if request.shuffle else trial
        methods = _methods(request, trial)
        with progress_watch(err) as watch:
            result = _run(request, trial, methods, watch)
        content = result_json(request, named.name, result)
        # What others published is of the whole data set.
        comparable = request.f == 6 and request.people is None and not request.shuffle
        beside = _beside(request.protocol, dataset, named) if comparable else []
        columns = _columns(request.protocol)
        title = (
            f"{request.protocol}, {named.name}: {content['people']} people, f = {request.f}, "
            f"seed {request.seed}; {content['windows']} probe windows"
        )
        print_table(out, figure_table(title, columns, result.table_rows(), beside))
        yield content, result_section(title, named.name, columns, result, trial, beside, content["default"])


def _splits(request: Request, dataset: Dataset) -> Sequence[NamedSplit]:
    protocol = "rn" if request.protocol == "transfer" else request.protocol
    return pick_splits(protocol_splits(dataset.name, protocol), request.split)


def _methods(request: Request, trial: Trial) -> tuple[Method, ...]:
    options = MethodOptions(
        f=request.f,
        layout=trial.probes.layout,
        seed=request.seed,
        encoders=request.encoders,
        trust_encoder=request.trust_encoder,
        epochs=request.epochs,
        cache=request.cache,
    )
    described = request.protocol in {"direct", "cme"}
    return choose_methods(_names(request), options, described=described)


def _names(request: Request) -> str:
    """The methods asked for; the default ends with the encoder: from files, or trained on the split."""
    own = "encoder" if request.encoders else "sgela"
    default = f"{_DEFAULTS[request.protocol]},{own}"
    return ",".join(default if name.strip() == "default" else name for name in request.method.split(","))


def _run(request: Request, trial: Trial, methods: tuple[Method, ...], watch: Watch) -> Result:
    if request.protocol in {"direct", "cme"}:
        return run_direct(trial, methods, threads=request.threads, watch=watch)
    return run_rn(trial, methods, threads=request.threads, watch=watch)


def _columns(protocol: str) -> Mapping[str, str]:
    return DIRECT_COLUMNS if protocol in {"direct", "cme"} else RN_COLUMNS


def _beside(protocol: str, dataset: Dataset, named: NamedSplit) -> list[dict[str, Any]]:
    return published(protocol, named.name) or published(protocol, dataset.name)


def result_json(request: Request, split: str, result: Result) -> dict[str, Any]:
    """What the file says of a split: `methods` by name, by name and strategy where there are several."""
    several = {row.name for row in result.rows if sum(row.name == other.name for other in result.rows) > 1}
    methods = {
        f"{row.name}-{row.how}" if row.name in several else row.name: row.as_json() for row in result.rows
    }
    own = ("fused-known", "cage", "cage-ap", "cage-plus", "cage-plus-ap")
    default = next((name for name in own if name in methods), next(iter(methods), None))
    return {
        "dataset": request.dataset,
        "protocol": request.protocol,
        "split": split,
        **result.drawn,
        "probes_shuffled": request.shuffle,
        "default": default,
        "methods": methods,
    }
