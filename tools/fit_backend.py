"""The back-end of an encoder: projections and impostor scores, from data.

    python -m tools.fit_backend DATA_DIR [--encoder FILE]... [--out DIR]

DATA_DIR holds the packed KGBD and pathological gaits. Without --encoder it is fitted for the encoder that
ships, into gallery/backends; that of weights of one's own goes beside the first of them, where the live
system looks for it. The same command on the same machine writes the same bytes. For each kind of sensor:

`kinect-v1`: the projection from KGBD's people 1-60, impostor scores from its people 61-100. Walks 1 and 2 of
each are templates, and everybody's other walks meet the templates of all others.

`kinect-v2`: the projection from people 1-5 of the pathological gaits (normal and imitated ones, six views).
No impostor scores, and so no thresholds: if none of five people is like another, still up to 45 % of
strangers may be (0.55^5 = 5 %), however many comparisons their walks are cut into.

`simulated`: the projection from one crowd of `walkers`, impostor scores from another; both are other people
than those of the demo and of `tools.latency`.

KGBD's people 101-164 and people 6-10 of the pathological gaits take no part: they are for measuring. An
encoder that learnt from people of the impostors' may tell these apart better than others, and its thresholds
be too low: the card says how many of them it knew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.numpy import save

from encoder.inference import Encoder
from encoder.weights import LoadedEncoder, load_encoder
from gallery.backend import Backend, BackendCard, FittedOn, Projection, SensorCard, folders_beside
from gallery.calibration import ImpostorScores
from stream.body import FloatArray
from stream.errors import DataError, RunError, SgeError
from tools.datasets import Walk, WalkRef
from tools.impostors import measure_impostors
from tools.live_path import WalkCages, encode_walk, enrol, kgbd_walks, patho_walks, simulated_walks
from tools.projection import fit_projection
from tools.seen import trained_on

__all__ = ["Fit", "main", "write_backend"]

SHIPPED = Path("gallery/backends")
FIT_STEP = 15
"""Skeletons from one window to the next to fit projections on: windows that overlap say little more."""

FIT_PEOPLE = range(1, 61)
IMPOSTORS = range(61, 101)
ENROL_WALKS = ("1", "2")
PATHO_PEOPLE = range(1, 6)
CROWD = 100
CROWD_SECONDS = 20.0
FIT_SEED = 1001
IMPOSTOR_SEED = 1002

out = Console()


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What was fitted for one kind of sensor."""

    projection: Projection
    card: SensorCard


@dataclass(frozen=True, slots=True, eq=False)
class _Fitter:
    encoder: Encoder
    progress: Progress
    loaded: LoadedEncoder

    def kinect_v1(self, folder: Path) -> Fit:
        projection, fitted_on = self._project(
            kgbd_walks(folder, FIT_PEOPLE), f"KGBD, people {FIT_PEOPLE[0]}-{FIT_PEOPLE[-1]}"
        )
        walks = kgbd_walks(folder, IMPOSTORS)
        enrolled = [walk for walk in walks if walk.walk in ENROL_WALKS]
        probes = [walk for walk in walks if walk.walk not in ENROL_WALKS]
        who = f"KGBD, people {IMPOSTORS[0]}-{IMPOSTORS[-1]}"
        data = f"{who}: {len(probes)} walks (3 to 6) against walks 1 and 2 of the others{self._known()}"
        impostors = self._impostors("kinect-v1", projection, enrolled, probes, data)
        return Fit(projection, SensorCard(fitted_on, impostors))

    def _known(self) -> str:
        """How many of the impostors the encoder learnt from, where it learnt at all."""
        if not self.loaded.trained:
            return ""
        seen = trained_on(self.loaded, "kgbd")
        if seen is None:
            return "; whether the encoder was trained on them is not known"
        known = len(seen & {str(person) for person in IMPOSTORS})
        return f"; the encoder was trained on {known or 'none'} of these people"

    def kinect_v2(self, folder: Path) -> Fit:
        what = f"pathological gaits (Jun et al., 2020), people {PATHO_PEOPLE[0]}-{PATHO_PEOPLE[-1]}"
        projection, fitted_on = self._project(patho_walks(folder, PATHO_PEOPLE), what)
        return Fit(projection, SensorCard(fitted_on))

    def simulated(self) -> Fit:
        crowd = [walk for number in (1, 2) for walk in _crowd(FIT_SEED, number)]
        projection, fitted_on = self._project(crowd, f"{_crowd_spec(FIT_SEED)}, walks 1 and 2")
        data = f"{_crowd_spec(IMPOSTOR_SEED)}: walk 2 against walk 1 of the others"
        enrolled, probes = (_crowd(IMPOSTOR_SEED, number) for number in (1, 2))
        impostors = self._impostors("simulated", projection, enrolled, probes, data)
        return Fit(projection, SensorCard(fitted_on, impostors))

    def _project(self, walks: list[WalkRef] | list[Walk], data: str) -> tuple[Projection, FittedOn]:
        encoded = list(self._encode(walks, f"fit: {data}", FIT_STEP))
        cages = np.concatenate([walk.cages for walk in encoded])
        people, walked = len({walk.person for walk in encoded}), len(encoded)
        del encoded  # another copy of what may take a gigabyte
        try:
            projection = fit_projection(cages)
        except ValueError as error:
            raise DataError(f"{data}: no projection can be fitted ({error}); use other weights") from error
        return projection, FittedOn(data, people, walked, len(cages))

    def _impostors(
        self,
        sensor: str,
        projection: Projection,
        enrolled: list[WalkRef] | list[Walk],
        probes: list[WalkRef] | list[Walk],
        data: str,
    ) -> ImpostorScores:
        templates = enrol(self._encode(enrolled, f"enrol: {sensor}"))
        backend = Backend({sensor: projection})
        return measure_impostors(self._encode(probes, f"compare: {sensor}"), templates, backend, sensor, data)

    def _encode(
        self, walks: Iterable[WalkRef | Walk], what: str, step: int | None = None
    ) -> Iterator[WalkCages]:
        for walk in self.progress.track(list(walks), description=what):
            yield encode_walk(self.encoder, walk.read() if isinstance(walk, WalkRef) else walk, step)


