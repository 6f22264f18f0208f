"""Removed means gone: from every list, and from the bytes of the files."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from gallery.store.gallery import Gallery, NewEnrolment, open_gallery
from gallery.store.names import name_key
from stream.body import FloatArray

RANDOM = np.random.default_rng(2)
NAME = "Ang\u00e8le Testimony"


def cages(windows: int = 4, f: int = 6, dimension: int = 768) -> FloatArray:
    return RANDOM.standard_normal((windows, f, dimension)).astype(np.float32)


def walk(templates: FloatArray) -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, templates)


def content(path: Path) -> bytes:
    """Every byte of the gallery's files."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())


def traces(path: Path, name: str, templates: FloatArray) -> int:
    """How many pieces of a person the files hold: spellings of the name, and runs of four numbers."""
    found = content(path)
    names = {name, name_key(name)}
    numbers = templates.astype("<f4").tobytes()
    pieces = [numbers[k : k + 16] for k in range(0, len(numbers) - 15, 16)]
    return sum(spelling.encode() in found for spelling in names) + sum(piece in found for piece in pieces)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with open_gallery(str(path)) as store:
        store.enrol("Ben", [walk(cages())], "asked")
        yield store


def test_removing_leaves_no_byte_of_a_person(gallery: Gallery, path: Path) -> None:
    templates = cages()
    gallery.enrol(NAME, [walk(templates)], "asked")
    assert traces(path, NAME, templates) > 0.99 * templates.size / 4  # a few lie across two pages
    erasure = gallery.remove(NAME)
    assert (erasure.done, erasure.reason) == (True, "")
    assert traces(path, NAME, templates) == 0
    assert not gallery.erasure_pending()
    assert [person.name for person in gallery.people()] == ["Ben"]


def test_renaming_leaves_no_byte_of_the_old_name(gallery: Gallery, path: Path) -> None:
    templates = cages(1)
    gallery.enrol(NAME, [walk(templates)], "asked")
    assert gallery.rename(NAME, "Eve").done
    assert NAME.encode() not in content(path)
    assert name_key(NAME).encode() not in content(path)
    assert b"Eve" in content(path)


def test_copies_that_sqlite_leaves_behind_when_it_moves_rows_are_erased_too(path: Path) -> None:
    # With these people, SQLite 3.40 keeps pieces of removed templates in spite of secure_delete.
    choice, numbers = random.Random(1), np.random.default_rng(1)
    here: dict[str, FloatArray] = {}
    gone: dict[str, FloatArray] = {}
    with open_gallery(str(path)) as store, closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("foreign_keys=ON", "secure_delete=ON", "synchronous=OFF"):
            db.execute(f"PRAGMA {pragma}")
        for _ in range(160):
            if here and choice.random() < 0.45:
                name = choice.choice(sorted(here))
                db.execute("DELETE FROM person WHERE name = ?", (name,))
                gone[name] = here.pop(name)
            else:
                name = f"{choice.getrandbits(64):016x}" * choice.randint(1, 3)
                here[name] = numbers.standard_normal((choice.randint(1, 6), 1, 50)).astype(np.float32)
                store.enrol(name, [walk(here[name])], "--yes")
        last = min(here)
        gone[last] = here.pop(last)
        assert store.remove(last).done
        assert len(gone) > 50
        assert sum(traces(path, name, templates) for name, templates in gone.items()) == 0
        assert {person.name for person in store.people()} == set(here)


def test_a_reader_that_holds_the_log_leaves_the_erasure_pending(path: Path) -> None:
    templates = cages()
    with open_gallery(str(path), wait=0.05) as store:
        store.enrol(NAME, [walk(templates)], "asked")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM person").fetchall()
            erasure = store.remove(NAME)
            assert not erasure.done
            assert "still in the file" in erasure.reason
            assert "close that program" in erasure.reason
            assert store.people() == []
            assert store.templates("model-1") == []
            assert store.erasure_pending()
            assert traces(path, NAME, templates) > 0
            with open_gallery(str(path), wait=0.05) as second:  # the reader is still there
                assert second.erasure_pending()
        with open_gallery(str(path)) as second:
            assert not second.erasure_pending()
            assert traces(path, NAME, templates) == 0
        assert not store.erasure_pending()


def test_the_next_removal_finishes_an_erasure_as_well(path: Path) -> None:
    templates = cages()
    with open_gallery(str(path), wait=0.05) as store:
        store.enrol(NAME, [walk(templates)], "asked")
        store.enrol("Ben", [walk(cages())], "asked")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM person").fetchall()
            assert not store.remove(NAME).done
        assert store.remove("Ben").done
        assert not store.erasure_pending()
        assert traces(path, NAME, templates) == 0


def test_a_writer_in_the_way_keeps_nobody_from_opening(path: Path) -> None:
    with open_gallery(str(path), wait=0.05) as store:
        store.enrol(NAME, [walk(cages())], "asked")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM person").fetchall()
            store.remove(NAME)
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            with open_gallery(str(path)) as second:
                assert second.people() == []
                assert second.erasure_pending()


def test_a_matcher_that_loads_all_the_time_is_in_nobodys_way(gallery: Gallery, path: Path) -> None:
    people = {f"{NAME} {k}": cages(2) for k in range(4)}
    for name, templates in people.items():
        gallery.enrol(name, [walk(templates)], "asked")
    over, loads = threading.Event(), []

    def load() -> None:
        with open_gallery(str(path)) as matcher:
            while not over.is_set():
                loads.append(len(matcher.templates("model-1")))

    matching = threading.Thread(target=load)
    matching.start()
    try:
        for name, templates in people.items():
            assert gallery.remove(name).done
            assert traces(path, name, templates) == 0
    finally:
        over.set()
        matching.join()
    assert set(loads) <= {1, 2, 3, 4, 5}
