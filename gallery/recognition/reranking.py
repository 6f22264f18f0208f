"""Who of the accepted people is named: of those whom the score lets in, the one whom f_RN predicts.

The recognition network (paper, Sec. 3.3.3) knows nobody but the enrolled, and its probabilities sum to 1 over
them: before a stranger, or where one person is enrolled, they say nothing. So whether a track is anybody is
left to the nearest templates' score and its threshold, and f_RN only chooses among the people whose own score
passes. Fewer than two such people leave nothing to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gallery.scoring.track_evidence import AveragePrediction, Standing
from stream.body import FloatArray

__all__ = ["Predictor", "Reranking"]


class Predictor(Protocol):
    """A recognition network that knows every person of one state of the gallery, and nobody else."""

    @property
    def people(self) -> tuple[int, ...]:
        """Ids of the C people, in the order of the predictions."""
        ...

    def predict(self, cages: FloatArray, sensor: str) -> FloatArray:
        """Each window's prediction: (n, C) float32 of CAGEs (n, f, D); rows sum to 1."""
        ...


@dataclass(slots=True)
class Reranking:
    """The choice among accepted people.

    Attributes:
        predictor: trained on the gallery as it is now; None while it is in training, or where fewer than two
            people are enrolled.
    """

    predictor: Predictor | None = None

    def choose(
        self, accepted: Sequence[Standing], predicted: AveragePrediction, enough: int
    ) -> tuple[Standing, str]:
        """Choose one of the accepted people.

        Args:
            accepted: at least one, best score first.
            predicted: f_RN's prediction for the track.
            enough: windows that it must rest on to count.

        Returns:
            The accepted person with the highest average prediction, of equal ones the one with the better
            score; the best score's where there is no choice, or no prediction yet. And how it was chosen, for
            people; empty where there was no choice.
        """
        first = accepted[0]
        if len(accepted) < 2:
            return first, ""
        if self.predictor is None:
            return first, "f_RN is in training"
        if predicted.windows < enough:
            return first, "f_RN has seen too little"
        chosen = max(accepted, key=lambda standing: predicted.of(standing.person))
        return chosen, f"chosen by f_RN among {len(accepted)}"
