"""The scoring back-end of an encoder: projections, fusions and thresholds for each kind of sensor.

The 768 numbers of a CAGE vary mostly in what all walkers have in common, and cosine similarity sees little
else. After centring and whitening (principal components scaled to variance 1, the first 128 kept), the small
directions that tell people apart count as much as the large ones. Whitening needs windows and no labels. Its
statistics belong to the kind of sensor, its view and its noise: the projection of another kind of sensor does
not separate people.

A kind of sensor with enough training data has a `gallery.scoring.fusion.FusionModel`, with thresholds of its
own where enough people are known. All other kinds of sensors share the fusion `any`.

`tools/backend_fit/fit_backend.py` writes two files: `<contract>.safetensors` (`<sensor>.mean` (D,) and
`<sensor>.matrix` (D, K), the arrays of a fusion as `<sensor>.fusion.<name>`, all float32) and
`<contract>.json` (`gallery.scoring.backend_card.BackendCard`). The files that ship are in `backends/`; those
of a user's own weights are beside the weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from gallery.scoring.backend_card import BackendCard, FusionCard, SensorCard
from gallery.scoring.cohort import unit
from gallery.scoring.confidence import ConfidenceFit
from gallery.scoring.evidence.protocol import ArrayReader
from gallery.scoring.fusion import FusionModel
from gallery.scoring.impostor_scores import ImpostorScores
from gallery.scoring.visit_scores import VisitScores
from stream.body import FloatArray
from stream.errors import data_errors
from stream.shipped_files import read_shipped

__all__ = [
    "ANY_SENSOR",
    "Backend",
    "Projection",
    "backend_arrays",
    "find_backend",
    "folders_beside",
    "load_backend",
]

ANY_SENSOR = "any"
"""The name of the fusion for kinds of sensors without one of their own."""


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
        fusions: by kind of sensor, `ANY_SENSOR` among them; see `fusion`.
        impostors: scores of single comparisons of strangers, by kind of sensor.
        visits: scores of strangers' visits, by kind of sensor, `ANY_SENSOR` among them; see `visits_of`.
        confidences: probability that a decision is right, likewise; see `confidence_of`.
        version: digest of the files; empty where there are none.
    """

    projections: Mapping[str, Projection] = field(default_factory=dict)
    fusions: Mapping[str, FusionModel] = field(default_factory=dict)
    impostors: Mapping[str, ImpostorScores] = field(default_factory=dict)
    visits: Mapping[str, VisitScores] = field(default_factory=dict)
    confidences: Mapping[str, ConfidenceFit] = field(default_factory=dict)
    version: str = ""

    def directions(self, cages: FloatArray, sensor: str) -> FloatArray:
        """Projects CAGEs and scales them to unit length, so that inner products are cosine similarities.

        The bits of a window do not depend on the other windows: each is a product of its own.

        Args:
            cages: (..., f, D) float32; pose features behind the CAGEs are ignored.
            sensor: the kind of sensor of the probe.

        Returns:
            (..., f, K) float32; K is D where the kind of sensor has no projection. Zeros stay zeros.
        """
        projection = self.projections.get(sensor)
        if projection is not None:
            cages = np.matmul(cages[..., : len(projection.mean)] - projection.mean, projection.matrix)
        return unit(cages)

    def fusion(self, sensor: str) -> FusionModel | None:
        """Returns the fusion for a kind of sensor; None where only nearest templates are compared."""
        return self.fusions.get(sensor, self.fusions.get(ANY_SENSOR))

    def visits_of(self, sensor: str) -> VisitScores | None:
        """Returns the visit scores of strangers, which thresholds come from; None where none are known."""
        return self.visits.get(sensor, self.visits.get(ANY_SENSOR))

    def confidence_of(self, sensor: str) -> ConfidenceFit | None:
        """Returns what gives the confidence of a decision; None where it was not measured."""
        return self.confidences.get(sensor, self.confidences.get(ANY_SENSOR))


def folders_beside(weights: Iterable[Path]) -> list[Path]:
    """Returns the folders with the back-ends of a user's own weights."""
    return list(dict.fromkeys(path if path.is_dir() else path.parent for path in weights))


