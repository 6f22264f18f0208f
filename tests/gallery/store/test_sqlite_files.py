"""SQLite files: foreign, damaged, locked and unwritable ones; permissions; older and newer versions."""

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
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment
from stream.errors import GalleryError

UNPRIVILEGED = 65534
SHORT = 0.05


def walk(windows: int = 3) -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, np.ones((windows, 6, 8), np.float32))


@contextmanager
def refused(match: str) -> Iterator[None]:
    """Expects one plain sentence without words of the libraries below."""
    with pytest.raises(GalleryError, match=match) as caught:
        yield
    shown = "".join(traceback.format_exception_only(caught.value))
    assert not any(word in shown.lower() for word in ("sqlite3", "sqlalchemy", "operationalerror", "errno"))
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@contextmanager
def unprivileged() -> Iterator[None]:
    """Runs the block as an unprivileged user, since root may write everything."""
    if sys.platform == "win32":
        pytest.skip("file modes are POSIX's")
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(UNPRIVILEGED)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder that the user of `unprivileged` owns; under root, only root can use pytest's own folders."""
    folder = Path(tempfile.mkdtemp())
    if sys.platform != "win32" and os.geteuid() == 0:
        os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
    yield folder
    folder.chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with open_gallery(str(path), wait=SHORT) as opened:
        yield opened


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


@pytest.mark.parametrize("content", [b"", b"x", b"# notes\n" * 200, b"\0" * 8192, b"SQLite format 3\0"])
def test_a_file_that_is_not_a_database_is_refused_unchanged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    before = digests(path.parent)
    with refused("is not a gallery and was not changed"):
        open_gallery(str(path), wait=SHORT)
    assert digests(path.parent) == before


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_database_of_another_program_is_refused_unchanged(tmp_path: Path, journal: str) -> None:
    source, folder = tmp_path / "source", tmp_path / "copy"
    source.mkdir()
    with closing(sqlite3.connect(source / "notes.db", isolation_level=None)) as db:
        db.execute(f"PRAGMA journal_mode={journal}")
        db.execute("CREATE TABLE person (name)")
        db.execute("INSERT INTO person VALUES ('Ada')")
        shutil.copytree(source, folder)  # with a log that is not yet in the file
    (folder / "notes.db-shm").unlink(missing_ok=True)
    before = digests(folder)
    assert ("notes.db-wal" in before) == (journal == "WAL")
    with refused("is not a gallery and was not changed"):
        open_gallery(str(folder / "notes.db"))
    assert digests(folder) == before


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with refused("is a folder or a device"):
        open_gallery(str(tmp_path))


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with refused("cannot be used"):
        open_gallery(str(tmp_path / "file" / "gallery.db"))


def test_missing_folders_are_created(tmp_path: Path) -> None:
    with open_gallery(str(tmp_path / "a" / "b" / "gallery.db")) as opened:
        assert opened.people() == []


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX's")
def test_only_the_owner_can_read_the_files(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        with open_gallery(str(tmp_path / "new" / "gallery.db")) as opened:
            opened.enrol("Ada", [walk()], "asked")
            assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
            modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "new").iterdir()}
    finally:
        os.umask(old)
    assert modes == {"gallery.db": 0o600, "gallery.db-wal": 0o600, "gallery.db-shm": 0o600}


def test_a_closed_gallery_is_a_single_file(path: Path) -> None:
    with open_gallery(str(path)) as opened:
        opened.enrol("Ada", [walk()], "asked")
        opened.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def make_older(path: Path, version: int) -> None:
    """Gives a gallery the tables of an older version."""
    with closing(sqlite3.connect(path)) as db:
        for since, column in ((3, "view"), (3, "pose_model"), (2, "statistics")):
            if version < since:
                db.execute(f"ALTER TABLE enrolment DROP COLUMN {column}")
        if version < 5:
            db.execute("ALTER TABLE person DROP COLUMN consent_note")
        if version < 4:
            db.execute("DROP TABLE stranger_visit")
            db.execute("DROP TABLE stranger_recording")
        if version < 6:
            for table in ("visit_walk", "visit_candidate", "visit"):
                db.execute(f"DROP TABLE {table}")
            db.execute("ALTER TABLE gallery DROP COLUMN visitors")
        db.execute(f"PRAGMA user_version={version}")


