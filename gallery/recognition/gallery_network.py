"""The recognition network of a gallery: f_RN with average prediction, trained on the enrolled templates.

Its input is the same as that of the nearest-template score: each skeleton of each template, projected by the
back-end for the kind of sensor of the probe (a CAGE of unit length where there is no projection), each number
standardised. The statistics of a projection belong to the kind of sensor, so each kind of sensor in a run has
a network of its own, and each is trained on all templates, whichever sensor they were enrolled by.

All templates are used for training and the last epoch is kept, because nothing is measured here and enrolled
walks are short. Rank-1 of windows in percent, KGBD 81-100, walks 1 and 2 enrolled, all other walks tested,
untrained CAGEs (nearest templates: 66.1):

    trained on                        all     without the last fifth of each walk
    projected CAGEs (128 numbers)     77.9    72.2
    plain CAGEs (768)                 80.7    73.8

Projected CAGEs take less than half the time, and recognise more walks after 2 s: 53 of 61, against 45 with
plain CAGEs and 48 with nearest templates. After the whole walk it is 60, 61 and 61.

The weights stay in memory. They are derived from templates and protected like them: never written,
never logged, dropped when the gallery changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.recognition.network import Recogniser
from gallery.recognition.network_training import EpochResult, train_recogniser
from gallery.scoring.backend import Backend
from gallery.scoring.template_index import TemplateIndex
from stream.body import FloatArray

__all__ = [
    "MAX_NUMBERS",
    "MAX_WINDOWS",
    "MIN_EACH",
    "Cancelled",
    "GalleryRecogniser",
    "choose_windows",
    "train_gallery",
]

MAX_WINDOWS = 12_800
"""The most templates for training, all people together: two enrolled walks of each of 100 people.

Training takes 7 s on one core (Xeon) with 100 people and 128 numbers a skeleton, and users wait for it.
"""

MAX_NUMBERS = 6_400 * 6 * 768
"""The most numbers of these templates, a limit for CAGEs without a projection: 8 s there, and 118 MB."""

MIN_EACH = 32
"""Templates of each person used in any case, however many people there are."""


class Cancelled(Exception):  # noqa: N818 - no error
    """The training was cancelled."""


@dataclass(frozen=True, slots=True, eq=False)
class GalleryRecogniser:
    """f_RN for one revision of the gallery; see `gallery.recognition.reranking.Predictor`.

    Attributes:
        people: ids of the C people, in the order of the predictions.
        backend: of the templates' contract.
        networks: by kind of sensor of the probe.
    """

    people: tuple[int, ...]
    backend: Backend
    networks: Mapping[str, Recogniser]

    def predict(self, cages: FloatArray, sensor: str) -> FloatArray:
        """Returns the average prediction for each window.

        Args:
            cages: (n, f, D) float32.
            sensor: the kind of sensor of the probe, one of `networks`.

        Returns:
            (n, C) float32; rows sum to 1.
        """
        return self.networks[sensor].predict(self.backend.directions(cages, sensor))


def choose_windows(owners: NDArray[np.intp], limit: int) -> NDArray[np.intp]:
    """Chooses templates for training: all, or an equal number for each person, spread evenly over the walks.

    Of P people each gives at most `limit` // P templates, or `MIN_EACH` where that is more.

    Args:
        owners: (n,) the person of each template, ascending.
        limit: of all people together.

    Returns:
        (m,) ascending places in `owners`.
    """
    people, starts, counts = np.unique(owners, return_index=True, return_counts=True)
    most = max(MIN_EACH, limit // max(1, len(people)))
    chosen = [
        start + np.arange(min(count, most)) * count // min(count, most)
        for start, count in zip(starts, counts, strict=True)
    ]
    return np.concatenate(chosen) if chosen else np.zeros(0, np.intp)


def train_gallery(index: TemplateIndex, cancelled: Callable[[], bool] = lambda: False) -> GalleryRecogniser:
    """Trains a network for each kind of sensor in the run.

    The same gallery gives the same bits on one machine with one number of torch threads.

    Args:
        index: of at least two people.
        cancelled: called after each epoch; True stops the training.

    Raises:
        Cancelled: it was stopped.
    """

    def check(_: EpochResult) -> None:
        if cancelled():
            raise Cancelled

    names = tuple(map(str, index.people))
    networks = {}
    for sensor in index.sensors:
        rows = choose_windows(index.owners, min(MAX_WINDOWS, MAX_NUMBERS // math.prod(index.shape(sensor))))
        windows, everything = index.windows(sensor, rows), np.ones(len(rows), np.bool_)
        training = train_recogniser(windows, index.owners[rows], everything, None, names, progress=check)
        networks[sensor] = training.recogniser
    return GalleryRecogniser(index.people, index.backend, networks)
