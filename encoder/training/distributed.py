"""Several processes that train one encoder together: on one machine, or on several that see the same files.

    torchrun --standalone --nproc-per-node 2 -m stream train DATA... --out DIR

starts two here (on a machine with CUDA give each GPU one). Every process learns from its share of every
joint batch, `TrainConfig.batch` windows in all, and their gradients are added up before they are clipped, so
that the losses are those of one process with the joint batch. Process 0 alone writes files and the screen;
how many there are may change when a training goes on. A user's error in one of them ends all: one says it,
each exits with its status (torchrun's own is 1, after a report of its own).

The processes talk by gloo on a CPU and by nccl between GPUs; where all are on this machine, over its loopback
only. torch's DistributedDataParallel is not used: it averages the losses of separate batches, and the
contrastive loss needs the windows of all.
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

__all__ = ["ALONE", "PeerError", "Team", "join_team"]

_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class PeerError(RunError):
    """Another process of the training has ended with an error, which it tells itself.

    Args:
        text: its error.
        exit_code: its exit status.
    """

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of one training, seen from one of them.

    Attributes:
        rank: this one's number, from 0.
        size: how many there are.
        local: this one's number on its machine, from 0.
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and the screen."""
        return self.rank == 0

    def device(self, name: str) -> torch.device:
        """The device of a name, see `encoder.inference.resolve_device`; a GPU of its own for each process.

        Raises:
            UserError: there is no such device, or no GPU left for this process.
        """
        device = resolve_device(name)
        if self.size == 1 or device.type == "cpu":
            return device
        if device.index is not None:
            raise UserError(
                f"device {name}: expected auto, cuda or cpu, several processes each take a GPU of their own"
            )
        if self.local >= torch.cuda.device_count():
            raise UserError(
                f"device {name}: expected a GPU for each process, this machine has "
                f"{torch.cuda.device_count()}; start fewer processes, or give cpu"
            )
        return torch.device("cuda", self.local)

    def share(self, count: int) -> slice:
        """Which of so many rows are this process's; without one where there are more processes than rows."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def gather(self, rows: Tensor, count: int) -> Tensor:
        """The rows of all processes, side by side.

        Args:
            rows: (3, m, K), of this process's share.
            count: n, rows of all.

        Returns:
            (3, n, K). Every process is taken to compute the same loss of it, and gets back the gradient of
            its own rows.
        """
        if self.size == 1:
            return rows
        apply: Any = _Gather.apply  # torch leaves it untyped
        joint: Tensor = apply(rows, self.share(count), count)
        return joint

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Put into each tensor the sum of the same one of all processes."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        with _connected():
            dist.all_reduce(flat)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def tell(self, text: str) -> tuple[str, ...]:
        """What each process says, by its number."""
        if self.size == 1:
            return (text,)
        said = torch.frombuffer(bytearray(text.encode() + b"\n"), dtype=torch.uint8)
        lengths = [torch.zeros(1, dtype=torch.int64) for _ in range(self.size)]
        with _connected():
            dist.all_gather(lengths, torch.tensor([len(said)]))
            room = max(int(length) for length in lengths)
            heard = [torch.zeros(room, dtype=torch.uint8) for _ in range(self.size)]
            dist.all_gather(heard, torch.nn.functional.pad(said, (0, room - len(said))))
        return tuple(
            bytes(one[: int(length) - 1].tolist()).decode()
            for one, length in zip(heard, lengths, strict=True)
        )

    @contextmanager
    def together(self) -> Iterator[None]:
        """All processes leave the block, or all raise: none waits for one that has met an error.

        The block itself must not talk to the others.

        Raises:
            PeerError: another process has met an error, and has a smaller number than one that was met here.
        """
        if self.size == 1:
            yield
            return
        mine: Exception | None = None
        try:
            yield
        except Exception as error:
            mine = error
        code = mine.exit_code if isinstance(mine, SgeError) else 1
        told = self.tell("" if mine is None else json.dumps([code, str(mine)]))
        first = next((rank for rank, text in enumerate(told) if text), None)
        if mine is not None and first == self.rank:
            raise mine
        if first is not None:
            code, text = json.loads(told[first])
            raise PeerError(f"process {first}: {text}", code) from mine


ALONE = Team()
"""One process."""


@contextmanager
def join_team() -> Iterator[Team]:
    """Join the processes that torchrun started; alone where it did not.

    Raises:
        UserError: the environment is not torchrun's, or this torch cannot.
        RunError: the other processes cannot be reached.
    """
    if os.environ.get("WORLD_SIZE", "1") == "1":
        yield ALONE
        return
    given = [os.environ.get(name, "") for name in _NEEDED]
    numbers = [*given[:2], given[3], os.environ.get("LOCAL_RANK", given[0])]
    if not given[2] or not all(number.isdecimal() for number in numbers):
        raise UserError(
            f"WORLD_SIZE is {given[1]}: expected {', '.join(_NEEDED)} beside it; start several processes "
            "with torchrun, or clear WORLD_SIZE"
        )
    if not dist.is_available():
        raise UserError("this torch cannot train with several processes; start one, without torchrun")
    team = Team(int(given[0]), int(given[1]), int(numbers[3]))
    _stay_on_loopback(given[2])
    # Its functions' defaults name the group that is there when torch imports it, which the optimiser makes it
    # do: kept alive by them, the group's threads would outlive it and abort the process at its end.
    importlib.import_module("torch.distributed.nn")
    with _connected():
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield team
    finally:
        dist.destroy_process_group()


def _stay_on_loopback(master: str) -> None:
    """Where all processes are on this machine, let no other reach them."""
    try:
        loopback = ipaddress.ip_address(socket.gethostbyname(master)).is_loopback
    except (OSError, ValueError):
        return  # init_process_group says what is wrong with the address
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
            "another process of this training has ended, or cannot be reached; start all of them again, a "
            "training goes on from its last checkpoint"
        ) from error


class _Gather(torch.autograd.Function):
    """Every process puts its rows into zeros; the sum of all is the joint batch, whatever their shares."""

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
