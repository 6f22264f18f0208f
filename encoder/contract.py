"""What a template and a CAGE must agree on to be compared; imports nothing heavy."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

__all__ = ["Contract"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What made a CAGE. Two CAGEs may be compared only where their contracts are equal.

    Attributes:
        model: SHA-256 of the weights, 64 hexadecimal digits (`encoder.weights.weights_digest`).
        rate_hz: skeletons a second of a window.
        f: skeletons of a window.
        joints: joints of a skeleton.
        normalisation: how skeletons are normalised, and their unit.
        dimension: numbers of a skeleton-level CAGE.
    """

    model: str
    rate_hz: int = 30
    f: int = 6
    joints: int = 20
    normalisation: str = "hip-centred metres"
    dimension: int = 768

    @property
    def id(self) -> str:
        """16 hexadecimal digits of the SHA-256 over the fields as canonical JSON (sorted keys, no spaces)."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]
