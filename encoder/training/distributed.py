"""Training of one encoder by several processes, on one machine or on several that share the files.

    torchrun --standalone --nproc-per-node 2 -m stream train DATA... --out DIR

starts two processes on this machine (with CUDA, use one process per GPU). Every process computes its share of
each joint batch of `TrainConfig.batch` windows. The gradients are summed over the processes before clipping,
so the losses are those of a single process with the joint batch. Only process 0 writes files and output. The
number of processes may change when a training is resumed. A user error in one process ends all of them: one
reports it, and each exits with its status (torchrun itself exits with 1, after its own report).

The processes communicate by gloo on CPUs and by nccl between GPUs; if all run on one machine, only over its
loopback interface. torch's DistributedDataParallel is not used: it averages the losses of separate batches,
but the contrastive loss needs the windows of all processes.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from encoder.inference import resolve_device
from stream.errors import RunError, SgeError, UserError

__all__ = ["SINGLE_PROCESS", "PeerError", "ProcessGroup", "join_process_group"]

_REQUIRED_VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class PeerError(RunError):
    """Another process of the training ended with an error, which it reports itself.

    Args:
        text: the error message of the other process.
        exit_code: the exit status of the other process.
    """

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The processes of one training, from the view of one of them.

    Attributes:
        rank: number of this process, from 0.
        size: number of processes.
        local_rank: number of this process on its machine, from 0.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files and the output."""
        return self.rank == 0

    def device(self, name: str) -> torch.device:
        """Returns the device for a name (`encoder.inference.resolve_device`); each process gets its own GPU.

        Raises:
            UserError: the device does not exist, or there is no GPU left for this process.
        """
        device = resolve_device(name)
        if self.size == 1 or device.type == "cpu":
            return device
        if device.index is not None:
            raise UserError(
                f"device {name}: expected auto, cuda or cpu, because every process uses its own GPU"
            )
        if self.local_rank >= torch.cuda.device_count():
            raise UserError(
                f"device {name}: expected a GPU for each process, but this machine has "
                f"{torch.cuda.device_count()}; start fewer processes, or use cpu"
            )
        return torch.device("cuda", self.local_rank)

    def share(self, count: int) -> slice:
        """Returns this process's share of `count` rows; it is empty if there are too few rows."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def gather(self, rows: Tensor, count: int) -> Tensor:
        """Returns the concatenated rows of all processes.

        Args:
            rows: (3, m, K), the rows of this process's share.
            count: n, the number of rows of all processes.

        Returns:
            (3, n, K). Every process must compute the same loss from it; backpropagation then returns the
            gradient of the process's own rows.
        """
        if self.size == 1:
            return rows
        apply: Any = _Gather.apply  # untyped in torch
        joint: Tensor = apply(rows, self.share(count), count)
        return joint

    def sum_over_processes(self, tensors: Sequence[Tensor]) -> None:
        """Replaces each tensor by its sum over all processes."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        with _connected():
            dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def anywhere(self, *flags: bool) -> tuple[bool, ...]:
        """Returns for each flag whether it is set in any process."""
        if self.size == 1:
            return flags
        joint = torch.tensor(flags, dtype=torch.int32)
        with _connected():
            dist.all_reduce(joint, dist.ReduceOp.MAX)
        return tuple(bool(flag) for flag in joint)

    def exchange(self, text: str) -> tuple[str, ...]:
        """Sends a text to all processes; returns the texts of all, in the order of their ranks."""
        if self.size == 1:
            return (text,)
        # The line feed keeps an empty text from being an empty tensor.
        own = torch.frombuffer(bytearray(text.encode() + b"\n"), dtype=torch.uint8)
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with _connected():
            dist.all_gather(lengths, torch.tensor([len(own)]))
            longest = max(int(length) for length in lengths)
            received = [torch.zeros(longest, dtype=torch.uint8) for _ in range(self.size)]
            dist.all_gather(received, torch.nn.functional.pad(own, (0, longest - len(own))))
        return tuple(
            bytes(one[: int(length) - 1].tolist()).decode()
            for one, length in zip(received, lengths, strict=True)
        )

    @contextmanager
    def raise_together(self) -> Iterator[None]:
        """Lets all processes leave the block, or all raise, so that none waits for a process that failed.

        The block itself must not communicate with the other processes.

        Raises:
            PeerError: another process failed. If this process failed as well, the other has a smaller rank.
        """
        if self.size == 1:
            yield
            return
        own_error: Exception | None = None
        try:
            yield
        except Exception as error:
            own_error = error
        code = own_error.exit_code if isinstance(own_error, SgeError) else 1
        errors = self.exchange("" if own_error is None else json.dumps([code, str(own_error)]))
        first = next((rank for rank, text in enumerate(errors) if text), None)
        if own_error is not None and first == self.rank:
            raise own_error
        if first is not None:
            code, text = json.loads(errors[first])
            raise PeerError(f"process {first}: {text}", code) from own_error


SINGLE_PROCESS = ProcessGroup()
"""The group of a training with one process."""


@contextmanager
def join_process_group() -> Iterator[ProcessGroup]:
    """Joins the processes that torchrun started; without torchrun yields `SINGLE_PROCESS`.

    Raises:
        UserError: the environment variables are incomplete, or this torch has no support for several
            processes.
        RunError: the other processes cannot be reached.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield SINGLE_PROCESS
        return
    given = [os.environ.get(name, "") for name in _REQUIRED_VARIABLES]
    numbers = [*given[:2], given[3], os.environ.get("LOCAL_RANK", given[0])]
    if not given[2] or not all(number.isdecimal() for number in numbers):
        raise UserError(
            f"WORLD_SIZE is {given[1]}: expected {', '.join(_REQUIRED_VARIABLES)} as well; start "
            "several processes with torchrun, or clear WORLD_SIZE"
        )
    if not dist.is_available():
        raise UserError("this torch does not support several processes; start one, without torchrun")
    group = ProcessGroup(int(given[0]), int(given[1]), int(numbers[3]))
    _use_loopback_if_local(given[2])
    # Imported before there is a group. The optimiser imports this module later, and the default arguments of
    # its functions would then hold the group: its threads would outlive it and abort the process at exit.
    importlib.import_module("torch.distributed.nn")
    with _connected():
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield group
    finally:
        dist.destroy_process_group()


def _use_loopback_if_local(master: str) -> None:
    """Restricts communication to the loopback interface if all processes are on this machine."""
    try:
        loopback = ipaddress.ip_address(socket.gethostbyname(master)).is_loopback
    except (OSError, ValueError):
        return  # init_process_group reports what is wrong with the address
    names = [name for _, name in socket.if_nameindex()]
    if loopback and (name := next((n for n in ("lo", "lo0") if n in names), None)):
        os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
        os.environ.setdefault("NCCL_SOCKET_IFNAME", name)


@contextmanager
def _connected() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise RunError(
            "another process of this training has ended, or cannot be reached; start all of them again, the "
            "training resumes from its last checkpoint"
        ) from error


class _Gather(torch.autograd.Function):
    """Concatenates the rows of all processes, as the sum of zero-padded rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, share: slice, count: int) -> Tensor:
        ctx.share = share
        joint = rows.new_zeros(rows.shape[0], count, rows.shape[2])
        joint[:, share] = rows
        with _connected():
            dist.all_reduce(joint)
        return joint

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0][:, ctx.share], None, None
