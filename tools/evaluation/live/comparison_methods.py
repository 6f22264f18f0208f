"""Comparison methods: the shipped live system, and every description of `tools.evaluation.methods`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.inference import Encoder
from encoder.training.model_card import training_people
from encoder.weights import load_encoder
from encoder.weights_files import find_weights_files
from gallery.open_set_decision import FIRST_DECISION_S
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.cohort import unit
from gallery.scoring.fusion import FusionModel
from gallery.scoring.track_scores import TemplateMeans, TrackScores
from stream.body import FloatArray
from stream.errors import UserError
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
    "load_shipped",
    "method_of_description",
    "shipped_method",
]

SHIPPED = "shipped"
"""The name of the live system's row: the weights that ship, or the user's own."""

FPIRS = (0.01, 0.05)
"""The rates of strangers named (FPIR) of the operating points."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonMethod:
    """A method to compare windows.

    Attributes:
        name: of its row in the table.
        prepare: turns windows (n, f, 20, 3) into numbers to compare.
        similarity: how parts are compared.
        supervised: whether labels were used in training.
        thresholds: takes the numbers of enrolled people and of windows; returns (windows, R) for `FPIRS`
            after each window, infinite before the first decision; None without thresholds of its own.
        site: the fusion by which recordings are prepared, if it is centred on the people enrolled; None where
            a person's score does not depend on who else is enrolled.
    """

    name: str
    prepare: Callable[[FloatArray], ComparedRecording]
    similarity: Similarity
    supervised: bool = False
    thresholds: Callable[[int, int], Floats] | None = None
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

    def prepare(windows: FloatArray) -> ComparedRecording:
        encoded = encoder.encode(windows)
        if fusion is not None:
            return fused_recording(fusion, encoded)
        rows, kept = (backend.directions(each, sensor) for each in (encoded, TemplateMeans.of(encoded)))
        return ComparedRecording(rows, kept)

    def thresholds(people: int, windows: int) -> Floats:
        return _thresholds_over_time(backend, sensor, people, windows, encoder.contract.f)

    calibrated = backend.threshold(sensor, FPIRS[0], 1, 1) is not None
    return ComparisonMethod(
        SHIPPED,
        prepare,
        "product",
        supervised=fusion is not None,
        thresholds=thresholds if calibrated else None,
        site=fusion if fusion is not None and fusion.weights["site"] else None,
    )


def _thresholds_over_time(backend: Backend, sensor: str, people: int, windows: int, f: int) -> Floats:
    first = math.ceil(FIRST_DECISION_S / TrackScores(f).seconds_per_window - 1e-9)
    found = np.full((windows, len(FPIRS)), np.inf)
    for n in range(first, windows + 1):
        for r, fpir in enumerate(FPIRS):
            threshold = backend.threshold(sensor, fpir, people, n)
            assert threshold is not None, "a kind of sensor has thresholds for all or for none"
            found[n - 1, r] = threshold
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
