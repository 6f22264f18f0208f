"""A checkpoint that a kill, a power loss or a full disk interrupts loses nothing, and is no damage."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from gallery.store.gallery import open_gallery
from gallery.store.records import NewEnrolment
from stream.errors import GalleryError
from tests.gallery.store.sqlite_log import checkpoint_writes, write_part

if sys.platform == "win32":
    pytest.skip("limits of file sizes are POSIX's", allow_module_level=True)
import resource

ROOT = Path(__file__).resolve().parents[3]
NAMES = [f"Person {k}" for k in range(12)]


def walk(k: int) -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, np.full((3, 2, 64), 1 + k, np.float32))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """A reader, which keeps everything that is written meanwhile in the log."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute("SELECT * FROM person").fetchall()
        yield


def assert_complete(path: Path, names: list[str] = NAMES) -> None:
    with open_gallery(str(path), wait=0.05) as opened:
        assert sorted(person.name for person in opened.people()) == sorted(names)
        for item in opened.templates("model-1"):
            assert (item.templates == 1 + NAMES.index(item.name)).all()


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery of `NAMES` whose file has no one of them: all are in the log."""
    folder = tmp_path_factory.mktemp("logged")
    with open_gallery(str(folder / "g.db")) as opened, reading(folder / "g.db"):
        for k, name in enumerate(NAMES):
            opened.enrol(name, [walk(k)], "asked")
        kept = folder / "kept"
        kept.mkdir()
        for file in ("g.db", "g.db-wal"):
            shutil.copy(folder / file, kept)
    return kept / "g.db"


def state(logged: Path, folder: Path, count: int, torn: int = 0) -> Path:
    """Returns a copy in which `count` writes of the checkpoint were done, and `torn` bytes of the next."""
    for file in ("g.db", "g.db-wal"):
        shutil.copy(logged.with_name(file), folder)
    write_part(folder / "g.db", checkpoint_writes(folder / "g.db-wal"), count, torn)
    return folder / "g.db"


def test_nothing_is_lost_at_any_write_of_a_checkpoint(logged: Path, tmp_path: Path) -> None:
    writes = checkpoint_writes(logged.with_name("g.db-wal"))
    assert len(writes) > 10
    for count in range(len(writes) + 1):
        folder = tmp_path / str(count)
        folder.mkdir()
        assert_complete(state(logged, folder, count))
        assert_complete(folder / "g.db")  # after the opening before has finished the checkpoint


@pytest.mark.parametrize("torn", [1, 100, 512, 2048])
def test_nothing_is_lost_where_a_page_was_written_in_part(logged: Path, tmp_path: Path, torn: int) -> None:
    for count in range(len(checkpoint_writes(logged.with_name("g.db-wal")))):
        folder = tmp_path / str(count)
        folder.mkdir()
        assert_complete(state(logged, folder, count, torn))


def test_a_first_page_that_is_lost_is_read_from_the_log(logged: Path, tmp_path: Path) -> None:
    path = state(logged, tmp_path, 0)
    with path.open("r+b") as file:
        file.write(bytes(4096))
    assert_complete(path)


def test_without_its_log_an_interrupted_gallery_is_damaged(logged: Path, tmp_path: Path) -> None:
    path = state(logged, tmp_path, 1)
    path.with_name("g.db-wal").unlink()
    with pytest.raises(GalleryError, match="is damaged; restore a copy"):
        open_gallery(str(path), wait=0.05)


CLOSE = """
import resource, shutil, signal, sys
from gallery.store.gallery import open_gallery
from tests.gallery.store.test_interrupted_checkpoints import NAMES, reading, walk

path, limit = sys.argv[1], int(sys.argv[2])
opened = open_gallery(path)
with reading(path):
    for k, name in enumerate(NAMES):
        opened.enrol(name, [walk(k)], "asked")
print("enrolled", flush=True)
if sys.argv[3] == "kill":
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the write that goes beyond the limit kills the process
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
opened.close()  # with a checkpoint
"""


def close_with_limit(path: Path, limit: int, mode: str) -> subprocess.CompletedProcess[str]:
    """Enrols `NAMES` in a process whose closing checkpoint fails, or dies, at the write beyond `limit`."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CLOSE, str(path), str(limit), mode]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["kill", "full"])
def test_a_process_that_is_stopped_at_a_write_of_its_checkpoint_loses_nothing(
    logged: Path, tmp_path: Path, mode: str
) -> None:
    size = max(offset + len(page) for offset, page in checkpoint_writes(logged.with_name("g.db-wal")))
    limits = range(logged.stat().st_size, size, 4096)
    assert len(limits) > 5
    for limit in limits:
        path = tmp_path / str(limit) / "g.db"
        done = close_with_limit(path, limit, mode)
        assert done.stdout == "enrolled\n", done.stderr
        assert done.returncode == (-signal.SIGXFSZ if mode == "kill" else 0), done.stderr
        assert path.stat().st_size == limit
        assert_complete(path)


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Lets every write beyond `size` bytes of a file fail, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_without_room_an_enrolment_is_refused_and_nothing_lost(tmp_path: Path) -> None:
    path = tmp_path / "g.db"
    acknowledged = []
    with open_gallery(str(path)) as opened:
        with reading(path), largest_file(300_000):
            for k, name in enumerate(NAMES * 20):
                try:
                    opened.enrol(f"{name} {k}", [walk(0)], "asked")
                except GalleryError as error:
                    assert "check its disk" in str(error)
                    break
                acknowledged.append(f"{name} {k}")
            assert sorted(person.name for person in opened.people()) == sorted(acknowledged)
        assert 0 < len(acknowledged) < len(NAMES * 20)
        opened.enrol("Zoe", [walk(0)], "asked")
    with open_gallery(str(path)) as opened:
        assert {person.name for person in opened.people()} == {*acknowledged, "Zoe"}


@pytest.mark.parametrize("room", [0, 4096, 32768, 65536])
def test_a_gallery_that_is_opened_without_room_stays_whole(logged: Path, tmp_path: Path, room: int) -> None:
    path = state(logged, tmp_path, 2)
    with largest_file(room):
        try:
            assert_complete(path)
        except GalleryError as error:
            assert "damaged" not in str(error)
            assert "free some space" in str(error) or "check its disk" in str(error)
    assert_complete(path)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB; only root can mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=2m", "none", str(folder)]
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    path = small_disk / "g.db"
    acknowledged = []
    large = NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, np.ones((20, 6, 96), np.float32))
    with open_gallery(str(path)) as opened, pytest.raises(GalleryError, match="free some space"):
        for k in range(1000):
            opened.enrol(f"Person {k}", [large], "asked")
            acknowledged.append(f"Person {k}")
    assert len(acknowledged) > 5
    for _ in range(2):
        with open_gallery(str(path)) as opened:
            assert {person.name for person in opened.people()} == set(acknowledged)
            assert len(opened.templates("model-1")) == len(acknowledged)
    moved = small_disk.with_name("larger")
    moved.mkdir()
    for file in small_disk.glob("g.db*"):
        shutil.copy(file, moved)
    with open_gallery(str(moved / "g.db")) as opened:
        assert {person.name for person in opened.people()} == set(acknowledged)
        opened.enrol("Zoe", [large], "asked")
