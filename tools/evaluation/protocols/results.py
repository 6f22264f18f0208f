"""What a protocol returns: figures of every description, and the answers that they were counted from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy import float64
from numpy.typing import NDArray

from stream.body import FloatArray
from tools.evaluation.metrics.identification import IntArray

__all__ = ["Answers", "Result", "Row"]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What was answered for each of n probe windows.

    Attributes:
        ranks: (n,) int64, from 1: among people the place of the right one; where windows are compared, the
            place of the nearest right window among all of the gallery.
        named: (n,) int64, the person named, as an index of `Result.names`.
        scores: (n, C) float32, higher is likelier: probabilities or the like; where windows are compared,
            minus the distance to the person's nearest window (Euclidean: squared).
        average_precision: (n,) 0..1, where windows are compared; see
            `tools.evaluation.metrics.identification.Retrieval`.
        inverse_penalty: (n,) 0..1, the same.
    """

    ranks: IntArray
    named: IntArray
    scores: FloatArray
    average_precision: NDArray[float64] | None = None
    inverse_penalty: NDArray[float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One description, measured.

    Attributes:
        name: of the description.
        how: `euclidean` or `cosine`; `ap` or `sc` for a recognition network; `own` for its own classifier.
        supervised: whether labels were used to learn it.
        figures: percent, by name.
        answers: what they were counted from.
        seconds: it took to measure it.
        learn_seconds: its method took to learn, all of its descriptions together.
    """

    name: str
    how: str
    supervised: bool
    figures: Mapping[str, float]
    answers: Answers
    seconds: float
    learn_seconds: float

    def as_json(self) -> dict[str, Any]:
        """Everything but the answers; without the name."""
        return {
            "how": self.how,
            "supervised": self.supervised,
            **self.figures,
            "seconds": round(self.seconds, 1),
            "learn_seconds": round(self.learn_seconds, 1),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """A protocol's table.

    Attributes:
        protocol: `direct` or `rn`.
        drawn: what was drawn, as JSON takes it (`tools.evaluation.protocols.draw.Trial.summary`).
        names: the C people, in the order of the scores.
        people: (n,) int64, whose each probe window is.
        walks: (n,) int64, of which walk each is.
        rows: in the order of the methods.
    """

    protocol: str
    drawn: Mapping[str, Any]
    names: tuple[str, ...]
    people: IntArray
    walks: IntArray
    rows: tuple[Row, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything but the arrays and the people's names: `methods` is by name, then by how."""
        methods: dict[str, dict[str, Any]] = {}
        for row in self.rows:
            methods.setdefault(row.name, {})[row.how] = row.as_json()
        return {"protocol": self.protocol, **self.drawn, "methods": methods}

    def table_rows(self) -> list[dict[str, Any]]:
        """Rows for `tools.evaluation.terminal_tables.figure_table`; `seconds` include those of training."""
        return [
            row.as_json()
            | {
                "name": row.name,
                "strategy": row.how.upper() if row.how in {"ap", "sc"} else row.how,
                "seconds": row.seconds + row.learn_seconds,
            }
            for row in self.rows
        ]
