"""Encodes windows for the live system: any number per call, with the same bits however they are grouped."""

from __future__ import annotations

import re

import numpy as np
import torch
from numpy.typing import ArrayLike

from encoder import onednn
from encoder.batch_sizes import BatchSizes, choose_batch_sizes, encode_in_batches
from encoder.contract import Contract
from encoder.model import GaitEncoder
from encoder.pose import pose_features
from encoder.precision import Precision
from encoder.weights import LoadedEncoder
from stream.body import FloatArray
from stream.errors import UserError

__all__ = ["Encoder", "resolve_device"]

_BATCH_SIZES = {"cpu": (BatchSizes(2, 128), BatchSizes(8, 8)), "cuda": (BatchSizes(64, 64),)}
"""In order of preference. On a CPU 64 windows take about 40 times as long as one, and 128 80 times."""

_DTYPES: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}


def resolve_device(name: str) -> torch.device:
    """Returns the device for a name: `auto` (CUDA if available, else the CPU), `cpu`, `cuda` or `cuda:N`.

    Raises:
        UserError: the name is unknown, or this machine has no such device.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise UserError(f"device {name!r} is unknown; use auto, cpu, cuda or cuda:0")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UserError(f"device {name}: torch finds no usable CUDA GPU; use auto or cpu")
    device = torch.device("cuda" if name == "auto" else name)
    if (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device {name}: this machine has {torch.cuda.device_count()} GPU(s), counted from 0")
    return device


class _SingleEncoder:
    """One of several encoders. A window's CAGE has the same bits whatever other windows are in the call."""

    def __init__(self, model: GaitEncoder, device: torch.device, precision: Precision) -> None:
        self._device = device
        self._shape = (model.config.f, model.config.joints, 3)
        self._sizes: BatchSizes | None = None
        model.eval()
        if device.type == "cpu" and onednn.supported():
            self._encode = onednn.OneDnnEncoder(model, _DTYPES[precision]).encode
        else:
            self._encode = model.to(device).encode

    def warm_up(self) -> BatchSizes:
        """Chooses the sizes of the batches."""
        self._sizes = choose_batch_sizes(self._compute, self._shape, _BATCH_SIZES[self._device.type])
        return self._sizes

    def encode(self, windows: FloatArray) -> FloatArray:
        """Returns the CAGEs (n, f, 3 K) of windows (n, f, J, 3), n at least 1."""
        return encode_in_batches(self._compute, windows, self._sizes or self.warm_up())

    def _compute(self, windows: FloatArray) -> FloatArray:
        with torch.inference_mode():
            # A copy, because received windows are read-only.
            cages = self._encode(torch.from_numpy(np.array(windows)).to(self._device))
        result: FloatArray = cages.cpu().numpy()
        return result


class Encoder:
    """Turns windows into CAGEs on one device. Not thread-safe.

    The bits of a window's CAGE do not depend on the other windows of the call. With several encoders, each
    gives the same bits as when it is used alone.

    Args:
        loaded: the encoder; its models are moved to the device.
        device: see `resolve_device`.
        precision: `fp32`, or `bf16` on a CPU that has products of such numbers: faster, with CAGEs that
            differ by about 0.5 % (root mean square).
        threads: sets torch's number of CPU threads for the whole process; None leaves it unchanged. More than
            one thread helps only if cores are idle: at every product all threads wait for the slowest.

    Attributes:
        device: the device it computes on.
        contract: the contract of its CAGEs.
        window_shape: (f, J, 3).

    Raises:
        UserError: the device does not exist, or does not have the precision.
    """

    def __init__(
        self,
        loaded: LoadedEncoder,
        device: str = "auto",
        *,
        precision: Precision = "fp32",
        threads: int | None = 1,
    ) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.device: torch.device = resolve_device(device)
        if precision == "bf16" and not (self.device.type == "cpu" and onednn.bf16_supported()):
            raise UserError(
                f"--precision bf16: expected a CPU with products of bf16 numbers (AVX-512 BF16 or AMX), and "
                f"{self.device} {'is none' if self.device.type != 'cpu' else 'has none'}; use fp32"
            )
        self.contract: Contract = loaded.contract
        self.window_shape: tuple[int, int, int] = (self.contract.f, self.contract.joints, 3)
        self._encoders = [_SingleEncoder(model, self.device, precision) for model in loaded.models]

    @property
    def empty(self) -> FloatArray:
        """The result for no windows, (0, f, D)."""
        return np.empty((0, self.contract.f, self.contract.width), np.float32)

    def warm_up(self) -> None:
        """Computes once, so that the first real window is not delayed; `encode` does it if it was not done.

        It also measures which batches give the same bits on this machine; see `encoder.batch_sizes`.
        """
        for encoder in self._encoders:
            encoder.warm_up()

    def encode(self, windows: ArrayLike) -> FloatArray:
        """Returns the CAGEs of windows, in the same order.

        Args:
            windows: (n, f, J, 3) float32, hip-centred, metres, in order of time; n may be 0.

        Returns:
            (n, f, D) float32, D the contract's width: the 3 K numbers of each encoder, concatenated as by
            `encoder.training.pretext.concatenate_cages`, then the pose features if the contract has them.
            Axis 1 counts the decoder's steps, which run backwards in time (Eq. 11).

        Raises:
            ValueError: the shape is wrong, or a number is not finite.
        """
        array = np.asarray(windows, dtype=np.float32)
        if array.shape[1:] != self.window_shape:
            f, joints, _ = self.window_shape
            raise ValueError(f"windows: expected shape (n, {f}, {joints}, 3), got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError("windows: expected finite coordinates, got NaN or infinity")
        if not len(array):
            return self.empty
        parts = [encoder.encode(array) for encoder in self._encoders]
        return np.concatenate([*parts, pose_features(array)] if self.contract.pose else parts, axis=-1)
