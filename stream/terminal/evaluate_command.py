"""Options of `sge-stream evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stream.terminal.options import err, out

__all__ = ["evaluate"]


def evaluate(
    dataset: Annotated[
        str,
        typer.Argument(metavar="SET", help="kgbd, biwi, ias, ks20, casia-b, patho, ucalgary, rgb or npy."),
    ],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder or packed file of the data set.")],
    protocol: Annotated[str, typer.Option(metavar="P", help="direct, rn, cve, cme, transfer or live.")],
    f: Annotated[int, typer.Option("--f", min=2, max=64, help="Skeletons per window.")] = 6,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Seed of all draws and trainings.")] = 0,
    method: Annotated[
        str,
        typer.Option(metavar="NAME,...", help="Methods; also default, all. A wrong name lists them."),
    ] = "default",
    split: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Split or scenario, or all.  [default: the first of the set]"),
    ] = None,
    people: Annotated[str | None, typer.Option(metavar="N-M", help="Only these people.")] = None,
    encoder: Annotated[
        list[Path] | None,
        typer.Option("--encoder", metavar="FILE", help="Trained weights; several are concatenated."),
    ] = None,
    trust_encoder: Annotated[
        bool,
        typer.Option("--trust-encoder", help="Accept weights without a list of training people."),
    ] = False,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of encoders trained here.")] = 6,
    cache: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keeps encoders trained here for later runs."),
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="CPU threads for training; 0: automatic.")] = 0,
    splits: Annotated[int, typer.Option(min=1, help="live: number of random draws of roles and walks.")] = 20,
    enrol: Annotated[int, typer.Option("--enroll", min=1, max=10, help="live: walks per enrolment.")] = 2,
    walks: Annotated[Literal["drawn", "first"], typer.Option(help="live: which walks enrol.")] = "drawn",
    shuffle: Annotated[
        bool,
        typer.Option("--shuffle-probes", help="Leak check: wrong names, so all results must be at chance."),
    ] = False,
    result: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the figures as JSON.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page with tables, curves and samples.")
    ] = None,
) -> None:
    """Measure methods on a data set by a published protocol, or by `live`; figures in percent."""
    from tools.evaluation.evaluate import evaluate as run  # noqa: PLC0415 - other commands start faster
    from tools.evaluation.evaluation_request import Request  # noqa: PLC0415

    request = Request(
        dataset=dataset,
        data=data,
        protocol=protocol,
        f=f,
        seed=seed,
        method=method,
        split=split,
        people=people,
        encoders=tuple(encoder or ()),
        trust_encoder=trust_encoder,
        epochs=epochs,
        cache=cache,
        threads=threads,
        splits=splits,
        enrol=enrol,
        walks=walks,
        shuffle=shuffle,
        out=result,
        report=report,
    )
    run(request, out, err)
