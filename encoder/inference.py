"""Encoding as the live system does it: any number of windows a call, the same bits however grouped."""

from __future__ import annotations

import re

import numpy as np
import torch
from numpy.typing import ArrayLike

from encoder.contract import Contract
from encoder.model import GaitEncoder
from encoder.pose import pose_numbers
from encoder.weights import LoadedEncoder
from stream.body import FloatArray
from stream.errors import UserError

__all__ = ["Encoder", "resolve_device"]

_CHUNK = {"cpu": 8, "cuda": 64}
"""Windows computed at once. On a CPU fetching the weights dominates small numbers: measured on one Xeon core,
1 window takes 8 ms, 8 take 11 and 64 take 45."""


def resolve_device(name: str) -> torch.device:
    """The device of a name: `auto` (CUDA where there is one, else the CPU), `cpu`, `cuda` or `cuda:N`.

    Raises:
        UserError: the name is none of these, or this machine has no such device.
    """
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", name):
        raise UserError(f"device {name!r} is unknown; use auto, cpu, cuda or cuda:0")
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise UserError(f"device {name}: torch finds no usable CUDA GPU here; use auto or cpu")
    device = torch.device("cuda" if name == "auto" else name)
    if (device.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device {name}: this machine has {torch.cuda.device_count()} GPU(s), counted from 0")
    return device


class _Part:
    """One of the encoders: the same bits for a window, whatever windows and encoders are beside it.

    A matrix product rounds differently for another number of rows, so every computation has one fixed number
    of them, the last padded with zeros.
    """

    def __init__(self, model: GaitEncoder, device: torch.device) -> None:
        self._model = model.eval().to(device)
        self._device = device
        self._shape = (model.config.f, model.config.joints, 3)
        self._chunk = 0

    def warm_up(self) -> None:
        """Shift windows through a chunk: where products round by the place of a row, chunks hold one."""
        chunk = _CHUNK[self._device.type]
        windows = np.random.RandomState(0).standard_normal((chunk, *self._shape)).astype(np.float32)
        straight = self._compute(windows, chunk)
        alike = (
            np.array_equal(np.roll(straight, shift, axis=0), self._compute(np.roll(windows, shift, 0), chunk))
            for shift in range(1, chunk)
        )
        self._chunk = chunk if all(alike) else 1

    def encode(self, windows: FloatArray) -> FloatArray:
        """CAGEs (n, f, 3 K) of windows (n, f, J, 3), n at least 1."""
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
    """Turns windows into CAGEs on one device. Not for several threads at once.

    A row's bits do not depend on the windows that share its call, and those of each of several encoders are
    the ones that it gives alone.

    Args:
        loaded: the encoder; its models are moved to the device.
        device: see `resolve_device`.
        threads: CPU threads of torch in this process, for good; None leaves them as they are. More than one
            pays only where cores are idle: threads that wait for one that has no core wait at every product.

    Attributes:
        device: where it computes.
        contract: what its CAGEs may be compared with.
        window_shape: (f, J, 3).

    Raises:
        UserError: there is no such device.
    """

    def __init__(self, loaded: LoadedEncoder, device: str = "auto", *, threads: int | None = 1) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.device: torch.device = resolve_device(device)
        self.contract: Contract = loaded.contract
        self.window_shape: tuple[int, int, int] = (self.contract.f, self.contract.joints, 3)
        self._parts = [_Part(model, self.device) for model in loaded.models]

    @property
    def nothing(self) -> FloatArray:
        """What no windows give, (0, f, D)."""
        return np.empty((0, self.contract.f, self.contract.width), np.float32)

    def warm_up(self) -> None:
        """Compute once, so that the first real window does not wait for it; `encode` does it where needed.

        It also sees which encoders round by the place of a row here: these compute one by one from then on.
        """
        for part in self._parts:
            part.warm_up()

    def encode(self, windows: ArrayLike) -> FloatArray:
        """CAGEs of windows, in their order.

        Args:
            windows: (n, f, J, 3) float32, hip-centred, metres, in order of time; n may be 0.

        Returns:
            (n, f, D) float32, D the contract's width: 3 K of each encoder, side by side as
            `encoder.training.pretext.concatenate_cages` puts them, then the pose numbers where the contract
            has any. Axis 1 is the decoder's, which runs backwards in time (Eq. 11).

        Raises:
            ValueError: the shape is another, or a number is not finite.
        """
        array = np.asarray(windows, dtype=np.float32)
        if array.shape[1:] != self.window_shape:
            f, joints, _ = self.window_shape
            raise ValueError(f"windows: expected shape (n, {f}, {joints}, 3), got {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError("windows: expected finite coordinates, got NaN or infinity")
        if not len(array):
            return self.nothing
        parts = [part.encode(array) for part in self._parts]
        return np.concatenate([*parts, pose_numbers(array)] if self.contract.pose else parts, axis=-1)
