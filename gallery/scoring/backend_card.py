"""The text file of a scoring back-end: what was fitted for each kind of sensor, on what data."""

from __future__ import annotations

import msgspec

from gallery.scoring.thresholds import ImpostorScores

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
        impostors: the impostor scores for its thresholds; None where too few people are known for any.
    """

    fitted_on: FittedOn
    weights: dict[str, float]
    impostors: ImpostorScores | None = None


class SensorCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was fitted for one kind of sensor.

    Attributes:
        projection: training data of the projection; None where there is none.
        impostors: the impostor scores for thresholds; None where too few people are known for any.
        fusion: None where too few people are known for one.
    """

    projection: FittedOn | None = None
    impostors: ImpostorScores | None = None
    fusion: FusionCard | None = None


class BackendCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        encoder: a line about the encoder of the contract.
        sensors: by kind of sensor.
    """

    encoder: str
    sensors: dict[str, SensorCard]