def find_backend(contract: str, weights: Iterable[Path] = ()) -> Traversable | None:
    """Returns the folder with the back-end of an encoder; None where none was fitted.

    Args:
        contract: of the encoder's CAGEs.
        weights: files and trained folders that the encoder was loaded from; their folders are searched before
            the back-ends that ship.
    """
    for folder in (*folders_beside(weights), _shipped_folder()):
        if any(file.is_file() for file in _files(contract, folder)):
            return folder
    return None


def load_backend(contract: str, weights: Iterable[Path] = (), *, fused: bool = True) -> Backend:
    """Loads the back-end of an encoder; where none was fitted, plain cosine similarity without thresholds.

    Args:
        contract: of the encoder's CAGEs.
        weights: see `find_backend`.
        fused: with the fusions and the thresholds that belong to them; else without any.

    Raises:
        DataError: its files are corrupt, one of the two is missing, or a shipped one was changed.
    """
    folder = find_backend(contract, weights)
    if folder is None:
        return Backend()
    with data_errors(
        lambda cause: (
            f"the back-end of encoder {contract} in {folder} is incomplete or damaged ({cause}); "
            "install sge-stream again, or write it again with python -m tools.backend_fit.fit_backend"
        )
    ):
        text, numbers = (_read(file, folder) for file in _files(contract, folder))
        card = msgspec.json.decode(text, type=BackendCard)
        arrays = load(numbers)
        projected = [sensor for sensor, known in card.sensors.items() if known.projection]
        projections = {sensor: _projection(_reader(arrays, sensor), sensor) for sensor in projected}
        cards = {sensor: known.fusion for sensor, known in card.sensors.items() if fused and known.fusion}
        fusions = {
            sensor: FusionModel.read(_reader(arrays, f"{sensor}.fusion"), one.weights)
            for sensor, one in cards.items()
        }
    # A fusion's scores take the place of those of nearest templates.
    known: list[tuple[str, SensorCard | FusionCard]] = [*card.sensors.items(), *cards.items()]
    impostors = {sensor: one.impostors for sensor, one in known if one.impostors}
    visits = {sensor: one.visits for sensor, one in known if one.visits}
    confidences = {sensor: one.confidence for sensor, one in cards.items() if one.confidence}
    version = hashlib.sha256(text + numbers + bytes([fused])).hexdigest()[:16]
    return Backend(projections, fusions, impostors, visits, confidences, version)


def backend_arrays(
    sensor: str, projection: Projection | None, fusion: FusionModel | None
) -> dict[str, FloatArray]:
    """Returns the arrays of one kind of sensor by their names in a back-end's file."""
    found: dict[str, FloatArray] = {}
    if projection is not None:
        found |= {f"{sensor}.mean": projection.mean, f"{sensor}.matrix": projection.matrix}
    if fusion is not None:
        found |= {f"{sensor}.fusion.{name}": array for name, array in fusion.arrays().items()}
    return found


def _shipped_folder() -> Traversable:
    return files("gallery.scoring").joinpath("backends")


def _read(file: Traversable, folder: Traversable) -> bytes:
    return read_shipped(folder, file.name) if folder == _shipped_folder() else file.read_bytes()


def _files(contract: str, folder: Traversable) -> tuple[Traversable, Traversable]:
    return folder.joinpath(f"{contract}.json"), folder.joinpath(f"{contract}.safetensors")


def _projection(arrays: ArrayReader, sensor: str) -> Projection:
    mean, matrix = arrays("mean", 1), arrays("matrix", 2)
    if len(mean) != len(matrix):
        raise ValueError(f"{sensor}: expected a mean of {len(matrix)} numbers, got {len(mean)}")
    return Projection(mean, matrix)


def _reader(arrays: Mapping[str, NDArray[np.generic]], prefix: str) -> ArrayReader:
    def read(name: str, axes: int) -> FloatArray:
        array = arrays.get(f"{prefix}.{name}")
        if array is None or array.dtype != np.float32 or array.ndim != axes or not np.isfinite(array).all():
            raise ValueError(f"expected {prefix}.{name}, finite float32 with {axes} axes")
        # A copy is aligned in memory; products with unaligned arrays are slower.
        return array.astype(np.float32)

    return read
