"""Results of a protocol: the figures of each description and the predictions behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy import float64
from numpy.typing import NDArray

from stream.body import FloatArray
from tools.evaluation.metrics.identification import IntArray

__all__ = ["Predictions", "Result", "Row"]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """Predictions for n probe windows.

    Attributes:
        ranks: (n,) int64, from 1. Classification: the rank of the right person among all people. Matching:
            the rank of the nearest window of the right person among all gallery windows.
        predicted: (n,) int64, the predicted person, an index of `Result.names`.
        scores: (n, C) float32, higher is more likely. Classification: such as probabilities. Matching: the
            negative distance to the person's nearest window (Euclidean: squared).
        average_precision: (n,) 0..1, matching only; see
            `tools.evaluation.metrics.identification.Retrieval`.
        inverse_penalty: (n,) 0..1, likewise.
    """

    ranks: IntArray
    predicted: IntArray
    scores: FloatArray
    average_precision: NDArray[float64] | None = None
    inverse_penalty: NDArray[float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Figures of one variant of a description.

    Attributes:
        name: name of the description.
        variant: `euclidean` or `cosine` (the distance); `ap` or `sc` (the strategy of a recognition
            network); `own` (the description's own classifier).
        supervised: whether it was trained with labels.
        figures: figures in percent, by name.
        predictions: the predictions that the figures were counted from.
        seconds: time to measure it.
        learn_seconds: training time of its method, for all of its descriptions.
    """

    name: str
    variant: str
    supervised: bool
    figures: Mapping[str, float]
    predictions: Predictions
    seconds: float
    learn_seconds: float

    def as_json(self) -> dict[str, Any]:
        """Returns all but the name and the predictions."""
        return {
            "how": self.variant,
            "supervised": self.supervised,
            **self.figures,
            "seconds": round(self.seconds, 1),
            "learn_seconds": round(self.learn_seconds, 1),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Results of all methods on one draw.

    Attributes:
        protocol: `direct` or `rn`.
        drawn: summary of the draw (`tools.evaluation.protocols.draw.ProtocolDraw.summary`).
        names: the C people, in the order of the scores.
        people: (n,) int64, the person of each probe window.
        walks: (n,) int64, the walk of each probe window.
        rows: the rows, in the order of the methods.
    """

    protocol: str
    drawn: Mapping[str, Any]
    names: tuple[str, ...]
    people: IntArray
    walks: IntArray
    rows: tuple[Row, ...]

    def table_rows(self) -> list[dict[str, Any]]:
        """Returns rows for `tools.evaluation.terminal_tables.figure_table`; `seconds` includes training."""
        return [
            row.as_json()
            | {
                "name": row.name,
                "strategy": row.variant.upper() if row.variant in {"ap", "sc"} else row.variant,
                "seconds": row.seconds + row.learn_seconds,
            }
            for row in self.rows
        ]
