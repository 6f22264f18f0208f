"""The parent's side: the newest picture of each source, in a folder or on a loopback port."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import zmq

from stream.bus.sockets import Bus
from stream.errors import UserError
from stream.view.mjpeg import PictureServer

__all__ = ["open_view", "picture_name"]

_WAIT_MS = 100
_PORTS = 65536


class _Outlet(Protocol):
    """Where pictures go."""

    @property
    def told(self) -> str:
        """Where they are to be seen."""
        ...

    def put(self, source: int, jpeg: bytes) -> None:
        """Show a source's newest picture."""
        ...

    def close(self) -> None:
        """Show no more."""
        ...


@contextlib.contextmanager
def open_view(target: str, bus: Bus, names: Sequence[str]) -> Iterator[str]:
    """Show the pictures that the run's painters send; gives where, for people.

    Args:
        target: a folder, or the number of a port on loopback (0: any that is free).
        bus: its socket is used by a thread of the view alone.
        names: of the sources.

    Raises:
        UserError: the target is empty, the folder cannot be written to, or the port is not free.
    """
    if not target.strip():
        raise UserError("--view: expected a folder or the number of a port, got nothing")
    outlet = PictureServer(_port(target), names) if _is_port(target) else _Folder(Path(target))
    stop = threading.Event()
    socket = bus.bind(zmq.PULL, "pictures", high_water=2)
    thread = threading.Thread(target=_carry, args=(socket, outlet, stop), name="view", daemon=True)
    thread.start()
    try:
        yield f"pictures: {outlet.told}"
    finally:
        stop.set()
        thread.join()
        outlet.close()


def picture_name(source: int) -> str:
    """The name of the file that holds the newest picture of a source."""
    return f"source-{source + 1}.jpg"


def _carry(socket: zmq.Socket[bytes], outlet: _Outlet, stop: threading.Event) -> None:
    while not stop.is_set():
        if socket.poll(_WAIT_MS):
            number, jpeg = socket.recv_multipart()
            outlet.put(int(number), jpeg)


class _Folder:
    """One file a source, always whole: it is replaced, never written into."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._write(self._folder / ".sge-view", b"")
            (self._folder / ".sge-view").unlink()
        except OSError as error:
            msg = f"--view: cannot write pictures into {folder} ({error.strerror}); give a folder, or a port"
            raise UserError(msg) from None
        self.told = str(self._folder / picture_name(0)).replace("-1.", "-N.")

    def put(self, source: int, jpeg: bytes) -> None:
        target = self._folder / picture_name(source)
        with contextlib.suppress(OSError):  # a full disk, a file held open on Windows: the next one may go
            self._write(target.with_suffix(".part"), jpeg)
            target.with_suffix(".part").replace(target)

    def close(self) -> None:
        """The last pictures stay."""

    def _write(self, path: Path, content: bytes) -> None:
        # People are to be seen on it: for its owner's eyes only.
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)


def _is_port(target: str) -> bool:
    return target.isascii() and target.isdecimal()


def _port(target: str) -> int:
    if int(target) >= _PORTS:
        msg = f"--view: expected a port below {_PORTS}, or a folder (of that name: ./{target}), got {target}"
        raise UserError(msg)
    return int(target)
