"""Trained weights as they ship: at half precision, with their model card.

    python -m tools.training.ship_encoder TRAINED_DIR [--out encoder/pretrained]

TRAINED_DIR is what `sge-stream train` left of one pretext task. Weights that were trained on people who are
for measuring, or who did not say whom they were trained on, are refused. Rounding makes them other weights:
a back-end is fitted for what ships, not for what was trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from encoder.training.model_card import CARD
from encoder.weights import load_encoder, load_weights, save_weights, weights_digest
from encoder.weights_files import WEIGHTS, weights_files
from stream.errors import DataError, RunError, SgeError, UserError
from tools.backend_fit.training_provenance import check_may_ship

__all__ = ["MAX_BYTES", "main", "ship"]

MAX_BYTES = 20_000_000
"""Of the weights that ship; those of the paper's encoder take 12.5 MB."""


def ship(trained: Path, folder: Path) -> Path:
    """Write the weights of a finished training and their card as they ship.

    Args:
        trained: the training's folder.
        folder: made where there is none; what stood there is replaced.

    Returns:
        The weights file.

    Raises:
        UserError: they may not ship, are too large, or the training is of several tasks.
        DataError: they or their card cannot be read.
        RunError: the folder cannot be written.
    """
    if not trained.is_dir():
        raise UserError(
            f"{trained}: expected the folder of a training; give the one of sge-stream train --out"
        )
    files = weights_files([trained])
    if len(files) > 1:
        raise UserError(f"{trained} holds {len(files)} encoders, and one ships; give the folder of one task")
    weights = load_weights(files[0])
    check_may_ship(weights)
    size = sum(2 * parameter.numel() for parameter in weights.state.values())
    if size > MAX_BYTES:
        raise UserError(
            f"{files[0]} takes {size / 1e6:.1f} MB at half precision, and {MAX_BYTES / 1e6:.0f} MB ship at "
            "most; train a smaller encoder"
        )
    before = weights_digest(weights.state)
    card = _read_card(files[0].with_name(CARD), before)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made: {error.strerror}; give another --out") from error
    target = folder / WEIGHTS
    save_weights(target, weights.state, weights.config, weights.extra, half=True)
    after = weights_digest(load_weights(target).state)
    rounded = f"`{after}`: the weights `{before}` of the training, rounded to half precision"
    try:
        (folder / CARD).write_text(card.replace(f"`{before}`", rounded), encoding="utf-8")
    except OSError as error:
        raise RunError(f"{folder / CARD} cannot be written: {error.strerror}") from error
    return target


def _read_card(path: Path, digest: str) -> str:
    """A model card, which must be of the weights of that digest."""
    try:
        card = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: the model card cannot be read ({error}); train again to write it"
        ) from error
    if f"`{digest}`" not in card:
        raise DataError(
            f"{path}: expected the card of model {digest[:12]}, got another's; train again to write it"
        )
    return card


def run(
    trained: Annotated[Path, typer.Argument(metavar="TRAINED_DIR", help="A folder of sge-stream train.")],
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")] = Path(
        "encoder/pretrained"
    ),
) -> None:
    """Write trained weights as they ship: at half precision, with their model card."""
    try:
        target = ship(trained, folder)
    except SgeError as error:
        typer.echo(f"ship_encoder: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    typer.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {load_encoder(target).description}")
    typer.echo("next: python -m tools.backend_fit.fit_backend DATA_DIR")


def main() -> None:
    """Ship from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
