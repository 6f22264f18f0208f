"""What makes one encoder's CAGEs comparable: a projection and thresholds for each kind of sensor.

A CAGE's 768 numbers vary mostly in what all walkers share, and cosine similarity sees little else. Centred
and whitened (principal components scaled to variance 1, the first 128 kept), the small directions that tell
people apart count as much as the large ones. That takes windows and no labels. The statistics belong to the
kind of sensor, its view and its noise: under the projection of another kind, everybody looks alike again.

A kind of sensor of which enough is known has a `gallery.scoring.fusion.FusionModel`, and thresholds that go
with it where enough people are, beside these. All others share one, under the name `any`.

`tools/backend_fit/fit_backend.py` writes `<contract>.safetensors` (`<sensor>.mean` (D,) and `<sensor>.matrix`
(D, K), the arrays of a fusion as `<sensor>.fusion.<name>`, all float32) and `<contract>.json` (`BackendCard`:
what all of it was fitted on, and the impostor scores that thresholds come from), for weights of one's own
beside them, and into `backends/` for those that ship.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from gallery.scoring.calibration import Calibration, ImpostorScores
from gallery.scoring.cohort import Cohort, Discriminants, unit
from gallery.scoring.fusion import FusionModel, FusionWeights
from gallery.scoring.window_directions import WindowDirections
from stream.body import FloatArray
from stream.errors import DataError

__all__ = [
    "ANY_SENSOR",
    "Backend",
    "BackendCard",
    "FittedOn",
    "FusionCard",
    "Projection",
    "SensorCard",
    "find_backend",
    "folders_beside",
    "fusion_arrays",
    "load_backend",
]

_Part = Cohort | Discriminants | WindowDirections

ANY_SENSOR = "any"
"""The kinds of sensors of which nothing of their own is known."""


class FittedOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a projection was fitted on.

    Attributes:
        data: the data set and its part.
        people: how many.
        walks: how many.
        windows: how many, each of f CAGEs.
    """

    data: str
    people: int
    walks: int
    windows: int


class FusionCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of the fusion of one kind of sensor.

    Attributes:
        fitted_on: what it was fitted on.
        weights: of its parts.
        impostors: what its thresholds come from; None where too few people are known for any.
    """

    fitted_on: FittedOn
    weights: FusionWeights
    impostors: ImpostorScores | None = None


class SensorCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of one kind of sensor.

    Attributes:
        projection: what it was fitted on; None where there is none.
        impostors: what thresholds come from; None where too few people are known for any.
        fusion: None where too few people are known for one.
    """

    projection: FittedOn | None = None
    impostors: ImpostorScores | None = None
    fusion: FusionCard | None = None


class BackendCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The text beside the projections.

    Attributes:
        encoder: the encoder of the contract, in a line for people.
        sensors: by kind of sensor.
    """

    encoder: str
    sensors: dict[str, SensorCard]


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """Centring and whitening of CAGEs.

    Attributes:
        mean: (D,) float32.
        matrix: (D, K) float32.
    """

    mean: FloatArray
    matrix: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Backend:
    """How the CAGEs of one encoder are compared.

    Attributes:
        projections: by kind of sensor; CAGEs of any other kind are compared as they are.
        calibration: where thresholds come from.
        fusions: by kind of sensor, `ANY_SENSOR` among them; see `fusion`.
    """

    projections: Mapping[str, Projection] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=lambda: Calibration({}))
    fusions: Mapping[str, FusionModel] = field(default_factory=dict)

    def directions(self, cages: FloatArray, sensor: str) -> FloatArray:
        """Project CAGEs and scale them to unit length, so that products are cosines.

        A window's bits do not depend on the windows beside it: each is a product of its own.

        Args:
            cages: (..., f, D) float32; pose numbers behind the CAGEs play no part.
            sensor: the kind of sensor that watches.

        Returns:
            (..., f, K) float32; K is D where the kind of sensor has no projection. Zeros stay zeros.
        """
        projection = self.projections.get(sensor)
        if projection is not None:
            cages = np.matmul(cages[..., : len(projection.mean)] - projection.mean, projection.matrix)
        return unit(cages)

    def fusion(self, sensor: str) -> FusionModel | None:
        """How a kind of sensor's windows are compared; None: skeletons with their nearest templates."""
        return self.fusions.get(sensor, self.fusions.get(ANY_SENSOR))

    def threshold(self, sensor: str, fpir: float, people: int, windows: int) -> float | None:
        """The score from which a candidate is accepted; see `Calibration.threshold`."""
        return self.calibration.threshold(sensor, fpir, people, windows)


