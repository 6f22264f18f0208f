"""The contract: identifies everything that determines a CAGE. Imports neither numpy nor torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

__all__ = ["Contract", "combine_contracts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Everything that determines a CAGE. Templates and CAGEs are comparable only under the same contract.

    Attributes:
        model: SHA-256 of the weights, 64 hexadecimal digits (`encoder.weights.weights_digest`); for several
            encoders see `combine_contracts`.
        rate_hz: skeletons per second of a window.
        f: skeletons of a window.
        joints: joints of a skeleton.
        normalisation: the normalisation of the skeletons, and their unit.
        dimension: length of a skeleton-level CAGE.
        pose: number of pose features appended to each skeleton-level CAGE (`encoder.pose`); 0 without them.
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
        """Length of a skeleton-level CAGE with its pose features."""
        return self.dimension + self.pose

    @property
    def id(self) -> str:
        """16 hexadecimal digits of the SHA-256 over the fields as canonical JSON (sorted keys, no spaces)."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]

    @property
    def window_format(self) -> str:
        """Description of the windows that the encoder reads, for users."""
        return f"{self.f} skeletons of {self.joints} joints, {self.rate_hz} per second, {self.normalisation}"


def combine_contracts(parts: Sequence[Contract]) -> Contract:
    """Returns the contract of the concatenated CAGEs of several encoders, in the given order.

    Args:
        parts: the contracts of the encoders, at least one; a single one is returned unchanged.

    Returns:
        The common fields, the sum of the dimensions, and as model the SHA-256 over the ids, one per line.

    Raises:
        ValueError: the contracts differ in their windows (rate, f, joints or normalisation).
    """
    first, *others = parts
    if not others:
        return first
    for part in others:
        if part.window_format != first.window_format:
            raise ValueError(
                f"parts: expected the same windows, got {first.window_format} and {part.window_format}"
            )
    ids = "".join(f"{part.id}\n" for part in parts)
    model = hashlib.sha256(ids.encode("ascii")).hexdigest()
    return replace(first, model=model, dimension=sum(part.dimension for part in parts))
