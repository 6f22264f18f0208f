"""What may stand where a gallery should be, and what a disk and other programs can do to one."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from gallery.store.gallery import Gallery, NewEnrolment, open_gallery
from stream.errors import GalleryError

NOBODY = 65534
SHORT = 0.05


def walk(windows: int = 3) -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, np.ones((windows, 6, 8), np.float32))


@contextmanager
def refused(match: str) -> Iterator[None]:
    """Expect one plain sentence, in which the libraries below are not heard."""
    with pytest.raises(GalleryError, match=match) as caught:
        yield
    shown = "".join(traceback.format_exception_only(caught.value))
    assert not any(word in shown.lower() for word in ("sqlite3", "sqlalchemy", "operationalerror", "errno"))
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write everything: be someone else for a while."""
    if os.name != "posix":
        pytest.skip("file modes are POSIX's")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder that the user of `unprivileged` owns; pytest's own are root's alone under root."""
    folder = Path(tempfile.mkdtemp())
    if os.name == "posix" and os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with open_gallery(str(path), wait=SHORT) as store:
        yield store


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


@pytest.mark.parametrize("content", [b"", b"x", b"# notes\n" * 200, b"\0" * 8192, b"SQLite format 3\0"])
def test_a_file_that_is_no_database_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    before = digests(path.parent)
    with refused("is not a gallery; it was left as it is"):
        open_gallery(str(path), wait=SHORT)
    assert digests(path.parent) == before


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_another_programs_database_is_left_as_it_is(tmp_path: Path, journal: str) -> None:
    source, folder = tmp_path / "source", tmp_path / "copy"
    source.mkdir()
    with closing(sqlite3.connect(source / "notes.db", isolation_level=None)) as db:
        db.execute(f"PRAGMA journal_mode={journal}")
        db.execute("CREATE TABLE person (name)")
        db.execute("INSERT INTO person VALUES ('Ada')")
        shutil.copytree(source, folder)  # with a log that was not yet folded in
    (folder / "notes.db-shm").unlink(missing_ok=True)
    before = digests(folder)
    assert ("notes.db-wal" in before) == (journal == "WAL")
    with refused("is not a gallery; it was left as it is"):
        open_gallery(str(folder / "notes.db"))
    assert digests(folder) == before


def test_a_folder_is_no_gallery(tmp_path: Path) -> None:
    with refused("is a folder or a device"):
        open_gallery(str(tmp_path))


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with refused("cannot be used"):
        open_gallery(str(tmp_path / "file" / "gallery.db"))


def test_missing_folders_are_made(tmp_path: Path) -> None:
    with open_gallery(str(tmp_path / "a" / "b" / "gallery.db")) as store:
        assert store.people() == []


def test_a_gallery_of_the_first_version_is_brought_up_to_date(path: Path) -> None:
    with open_gallery(str(path)) as store:
        store.enrol("Ada", [walk(3)], "asked")
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE enrolment DROP COLUMN statistics")
        db.execute("PRAGMA user_version=1")
    for _ in range(2):
        with open_gallery(str(path)) as store:
            (ada,) = store.templates("model-1")
            assert (ada.name, ada.templates.shape, ada.statistics.size) == ("Ada", (3, 6, 8), 0)
    with open_gallery(str(path)) as store:
        store.enrol("Ben", [walk(2)], "asked")
        assert [entry.name for entry in store.templates("model-1")] == ["Ada", "Ben"]


def test_a_newer_gallery_is_refused(path: Path) -> None:
    open_gallery(str(path)).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=999")
    with refused("newer sge-stream .*update"):
        open_gallery(str(path))


def test_a_gallery_that_was_cut_off_is_damaged(path: Path) -> None:
    with open_gallery(str(path)) as store:
        store.enrol("Ada", [walk(200)], "asked")
    with path.open("r+b") as file:
        file.truncate(8192)
    with refused("damaged; put back a copy"):
        open_gallery(str(path), wait=SHORT)


def test_a_gallery_with_overwritten_pages_is_damaged(path: Path) -> None:
    with open_gallery(str(path)) as store:
        store.enrol("Ada", [walk(200)], "asked")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with refused("damaged; put back a copy"), open_gallery(str(path), wait=SHORT) as store:
        store.people()


def test_a_walk_that_lacks_a_template_is_damage_too(gallery: Gallery, path: Path) -> None:
    gallery.enrol("Ada", [walk()], "asked")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("DELETE FROM template WHERE position = 1")
    with refused("damaged"):
        gallery.templates("model-1")


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_written_is_refused(own_folder: Path, what: str) -> None:
    path = own_folder / "gallery.db"
    with unprivileged():
        open_gallery(str(path)).close()
        (path if what == "file" else own_folder).chmod(0o400 if what == "file" else 0o500)
        with refused("cannot be written; give yourself the right"):
            open_gallery(str(path), wait=SHORT)


def test_a_folder_that_may_not_be_written_gets_no_gallery(own_folder: Path) -> None:
    with unprivileged():
        own_folder.chmod(0o500)
        with refused("cannot be used .*choose a file in a folder that you may write"):
            open_gallery(str(own_folder / "gallery.db"))
        assert list(own_folder.iterdir()) == []


def test_while_another_program_writes_people_are_still_listed(gallery: Gallery, path: Path) -> None:
    gallery.enrol("Ada", [walk()], "asked")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with open_gallery(str(path), wait=SHORT) as store:
            assert [person.name for person in store.people()] == ["Ada"]
            assert len(store.templates("model-1")) == 1
            with refused(r"in use by another program for more than 0\.05 s"):
                store.enrol("Ben", [walk()], "asked")
            with refused("in use by another program"):
                store.remove("Ada")
        writer.execute("ROLLBACK")
    gallery.enrol("Ben", [walk()], "asked")
    assert len(gallery.people()) == 2


def test_a_gallery_that_is_kept_locked_is_refused(path: Path) -> None:
    open_gallery(str(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute("PRAGMA locking_mode=EXCLUSIVE")
        owner.execute("BEGIN EXCLUSIVE")
        with refused("in use by another program"):
            open_gallery(str(path), wait=SHORT)


def test_a_full_disk_takes_nothing_in_and_loses_nothing(path: Path) -> None:
    with open_gallery(str(path)) as store:
        store.enrol("Ada", [walk()], "asked")

    def fill(connection: sqlite3.Connection, record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={path.stat().st_size // 4096 + 2}")

    event.listen(Pool, "connect", fill)
    try:
        with open_gallery(str(path)) as store:
            with refused("no more room"):
                store.enrol("Ben", [walk(500)], "asked")
            assert [person.name for person in store.people()] == ["Ada"]
    finally:
        event.remove(Pool, "connect", fill)
    with open_gallery(str(path)) as store:
        assert [person.name for person in store.people()] == ["Ada"]
        store.enrol("Ben", [walk(500)], "asked")


def test_opening_twice_in_one_process_keeps_the_locks_of_the_first(gallery: Gallery, path: Path) -> None:
    gallery.enrol("Ada", [walk()], "asked")
    open_gallery(str(path)).close()
    # Leaving WAL needs the file to itself; it would pull the log from under `gallery`.
    script = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('PRAGMA journal_mode=DELETE')"
    )
    attempt = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert "database is locked" in attempt.stderr
    assert gallery.has("Ada")
