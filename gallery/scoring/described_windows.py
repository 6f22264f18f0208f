"""Windows of tracks, described and prepared once for all that compares and gathers them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from encoder.pose import POSE_WIDTH
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.evidence.protocol import Arrays
from gallery.scoring.fusion import FusionModel
from gallery.scoring.walk_quality import trunk_lengths
from stream.body import FloatArray

__all__ = ["DescribedWindow", "DescribedWindows", "describe", "prepare"]


class DescribedWindow(NamedTuple):
    """What the statistics of a track need of one window."""

    pose: FloatArray
    """(POSE_WIDTH,) its pose numbers."""
    evidence: tuple[Arrays, ...]
    """What each kind of evidence gathers of it; empty where only segment statistics are gathered."""
    trunk: tuple[float, ...]
    """See `gallery.scoring.walk_quality.trunk_lengths`."""


@dataclass(frozen=True, slots=True, eq=False)
class DescribedWindows:
    """n windows of one kind of sensor.

    Attributes:
        compared: (n, ...) what `WindowScorer.scores` compares.
        background: (n,) similarity to the nearest people of the cohort; zeros where it is not used.
        windows: one each for the statistics of its track; None for windows without pose numbers.
    """

    compared: FloatArray
    background: FloatArray
    windows: tuple[DescribedWindow | None, ...]

    def __len__(self) -> int:
        return len(self.compared)

    def __getitem__(self, part: slice) -> DescribedWindows:
        return DescribedWindows(self.compared[part], self.background[part], self.windows[part])

    def __iter__(self) -> Iterator[DescribedWindow | None]:
        return iter(self.windows)


def describe(rows: FloatArray, model: FusionModel | None) -> tuple[DescribedWindow | None, ...]:
    """Returns what the statistics of tracks need of windows (n, f, D).

    Args:
        rows: of the windows.
        model: of the kind of sensor; None where only segment statistics are gathered.
    """
    if rows.shape[2] <= POSE_WIDTH:
        return (None,) * len(rows)
    if model is not None:
        return prepare(rows, model).windows
    described = zip(describe_windows(rows)[:, :POSE_WIDTH], trunk_lengths(rows), strict=True)
    return tuple(DescribedWindow(pose, (), trunk) for pose, trunk in described)


def prepare(rows: FloatArray, model: FusionModel) -> DescribedWindows:
    """Describes windows (n, f, D) with pose numbers, and prepares them for comparison by a fusion."""
    described = describe_windows(rows)
    prepared = model.prepare(described)
    evidence = zip(*(_by_window(each, len(rows)) for each in prepared.evidence), strict=True)
    windows = tuple(map(DescribedWindow, described[:, :POSE_WIDTH], evidence, trunk_lengths(rows)))
    return DescribedWindows(prepared.windows.directions, prepared.windows.background, windows)


def _by_window(arrays: Arrays, count: int) -> list[Arrays]:
    """Returns the numbers of each window; empty ones where nothing is gathered."""
    return list(zip(*arrays, strict=True)) if arrays else [()] * count
