"""The folder of a running system: holds its sockets, and lets other commands of the same user find it.

    <user runtime folder>/sge-stream/<8 hex>/    mode 0700
        lock       held while the system runs; free means that the system has died
        run.json   a `Run`: gallery, process id, wiring with the run's keys

Other users cannot read the folder, so they can neither find the sockets nor read the keys.
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

from stream.bus.sockets import Wiring, create_wiring
from stream.errors import RunError, UserError

__all__ = ["Run", "open_run", "running"]


class Run(msgspec.Struct, frozen=True):
    """Description of a running system for other commands.

    Attributes:
        gallery: URL of its gallery.
        pid: process id of the parent process.
        wiring: addresses and keys of its sockets.
    """

    gallery: str
    pid: int
    wiring: Wiring


def _configured_folder() -> Path:
    configured = os.environ.get("SGE_RUNTIME_DIR")
    if configured:
        return Path(configured)
    if sys.platform == "linux" and not os.environ.get("XDG_RUNTIME_DIR"):
        return Path(tempfile.gettempdir()) / f"sge-stream-{os.getuid()}"
    return platformdirs.user_runtime_path("sge-stream", appauthor=False)


def _runs_folder() -> Path:
    folder = _configured_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":
            status = folder.lstat()  # lstat: a link of another user could lead anywhere
            if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
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
    """Creates the folder of a run, locks it while the system runs and removes it afterwards.

    Raises:
        UserError: the runtime folder cannot be created, or belongs to another user.
        RunError: its disk is full.
    """
    runs = _runs_folder()
    list(running())  # removes the folders of dead runs
    folder = runs / secrets.token_hex(4)
    lock = FileLock(folder / "lock")
    try:
        run = _create(folder, lock, gallery)
        try:
            yield run
        finally:
            with contextlib.suppress(OSError):  # Windows, if another command reads the file
                (folder / "run.json").unlink()
            lock.release()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _create(folder: Path, lock: FileLock, gallery: str) -> Run:
    """Creates and locks the folder of a run, and describes the run in it."""
    try:
        folder.mkdir(mode=0o700)
        lock.acquire()
        run = Run(gallery, os.getpid(), create_wiring(folder))
        partial = folder / "run.part"
        partial.touch(mode=0o600)
        partial.write_bytes(msgspec.json.encode(run))
        partial.replace(folder / "run.json")
    except OSError as error:
        msg = (
            f"cannot write into {folder.parent}, the folder of running systems: {error.strerror or error}; "
            "make room on its disk, or set SGE_RUNTIME_DIR to a folder of your own on another one"
        )
        raise RunError(msg) from None
    return run


def running(gallery: str | None = None) -> Iterator[Run]:
    """Yields this user's running systems, of one gallery or of all; removes the folders of dead ones.

    Raises:
        UserError: as in `open_run`.
    """
    for folder in sorted(_runs_folder().iterdir()):
        description = folder / "run.json"
        if not description.is_file():
            continue
        try:
            with FileLock(folder / "lock", blocking=False):
                pass
        except Timeout:
            with contextlib.suppress(OSError, msgspec.DecodeError):
                run = msgspec.json.decode(description.read_bytes(), type=Run)
                if gallery in (None, run.gallery):
                    yield run
        else:
            shutil.rmtree(folder, ignore_errors=True)