def folders_beside(weights: Iterable[Path]) -> list[Path]:
    """Where the back-ends of weights of one's own lie: a trained folder itself, the folder of a file."""
    return list(dict.fromkeys(path if path.is_dir() else path.parent for path in weights))


def fusion_arrays(model: FusionModel | _Part, name: str) -> dict[str, FloatArray]:
    """The arrays of a fusion by their names in a back-end's file: `<name>.walks.cohort.mean` and so on."""
    found: dict[str, FloatArray] = {}
    for field_ in fields(model):
        part, called = getattr(model, field_.name), f"{name}.{field_.name}"
        if isinstance(part, _Part):
            found |= fusion_arrays(part, called)
        elif isinstance(part, np.ndarray):
            found[called] = part
    return found


def find_backend(contract: str, weights: Iterable[Path] = ()) -> Traversable | None:
    """The folder with the back-end of an encoder; None where none was fitted.

    Args:
        contract: of the encoder's CAGEs.
        weights: files and trained folders that the encoder was loaded from; the folders beside them come
            before what ships with the program.
    """
    shipped = files("gallery.scoring").joinpath("backends")
    for folder in (*folders_beside(weights), shipped):
        if any(file.is_file() for file in _files(contract, folder)):
            return folder
    return None


def load_backend(contract: str, weights: Iterable[Path] = (), *, fused: bool = True) -> Backend:
    """The back-end of an encoder; where none was fitted plain cosine similarity, without thresholds.

    Args:
        contract: of the encoder's CAGEs.
        weights: see `find_backend`.
        fused: with the fusions, and the thresholds that belong to them; else without any.

    Raises:
        DataError: its files are corrupt, or one of the two is missing.
    """
    folder = find_backend(contract, weights)
    if folder is None:
        return Backend()
    text, numbers = _files(contract, folder)
    try:
        card = msgspec.json.decode(text.read_bytes(), type=BackendCard)
        arrays = load(numbers.read_bytes())
        projected = [sensor for sensor, known in card.sensors.items() if known.projection]
        projections = {sensor: _projection(arrays, sensor) for sensor in projected}
        cards = {sensor: known.fusion for sensor, known in card.sensors.items() if fused and known.fusion}
        fusions = {sensor: _fusion(arrays, sensor, one.weights) for sensor, one in cards.items()}
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, msgspec.DecodeError) as error:
        raise DataError(
            f"the back-end of encoder {contract} in {folder} is not whole ({error}); install sge-stream "
            "again, or write it anew with python -m tools.backend_fit.fit_backend"
        ) from error
    impostors = {sensor: known.impostors for sensor, known in card.sensors.items() if known.impostors}
    impostors |= {sensor: one.impostors for sensor, one in cards.items() if one.impostors}
    return Backend(projections, Calibration(impostors), fusions)


def _files(contract: str, folder: Traversable) -> tuple[Traversable, Traversable]:
    return folder.joinpath(f"{contract}.json"), folder.joinpath(f"{contract}.safetensors")


def _projection(arrays: Mapping[str, NDArray[np.generic]], sensor: str) -> Projection:
    mean, matrix = _array(arrays, f"{sensor}.mean", 1), _array(arrays, f"{sensor}.matrix", 2)
    if len(mean) != len(matrix):
        raise ValueError(f"{sensor}: expected a mean of {len(matrix)} numbers, got {len(mean)}")
    return Projection(mean, matrix)


def _fusion(arrays: Mapping[str, NDArray[np.generic]], sensor: str, weights: FusionWeights) -> FusionModel:
    def numbers(name: str, axes: int) -> FloatArray:
        return _array(arrays, f"{sensor}.fusion.{name}", axes)

    def cohort(name: str) -> Cohort:
        return Cohort(numbers(f"{name}.mean", 1), numbers(f"{name}.covariance", 2))

    def discriminants(name: str) -> Discriminants:
        mean, matrix = numbers(f"{name}.mean", 1), numbers(f"{name}.matrix", 2)
        return Discriminants(mean, matrix, cohort(f"{name}.cohort"))

    return FusionModel(
        directions=WindowDirections(
            numbers("directions.mean", 1),
            numbers("directions.whitening", 2),
            numbers("directions.discriminants", 2),
        ),
        cohort=cohort("cohort"),
        walks=discriminants("walks"),
        swing=discriminants("swing"),
        coordination=discriminants("coordination"),
        weights=weights,
    )


def _array(arrays: Mapping[str, NDArray[np.generic]], name: str, axes: int) -> FloatArray:
    array = arrays.get(name)
    if array is None or array.dtype != np.float32 or array.ndim != axes or not np.isfinite(array).all():
        raise ValueError(f"expected {name}, finite float32 with {axes} axes")
    # A copy of its own lies in memory as evenly as a product's speed wants it.
    return array.astype(np.float32)
