"""Prepares trained weights for release: half precision, with their model card.

    python -m tools.training.ship_encoder TRAINED_DIR [--out encoder/pretrained]

TRAINED_DIR is the folder of one pretext task, written by `sge-stream train`. Weights trained on people
reserved for evaluation, or without a record of the training people, are refused. Rounding changes the
weights, so the back-end must be fitted to the shipped weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from encoder.training.model_card import CARD
from encoder.weights import load_encoder, load_weights, save_weights, weights_digest
from encoder.weights_files import WEIGHTS, find_weights_files
from stream.errors import DataError, RunError, SgeError, UserError
from stream.shipped_files import CHECKSUMS, write_checksums
from tools.backend_fit.training_provenance import check_may_ship

__all__ = ["MAX_BYTES", "main", "ship"]

MAX_BYTES = 20_000_000
"""Maximum size of shipped weights; those of the paper's encoder take 12.5 MB."""


def ship(trained: Path, folder: Path) -> Path:
    """Writes the weights of a finished training at half precision, with their model card and checksum.

    Args:
        trained: folder of the training.
        folder: target folder; created if missing, existing files are replaced.

    Returns:
        The weights file.

    Raises:
        UserError: the weights must not ship, are too large, or the training has several tasks.
        DataError: the weights or the card cannot be read.
        RunError: the folder cannot be written.
    """
    if not trained.is_dir():
        raise UserError(
            f"{trained}: expected the folder of a training; give the --out folder of sge-stream train"
        )
    files = find_weights_files([trained])
    if len(files) > 1:
        raise UserError(f"{trained} holds {len(files)} encoders, expected one; give the folder of one task")
    weights = load_weights(files[0])
    check_may_ship(weights)
    size = sum(2 * parameter.numel() for parameter in weights.state.values())
    if size > MAX_BYTES:
        raise UserError(
            f"{files[0]} takes {size / 1e6:.1f} MB at half precision, more than {MAX_BYTES / 1e6:.0f} MB; "
            "train a smaller encoder"
        )
    before = weights_digest(weights.state)
    card = _read_card(files[0].with_name(CARD), before)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be created: {error.strerror}; give another --out") from error
    target = folder / WEIGHTS
    save_weights(target, weights.state, weights.config, weights.extra, half=True)
    after = weights_digest(load_weights(target).state)
    rounded = f"`{after}`: the weights `{before}` of the training, rounded to half precision"
    try:
        (folder / CARD).write_text(card.replace(f"`{before}`", rounded), encoding="utf-8")
        write_checksums(folder, WEIGHTS)
    except OSError as error:
        raise RunError(f"{folder / CARD} or its {CHECKSUMS} cannot be written: {error.strerror}") from error
    return target


def _read_card(path: Path, digest: str) -> str:
    """Reads a model card and checks that it belongs to the weights with this digest."""
    try:
        card = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: the model card cannot be read ({error}); train again to write it"
        ) from error
    if f"`{digest}`" not in card:
        raise DataError(
            f"{path}: expected the card of model {digest[:12]}, got that of another; train again to write it"
        )
    return card


def run(
    trained: Annotated[Path, typer.Argument(metavar="TRAINED_DIR", help="A folder of sge-stream train.")],
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files.")] = Path(
        "encoder/pretrained"
    ),
) -> None:
    """Prepare trained weights for release: half precision, with their model card."""
    try:
        target = ship(trained, folder)
    except SgeError as error:
        typer.echo(f"ship_encoder: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    typer.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {load_encoder(target).description}")
    typer.echo("next: python -m tools.backend_fit.fit_backend DATA_DIR")


def main() -> None:
    """Runs the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
