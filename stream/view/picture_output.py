"""Pictures in the parent: the newest image of each source, in a folder or in memory for a web server."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import zmq

from stream.bus.sockets import Bus
from stream.errors import UserError
from stream.file_writing import make_private_folder, remove_unfinished, replace_file
from stream.user_text import user_path
from stream.view.picture_receiver import PictureReceiver

__all__ = ["open_pictures", "open_view", "picture_file_name", "view_port"]

_WAIT_MS = 100
_PORT_LIMIT = 65536
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/+", re.IGNORECASE)  # a single letter is a drive of Windows


class _Output(Protocol):
    """Destination of the images."""

    def put(self, source: int, jpeg: bytes) -> None:
        """Takes the newest image of a source."""
        ...


def view_port(target: str) -> int | None:
    """Returns the port that a value of `--view` names; None if it names a folder.

    Raises:
        UserError: the target is empty, an address, which would be taken for a folder and shown with its
            password, or no possible port.
    """
    if not target.strip():
        raise UserError("--view: expected a folder or a port number, got nothing")
    if address := _ADDRESS.match(target):
        msg = f"--view: expected a folder or a port number, such as 8090, got an address ({address[0]}...)"
        raise UserError(msg)
    if not (target.isascii() and target.isdecimal()):
        return None
    if int(target) >= _PORT_LIMIT:
        raise UserError(
            f"--view: expected a port below {_PORT_LIMIT} or a folder, got {target}; "
            f"write ./{target} for a folder of that name"
        )
    return int(target)


@contextlib.contextmanager
def open_view(folder: str, bus: Bus) -> Iterator[str]:
    """Writes the images that the capture workers send into a folder; yields their location, for users.

    Args:
        folder: path; made if it is not there.
        bus: only the view's thread uses the socket opened here.

    Raises:
        UserError: the folder is not writable.
    """
    output = _Folder(user_path(folder))
    with _forwarded(bus, output):
        yield f"pictures: {output.location}"


@contextlib.contextmanager
def open_pictures(bus: Bus) -> Iterator[PictureReceiver]:
    """Receives the images that the capture workers send; see `open_view`."""
    receiver = PictureReceiver()
    with _forwarded(bus, receiver):
        yield receiver


@contextlib.contextmanager
def _forwarded(bus: Bus, output: _Output) -> Iterator[None]:
    stop = threading.Event()
    socket = bus.bind(zmq.PULL, "pictures", high_water=2)
    thread = threading.Thread(target=_forward, args=(socket, output, stop), name="view", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def picture_file_name(source: int) -> str:
    """Returns the name of the file with the newest image of a source."""
    return f"source-{source + 1}.jpg"


def _forward(socket: zmq.Socket[bytes], output: _Output, stop: threading.Event) -> None:
    while not stop.is_set():
        if socket.poll(_WAIT_MS):
            number, jpeg = socket.recv_multipart()
            output.put(int(number), jpeg)


class _Folder:
    """One file for each source; replaced atomically, so that it is always complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        try:
            make_private_folder(self._folder)
            remove_unfinished(self._folder)
            replace_file(probe := self._folder / ".sge-view", b"", private=True)
            probe.unlink()
        except OSError as error:
            msg = f"--view: cannot write images to {folder} ({error.strerror}); give another folder or a port"
            raise UserError(msg) from None
        self.location = str(self._folder / picture_file_name(0)).replace("-1.", "-N.")

    def put(self, source: int, jpeg: bytes) -> None:
        with contextlib.suppress(OSError):  # full disk, or file locked on Windows: the next image may succeed
            # The images show people.
            replace_file(self._folder / picture_file_name(source), jpeg, private=True)