def tables(path: Path) -> list[tuple[object, ...]]:
    """Names and types of all columns, and the version."""
    with closing(sqlite3.connect(path)) as db:
        columns = db.execute(
            'SELECT t.name, c.name, c.type, c."notnull" FROM sqlite_master t, pragma_table_info(t.name) c '
            "ORDER BY t.name, c.cid"
        ).fetchall()
        return [*columns, *db.execute("PRAGMA user_version").fetchall()]


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5])
def test_a_gallery_of_an_older_version_is_upgraded(path: Path, version: int) -> None:
    with open_gallery(str(path)) as opened:
        opened.enrol("Ada", [walk(3)], "asked")
    new = tables(path)
    make_older(path, version)
    assert tables(path) != new
    for _ in range(2):
        with open_gallery(str(path)) as opened:
            (ada,) = opened.templates("model-1")
            assert (ada.name, ada.templates.shape, ada.statistics.size) == ("Ada", (3, 6, 8), 0)
            assert opened.stranger_visits("any") == []
            assert opened.history.visits() == []
            assert (ada.pose_model, ada.view) == (None, None)
    assert tables(path) == new
    with open_gallery(str(path)) as opened:
        opened.enrol("Ben", [replace(walk(2), pose_model="full", view="away")], "asked")
        assert [(entry.name, entry.view) for entry in opened.templates("model-1")] == [
            ("Ada", None),
            ("Ben", "away"),
        ]


def test_a_newer_gallery_is_refused(path: Path) -> None:
    open_gallery(str(path)).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=999")
    with refused("newer sge-stream .*update"):
        open_gallery(str(path))


def test_a_truncated_gallery_is_reported_as_damaged(path: Path) -> None:
    with open_gallery(str(path)) as opened:
        opened.enrol("Ada", [walk(200)], "asked")
    with path.open("r+b") as file:
        file.truncate(8192)
    with refused("damaged; restore a copy"):
        open_gallery(str(path), wait=SHORT)


def test_a_gallery_with_overwritten_pages_is_reported_as_damaged(path: Path) -> None:
    with open_gallery(str(path)) as opened:
        opened.enrol("Ada", [walk(200)], "asked")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with refused("damaged; restore a copy"), open_gallery(str(path), wait=SHORT) as opened:
        opened.people()


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_gallery_without_write_permission_is_read(own_folder: Path, what: str) -> None:
    path = own_folder / "gallery.db"
    with unprivileged():
        with open_gallery(str(path)) as opened:
            opened.enrol("Ada", [walk()], "asked")
        (path if what == "file" else own_folder).chmod(0o400 if what == "file" else 0o500)
        before = digests(own_folder)
        with open_gallery(str(path), wait=SHORT) as opened:
            assert [person.name for person in opened.people()] == ["Ada"]
            assert len(opened.templates("model-1")) == 1
            for change in (lambda: opened.enrol("Ben", [walk()], "asked"), lambda: opened.remove("Ada")):
                with refused("cannot be written; give yourself the right"):
                    change()
        assert digests(own_folder) == before


def test_no_gallery_is_created_in_a_folder_without_write_permission(own_folder: Path) -> None:
    with unprivileged():
        own_folder.chmod(0o500)
        with refused("cannot be used .*choose a file in a folder that you may write"):
            open_gallery(str(own_folder / "gallery.db"))
        assert list(own_folder.iterdir()) == []


def test_people_are_listed_while_another_program_writes(gallery: Gallery, path: Path) -> None:
    gallery.enrol("Ada", [walk()], "asked")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with open_gallery(str(path), wait=SHORT) as opened:
            assert [person.name for person in opened.people()] == ["Ada"]
            assert len(opened.templates("model-1")) == 1
            with refused(r"in use by another program for more than 0\.05 s"):
                opened.enrol("Ben", [walk()], "asked")
            with refused("in use by another program"):
                opened.remove("Ada")
        writer.execute("ROLLBACK")
    gallery.enrol("Ben", [walk()], "asked")
    assert len(gallery.people()) == 2


def test_a_gallery_that_stays_locked_is_refused(path: Path) -> None:
    open_gallery(str(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as owner:
        owner.execute("PRAGMA locking_mode=EXCLUSIVE")
        owner.execute("BEGIN EXCLUSIVE")
        with refused("in use by another program"):
            open_gallery(str(path), wait=SHORT)


def test_on_a_full_disk_nothing_is_stored_and_nothing_lost(path: Path) -> None:
    with open_gallery(str(path)) as opened:
        opened.enrol("Ada", [walk()], "asked")

    def limit_pages(connection: sqlite3.Connection, record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={path.stat().st_size // 4096 + 2}")

    event.listen(Pool, "connect", limit_pages)
    try:
        with open_gallery(str(path)) as opened:
            with refused("no more room"):
                opened.enrol("Ben", [walk(500)], "asked")
            assert [person.name for person in opened.people()] == ["Ada"]
    finally:
        event.remove(Pool, "connect", limit_pages)
    with open_gallery(str(path)) as opened:
        assert [person.name for person in opened.people()] == ["Ada"]
        opened.enrol("Ben", [walk(500)], "asked")


def test_opening_twice_in_one_process_keeps_the_locks_of_the_first(gallery: Gallery, path: Path) -> None:
    gallery.enrol("Ada", [walk()], "asked")
    open_gallery(str(path)).close()
    # Leaving WAL needs exclusive access, which would remove the log that `gallery` uses.
    script = (
        "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('PRAGMA journal_mode=DELETE')"
    )
    attempt = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert "database is locked" in attempt.stderr
    assert gallery.has("Ada")
