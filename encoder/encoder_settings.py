"""What the parent and the encoder process tell each other; cheap to import."""

from __future__ import annotations

import msgspec

from stream.bus.sockets import Wiring

__all__ = ["EncoderCard", "EncoderOrders"]


class EncoderOrders(msgspec.Struct, frozen=True):
    """What the encoder process is told.

    Attributes:
        wiring: the run's sockets.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        weights: files and trained folders, see `encoder.weights.load_encoder`; none stand for the default.
        contract: that the weights must have; empty the first time, when any will do.
    """

    wiring: Wiring
    device: str
    weights: tuple[str, ...] = ()
    contract: str = ""


class EncoderCard(msgspec.Struct, frozen=True):
    """What the encoder process says of itself, as JSON in its heartbeat.

    Attributes:
        contract: the id that its CAGEs carry.
        f: skeletons a window.
        features: what made them, for people.
        device: where it computes.
    """

    contract: str
    f: int
    features: str
    device: str
