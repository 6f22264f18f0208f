"""What a report is made of. It knows no protocol: whoever measured fills these in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stream.body import FloatArray

__all__ = ["UNKNOWN", "NamedWindows", "RankCurve", "Report", "ReportTable", "ScoreSet", "Section"]

IntArray = NDArray[np.int64]

UNKNOWN = -1
"""In `NamedWindows.predicted`: nobody was named."""

_KEY = re.compile(r"[a-z0-9][a-z0-9-]*")
_NUMBERED = re.compile(r"[A-Za-z]{0,8}[-_ ]?[0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Measured rows and, below them, published ones, for `tools.evaluation.terminal_tables.figure_table`.

    Attributes:
        title: above the table.
        columns: key of a row -> heading; the first is the name.
        measured: rows; `supervised` marks those that learned with labels, and a key that a row lacks is
            shown as a dash.
        published: rows likewise; where they have a `source`, the table tells it.
        note: below the table.
    """

    title: str
    columns: Mapping[str, str]
    measured: Sequence[Mapping[str, Any]]
    published: Sequence[Mapping[str, Any]] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class RankCurve:
    """At which place each probe found its own person.

    Attributes:
        name: of the method.
        ranks: (n,) int, from 1.
        places: how many there are: people, or gallery windows.

    Raises:
        ValueError: a rank is below 1.
    """

    name: str
    ranks: IntArray
    places: int

    def __post_init__(self) -> None:
        if len(self.ranks) and self.ranks.min() < 1:
            raise ValueError(f"{self.name}, ranks: expected them to count from 1, got {self.ranks.min()}")


@dataclass(frozen=True, slots=True, eq=False)
class ScoreSet:
    """Scores of comparisons that should be accepted and of those that should not.

    Attributes:
        name: of the method.
        genuine: (n,) float, of people with themselves; higher is more alike. May be empty.
        impostor: (m,) float, of people with others. May be empty.
        threshold: scores from here on are accepted; None where nothing is decided.

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
class NamedWindows:
    """Who walks in each of n windows, and who was named.

    Attributes:
        names: all C people, as the data set numbers them.
        truth: (n,) int, an index of `names`.
        predicted: (n,) int, an index of `names`, or `UNKNOWN`.
        margin: (n,) float, how sure the answer was; only its order counts. Without it no samples are drawn.
        windows: (n, f, J, 3) hip-centred metres, Y up, X to the sensor's left; likewise.
        layout: of the windows' joints, a key of `stream.skeleton.LAYOUTS`.
        method: whose answers they are.
        unit: what is named, where it is not a window.

    Raises:
        ValueError: lengths differ, or an index names nobody.
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
        for what, array, least in (("truth", self.truth, 0), ("predicted", self.predicted, UNKNOWN)):
            if len(array) and not least <= array.min() <= array.max() < len(self.names):
                raise ValueError(f"{what}: expected indices of {len(self.names)} people, got others")

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
        """The likeliest person of each window, as sure as the distance to the second is wide.

        Args:
            names: all C people.
            truth: (n,) int.
            scores: (n, C), C at least 2; higher is likelier.
            windows: (n, f, J, 3).
            layout: of their joints.
            method: whose answers they are.
        """
        second, first = np.partition(scores, -2, axis=1)[:, -2:].T
        return cls(names, truth, scores.argmax(axis=1), first - second, windows, layout, method)

    @property
    def by(self) -> str:
        """Whose answers, as a title goes on."""
        return f", by {self.method}" if self.method else ""

    @property
    def shown_names(self) -> tuple[str, ...]:
        """What people are called in a report: their numbers in the data set.

        A data set that calls people anything else has them counted from 1, so that no report names a person.
        """
        if all(_NUMBERED.fullmatch(name) for name in self.names):
            return self.names
        return tuple(str(place) for place in range(1, len(self.names) + 1))

    def shown(self, person: int) -> str:
        """What one person is called, `UNKNOWN` included."""
        return "unknown" if person == UNKNOWN else self.shown_names[person]

    def right(self) -> NDArray[np.bool_]:
        """(n,) whether the person named is the one who walks."""
        right: NDArray[np.bool_] = np.asarray(self.truth == self.predicted)
        return right


@dataclass(frozen=True, slots=True)
class Section:
    """One protocol's part of a report; what is empty is not drawn.

    Attributes:
        key: begins the names of its files: lower-case letters, digits and dashes.
        title: above it.
        text: one paragraph below the title.
        tables: measured beside published.
        ranks: curves of one CMC.
        scores: curves of one DET, and a histogram each.
        named: for the confusion matrix and the samples.

    Raises:
        ValueError: the key has other characters.
    """

    key: str
    title: str
    text: str = ""
    tables: tuple[ReportTable, ...] = ()
    ranks: tuple[RankCurve, ...] = ()
    scores: tuple[ScoreSet, ...] = ()
    named: NamedWindows | None = None

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError(f"key: expected lower-case letters, digits and dashes, got {self.key!r}")


@dataclass(frozen=True, slots=True)
class Report:
    """A page.

    Attributes:
        title: of the page.
        facts: what was measured and how, as name -> value, below the title.
        sections: in order.

    Raises:
        ValueError: two sections have one key.
    """

    title: str
    facts: Mapping[str, str] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()

    def __post_init__(self) -> None:
        keys = [section.key for section in self.sections]
        if len(set(keys)) < len(keys):
            raise ValueError(f"sections: expected a key of its own for each, got {', '.join(keys)}")
