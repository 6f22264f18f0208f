"""The tilt of a sensor, estimated from the people who walk before it.

A sensor that is pitched or rolled sees the floor tilted and everybody leaning. Two kinds of evidence tell it:

- *The path.* The hip centre moves at a constant height above the floor, so that all paths lie in planes that
  are parallel to it. A straight path tells the tilt along itself only.
- *The body axis*, from the middle of the ankles to the head. It is upright on average over a walk, because
  the feet of somebody who keeps the balance are below the body. It tells both directions, less exactly.

Each track gives both as information (the inverse of a covariance) on the two slopes of the direction that is
up. Their sum, with a prior that sensors are level, gives the estimate and its uncertainty.
`python -m tools.trials.tilted_sensor DATA` prints what the standard deviations below were set by.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray
from stream.skeleton import CANONICAL

__all__ = ["MIN_TILT_DEG", "Tilt", "TiltEstimator", "WalkEvidence"]

MIN_TILT_DEG = 5.0
"""Smaller tilts are not corrected: that of a level sensor may be estimated as this much."""

MAX_TILT_DEG = 60.0
"""Larger ones are an error of the source."""

CERTAINTY = 3.0
"""A tilt is certain if it is this many times its standard deviation."""

LEAST_WINDOWS = 10
"""Windows of one walk before a tilt is certain: 1 s, a stride, in which the body axis swings."""

LEAST_AGREEMENT = 0.5
"""Least share of the tilt by which the body axes lean too: on stairs, people do not lean with the path."""

PRIOR_DEG = 10.0
"""Standard deviation of the tilt of sensors."""

ALONG_DEG, ACROSS_DEG = 4.5, 2.5
"""Standard deviation of the mean body axis of one walk, along and across its heading."""

ALL_ALONG_DEG, ALL_ACROSS_DEG = 4.0, 2.0
"""The same of what all walks have in common: people lean forwards, and sensors misplace heads."""

PATH_DEG = 1.5
"""Standard deviation of the slope of a path, however long it is."""

PATH_M = 0.04
"""Standard deviation of the height of the hip at one place of a path: it rises and falls with each step."""

STEP_M = 0.2
"""Distance between the places of a path that are used."""

_TRACKS = 30
"""Newest tracks that count."""

_AT_ONCE = 30
"""Skeletons that are summed up at once; with each alone, numpy's calls would be most of the work."""

_HEAD = CANONICAL.index("Head")
_ANKLES = [CANONICAL.index("AnkleLeft"), CANONICAL.index("AnkleRight")]
_SIDES = [CANONICAL.index(name) for name in ("ShoulderLeft", "ShoulderRight", "HipLeft", "HipRight")]
_FLAT = [0, 2]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tilt:
    """An estimated tilt.

    Attributes:
        up: (3,) unit vector, the direction that is up, in the sensor's axes.
        degrees: angle between it and the sensor's Y axis.
        certain: whether the sensor is tilted by more than `MIN_TILT_DEG` beyond doubt.
        windows: number of windows that it was estimated from.
    """

    up: Floats
    degrees: float
    certain: bool
    windows: int