def write_backend(folder: Path, contract: str, encoder: str, fitted: dict[str, Fit]) -> None:
    """Write a back-end's two files, as `gallery.backend.load_backend` reads them.

    Args:
        folder: made where there is none.
        contract: of the encoder.
        encoder: a line about it.
        fitted: by kind of sensor.

    Raises:
        RunError: the folder cannot be written.
    """
    arrays: dict[str, FloatArray] = {}
    for sensor, fit in fitted.items():
        arrays |= {f"{sensor}.mean": fit.projection.mean, f"{sensor}.matrix": fit.projection.matrix}
    card = BackendCard(encoder, {sensor: fit.card for sensor, fit in fitted.items()})
    text = msgspec.json.format(msgspec.json.encode(card), indent=2)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.joinpath(f"{contract}.safetensors").write_bytes(save(arrays))
        folder.joinpath(f"{contract}.json").write_bytes(text + b"\n")
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
            help="Where the two files go.  [default: beside the weights; else gallery/backends]",
        ),
    ] = None,
) -> None:
    """Fit projections, measure impostor scores, and write both."""
    weights = tuple(encoder or ())
    target = folder or next(iter(folders_beside(weights)), SHIPPED)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as progress:
            loaded = load_encoder(*weights)
            fitter = _Fitter(Encoder(loaded, "cpu"), progress, loaded)
            fitted = {
                "kinect-v1": fitter.kinect_v1(data),
                "kinect-v2": fitter.kinect_v2(data),
                "simulated": fitter.simulated(),
            }
        write_backend(target, loaded.contract.id, loaded.description, fitted)
    except SgeError as error:
        typer.echo(f"fit_backend: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    out.print(f"wrote {target / loaded.contract.id}.json and .safetensors", highlight=False, soft_wrap=True)
    for sensor, found in fitted.items():
        out.print(_told(sensor, found.card), highlight=False, soft_wrap=True)


def main() -> None:
    """Fit from the command line."""
    typer.run(fit)


def _told(sensor: str, card: SensorCard) -> str:
    on, impostors = card.projection, card.impostors
    text = f"{sensor}: projection from {on.data}, {on.walks} walks, {on.windows} windows"
    if impostors is None:
        return f"{text}; no thresholds"
    most = max(impostors.comparisons)
    return f"{text}; thresholds from {impostors.data}, {impostors.strangers} people, {most} comparisons"


def _crowd(seed: int, walk: int) -> list[Walk]:
    return simulated_walks(CROWD, seed, walk, CROWD_SECONDS)


def _crowd_spec(seed: int) -> str:
    return f"walkers:n={CROWD},seed={seed},seconds={CROWD_SECONDS:g}"


if __name__ == "__main__":
    main()
