"""Backups: complete or not at all, made and restored while the gallery is in use, without removed people."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from gallery.store.backup import back_up, open_backup, replace_damaged
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment, Person
from gallery.store.store_protocol import DamagedGalleryError
from stream.body import FloatArray
from stream.errors import GalleryError, UserError

RANDOM = np.random.default_rng(4)


def cages(windows: int = 4) -> FloatArray:
    return RANDOM.standard_normal((windows, 6, 40)).astype(np.float32)


def walk(templates: FloatArray | None = None, contract: str = "model-1") -> NewEnrolment:
    statistics = RANDOM.standard_normal(7).astype(np.float32)
    found = cages() if templates is None else templates
    return NewEnrolment(contract, "camera", 3.25, 0.5, found, statistics, "full", "towards,away")


def content(gallery: Gallery) -> tuple[list[Person], list[tuple[str | bytes | None, ...]]]:
    """Everything that is stored, without ids."""
    templates = [
        (
            item.name,
            item.sensor,
            item.pose_model,
            item.view,
            item.templates.tobytes(),
            item.statistics.tobytes(),
        )
        for contract in sorted(gallery.contracts())
        for item in gallery.templates(contract)
    ]
    return gallery.people(), sorted(templates, key=str)


@pytest.fixture
def gallery(url: str) -> Iterator[Gallery]:
    """A gallery of every engine, with three people."""
    with open_gallery(url) as opened:
        consent_at = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
        opened.enrol("Ada", [walk(), walk(contract="model-2")], "asked", consent_at)
        opened.enrol("Ben", [walk()], "--yes")
        opened.enrol("Zo\u00eb", [walk(cages(9))], "asked")
        yield opened


def test_a_backup_is_a_gallery_with_the_same_content(gallery: Gallery, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    assert back_up(gallery, target) == 3
    assert [file.name for file in tmp_path.iterdir() if "backup" in file.name] == ["backup.db"]
    if sys.platform != "win32":
        assert target.stat().st_mode & 0o777 == 0o600
    with open_gallery(str(target), create=False) as opened:
        assert content(opened) == content(gallery)
        opened.enrol("Cy", [walk()], "asked")


def test_people_are_replaced_by_those_of_a_backup(gallery: Gallery, tmp_path: Path) -> None:
    before = content(gallery)
    ids = {item.person_id for item in gallery.templates("model-1")}
    back_up(gallery, tmp_path / "backup.db")
    raw = (tmp_path / "backup.db").read_bytes()
    gallery.remove("Ada")
    gallery.rename("Ben", "Ben L.")
    gallery.enrol("Cy", [walk()], "asked")
    revision = gallery.revision()
    with open_backup(tmp_path / "backup.db", tmp_path) as backup:
        assert gallery.replace_people(backup, revision).done
    assert content(gallery) == before
    assert gallery.revision() > revision
    # Ids are never used again, so that nothing read before is taken for somebody else's.
    assert ids.isdisjoint(item.person_id for item in gallery.templates("model-1"))
    assert (tmp_path / "backup.db").read_bytes() == raw


def test_a_folder_that_takes_no_copy_is_named_in_a_sentence(gallery: Gallery, tmp_path: Path) -> None:
    back_up(gallery, tmp_path / "backup.db")
    (tmp_path / "file").touch()
    places = [tmp_path / "file"]
    if sys.platform == "linux":
        places.append(Path("/proc"))  # a folder in which nobody, root included, can make a file
    for folder in places:
        with (
            pytest.raises(GalleryError, match="cannot be used"),
            open_backup(tmp_path / "backup.db", folder),
        ):
            pass


def test_a_gallery_that_changed_since_it_was_examined_keeps_its_people(
    gallery: Gallery, tmp_path: Path
) -> None:
    back_up(gallery, tmp_path / "backup.db")
    revision = gallery.revision()
    gallery.enrol("Cy", [walk()], "asked")
    before = content(gallery)
    refused = pytest.raises(GalleryError, match="changed at this moment; nothing was replaced, try again")
    with open_backup(tmp_path / "backup.db", tmp_path) as backup, refused:
        gallery.replace_people(backup, revision)
    assert content(gallery) == before


def test_no_byte_of_removed_people_is_in_a_backup(tmp_path: Path) -> None:
    templates = cages(30)
    with open_gallery(str(tmp_path / "g.db"), wait=0.05) as opened:
        opened.enrol("Testimony", [walk(templates)], "asked")
        opened.enrol("Ben", [walk()], "asked")
        with closing(sqlite3.connect(tmp_path / "g.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM person").fetchall()
            assert not opened.remove("Testimony").done  # so its bytes are still in the gallery
            back_up(opened, tmp_path / "backup.db")
    raw = (tmp_path / "backup.db").read_bytes()
    assert b"Testimony" not in raw and b"testimony" not in raw and b"Ben" in raw
    assert not any(cage.tobytes()[:16] in raw for cage in templates)


def test_a_backup_of_a_gallery_in_use_is_of_one_moment(tmp_path: Path) -> None:
    stop = threading.Event()

    def change() -> None:
        with open_gallery(str(tmp_path / "g.db")) as writer:
            while not stop.is_set():
                writer.enrol("Pair", [walk(), walk()], "--yes")
                writer.rename("Pair", "Two")
                writer.remove("Two")

    with open_gallery(str(tmp_path / "g.db")) as opened:
        opened.enrol("Ada", [walk(cages(60))], "asked")
        writing = threading.Thread(target=change)
        writing.start()
        try:
            for k in range(8):
                back_up(opened, tmp_path / f"{k}.db")
        finally:
            stop.set()
            writing.join()
    for k in range(8):
        with open_gallery(str(tmp_path / f"{k}.db"), create=False) as backup:
            people = [(person.name, len(person.enrolments)) for person in backup.people()]
            assert people in ([("Ada", 1)], [("Ada", 1), ("Pair", 2)], [("Ada", 1), ("Two", 2)])


def test_an_existing_file_is_kept_unless_it_is_to_be_replaced(gallery: Gallery, tmp_path: Path) -> None:
    target = tmp_path / "backup.db"
    target.write_text("dear diary")
    with pytest.raises(UserError, match=r"exists; give another file, or --force"):
        back_up(gallery, target)
    assert target.read_text() == "dear diary"
    assert back_up(gallery, target, replace=True) == 3
    with open_gallery(str(target), create=False) as opened:
        with pytest.raises(UserError, match="in use"):
            back_up(gallery, target, replace=True)
        with pytest.raises(UserError, match="is the gallery itself"):
            back_up(opened, target, replace=True)
    with pytest.raises(UserError, match="is no file"):
        back_up(gallery, tmp_path, replace=True)


def test_a_backup_that_fails_leaves_nothing(gallery: Gallery, tmp_path: Path) -> None:
    with pytest.raises(GalleryError, match="nowhere"):
        back_up(gallery, tmp_path / "nowhere" / "backup.db")
    with open_gallery(str(tmp_path / "other.db")) as other:
        other.enrol("Ada", [walk()], "asked")
        with closing(sqlite3.connect(tmp_path / "other.db")) as db, db:
            db.execute("UPDATE template SET cage = 'text'")
        before = sorted(tmp_path.iterdir())
        with pytest.raises(DamagedGalleryError):
            back_up(other, tmp_path / "backup.db")
        assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("content", [b"", b"x", b"# notes\n" * 200, b"SQLite format 3\0"])
def test_a_file_that_is_no_gallery_is_not_restored(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "notes").write_bytes(content)
    with pytest.raises(GalleryError, match="is not a gallery"), open_backup(tmp_path / "notes", tmp_path):
        pytest.fail("opened")
    with pytest.raises(GalleryError, match="there is no backup"), open_backup(tmp_path / "none", tmp_path):
        pytest.fail("opened")
    assert [file.name for file in tmp_path.iterdir()] == ["notes"]


def test_a_damaged_backup_is_not_restored(gallery: Gallery, tmp_path: Path) -> None:
    back_up(gallery, tmp_path / "backup.db")
    raw = bytearray((tmp_path / "backup.db").read_bytes())
    raw[20_000:24_000] = os.urandom(4000)
    (tmp_path / "backup.db").write_bytes(raw)
    with pytest.raises(DamagedGalleryError, match="backup"), open_backup(tmp_path / "backup.db", tmp_path):
        pytest.fail("opened")


def test_a_backup_of_an_older_version_stays_as_it_is(tmp_path: Path) -> None:
    with open_gallery(str(tmp_path / "g.db")) as opened:
        opened.enrol("Ada", [walk()], "asked")
        back_up(opened, tmp_path / "old.db")
    with closing(sqlite3.connect(tmp_path / "old.db")) as db:
        for column in ("statistics", "pose_model", "view"):
            db.execute(f"ALTER TABLE enrolment DROP COLUMN {column}")
        db.execute("ALTER TABLE person DROP COLUMN consent_note")
        db.execute("DROP TABLE stranger_visit")
        for table in ("stranger_recording", "visit_walk", "visit_candidate", "visit"):
            db.execute(f"DROP TABLE {table}")
        db.execute("ALTER TABLE gallery DROP COLUMN visitors")
        db.execute("PRAGMA user_version=1")
    raw = (tmp_path / "old.db").read_bytes()
    with open_backup(tmp_path / "old.db", tmp_path) as backup:
        assert [person.name for person in backup.people()] == ["Ada"]
    assert (tmp_path / "old.db").read_bytes() == raw


def test_a_backup_with_a_damaged_row_is_named_and_replaces_nothing(tmp_path: Path) -> None:
    backup = tmp_path / "backup.db"
    with open_gallery(str(backup)) as made:
        made.enrol("Ada", [walk()], "asked")
    with closing(sqlite3.connect(backup)) as db, db:
        db.execute("UPDATE template SET cage = 'text'")
    path = tmp_path / "g.db"
    path.write_bytes(b"damaged")
    named = f"^the backup {re.escape(str(backup))} is damaged; give another one$"
    with pytest.raises(DamagedGalleryError, match=named), open_backup(backup, tmp_path) as opened:
        replace_damaged(path, opened)
    assert path.read_bytes() == b"damaged"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["backup.db", "g.db"]


def test_a_damaged_gallery_is_replaced_and_moved_aside_with_its_log(gallery: Gallery, tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    for number in (1, 2):
        path.write_bytes(b"damaged")
        path.with_name("damaged.db-wal").write_bytes(b"log")
        aside = replace_damaged(path, gallery)
        assert aside == tmp_path / f"damaged.db.damaged-{number}"
        assert aside.read_bytes() == b"damaged"
        assert aside.with_name(f"{aside.name}-wal").read_bytes() == b"log"
        with open_gallery(str(path), create=False) as opened:
            assert content(opened) == content(gallery)
