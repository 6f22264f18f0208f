"""The recognition network of a gallery: f_RN with average prediction, trained on the enrolled templates.

It learns from what the nearest templates' score compares: each skeleton of each template, in the back-end's
directions as the kind of sensor that watches sees them (the CAGE at length 1 where there is no projection),
each number standardised. The statistics of a projection belong to the kind of sensor, so each kind that
watches has a network of its own, and each learns from all templates, whichever sensor they were enrolled by.

All templates are trained on and the last epoch is kept, because nothing is measured here and enrolled walks
are short. KGBD 81-100, walks 1 and 2 enrolled, untrained CAGEs, windows of all other walks named rightly, in
percent (66.1 by the nearest templates):

    trained on                      all     without the last fifth of each walk
    directions (128 numbers)        77.9    72.2
    CAGEs as they are (768)         80.7    73.8

Directions take less than half the time, and after 2 s of walking name more walks: 53 of 61, against 45 by
CAGEs as they are and 48 by the nearest templates. After the whole walk it is 60, 61 and 61.

Weights live in memory only. They are made from templates, so they are guarded as templates are: never
written, never logged, dropped when the gallery changes.
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
    "Abandoned",
    "GalleryRecogniser",
    "choose_windows",
    "train_gallery",
]

MAX_WINDOWS = 12_800
"""Templates that a network learns from, all people together: two enrolled walks of each of 100 people.

People wait for it: 7 s on one core (Xeon) with 100 people and 128 numbers a skeleton.
"""

MAX_NUMBERS = 6_400 * 6 * 768
"""Numbers that they may have in all, for wide CAGEs that no projection shortens: 8 s there, and 118 MB."""

MIN_EACH = 32
"""Templates of each person that it learns from, where there are so many, however many people there are."""


class Abandoned(Exception):  # noqa: N818 - nothing failed
    """The training was told to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class GalleryRecogniser:
    """f_RN of one state of the gallery; see `gallery.recognition.reranking.Predictor`.

    Attributes:
        people: ids of the C people, in the order of the predictions.
        backend: of the templates' contract.
        networks: by kind of sensor that watches.
    """

    people: tuple[int, ...]
    backend: Backend
    networks: Mapping[str, Recogniser]

    def predict(self, cages: FloatArray, sensor: str) -> FloatArray:
        """Each window's average prediction.

        Args:
            cages: (n, f, D) float32.
            sensor: the kind of sensor that saw the windows, one of `networks`.

        Returns:
            (n, C) float32; rows sum to 1.
        """
        return self.networks[sensor].predict(self.backend.directions(cages, sensor))


def choose_windows(owners: NDArray[np.intp], limit: int) -> NDArray[np.intp]:
    """Which templates are trained on: all, or as many of each person, spread evenly over theirs.

    Of P people each gives at most `limit` // P templates, or `MIN_EACH` where that is more.

    Args:
        owners: (n,) the person of each template, growing.
        limit: of all people together.

    Returns:
        (m,) growing places in `owners`.
    """
    people, starts, counts = np.unique(owners, return_index=True, return_counts=True)
    most = max(MIN_EACH, limit // max(1, len(people)))
    chosen = [
        start + np.arange(min(count, most)) * count // min(count, most)
        for start, count in zip(starts, counts, strict=True)
    ]
    return np.concatenate(chosen) if chosen else np.zeros(0, np.intp)


def train_gallery(index: TemplateIndex, abandoned: Callable[[], bool] = lambda: False) -> GalleryRecogniser:
    """Train a network for each kind of sensor that watches.

    The same gallery gives the same bits on one machine with one number of torch threads.

    Args:
        index: of at least two people.
        abandoned: asked after each epoch; True stops the training.

    Raises:
        Abandoned: it was stopped.
    """

    def heed(_: EpochResult) -> None:
        if abandoned():
            raise Abandoned

    names = tuple(map(str, index.people))
    networks = {}
    for sensor in index.sensors:
        rows = choose_windows(index.owners, min(MAX_WINDOWS, MAX_NUMBERS // math.prod(index.shape(sensor))))
        windows, everything = index.windows(sensor, rows), np.ones(len(rows), np.bool_)
        training = train_recogniser(windows, index.owners[rows], everything, None, names, progress=heed)
        networks[sensor] = training.recogniser
    return GalleryRecogniser(index.people, index.backend, networks)
