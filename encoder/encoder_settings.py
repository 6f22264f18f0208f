"""Settings of the encoder process, and what it reports about itself. Imports neither numpy nor torch."""

from __future__ import annotations

import msgspec

from encoder.precision import Precision
from stream.bus.sockets import Wiring

__all__ = ["EncoderInfo", "EncoderSettings"]


class EncoderSettings(msgspec.Struct, frozen=True):
    """Settings of the encoder process.

    Attributes:
        wiring: the run's sockets.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        precision: of the encoder's products and states.
        weights: weights files and training folders, see `encoder.weights.load_encoder`; empty for the
            default.
        contract: the contract id that the weights must have; empty at the first start, which accepts any.
    """

    wiring: Wiring
    device: str
    precision: Precision = "fp32"
    weights: tuple[str, ...] = ()
    contract: str = ""


class EncoderInfo(msgspec.Struct, frozen=True):
    """What the encoder process reports about itself, as JSON in its heartbeat.

    Attributes:
        contract: the contract id of its CAGEs.
        f: skeletons of a window.
        description: one line for users that names the weights.
        device: the device it computes on.
    """

    contract: str
    f: int
    description: str
    device: str
