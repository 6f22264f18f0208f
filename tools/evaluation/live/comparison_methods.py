"""Ways to compare windows: the shipped system's own, and every description of `tools.evaluation.methods`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from encoder.inference import Encoder
from encoder.training.model_card import seen_people
from encoder.weights import load_encoder
from encoder.weights_files import weights_files
from gallery.matcher import FIRST_DECISION_S
from gallery.scoring.backend import Backend, load_backend
from gallery.scoring.cohort import unit
from gallery.scoring.track_evidence import Averages, Evidence
from stream.body import FloatArray
from stream.errors import UserError
from tools.backend_fit.training_provenance import FITTED_ON
from tools.evaluation.live.prepared_recording import Prepared, fused
from tools.evaluation.live.template_similarity import Likeness, kept_places
from tools.evaluation.methods import Description, person_key
from tools.evaluation.methods.train_test_overlap import seen_by

__all__ = ["FPIRS", "SHIPPED", "Shipped", "Way", "described", "load_shipped", "shipped_way"]

SHIPPED = "shipped"
"""The live system itself, as a row: the weights that ship, or one's own."""

FPIRS = (0.01, 0.05)
"""The rates of strangers named that operating points are set for."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A way to compare windows.

    Attributes:
        name: of the row of the table.
        prepare: windows (n, f, 20, 3) to what is compared.
        likeness: how parts are compared.
        supervised: whether labels were used to learn it.
        thresholds: with so many people enrolled, after 1 to so many windows: (windows, R) for `FPIRS`,
            infinite as long as nothing is decided; None where none ship.
    """

    name: str
    prepare: Callable[[FloatArray], Prepared]
    likeness: Likeness
    supervised: bool = False
    thresholds: Callable[[int, int], Floats] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Shipped:
    """What the live system runs.

    Attributes:
        encoder: makes CAGEs.
        backend: compares them.
        seen: whom they were taught on, as `Method.seen` has them.
        all_seen: whether nobody else may have taught them.
    """

    encoder: Encoder
    backend: Backend
    seen: frozenset[str] = frozenset()
    all_seen: bool = False

    @property
    def gives(self) -> tuple[str, ...]:
        """Its name, as that of a method's description."""
        return (SHIPPED,)


def load_shipped(weights: Sequence[Path] = (), device: str = "cpu", *, trusted: bool = False) -> Shipped:
    """The encoder and the back-end as the live system loads them.

    Args:
        weights: of one's own; none for those that ship.
        device: see `encoder.inference.resolve_device`.
        trusted: take weights that do not say whom they were trained on; see `seen_by`.

    Raises:
        DataError: they cannot be used.
        UserError: there is no such device, or one's own weights do not say whom they were trained on.
    """
    loaded = load_encoder(*weights)
    encoder = Encoder(loaded, device)
    backend = load_backend(encoder.contract.id, weights)
    files = weights_files(weights)
    seen = _fitted_on(backend)
    for file, extra in zip(files or [Path(SHIPPED)], loaded.extra, strict=True):
        seen |= seen_by(file, extra, trusted=trusted or not files)
    unsaid = loaded.trained and any(seen_people(extra) is None for extra in loaded.extra)
    return Shipped(encoder, backend, seen, not unsaid)


def _fitted_on(backend: Backend) -> frozenset[str]:
    """Whom `tools.backend_fit.fit_backend` has fitted it on: the crowd of simulated people is nobody."""
    if not {*backend.projections, *backend.fusions} - {"simulated"}:
        return frozenset()
    return frozenset(person_key(kind, str(number)) for kind, people in FITTED_ON.items() for number in people)


def shipped_way(shipped: Shipped, sensor: str) -> Way:
    """The live system's way: CAGEs in the back-end's directions, at the thresholds that it decides by.

    Args:
        shipped: encoder and back-end.
        sensor: the kind of sensor that watches.
    """
    encoder, backend = shipped.encoder, shipped.backend
    fusion = backend.fusion(sensor)

    def prepare(windows: FloatArray) -> Prepared:
        encoded = encoder.encode(windows)
        if fusion is not None:
            return fused(fusion, encoded)
        rows, kept = (backend.directions(each, sensor) for each in (encoded, Averages.of(encoded)))
        return Prepared(rows, kept)

    def thresholds(people: int, windows: int) -> Floats:
        return _thresholds_over_time(backend, sensor, people, windows, encoder.contract.f)

    calibrated = backend.threshold(sensor, FPIRS[0], 1, 1) is not None
    return Way(
        SHIPPED,
        prepare,
        "product",
        supervised=fusion is not None,
        thresholds=thresholds if calibrated else None,
    )


def _thresholds_over_time(backend: Backend, sensor: str, people: int, windows: int, f: int) -> Floats:
    first = math.ceil(FIRST_DECISION_S / Evidence(f).seconds_per_window - 1e-9)
    found = np.full((windows, len(FPIRS)), np.inf)
    for n in range(first, windows + 1):
        for r, fpir in enumerate(FPIRS):
            threshold = backend.threshold(sensor, fpir, people, n)
            assert threshold is not None, "a kind of sensor has thresholds for all or for none"
            found[n - 1, r] = threshold
    return found


def described(description: Description) -> Way:
    """The way of a description: windows are compared as wholes, by its own metric.

    Raises:
        UserError: it only classifies.
    """
    features = description.features
    if features is None:
        raise UserError(
            f"{description.name} names the people it learned and describes nobody else: leave it out"
        )
    cosine = description.metric == "cosine"

    def prepare(windows: FloatArray) -> Prepared:
        found = features(windows)
        rows = (unit(found) if cosine else found)[:, None]
        return Prepared(rows, rows[kept_places(len(rows))])

    return Way(description.name, prepare, "product" if cosine else "distance", description.supervised)
