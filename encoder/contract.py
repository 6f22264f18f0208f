"""What a template and a CAGE must agree on to be compared; imports nothing heavy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

__all__ = ["Contract", "side_by_side"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What made a CAGE. Two CAGEs may be compared only where their contracts are equal.

    Attributes:
        model: SHA-256 of the weights, 64 hexadecimal digits (`encoder.weights.weights_digest`); of several
            encoders see `side_by_side`.
        rate_hz: skeletons a second of a window.
        f: skeletons of a window.
        joints: joints of a skeleton.
        normalisation: how skeletons are normalised, and their unit.
        dimension: numbers of a skeleton-level CAGE.
        pose: numbers that stand behind each CAGE, see `encoder.pose`; 0 where there are none.
    """

    model: str
    rate_hz: int = 30
    f: int = 6
    joints: int = 20
    normalisation: str = "hip-centred metres"
    dimension: int = 768
    pose: int = 0

    @property
    def width(self) -> int:
        """Numbers of a skeleton in all."""
        return self.dimension + self.pose

    @property
    def id(self) -> str:
        """16 hexadecimal digits of the SHA-256 over the fields as canonical JSON (sorted keys, no spaces)."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]

    @property
    def windows(self) -> str:
        """Which windows the encoder reads, for people."""
        return f"{self.f} skeletons of {self.joints} joints, {self.rate_hz} a second, {self.normalisation}"


def side_by_side(parts: Sequence[Contract]) -> Contract:
    """What CAGEs stand under that are those of several encoders, put side by side in this order.

    Args:
        parts: of the encoders, at least one; a single one is its own.

    Returns:
        Their common fields, the dimensions added up, and the SHA-256 over their ids, a line each, as model.

    Raises:
        ValueError: they differ in what describes a window (rate, f, joints, normalisation).
    """
    first, *others = parts
    if not others:
        return first
    for part in others:
        if part.windows != first.windows:
            raise ValueError(f"parts: expected the same windows, got {first.windows} and {part.windows}")
    ids = "".join(f"{part.id}\n" for part in parts)
    model = hashlib.sha256(ids.encode("ascii")).hexdigest()
    return replace(first, model=model, dimension=sum(part.dimension for part in parts))
