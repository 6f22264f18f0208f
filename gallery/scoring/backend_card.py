"""The text file of a scoring back-end: what was fitted for each kind of sensor, on what data."""

from __future__ import annotations

import msgspec

from gallery.scoring.confidence import ConfidenceFit
from gallery.scoring.impostor_scores import ImpostorScores
from gallery.scoring.visit_scores import VisitScores

__all__ = ["BackendCard", "FittedOn", "FusionCard", "SensorCard"]


class FittedOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Training data of a projection or a fusion.

    Attributes:
        data: the data set and its part.
        people: number of people.
        walks: number of walks.
        windows: number of windows, each of f CAGEs.
    """

    data: str
    people: int
    walks: int
    windows: int


class FusionCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fusion of one kind of sensor.

    Attributes:
        fitted_on: its training data.
        weights: see `gallery.scoring.fusion.fusion_weights`.
        impostors: scores of single comparisons of strangers; None where too few people are known for any.
        visits: scores of strangers' visits; None where they were not measured.
        confidence: probability that a decision is right; None where it was not measured.
    """

    fitted_on: FittedOn
    weights: dict[str, float]
    impostors: ImpostorScores | None = None
    visits: VisitScores | None = None
    confidence: ConfidenceFit | None = None


class SensorCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was fitted for one kind of sensor.

    Attributes:
        projection: training data of the projection; None where there is none.
        impostors: as `FusionCard.impostors`, of nearest templates.
        visits: as `FusionCard.visits`, of nearest templates.
        fusion: None where too few people are known for one.
    """

    projection: FittedOn | None = None
    impostors: ImpostorScores | None = None
    visits: VisitScores | None = None
    fusion: FusionCard | None = None


class BackendCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        encoder: a line about the encoder of the contract.
        sensors: by kind of sensor.
    """

    encoder: str
    sensors: dict[str, SensorCard]
