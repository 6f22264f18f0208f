"""Fits the scoring back-end of an encoder from data sets: projections, fusions and impostor scores.

    python -m tools.backend_fit.fit_backend DATA_DIR [--encoder FILE]... [--out DIR]

DATA_DIR holds the packed KGBD, pathological gaits, UCalgary and poses from videos. Without --encoder the
back-end of the encoder that ships is written to gallery/scoring/backends; the back-end of a user's own
weights is written beside the first of them, where the live system finds it. The same command on the same
machine writes the same bytes. For each kind of sensor:

`kinect-v1`: the projection from KGBD people 1-60, impostor scores from people 61-100. Walks 1 and 2 of each
person are templates; the other walks are compared with the templates of all other people. The fusion from
people 1-100; its impostor scores from the same people in four parts, each compared by a fusion fitted on the
other three.

`kinect-v2`: the projection from people 1-5 of the pathological gaits (normal and imitated ones, six views).
The fusion from the same people and from UCalgary's, in another room, who show how a person varies, and from
KGBD people 1-100, who show how people differ (`tools/backend_fit/fusion_transfer.py`); without segments,
which are longer than their walks. No impostor scores, and so no thresholds.

`camera`: the same from the people at odd places of the sorted names of the poses from videos; no projection.

`any`, for all other kinds: a fusion of window similarity by bone lengths and directions, from the
pathological gaits and KGBD with the errors of a camera (`tools/backend_fit/perturbation.py`), and the
variation of bone lengths from all people above; no projection, no thresholds.

`simulated`: projection and fusion from one set of `walkers`, impostor scores from another; neither contains
people of the demo or of `sge-stream bench`.

KGBD people 101-164, people 6-10 of the pathological gaits and the other people of the videos are not used:
they are reserved for testing. An encoder that was trained on the impostors may tell them apart better than
other people, and its thresholds may be too low: the card says how many of them it was trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from safetensors.numpy import save

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.backend import backend_arrays, folders_beside
from gallery.scoring.backend_card import BackendCard, SensorCard
from stream.body import FloatArray
from stream.errors import RunError, SgeError
from stream.shipped_files import CHECKSUMS, write_checksums
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import LineProgress
from tools.backend_fit.sensor_fits import Fit, Fitter

__all__ = ["main", "write_backend"]

SHIPPED = Path("gallery/scoring/backends")
out = plain_console()


def write_backend(folder: Path, contract: str, encoder: str, fitted: dict[str, Fit]) -> None:
    """Writes the two files of a back-end, as `gallery.scoring.backend.load_backend` reads them.

    Args:
        folder: created if missing.
        contract: of the encoder.
        encoder: a line about it.
        fitted: by kind of sensor.

    Raises:
        RunError: the folder cannot be written.
    """
    arrays: dict[str, FloatArray] = {}
    for sensor, fit in fitted.items():
        arrays |= backend_arrays(sensor, fit.projection, fit.fusion)
    # safetensors ignores the strides of an array.
    arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    card = BackendCard(encoder, {sensor: fit.card for sensor, fit in fitted.items()})
    text = msgspec.json.format(msgspec.json.encode(card), indent=2)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.joinpath(f"{contract}.safetensors").write_bytes(save(arrays))
        folder.joinpath(f"{contract}.json").write_bytes(text + b"\n")
        if folder.joinpath(CHECKSUMS).is_file():  # the folder of those that ship
            write_checksums(folder, f"{contract}.safetensors", f"{contract}.json")
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror}; give another --out") from error


def fit(
    data: Annotated[Path, typer.Argument(metavar="DATA_DIR", help="Folder of the packed data sets.")],
    encoder: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="As in sge-stream.  [default: the weights that ship]"),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Where the two files go.  [default: beside the weights; else gallery/scoring/backends]",
        ),
    ] = None,
) -> None:
    """Fit projections and fusions, measure impostor scores, and write them."""
    weights = tuple(encoder or ())
    target = folder or next(iter(folders_beside(weights)), SHIPPED)
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    try:
        with LineProgress(*columns, console=plain_console(stderr=True)) as progress:
            loaded = load_encoder(*weights)
            fitter = Fitter(Encoder(loaded, "cpu"), progress, loaded)
            fitted = {**fitter.kinects_and_cameras(data), "simulated": fitter.simulated()}
        write_backend(target, loaded.contract.id, loaded.description, fitted)
    except SgeError as error:
        typer.echo(f"fit_backend: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    out.print(f"wrote {target / loaded.contract.id}.json and .safetensors", highlight=False, soft_wrap=True)
    for sensor, found in fitted.items():
        out.print(_summary(sensor, found.card), highlight=False, soft_wrap=True)


def main() -> None:
    """Runs the command line."""
    app = typer.Typer(
        add_completion=False, rich_markup_mode=None
    )  # markup would take [default: ...] as a tag
    app.command()(fit)
    app()


def _summary(sensor: str, card: SensorCard) -> str:
    fits = {"projection": card.projection, "fusion": card.fusion.fitted_on if card.fusion else None}
    parts = [f"{what} from {on.data}, {on.windows} windows" for what, on in fits.items() if on is not None]
    text = f"{sensor}: {'; '.join(parts)}"
    impostors = card.impostors if card.fusion is None else card.fusion.impostors
    if impostors is None:
        return f"{text}; no thresholds"
    most = max(impostors.comparisons)
    return f"{text}; thresholds from {impostors.data}, {impostors.strangers} people, {most} comparisons"


if __name__ == "__main__":
    main()
