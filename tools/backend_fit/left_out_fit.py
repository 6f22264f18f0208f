"""Fits `kinect-v2` without the walks of UCalgary, so that they can be measured as those of another room.

    python -m tools.backend_fit.left_out_fit DATA_DIR DIR

DIR gets the weights that ship and a back-end beside them, for `--encoder DIR`. It is fitted on the
pathological gaits, people 1-5, and KGBD 1-100; visits of strangers are those of KGBD 61-100 by a fusion of
the gaits and KGBD 1-60. The portable directions are those that ship: UCalgary taught none of them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.backend import ANY_SENSOR, Backend, load_backend
from gallery.scoring.backend_card import FusionCard, SensorCard
from gallery.scoring.fusion import FusionModel
from stream.errors import SgeError
from stream.terminal.consoles import plain_console
from stream.terminal.progress_lines import track
from tools.backend_fit.confidence_fit import measured_at
from tools.backend_fit.fit_backend import write_backend
from tools.backend_fit.fusion_transfer import fit_bones, fit_for_few_people
from tools.backend_fit.offline_pipeline import WalkCages, encode_walk, kgbd_walks, patho_walks
from tools.backend_fit.sensor_fits import (
    FUSION_PEOPLE,
    PATHO_PEOPLE,
    Fit,
    described_walks,
    enrolments_and_visits,
    fitted_on_walks,
)
from tools.backend_fit.visit_sites import FitSite, many_people_visits
from tools.datasets import WalkRef

__all__ = ["LeftOut", "fit_without_ucalgary", "main"]

Progress = Callable[[Sequence[WalkRef], str], Iterable[WalkRef]]


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """The fit of `kinect-v2` without UCalgary.

    Attributes:
        fit: of the fusion, with visit scores.
        plain: the fusion without the mean of the site, portable directions and bone lengths.
    """

    fit: Fit
    plain: FusionModel = field(repr=False)

    @property
    def backend(self) -> Backend:
        """A back-end of this fit alone."""
        model, card = self.fit.fusion, self.fit.card.fusion
        assert model is not None and card is not None and card.visits is not None
        return Backend(fusions={ANY_SENSOR: model}, visits={ANY_SENSOR: card.visits})


def fit_without_ucalgary(encoder: Encoder, data: Path, progress: Progress) -> LeftOut:
    """Fits `kinect-v2` without UCalgary.

    Args:
        encoder: the encoder.
        data: folder of packed skeletons.
        progress: shows the progress over walks, with a description.

    Raises:
        SgeError: the data cannot be read.
    """

    def encoded(refs: Sequence[WalkRef], what: str) -> list[WalkCages]:
        return [encode_walk(encoder, ref.read(), person=int(ref.person)) for ref in progress(refs, what)]

    walks = encoded(kgbd_walks(data, FUSION_PEOPLE), "KGBD")
    many = FitSite("KGBD 1-100", "kinect-v1", described_walks(walks), (), enrolments_and_visits(walks))
    walks = encoded(patho_walks(data, PATHO_PEOPLE), "pathological gaits")
    gaits = FitSite("pathological gaits 1-5", "kinect-v2", described_walks(walks), ())
    portable = load_backend(encoder.contract.id).fusions[ANY_SENSOR].windows.directions.portable
    bones = fit_bones([many.walks, gaits.walks])
    model = fit_for_few_people([gaits.walks], many.walks, portable, bones)
    who = f"{many.data}, the last two fifths, by a fusion of {gaits.data} and the others"
    measured = measured_at([many_people_visits([gaits], many, portable)], who)
    on = fitted_on_walks(f"{gaits.data}; {many.data}", [*gaits.walks, *many.walks])
    fit = Fit(None, SensorCard(fusion=FusionCard(on, dict(model.weights), None, *measured)), model)
    none = np.zeros((len(portable), 0), np.float32)
    plain = fit_for_few_people([gaits.walks], many.walks, none, bones)
    return LeftOut(fit, replace(plain, weights={**plain.weights, "site": 0.0, "bones": 0.0}))


def run(
    data: Annotated[Path, typer.Argument(metavar="DATA_DIR", help="Folder of packed skeletons.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the weights and the back-end go.")],
) -> None:
    """Fit kinect-v2 without UCalgary, beside the weights that ship."""
    err = plain_console(stderr=True)
    try:
        loaded = load_encoder()
        found = fit_without_ucalgary(
            Encoder(loaded, "cpu"), data, lambda refs, what: track(refs, what, console=err)
        )
        write_backend(folder, loaded.contract.id, loaded.description, {ANY_SENSOR: found.fit})
        with as_file(files("encoder") / "pretrained" / "encoder.safetensors") as shipped:
            shutil.copy(shipped, folder)
    except SgeError as error:
        typer.echo(f"left_out_fit: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    typer.echo(f"wrote {folder}")


def main() -> None:
    """Runs the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
