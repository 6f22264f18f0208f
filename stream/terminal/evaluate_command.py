"""`sge-stream evaluate`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stream.terminal.options import err, out

__all__ = ["evaluate"]


def evaluate(
    dataset: Annotated[
        str, typer.Argument(metavar="SET", help="kgbd, biwi, ias, ks20, casia-b, patho, rgb or npy.")
    ],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Where it lies: its folder, or a packed file.")],
    protocol: Annotated[str, typer.Option(metavar="P", help="direct, rn, cve, cme, transfer or live.")],
    f: Annotated[int, typer.Option("--f", min=2, max=64, help="Skeletons a window.")] = 6,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Of all draws and trainings.")] = 0,
    method: Annotated[
        str,
        typer.Option(metavar="NAME,...", help="Which; also default, all. A wrong name lists them."),
    ] = "default",
    split: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Which split or scenario, or all.  [default: the set's first]"),
    ] = None,
    people: Annotated[str | None, typer.Option(metavar="N-M", help="Only these people.")] = None,
    encoder: Annotated[
        list[Path] | None,
        typer.Option("--encoder", metavar="FILE", help="Trained weights; several: side by side."),
    ] = None,
    trust_encoder: Annotated[
        bool, typer.Option("--trust-encoder", help="Take weights that do not say whom they were trained on.")
    ] = False,
    epochs: Annotated[int, typer.Option(min=1, help="Of encoders trained here.")] = 6,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keeps encoders trained here for the next time.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of the CPU, to learn; 0: as many as fit.")] = 0,
    splits: Annotated[int, typer.Option(min=1, help="live: draws of roles and walks.")] = 20,
    enrol: Annotated[int, typer.Option(min=1, max=10, help="live: walks that enrol a person.")] = 2,
    walks: Annotated[Literal["drawn", "first"], typer.Option(help="live: which walks those are.")] = "drawn",
    shuffle: Annotated[
        bool, typer.Option("--shuffle-probes", help="Leak check: wrong names, so all must be at chance.")
    ] = False,
    result: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the figures as JSON.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a page with tables, curves and samples.")
    ] = None,
) -> None:
    """Measure methods on a data set by a published protocol, or by `live`; figures in percent."""
    from tools.evaluation.evaluate import evaluate as run  # noqa: PLC0415 - the other commands start quicker
    from tools.evaluation.request import Request  # noqa: PLC0415

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
