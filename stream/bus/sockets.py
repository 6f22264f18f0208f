"""Sockets of one run, accessible to its own processes only.

Normally the sockets are `ipc` files in a folder that only its owner can enter. Without `ipc` (Windows) they
are TCP on loopback with CURVE: one key pair for each run; connections without it are refused.
"""

from __future__ import annotations

import os
import socket
import sys
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, get_args

import msgspec
import zmq

from stream.bus.zap_authentication import ZapAuthenticator
from stream.user_text import readable

__all__ = ["CHANNELS", "DECISION_TOPIC", "EVENT_TOPIC", "Bus", "Channel", "Wiring", "create_wiring"]

Channel = Literal[
    "windows", "cages", "acks", "sink", "status", "control", "decisions", "pictures", "skeletons"
]
"""`sink` carries verdicts from the matcher to the parent, `control` enrolment requests to the matcher."""

CHANNELS: tuple[Channel, ...] = get_args(Channel)

DECISION_TOPIC, EVENT_TOPIC = b"decision", b"event"
"""First parts of the messages on `decisions`; the second is the JSON."""

HIGH_WATER = 4
"""Most messages queued in a socket. Messages age in a queue: with 1000, by 1.5 s at twice the capacity."""

LINGER_MS = 500
"""Longest time that closing waits for unsent messages; the default of ZeroMQ is forever."""

MAX_MESSAGE = 16 * 2**20
_IPC_PATH_MAX = 100


class Wiring(msgspec.Struct, frozen=True):
    """Endpoints and keys of a run's sockets; passed to processes by pipe, never as command line argument.

    Attributes:
        endpoints: ZeroMQ endpoints of each channel: one, and for `windows` one for each encoder process.
        public_key: public CURVE key of the run, Z85; empty for ipc.
        secret_key: secret CURVE key of the run, Z85; empty for ipc.
    """

    endpoints: dict[Channel, tuple[str, ...]]
    public_key: str = ""
    secret_key: str = ""


def create_wiring(folder: Path, transport: str | None = None, *, encoders: int = 1) -> Wiring:
    """Creates the endpoints and keys of a new run.

    Args:
        folder: a folder that only this user can enter.
        transport: `ipc` or `tcp`; default: the environment variable `SGE_TRANSPORT`, else `tcp` on Windows
            and `ipc` elsewhere. A folder path too long for `ipc`, or not in UTF-8, also gives `tcp`.
        encoders: number of encoder processes.
    """
    counts = {channel: encoders if channel == "windows" else 1 for channel in CHANNELS}
    transport = transport or os.environ.get("SGE_TRANSPORT") or ("tcp" if sys.platform == "win32" else "ipc")
    too_long = len(str(folder)) + 16 > _IPC_PATH_MAX
    if transport == "ipc" and not too_long and readable(folder) == str(folder):
        return Wiring(
            {
                name: tuple(f"ipc://{folder / name}{number or ''}" for number in range(count))
                for name, count in counts.items()
            }
        )
    public, secret = zmq.curve_keypair()
    ports = iter(_free_ports(sum(counts.values())))
    endpoints = {
        name: tuple(f"tcp://127.0.0.1:{port}" for port in islice(ports, count))
        for name, count in counts.items()
    }
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
    """The sockets of one process in a run; closing takes at most `LINGER_MS`."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._sockets: list[zmq.Socket[bytes]] = []
        self._authenticator: ZapAuthenticator | None = None

    @property
    def encoders(self) -> int:
        """Number of encoder processes of the run."""
        return len(self._wiring.endpoints["windows"])

    def bind(
        self, kind: int, channel: Channel, high_water: int = HIGH_WATER, *, number: int = 0
    ) -> zmq.Socket[bytes]:
        """Opens the bound end of a channel; `windows` has one for each encoder, by its number."""
        opened = self._socket(kind, high_water)
        if self._wiring.public_key:
            self._authenticator = self._authenticator or ZapAuthenticator(
                self._context, self._wiring.public_key
            )
            opened.curve_server = True
            opened.curve_publickey = self._wiring.public_key.encode()
            opened.curve_secretkey = self._wiring.secret_key.encode()
        opened.bind(self._wiring.endpoints[channel][number])
        return opened

    def connect(
        self,
        kind: int,
        channel: Channel,
        high_water: int = HIGH_WATER,
        identity: bytes = b"",
        *,
        number: int = 0,
    ) -> zmq.Socket[bytes]:
        """Opens a connecting end of a channel; see `bind`."""
        opened = self._socket(kind, high_water)
        if identity:
            opened.identity = identity
        if self._wiring.public_key:
            opened.curve_serverkey = self._wiring.public_key.encode()
            opened.curve_publickey = self._wiring.public_key.encode()
            opened.curve_secretkey = self._wiring.secret_key.encode()
        opened.connect(self._wiring.endpoints[channel][number])
        return opened

    def _socket(self, kind: int, high_water: int) -> zmq.Socket[bytes]:
        opened = self._context.socket(kind)
        opened.linger = LINGER_MS
        opened.set_hwm(high_water)
        opened.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        self._sockets.append(opened)
        return opened

    def close(self) -> None:
        """Closes every socket; waits at most `LINGER_MS` for unsent messages."""
        for opened in self._sockets:
            opened.close()
        if self._authenticator is not None:
            self._authenticator.close()
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