class WalkEvidence:
    """What one walk tells about the tilt."""

    def __init__(self) -> None:
        self.windows = 0
        self._new: list[FloatArray] = []
        """Skeletons that are not in the sums yet: those of many windows are added at once."""
        self._axis = np.zeros(3)
        self._across = np.zeros((2, 2))
        self._last_place: list[float] | None = None
        self._places = 0
        self._sum = np.zeros(3)
        self._products = np.zeros((3, 3))

    def add(self, joints: FloatArray) -> None:
        """Adds a skeleton of the walk, (20, 3) float32, metres, in the sensor's axes, all finite."""
        self._new.append(joints)
        self.windows += 1
        if len(self._new) >= _AT_ONCE:
            self._sum_up()

    def _sum_up(self) -> None:
        """Adds the new skeletons to the sums."""
        if not self._new:
            return
        joints, self._new = np.array(self._new), []
        axes = (joints[:, _HEAD] - joints[:, _ANKLES].mean(axis=1)).astype(np.float64)
        left, right, hip_left, hip_right = joints[:, _SIDES][..., _FLAT].astype(np.float64).swapaxes(0, 1)
        lines = left - right + hip_left - hip_right
        self._axis += (axes / np.maximum(np.linalg.norm(axes, axis=1), 1e-9)[:, None]).sum(axis=0)
        squares = np.maximum((lines * lines).sum(axis=1), 1e-12)
        self._across += np.einsum("ni,nj,n->ij", lines, lines, 1 / squares)
        for hip in joints[:, 0].tolist():
            if self._last_place is None or math.dist(hip, self._last_place) >= STEP_M:
                place = np.array(hip)
                self._last_place = hip
                self._places += 1
                self._sum += place
                self._products += np.outer(place, place)

    @property
    def axis(self) -> Floats:
        """Slopes X / Y and Z / Y of the mean body axis, (2,)."""
        self._sum_up()
        slopes: Floats = self._axis[_FLAT] / max(float(self._axis[1]), 1e-6)
        return slopes

    @property
    def across(self) -> Floats:
        """(2, 2) mean outer product of the direction across the body, in X and Z; its trace is 1."""
        self._sum_up()
        return self._across / self.windows

    @property
    def length_m(self) -> float:
        """Length of the path, metres, of which less than `STEP_M` is left out."""
        self._sum_up()
        return STEP_M * (self._places - 1)

    def path(self) -> tuple[Floats, Floats]:
        """Returns the information (2, 2) of the path on the slopes, and its product with them, (2,)."""
        self._sum_up()
        scatter = (self._products - np.outer(self._sum, self._sum) / self._places) / PATH_M**2
        flat = scatter[np.ix_(_FLAT, _FLAT)]
        spread, directions = np.linalg.eigh(flat)
        # A rising path means that up leans the other way.
        towards = -(directions.T @ scatter[_FLAT, 1])
        exact = 1 / (1 + np.maximum(spread, 0.0) * math.radians(PATH_DEG) ** 2)
        return (directions * (spread * exact)) @ directions.T, directions @ (towards * exact)


class TiltEstimator:
    """Estimates the tilt of one source from its newest walks."""

    def __init__(self) -> None:
        self._walks: OrderedDict[int, WalkEvidence] = OrderedDict()

    def add(self, track: int, joints: FloatArray) -> None:
        """Adds a skeleton of a walking body.

        Args:
            track: number of its track.
            joints: (20, 3) float32, metres, in the sensor's axes, canonical order, all finite.
        """
        if track not in self._walks:
            self._walks[track] = WalkEvidence()
            if len(self._walks) > _TRACKS:
                self._walks.popitem(last=False)
        self._walks[track].add(joints)

    def estimate(self) -> Tilt:
        """Returns the present estimate; level before the first skeleton."""
        walks = list(self._walks.values())
        if not walks:
            return _tilt(np.zeros(2), 0, certain=False)
        paths, products = zip(*(walk.path() for walk in walks), strict=True)
        axes, lean = _pool_axes(walks)
        level = np.eye(2) / math.radians(PRIOR_DEG) ** 2
        covariance = np.linalg.inv(level + axes + sum(paths))
        slopes = covariance @ (axes @ lean + sum(products))
        size = float(np.linalg.norm(slopes))
        towards = slopes / max(size, 1e-9)
        windows = sum(walk.windows for walk in walks)
        certain = (
            max(walk.windows for walk in walks) >= LEAST_WINDOWS
            and size > CERTAINTY * math.sqrt(towards @ covariance @ towards)
            and float(lean @ towards) > LEAST_AGREEMENT * size
        )
        return _tilt(slopes, windows, certain=certain)


def _pool_axes(walks: list[WalkEvidence]) -> tuple[Floats, Floats]:
    """Returns the information (2, 2) of the body axes of all walks, and the slopes (2,) that they give."""
    own = np.stack([np.linalg.inv(_covariance(walk.across, ALONG_DEG, ACROSS_DEG)) for walk in walks])
    product = np.einsum("wij,wj->i", own, np.stack([walk.axis for walk in walks]))
    own_covariance = np.linalg.inv(own.sum(axis=0)).astype(np.float64)
    across = np.mean([walk.across for walk in walks], axis=0)
    common = _covariance(across, ALL_ALONG_DEG, ALL_ACROSS_DEG)
    return np.linalg.inv(own_covariance + common).astype(np.float64), own_covariance @ product


def _covariance(across: Floats, along_deg: float, across_deg: float) -> Floats:
    along = np.eye(2) - across
    covariance: Floats = along * math.radians(along_deg) ** 2 + across * math.radians(across_deg) ** 2
    return covariance


def _tilt(slopes: Floats, windows: int, *, certain: bool) -> Tilt:
    up = np.array([slopes[0], 1.0, slopes[1]])
    degrees = math.degrees(math.atan(float(np.linalg.norm(slopes))))
    certain = certain and MIN_TILT_DEG < degrees < MAX_TILT_DEG
    return Tilt(up / np.linalg.norm(up), degrees, certain, windows)
