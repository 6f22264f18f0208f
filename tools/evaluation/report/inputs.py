"""Data of a report, independent of the protocol that was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray

__all__ = ["UNKNOWN", "RankCurve", "Report", "ReportTable", "ScoreSet", "Section", "WindowPredictions"]

IntArray = NDArray[np.int64]

UNKNOWN = -1
"""Value in `WindowPredictions.predicted` for windows without a predicted person."""

_KEY = re.compile(r"[a-z0-9][a-z0-9-]*")
_NUMBERED = re.compile(r"[A-Za-z]{0,8}[-_ ]?[0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Table of measured rows and, below them, published rows.

    Attributes:
        title: heading above the table.
        columns: key of a row -> column heading; the first column is the name.
        measured: rows; `supervised` marks methods trained with labels, and missing keys are shown as a dash.
        published: rows of the same form; if they have a `source`, the table shows it.
        note: text below the table.
    """

    title: str
    columns: Mapping[str, str]
    measured: Sequence[Mapping[str, Any]]
    published: Sequence[Mapping[str, Any]] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class RankCurve:
    """Rank of the correct person for each probe, for a CMC curve.

    Attributes:
        name: name of the method.
        ranks: (n,) int, from 1.
        max_rank: number of ranks: people, or gallery windows.

    Raises:
        ValueError: a rank is below 1.
    """

    name: str
    ranks: IntArray
    max_rank: int

    def __post_init__(self) -> None:
        if len(self.ranks) and self.ranks.min() < 1:
            raise ValueError(f"{self.name}, ranks: expected them to count from 1, got {self.ranks.min()}")


@dataclass(frozen=True, slots=True, eq=False)
class ScoreSet:
    """Scores of genuine and impostor comparisons.

    Attributes:
        name: name of the method.
        genuine: (n,) float, scores between samples of one person; higher is more similar. May be empty.
        impostor: (m,) float, scores between different people. May be empty.
        threshold: scores of at least this are accepted; None if there is no decision.

    Raises:
        ValueError: a score is not finite.
    """

    name: str
    genuine: NDArray[np.floating[Any]]
    impostor: NDArray[np.floating[Any]]
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not (np.isfinite(self.genuine).all() and np.isfinite(self.impostor).all()):
            raise ValueError(f"{self.name}, scores: expected finite numbers, got NaN or infinity")


@dataclass(frozen=True, slots=True, eq=False)
class WindowPredictions:
    """True and predicted person of each of n windows.

    Attributes:
        names: names of the C people in the data set.
        truth: (n,) int, true person as an index of `names`.
        predicted: (n,) int, predicted person as an index of `names`, or `UNKNOWN`.
        margin: (n,) float, confidence of the predictions; only the order matters. Needed to draw samples.
        windows: (n, f, J, 3) hip-centred metres, Y up, X to the sensor's left. Needed to draw samples.
        layout: joint layout of the windows, a key of `stream.skeleton.LAYOUTS`.
        method: method of the predictions.
        unit: plural name of the classified items, if they are not windows.

    Raises:
        ValueError: lengths differ, or an index is out of range.
    """

    names: tuple[str, ...]
    truth: IntArray
    predicted: IntArray
    margin: NDArray[np.floating[Any]] | None = None
    windows: FloatArray | None = None
    layout: str = "kinect-v1"
    method: str = ""
    unit: str = "windows"

    def __post_init__(self) -> None:
        lengths = [len(array) for array in (self.predicted, self.margin, self.windows) if array is not None]
        if set(lengths) - {len(self.truth)}:
            raise ValueError(f"expected arrays of {len(self.truth)} windows, got {lengths}")
        for name, array, lowest in (("truth", self.truth, 0), ("predicted", self.predicted, UNKNOWN)):
            if len(array) and not lowest <= array.min() <= array.max() < len(self.names):
                raise ValueError(f"{name}: expected indices of {len(self.names)} people, got others")

    @classmethod
    def from_scores(
        cls,
        names: tuple[str, ...],
        truth: IntArray,
        scores: FloatArray,
        windows: FloatArray | None = None,
        layout: str = "kinect-v1",
        method: str = "",
    ) -> Self:
        """Returns predictions of the best-scored person; the margin is the distance to the second best.

        Args:
            names: names of the C people.
            truth: (n,) int, true person.
            scores: (n, C), C at least 2; higher is likelier.
            windows: (n, f, J, 3) windows.
            layout: joint layout of the windows.
            method: method of the predictions.
        """
        second, first = np.partition(scores, -2, axis=1)[:, -2:].T
        return cls(names, truth, scores.argmax(axis=1), first - second, windows, layout, method)

    @property
    def title_suffix(self) -> str:
        """Suffix of titles that states the method."""
        return f" ({self.method})" if self.method else ""

    @property
    def display_names(self) -> tuple[str, ...]:
        """Names of the people in a report: their numbers in the data set.

        If the data set does not number its people, they are numbered from 1, so that reports contain no
        names.
        """
        if all(_NUMBERED.fullmatch(name) for name in self.names):
            return self.names
        return tuple(str(place) for place in range(1, len(self.names) + 1))

    def display_name(self, person: int) -> str:
        """Returns the name of a person in a report; `person` may be `UNKNOWN`."""
        return "unknown" if person == UNKNOWN else self.display_names[person]

    def correct(self) -> NDArray[np.bool_]:
        """Returns whether each prediction is correct, (n,)."""
        correct: NDArray[np.bool_] = np.asarray(self.truth == self.predicted)
        return correct


@dataclass(frozen=True, slots=True)
class Section:
    """Section of a report, for one result; empty parts are omitted.

    Attributes:
        key: prefix of the section's file names: lower-case letters, digits and dashes.
        title: heading.
        text: paragraph below the heading.
        verdict: what the result says, in a sentence; above the text.
        tables: tables of measured and published rows.
        ranks: curves of the CMC plot.
        scores: curves of the DET plot; each also gets a histogram.
        predictions: data of the confusion matrix and the samples.

    Raises:
        ValueError: the key contains other characters.
    """

    key: str
    title: str
    text: str = ""
    verdict: str = field(default="", kw_only=True)
    tables: tuple[ReportTable, ...] = ()
    ranks: tuple[RankCurve, ...] = ()
    scores: tuple[ScoreSet, ...] = ()
    predictions: WindowPredictions | None = None

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"key: expected lower-case letters, digits and dashes, got {self.key!r}")


@dataclass(frozen=True, slots=True)
class Report:
    """Content of a report page.

    Attributes:
        title: heading of the page.
        facts: settings of the measurement, name -> value, below the heading.
        sections: sections in order.

    Raises:
        ValueError: two sections have the same key.
    """

    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()

    def __post_init__(self) -> None:
        keys = [section.key for section in self.sections]
        if len(set(keys)) < len(keys):
            raise ValueError(f"sections: expected different keys, got {', '.join(keys)}")
