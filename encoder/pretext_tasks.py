"""Names of the pretext tasks (paper section 3.1); the training folder of a task has its name."""

from __future__ import annotations

from enum import StrEnum

from encoder.attention import Decoding

__all__ = ["Pretext", "parse_pretexts"]


class Pretext(StrEnum):
    """Self-supervised task of a window S_1..S_f (paper sections 3.1.1 and 3.1.2).

    Attributes:
        REVERSE: input S_1..S_f, target S_f..S_1 (Rev. Rec.).
        PLAIN: input and target S_1..S_f, in the same order (Table 4 without Rev. Rec.).
        PREDICTION: input S_1..S_f, target S_{f+1}..S_{2f}.
        PREDICTION_HALF: input S_1..S_f, target S_{f/2+1}..S_{3f/2}.
        SORTING: input S_1..S_f shuffled, target S_1..S_f.
    """

    REVERSE = "reverse"
    PLAIN = "plain"
    PREDICTION = "prediction"
    PREDICTION_HALF = "prediction-half"
    SORTING = "sorting"

    @property
    def sequential(self) -> bool:
        """Whether the task reconstructs its input in order; only these have a locality mask (Sec. 3.2.2)."""
        return self in {Pretext.REVERSE, Pretext.PLAIN}

    @property
    def decoding(self) -> Decoding:
        """Decoding order of the task, which sets the locality mask of sequential tasks."""
        return Decoding.PLAIN if self is Pretext.PLAIN else Decoding.REVERSE


def parse_pretexts(text: str) -> tuple[Pretext, ...]:
    """Parses `reverse` or `reverse+prediction+sorting` (the paper's Rev. Rec. Plus); keeps the order.

    Raises:
        ValueError: a task is unknown or occurs twice.
    """
    names = text.split("+")
    known = ", ".join(Pretext)
    if odd := [name for name in names if name not in set(Pretext)]:
        raise ValueError(f"pretext: expected {known}, or several joined by +, got {odd[0]!r} in {text!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"pretext: expected each task once, got {text!r}")
    return tuple(Pretext(name) for name in names)
