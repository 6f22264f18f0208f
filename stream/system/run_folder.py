"""The folder of a running system: holds its sockets, and lets other commands of the same user find it.

    <folder of running systems>/<8 hex>/    mode 0700
        lock       held while the system runs
        run.json   a `Run`: gallery, process, wiring with the run's keys

The system has died if the lock is free and its process does not run. The lock alone says nothing after
somebody has deleted it, as cleaners of temporary files do. Other users cannot read the folder, so they can
neither find the sockets nor read the keys.
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
from filelock import FileLock

from stream.bus.sockets import Wiring, create_wiring
from stream.errors import RunError, UserError
from stream.exact_json import from_exact_json, to_exact_json
from stream.system.process_identity import start_mark

__all__ = ["Run", "can_connect", "is_swept", "open_run", "running"]


class Run(msgspec.Struct, frozen=True):
    """Description of a running system for other commands.

    Attributes:
        gallery: URL of its gallery.
        pid: process id of the parent process.
        wiring: addresses and keys of its sockets.
        folder: path of the run folder.
        started: tells the parent process from a later one with the same id.
    """

    gallery: str
    pid: int
    wiring: Wiring
    folder: str = ""
    started: int | None = None


def _folders() -> list[Path]:
    """Returns the folders that may hold running systems, the preferred one first."""
    configured = os.environ.get("SGE_RUNTIME_DIR")
    if configured:
        return [Path(configured)]
    folders = [platformdirs.user_state_path("sge-stream", appauthor=False) / "runs"]
    if sys.platform == "linux":
        runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
        if os.access(runtime, os.W_OK | os.X_OK):
            folders.insert(0, runtime / "sge-stream")
        folders.append(Path(tempfile.gettempdir()) / f"sge-stream-{os.getuid()}")  # an account without a home
    return folders


def _own_folder() -> Path:
    """Returns the folder for new systems; makes it if there is none.

    Raises:
        UserError: no folder can be used.
    """
    *preferred, last = _folders()
    for folder in preferred:
        with contextlib.suppress(UserError):
            return _private_folder(folder)
    return _private_folder(last)


def _private_folder(folder: Path) -> Path:
    """Makes a folder that only this user can enter, if there is none.

    Raises:
        UserError: it cannot be made, or belongs to another user.
    """
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
def open_run(gallery: str, encoders: int = 1) -> Iterator[Run]:
    """Creates the folder of a run, locks it while the system runs and removes it afterwards.

    Args:
        gallery: its URL.
        encoders: number of encoder processes.

    Raises:
        UserError: the runtime folder cannot be created, or belongs to another user.
        RunError: its disk is full.
    """
    runs = _own_folder()
    list(running())  # removes the folders of dead runs
    folder = runs / secrets.token_hex(4)
    lock = FileLock(folder / "lock")
    try:
        run = _create(folder, lock, gallery, encoders)
        try:
            yield run
        finally:
            with contextlib.suppress(OSError):  # Windows, if another command reads the file
                (folder / "run.json").unlink()
            lock.release()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _create(folder: Path, lock: FileLock, gallery: str, encoders: int) -> Run:
    """Creates and locks the folder of a run, and describes the run in it."""
    try:
        folder.mkdir(mode=0o700)
        lock.acquire()
        pid = os.getpid()
        wiring = create_wiring(folder, encoders=encoders)
        run = Run(gallery, pid, wiring, str(folder), start_mark(pid))
        partial = folder / "run.part"
        partial.touch(mode=0o600)
        partial.write_bytes(to_exact_json(run))
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
    own = _own_folder()
    others = [folder for folder in _folders() if folder != own and _is_private(folder)]
    for folder in (each for runs in (own, *others) for each in sorted(runs.iterdir())):
        if not (folder / "run.json").is_file():
            continue
        run = _read(folder)
        if _lock_is_held(folder) or (run is not None and _process_runs(run)):
            if run is not None and gallery in (None, run.gallery):
                yield run
        else:
            shutil.rmtree(folder, ignore_errors=True)


def is_swept(run: Run) -> bool:
    """Returns True if the folder of a running system, or a part of it, was deleted."""
    folder = Path(run.folder)
    return not ((folder / "lock").exists() and (folder / "run.json").exists() and can_connect(run))


def can_connect(run: Run) -> bool:
    """Returns True if the sockets of a running system's parent can still be found by other processes."""
    addresses = (run.wiring.endpoints[channel][0] for channel in ("status", "sink"))
    return all(Path(address[6:]).exists() for address in addresses if address.startswith("ipc://"))


def _is_private(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    try:
        return _private_folder(folder) == folder
    except UserError:
        return False


def _read(folder: Path) -> Run | None:
    with contextlib.suppress(OSError, msgspec.DecodeError):
        return from_exact_json((folder / "run.json").read_bytes(), Run)
    return None


def _lock_is_held(folder: Path) -> bool:
    """Returns True if the lock is held, or cannot be tried."""
    try:
        with FileLock(folder / "lock", blocking=False):
            return False
    except OSError:  # `Timeout` is one
        return True


def _process_runs(run: Run) -> bool:
    return run.started is not None and start_mark(run.pid) == run.started
