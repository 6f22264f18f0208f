"""A gallery file that is deleted, moved or replaced while programs have it open."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment
from gallery.store.store_protocol import MissingGalleryError
from stream.errors import GalleryError

if sys.platform == "win32":
    pytest.skip("Windows keeps files that are open", allow_module_level=True)


def walk() -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, np.ones((3, 6, 8), np.float32))


def names(path: Path) -> list[str]:
    with open_gallery(str(path), create=False) as opened:
        return [person.name for person in opened.people()]


def make(path: Path, *people: str) -> Path:
    with open_gallery(str(path)) as opened:
        for name in people:
            opened.enrol(name, [walk()], "asked")
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with open_gallery(str(path), wait=0.05) as opened:
        opened.enrol("Ada", [walk()], "asked")
        yield opened


def test_a_deleted_gallery_is_missing_and_refuses_enrolments(gallery: Gallery, path: Path) -> None:
    path.unlink()
    for _ in range(2):
        uses: list[Callable[[], object]] = [
            gallery.revision,
            gallery.people,
            lambda: gallery.templates("model-1"),
            lambda: gallery.enrol("Ben", [walk()], "asked"),
            lambda: gallery.remove("Ada"),
        ]
        for use in uses:
            with pytest.raises(MissingGalleryError, match=r"is gone.*gallery restore") as caught:
                use()
            assert caught.value.url == gallery.url
    assert list(path.parent.iterdir()) == []


def test_a_replaced_gallery_is_opened(gallery: Gallery, path: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "other.db", "Ben")
    revision, (ada,) = gallery.revision(), gallery.templates("model-1")
    other.replace(path)
    assert gallery.revision() > revision  # although both files have had one change
    assert [person.name for person in gallery.people()] == ["Ben"]
    (ben,) = gallery.templates("model-1")
    assert ben.person_id != ada.person_id  # although both were the first person of their file
    gallery.enrol("Cy", [walk()], "asked")
    assert names(path) == ["Ben", "Cy"]


def test_a_gallery_that_comes_back_is_opened(gallery: Gallery, path: Path, tmp_path: Path) -> None:
    revision = gallery.revision()
    path.rename(tmp_path / "moved.db")
    with pytest.raises(MissingGalleryError):
        gallery.revision()
    assert names(tmp_path / "moved.db") == ["Ada"]  # what was in the log has moved with it
    (tmp_path / "moved.db").rename(path)
    assert gallery.revision() != revision
    assert [person.name for person in gallery.people()] == ["Ada"]


def test_a_new_gallery_gets_nothing_of_a_deleted_one(gallery: Gallery, path: Path) -> None:
    path.unlink()
    with pytest.raises(GalleryError, match=r"gallery\.db-wal and gallery\.db-shm of a gallery that was"):
        open_gallery(str(path), wait=0.05)
    with pytest.raises(MissingGalleryError):
        gallery.revision()
    assert make(path, "Ben")
    assert names(path) == ["Ben"]
    assert [person.name for person in gallery.people()] == ["Ben"]


def test_a_gallery_replaced_by_something_else_is_missing_and_unchanged(gallery: Gallery, path: Path) -> None:
    path.unlink()
    path.write_text("dear diary")
    for use in (gallery.revision, lambda: gallery.enrol("Ben", [walk()], "asked")):
        with pytest.raises(MissingGalleryError, match="is not a gallery and was not changed"):
            use()
    assert path.read_text() == "dear diary"


@pytest.mark.parametrize("replaced", [True, False])
def test_a_commit_into_a_file_that_is_gone_is_not_acknowledged(
    gallery: Gallery, path: Path, tmp_path: Path, replaced: bool
) -> None:
    other = make(tmp_path / "other.db", "Ben")

    def take_away(connection: object) -> None:
        if not replaced:
            path.unlink()
        elif other.exists():
            other.replace(path)

    event.listen(Engine, "commit", take_away)  # at the latest moment: when the transaction commits
    try:
        with pytest.raises(GalleryError, match="replaced or deleted at this moment; nothing was stored"):
            gallery.enrol("Cy", [walk()], "asked")
    finally:
        event.remove(Engine, "commit", take_away)
    if replaced:
        assert names(path) == ["Ben"]
        gallery.enrol("Cy", [walk()], "asked")
        assert names(path) == ["Ben", "Cy"]


def test_a_file_with_the_same_inode_number_is_another_file(gallery: Gallery, path: Path) -> None:
    # Many file systems give the number of a deleted file to the next one.
    for k in range(20):
        path.unlink()
        with pytest.raises(MissingGalleryError):
            gallery.revision()
        make(path, f"Person {k}")
        assert [person.name for person in gallery.people()] == [f"Person {k}"]


def test_a_copy_in_another_journal_mode_takes_the_place(gallery: Gallery, path: Path, tmp_path: Path) -> None:
    other = make(tmp_path / "other.db", "Ben")
    script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('PRAGMA journal_mode=DELETE')"
    subprocess.run([sys.executable, "-c", script, str(other)], check=True)
    shutil.copy(other, tmp_path / "again.db")
    (tmp_path / "again.db").replace(path)
    gallery.enrol("Cy", [walk()], "asked")
    with open_gallery(str(path), wait=0.05) as second:
        second.enrol("Dee", [walk()], "asked")
        assert [person.name for person in gallery.people()] == ["Ben", "Cy", "Dee"]


LIST = """
import sys
from gallery.store.gallery import open_gallery
with open_gallery(sys.argv[1], create=False) as opened:
    print(*[person.name for person in opened.people()])
"""


def test_another_program_that_opens_the_new_file_first_finds_no_person_of_the_old_one(
    gallery: Gallery, path: Path, tmp_path: Path
) -> None:
    gallery.enrol("Ben", [walk()], "asked")
    make(tmp_path / "other.db", "Cy").replace(path)
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    command = [sys.executable, "-c", LIST, str(path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Cy\n", "")
    assert [person.name for person in gallery.people()] == ["Cy"]
    assert names(path) == ["Cy"]
