"""Settings of the encoder process, and what it reports about itself. Imports neither numpy nor torch."""

from __future__ import annotations

import msgspec

from encoder.precision import Precision
from stream.bus.sockets import Wiring

__all__ = ["EncoderInfo", "EncoderSettings", "describe_encoder", "spread_device"]


class EncoderSettings(msgspec.Struct, frozen=True):
    """Settings of the encoder process.

    Attributes:
        wiring: the run's sockets.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        precision: of the encoder's products and states.
        weights: weights files and training folders, see `encoder.weights.load_encoder`; empty for the
            default.
        contract: the contract id that the weights must have; empty at the first start, which accepts any.
        index: number of the process among all encoder processes of the run, from 0.
    """

    wiring: Wiring
    device: str
    precision: Precision = "fp32"
    weights: tuple[str, ...] = ()
    contract: str = ""
    index: int = 0


class EncoderInfo(msgspec.Struct, frozen=True):
    """What the encoder process reports about itself, as JSON in its heartbeat.

    Attributes:
        contract: the contract id of its CAGEs.
        f: skeletons of a window.
        description: one line for users, see `describe_encoder`.
        device: the device it computes on.
    """

    contract: str
    f: int
    description: str
    device: str


def describe_encoder(weights: str, precision: Precision) -> str:
    """Returns one line for users that names the weights, and the precision unless it is fp32.

    Args:
        weights: their description.
        precision: of the encoder.
    """
    return weights if precision == "fp32" else f"{weights}, in {precision}"


def spread_device(device: str, index: int, gpus: int) -> str:
    """Returns the device of one of several encoder processes: with several GPUs, they take turns.

    Args:
        device: of all encoders; one that names a single GPU, or the CPU, stays.
        index: number of the encoder process, from 0.
        gpus: number of GPUs of this machine.
    """
    return f"cuda:{index % gpus}" if device in ("auto", "cuda") and gpus > 1 else device
