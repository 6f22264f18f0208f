"""The command of the study; see the package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from encoder.training.train_config import TrainConfig, read_train_config
from stream.errors import SgeError
from tools.studies.attention.attention_study import attention_study, parse_seeds

__all__ = ["main"]


def study(
    data: Annotated[
        list[str], typer.Argument(metavar="DATA...", help="What to train on, as for sge-stream train.")
    ],
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where all files go.")],
    people: Annotated[str | None, typer.Option(metavar="1-50", help="Whom to train on.")] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="How often to see all windows.")] = None,
    seeds: Annotated[str, typer.Option(metavar="N,...", help="Of weights and batches.")] = "0,1,2",
    contrast: Annotated[
        str | None, typer.Option(metavar="C", help="Compared with none: within, within-masked or across.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What all trainings have in common, as TOML.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Trainings at once.")] = 1,
) -> None:
    """Train four attentions with and without contrastive learning; draw Fig. 4, 5 and 6 of the paper."""
    out = Console(stderr=True)
    try:
        chosen = TrainConfig() if config is None else read_train_config(config)
        said: dict[str, Any] = {"epochs": epochs, "contrast": contrast}
        chosen = replace(chosen, **{name: value for name, value in said.items() if value is not None})
        attention_study(
            data, folder, config=chosen, seeds=parse_seeds(seeds), people=people, jobs=jobs, out=out
        )
    except SgeError as error:
        typer.echo(f"attention_study: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Run the study from the command line."""
    typer.run(study)


if __name__ == "__main__":
    main()
