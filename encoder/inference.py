"""Encodes windows for the live system: any number per call, with the same bits however they are grouped."""

from __future__ import annotations

import re

import numpy as np
import torch
from numpy.typing import ArrayLike

from encoder.contract import Contract
from encoder.model import GaitEncoder
from encoder.pose import pose_features
from encoder.weights import LoadedEncoder
from stream.body import FloatArray
from stream.errors import UserError

__all__ = ["Encoder", "resolve_device"]

_CHUNK = {"cpu": 8, "cuda": 64}
"""Windows computed at once. On a CPU, memory traffic for the weights dominates small batches: measured on one
Xeon core, 1 window takes 8 ms, 8 take 11 and 64 take 45."""


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
    """One of several encoders. A window's CAGE has the same bits whatever other windows are in the call.

    The rounding of a matrix product depends on its number of rows, so every computation has the same number
    of rows; the last one is padded with zeros.
    """

    def __init__(self, model: GaitEncoder, device: torch.device) -> None:
        self._model = model.eval().to(device)
        self._device = device
        self._shape = (model.config.f, model.config.joints, 3)
        self._chunk = 0

    def warm_up(self) -> None:
        """Sets the chunk size: 1 if the rounding of a row depends on its position in a chunk."""
        chunk = _CHUNK[self._device.type]
        windows = np.random.RandomState(0).standard_normal((chunk, *self._shape)).astype(np.float32)
        cages = self._compute(windows, chunk)
        equal = (
            np.array_equal(np.roll(cages, shift, axis=0), self._compute(np.roll(windows, shift, 0), chunk))
            for shift in range(1, chunk)
        )
        self._chunk = chunk if all(equal) else 1

    def encode(self, windows: FloatArray) -> FloatArray:
        """Returns the CAGEs (n, f, 3 K) of windows (n, f, J, 3), n at least 1."""
        if not self._chunk:
            self.warm_up()
        starts = range(0, len(windows), self._chunk)
        return np.concatenate([self._compute(windows[s : s + self._chunk], self._chunk) for s in starts])

    def _compute(self, windows: FloatArray, chunk: int) -> FloatArray:
        padded = torch.zeros(chunk, *self._shape)
        padded.numpy()[: len(windows)] = windows
        with torch.inference_mode():
            cages = self._model.encode(padded.to(self._device))
        result: FloatArray = cages.cpu().numpy()[: len(windows)]
        return result


class Encoder:
    """Turns windows into CAGEs on one device. Not thread-safe.

    The bits of a window's CAGE do not depend on the other windows of the call. With several encoders, each
    gives the same bits as when it is used alone.

    Args:
        loaded: the encoder; its models are moved to the device.
        device: see `resolve_device`.
        threads: sets torch's number of CPU threads for the whole process; None leaves it unchanged. More than
            one thread helps only if cores are idle: at every product all threads wait for the slowest.

    Attributes:
        device: the device it computes on.
        contract: the contract of its CAGEs.
        window_shape: (f, J, 3).

    Raises:
        UserError: the device does not exist.
    """

    def __init__(self, loaded: LoadedEncoder, device: str = "auto", *, threads: int | None = 1) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.device: torch.device = resolve_device(device)
        self.contract: Contract = loaded.contract
        self.window_shape: tuple[int, int, int] = (self.contract.f, self.contract.joints, 3)
        self._encoders = [_SingleEncoder(model, self.device) for model in loaded.models]

    @property
    def empty(self) -> FloatArray:
        """The result for no windows, (0, f, D)."""
        return np.empty((0, self.contract.f, self.contract.width), np.float32)

    def warm_up(self) -> None:
        """Computes once, so that the first real window is not delayed; `encode` does it if it was not done.

        It also detects encoders whose rounding on this machine depends on a row's position in the batch: they
        compute one window at a time.
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
