"""The folder of a running system: its sockets, and how another command of the same user finds it.

    <user runtime folder>/sge-stream/<8 hex>/    mode 0700
        lock       held by the running system; free means that it has died
        run.json   a `Run`: gallery, process id, wiring with the run's keys

No other user can read the folder, so none can find the sockets or hold the keys.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import platformdirs
from filelock import FileLock, Timeout

from stream.bus.sockets import Wiring, lay_wires
from stream.errors import UserError

__all__ = ["Run", "open_run", "running"]


class Run(msgspec.Struct, frozen=True):
    """What others may know of a running system.

    Attributes:
        gallery: the URL of its gallery.
        pid: the parent process.
        wiring: its sockets.
    """

    gallery: str
    pid: int
    wiring: Wiring


def _place() -> Path:
    chosen = os.environ.get("SGE_RUNTIME_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "linux" and not os.environ.get("XDG_RUNTIME_DIR"):
        return Path(tempfile.gettempdir()) / f"sge-stream-{os.getuid()}"
    return platformdirs.user_runtime_path("sge-stream", appauthor=False)


def _home() -> Path:
    folder = _place()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":
            found = folder.lstat()  # a link would lead where its maker wants
            if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
                msg = f"{folder} belongs to another user; set SGE_RUNTIME_DIR to a folder of your own"
                raise UserError(msg)
            folder.chmod(0o700)
    except OSError as error:
        msg = (
            f"cannot use {folder} for sockets ({error.strerror}); set SGE_RUNTIME_DIR to a folder of your own"
        )
        raise UserError(msg) from None
    return folder


@contextlib.contextmanager
def open_run(gallery: str) -> Iterator[Run]:
    """Make a run's folder and hold it while the system runs; it is gone afterwards."""
    home = _home()
    list(running())  # clears what dead runs left behind
    folder = home / secrets.token_hex(4)
    folder.mkdir(mode=0o700)
    try:
        with FileLock(folder / "lock"):
            run = Run(gallery, os.getpid(), lay_wires(folder))
            partial = folder / "run.part"
            partial.touch(mode=0o600)
            partial.write_bytes(msgspec.json.encode(run))
            partial.replace(folder / "run.json")
            try:
                yield run
            finally:
                with contextlib.suppress(OSError):  # Windows: while another command reads it
                    (folder / "run.json").unlink()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def running(gallery: str | None = None) -> Iterator[Run]:
    """Find this user's running systems, of one gallery or of all; what dead ones left is removed."""
    for folder in sorted(_home().iterdir()):
        described = folder / "run.json"
        if not described.is_file():
            continue
        try:
            with FileLock(folder / "lock", blocking=False):
                pass
        except Timeout:
            with contextlib.suppress(OSError, msgspec.DecodeError):
                run = msgspec.json.decode(described.read_bytes(), type=Run)
                if gallery in (None, run.gallery):
                    yield run
        else:
            shutil.rmtree(folder, ignore_errors=True)
