"""The names of the pretext tasks (paper section 3.1), which are also the names of their weights' folders."""

from __future__ import annotations

from enum import StrEnum

from encoder.attention import Decoding

__all__ = ["Pretext", "parse_pretexts"]


class Pretext(StrEnum):
    """What the network learns by, for a window S_1..S_f (paper sections 3.1.1 and 3.1.2).

    Attributes:
        REVERSE: S_1..S_f in, S_f..S_1 out (Rev. Rec.).
        PLAIN: S_1..S_f in and out, in the same order (Table 4 without Rev. Rec.).
        PREDICTION: S_1..S_f in, S_{f+1}..S_{2f} out.
        PREDICTION_HALF: S_1..S_f in, S_{f/2+1}..S_{3f/2} out.
        SORTING: S_1..S_f shuffled in, S_1..S_f out.
    """

    REVERSE = "reverse"
    PLAIN = "plain"
    PREDICTION = "prediction"
    PREDICTION_HALF = "prediction-half"
    SORTING = "sorting"

    @property
    def sequential(self) -> bool:
        """Whether it reconstructs its input in order: only then a locality mask makes sense (Sec. 3.2.2)."""
        return self in {Pretext.REVERSE, Pretext.PLAIN}

    @property
    def decoding(self) -> Decoding:
        """The order in which its decoder gives the skeletons, as far as a locality mask asks for one."""
        return Decoding.PLAIN if self is Pretext.PLAIN else Decoding.REVERSE


def parse_pretexts(text: str) -> tuple[Pretext, ...]:
    """The tasks of `reverse` or `reverse+prediction+sorting` (the paper's Rev. Rec. Plus), in their order.

    Raises:
        ValueError: a task is unknown or named twice.
    """
    names = text.split("+")
    known = ", ".join(Pretext)
    if odd := [name for name in names if name not in set(Pretext)]:
        raise ValueError(f"pretext: expected {known}, or several with + between, got {odd[0]!r} in {text!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"pretext: expected each task once, got {text!r}")
    return tuple(Pretext(name) for name in names)
