"""Comparison methods: the shipped live system, and every description of `tools.evaluation.methods`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.inference import Encoder
from encoder.training.model_card import training_people
from encoder.weights import load_encoder
from encoder.weights_files import find_weights_files
from gallery.calibration.gallery_calibration import calibrate_index
from gallery.calibration.site_calibration import SiteCalibration
from gallery.calibration.stranger_visits import enrolled_visits
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.cohort import unit
from gallery.scoring.fusion import FusionModel
from gallery.scoring.template_index import TemplateIndex
from gallery.scoring.track_scores import TemplateMeans
from gallery.scoring.visit_scores import FIRST_WINDOWS
from stream.body import FloatArray
from stream.errors import UserError
from tools.backend_fit.offline_pipeline import stored_walk
from tools.backend_fit.training_provenance import FITTED_ON
from tools.evaluation.live.compared_recording import ComparedRecording, fused_recording
from tools.evaluation.live.template_similarity import Similarity, template_places
from tools.evaluation.methods import Description, person_key
from tools.evaluation.methods.train_test_overlap import training_people_of

__all__ = [
    "FPIRS",
    "SHIPPED",
    "ComparisonMethod",
    "Shipped",
    "Thresholds",
    "calibration_of",
    "index_of",
    "load_shipped",
    "method_of_description",
    "shipped_method",
    "thresholds_over_time",
]

SHIPPED = "shipped"
"""The name of the live system's row: the weights that ship, or the user's own."""

FPIRS = (0.01, 0.05, 0.1)
"""The rates of strangers named (FPIR) of the operating points."""

Floats = NDArray[np.float64]

Thresholds = Callable[[Sequence[Sequence[ComparedRecording]], int], Floats]
"""Takes the recordings that enrol each person of a gallery, and a number of windows; returns (windows, R) for
`FPIRS` after each window, infinite before the first decision."""


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonMethod:
    """A method to compare windows.

    Attributes:
        name: of its row in the table.
        prepare: turns windows (n, f, 20, 3) into numbers to compare.
        similarity: how parts are compared.
        supervised: whether labels were used in training.
        thresholds: see `Thresholds`; None without thresholds of its own.
        site: the fusion by which recordings are prepared, if it is centred on the people enrolled; None where
            a person's score does not depend on who else is enrolled.
    """

    name: str
    prepare: Callable[[FloatArray], ComparedRecording]
    similarity: Similarity
    supervised: bool = False
    thresholds: Thresholds | None = None
    site: FusionModel | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shipped:
    """The encoder and the back-end of the live system.

    Attributes:
        encoder: makes CAGEs.
        backend: scores them.
        training_people: of both, as `Method.training_people`.
        all_known: whether these are all of them.
    """

    encoder: Encoder
    backend: Backend
    training_people: frozenset[str] = frozenset()
    all_known: bool = False

    @property
    def description_names(self) -> tuple[str, ...]:
        """Its name, as the name of a method's description."""
        return (SHIPPED,)


def load_shipped(weights: Sequence[Path] = (), device: str = "cpu", *, trusted: bool = False) -> Shipped:
    """Loads the encoder and the back-end as the live system does.

    Args:
        weights: the user's own; none for those that ship.
        device: see `encoder.inference.resolve_device`.
        trusted: accept weights that do not record their training people; see `training_people_of`.

    Raises:
        DataError: they cannot be used.
        UserError: there is no such device, or the user's own weights do not record their training people.
    """
    loaded = load_encoder(*weights)
    encoder = Encoder(loaded, device)
    backend = load_backend(encoder.contract.id, weights)
    files = find_weights_files(weights)
    people = _fitted_on(backend)
    for file, extra in zip(files or [Path(SHIPPED)], loaded.extra, strict=True):
        people |= training_people_of(file, extra, trusted=trusted or not files)
    unknown = loaded.trained and any(training_people(extra) is None for extra in loaded.extra)
    return Shipped(encoder, backend, people, not unknown)


def _fitted_on(backend: Backend) -> frozenset[str]:
    """Returns the people that a back-end was fitted on; simulated people do not count."""
    if not {*backend.projections, *backend.fusions} - {"simulated"}:
        return frozenset()
    return frozenset(person_key(kind, name) for kind, people in FITTED_ON.items() for name in people)


def shipped_method(shipped: Shipped, sensor: str) -> ComparisonMethod:
    """Returns the live system's own method, with the thresholds that it decides by.

    Args:
        shipped: encoder and back-end.
        sensor: the kind of sensor of the recordings.
    """
    encoder, backend = shipped.encoder, shipped.backend
    fusion = backend.fusion(sensor)

    calibrated = backend.visits_of(sensor) is not None

    def prepare(windows: FloatArray) -> ComparedRecording:
        encoded = encoder.encode(windows)
        stored = stored_walk(encoded, sensor) if calibrated else None
        if fusion is not None:
            return fused_recording(fusion, encoded, stored)
        rows, kept = (backend.directions(each, sensor) for each in (encoded, TemplateMeans.of(encoded)))
        return ComparedRecording(rows, kept, stored=stored)

    def thresholds(people: Sequence[Sequence[ComparedRecording]], windows: int) -> Floats:
        calibration = calibration_of(backend, sensor, people)
        return thresholds_over_time(calibration.threshold, windows)

    return ComparisonMethod(
        SHIPPED,
        prepare,
        "product",
        supervised=fusion is not None,
        thresholds=thresholds if calibrated else None,
        site=fusion if fusion is not None and fusion.weights["site"] else None,
    )


def calibration_of(
    backend: Backend, sensor: str, people: Sequence[Sequence[ComparedRecording]]
) -> SiteCalibration:
    """Returns the calibration of a gallery, as the live system makes it.

    Args:
        backend: with visit scores for the kind of sensor.
        sensor: the kind of sensor.
        people: the recordings that enrol each person, with what is stored of them.
    """
    index = index_of(backend, sensor, people)
    return calibrate_index(index, enrolled_visits(index, sensor), [])[sensor]


def index_of(backend: Backend, sensor: str, people: Sequence[Sequence[ComparedRecording]]) -> TemplateIndex:
    """Returns the index of a gallery; see `calibration_of`."""
    owned = [(person, one.stored) for person, own in enumerate(people) for one in own]
    walks = [
        replace(stored, person_id=person, walk_id=place)
        for place, (person, stored) in enumerate(owned)
        if stored is not None
    ]
    return TemplateIndex(walks, backend, [sensor])


def thresholds_over_time(threshold: Callable[[float, int], float], windows: int) -> Floats:
    """Returns thresholds (windows, R) for `FPIRS` after each window, infinite before the first decision."""
    found = np.full((windows, len(FPIRS)), np.inf)
    for n in range(FIRST_WINDOWS, windows + 1):
        found[n - 1] = [threshold(fpir, n) for fpir in FPIRS]
    return found


def method_of_description(description: Description) -> ComparisonMethod:
    """Returns the comparison of whole windows by a description and its own metric.

    Raises:
        UserError: the description only classifies.
    """
    features = description.features
    if features is None:
        raise UserError(
            f"{description.name} classifies its training people and cannot compare others: leave it out"
        )
    cosine = description.metric == "cosine"

    def prepare(windows: FloatArray) -> ComparedRecording:
        found = features(windows)
        rows = (unit(found) if cosine else found)[:, None]
        return ComparedRecording(rows, rows[template_places(len(rows))])

    return ComparisonMethod(
        description.name, prepare, "product" if cosine else "distance", description.supervised
    )
