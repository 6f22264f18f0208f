"""Sockets that only this run's processes can use.

On one host the sockets are `ipc` files in a folder that only its owner may enter. Where there is no `ipc`
(Windows) they are tcp on loopback under CURVE: one key pair a run, and whoever does not hold it is refused.
"""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

import msgspec
import zmq

from stream.bus.zap import Doorman

__all__ = ["CHANNELS", "Bus", "Channel", "Wiring", "lay_wires"]

Channel = Literal["windows", "cages", "acks", "sink", "status", "control", "decisions", "pictures"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

HIGH_WATER = 4
"""Messages a socket may hold. Few: what waits grows old (at 1000, 1.5 s old under 2 x overload)."""

LINGER_MS = 500
"""How long closing waits for what was sent last; ZeroMQ's own default waits for ever."""

MAX_MESSAGE = 16 * 2**20
_IPC_PATH_MAX = 100


class Wiring(msgspec.Struct, frozen=True):
    """Where a run's sockets are, and the key to them; passed to its processes by pipe, never by argument.

    Attributes:
        endpoints: one for each channel.
        public_key: Z85, of the run's CURVE pair; empty for ipc.
        secret_key: Z85.
    """

    endpoints: dict[Channel, str]
    public_key: str = ""
    secret_key: str = ""


def lay_wires(folder: Path, transport: str | None = None) -> Wiring:
    """Choose the endpoints of a new run.

    Args:
        folder: a folder that only this user may enter.
        transport: `ipc` or `tcp`; by default what the system has (`SGE_TRANSPORT` overrides).
    """
    transport = transport or os.environ.get("SGE_TRANSPORT") or ("tcp" if sys.platform == "win32" else "ipc")
    too_long = len(str(folder)) + 16 > _IPC_PATH_MAX
    if transport == "ipc" and not too_long:
        return Wiring({name: f"ipc://{folder / name}" for name in CHANNELS})
    public, secret = zmq.curve_keypair()
    ports = _free_ports(len(CHANNELS))
    endpoints = {name: f"tcp://127.0.0.1:{port}" for name, port in zip(CHANNELS, ports, strict=True)}
    return Wiring(endpoints, public.decode(), secret.decode())


def _free_ports(count: int) -> list[int]:
    holders = [socket.socket() for _ in range(count)]
    try:
        for holder in holders:
            holder.bind(("127.0.0.1", 0))
        return [int(holder.getsockname()[1]) for holder in holders]
    finally:
        for holder in holders:
            holder.close()


class Bus:
    """One process's sockets of a run; closing it takes at most `LINGER_MS`."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        self._doorman: Doorman | None = None

    def bind(self, kind: int, channel: Channel, high_water: int = HIGH_WATER) -> zmq.Socket[bytes]:
        """Open the channel's one bound end."""
        made = self._socket(kind, high_water)
        if self._wiring.public_key:
            self._doorman = self._doorman or Doorman(self._context, self._wiring.public_key)
            made.curve_server = True
            made.curve_publickey = self._wiring.public_key.encode()
            made.curve_secretkey = self._wiring.secret_key.encode()
        made.bind(self._wiring.endpoints[channel])
        return made

    def connect(
        self, kind: int, channel: Channel, high_water: int = HIGH_WATER, identity: bytes = b""
    ) -> zmq.Socket[bytes]:
        """Open another end of the channel."""
        made = self._socket(kind, high_water)
        if identity:
            made.identity = identity
        if self._wiring.public_key:
            made.curve_serverkey = self._wiring.public_key.encode()
            made.curve_publickey = self._wiring.public_key.encode()
            made.curve_secretkey = self._wiring.secret_key.encode()
        made.connect(self._wiring.endpoints[channel])
        return made

    def _socket(self, kind: int, high_water: int) -> zmq.Socket[bytes]:
        made = self._context.socket(kind)
        made.linger = LINGER_MS
        made.set_hwm(high_water)
        made.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        self._sockets.append(made)
        return made

    def close(self) -> None:
        """Close every socket, waiting a moment for the last messages to leave."""
        for made in self._sockets:
            made.close()
        if self._doorman is not None:
            self._doorman.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
