"""Re-ranking by the recognition network: f_RN chooses among the people that the score has accepted.

The recognition network (paper, Sec. 3.3.3) knows only enrolled people, and its probabilities sum to 1 over
them. They say nothing about a stranger, or where one person is enrolled. So the open-set decision stays with
the score and its threshold, and f_RN only chooses among the people whose own score reaches the threshold.
With fewer than two such people there is nothing to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gallery.scoring.ranking import CandidateScore
from gallery.scoring.track_scores import AveragePrediction
from stream.body import FloatArray

__all__ = ["Predictor", "Reranking"]


class Predictor(Protocol):
    """A recognition network for the people of one revision of the gallery."""

    @property
    def people(self) -> tuple[int, ...]:
        """Ids of the C people, in the order of the predictions."""
        ...

    def predict(self, cages: FloatArray, sensor: str) -> FloatArray:
        """Returns the prediction for each window: (n, C) float32 from CAGEs (n, f, D); rows sum to 1."""
        ...


@dataclass(slots=True)
class Reranking:
    """The choice among accepted people.

    Attributes:
        predictor: trained on the present gallery; None during training, or with fewer than two people.
    """

    predictor: Predictor | None = None

    def choose(
        self, accepted: Sequence[CandidateScore], predicted: AveragePrediction, min_windows: int
    ) -> tuple[CandidateScore, str]:
        """Chooses one of the accepted people.

        Args:
            accepted: at least one, best score first.
            predicted: f_RN's prediction for the track.
            min_windows: windows from which the prediction counts.

        Returns:
            The accepted person with the highest average prediction, the better score deciding ties; the
            person with the best score where there is no choice or no prediction yet. And how the person was
            chosen, for the `reason`; empty where there was no choice.
        """
        first = accepted[0]
        if len(accepted) < 2:
            return first, ""
        if self.predictor is None:
            return first, "f_RN is in training"
        if predicted.windows < min_windows:
            return first, "f_RN has too few windows"
        chosen = max(accepted, key=lambda candidate: predicted.of(candidate.person))
        return chosen, f"chosen by f_RN among {len(accepted)}"
