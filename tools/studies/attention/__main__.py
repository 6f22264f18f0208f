"""Command of the attention study; the package's docstring describes it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from encoder.training.train_config import TrainConfig, read_train_config
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from tools.studies.attention.attention_study import attention_study, parse_seeds

__all__ = ["main"]


def study(
    data: Annotated[
        list[str], typer.Argument(metavar="DATA...", help="Training data, as for sge-stream train.")
    ],
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for all files.")],
    people: Annotated[str | None, typer.Option(metavar="1-50", help="People to train on.")] = None,
    epochs: Annotated[int | None, typer.Option(metavar="N", help="Epochs of each training.")] = None,
    seeds: Annotated[str, typer.Option(metavar="N,...", help="Seeds of weights and batches.")] = "0,1,2",
    contrast: Annotated[
        str | None,
        typer.Option(metavar="C", help="Contrast to compare with none: within, within-masked or across."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings of all trainings, as TOML.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Trainings in parallel.")] = 1,
) -> None:
    """Train four attentions with and without contrastive learning; draw Fig. 4, 5 and 6 of the paper."""
    out = plain_console(stderr=True)
    try:
        chosen = TrainConfig() if config is None else read_train_config(config)
        options: dict[str, Any] = {"epochs": epochs, "contrast": contrast}
        chosen = replace(chosen, **{name: value for name, value in options.items() if value is not None})
        attention_study(
            data, folder, config=chosen, seeds=parse_seeds(seeds), people=people, jobs=jobs, out=out
        )
    except SgeError as error:
        typer.echo(f"attention: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


def main() -> None:
    """Runs the command."""
    typer.run(study)


if __name__ == "__main__":
    main()
