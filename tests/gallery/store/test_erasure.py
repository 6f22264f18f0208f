"""Erasure in SQLite files: no byte of removed data remains."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from gallery.store.gallery import Gallery, open_gallery
from gallery.store.names import name_key
from gallery.store.records import NewEnrolment
from stream.body import FloatArray

RANDOM = np.random.default_rng(2)
NAME = "Ang\u00e8le Testimony"


def cages(windows: int = 4, f: int = 6, dimension: int = 768) -> FloatArray:
    return RANDOM.standard_normal((windows, f, dimension)).astype(np.float32)


def walk(templates: FloatArray) -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, templates)


def content(path: Path) -> bytes:
    """Returns all bytes of the gallery's files."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())


def traces(path: Path, name: str, templates: FloatArray) -> int:
    """Counts pieces of a person in the files: spellings of the name, and sequences of four numbers."""
    data = content(path)
    names = {name, name_key(name)}
    numbers = templates.astype("<f4").tobytes()
    pieces = [numbers[k : k + 16] for k in range(0, len(numbers) - 15, 16)]
    return sum(spelling.encode() in data for spelling in names) + sum(piece in data for piece in pieces)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.db"


@pytest.fixture
def gallery(path: Path) -> Iterator[Gallery]:
    with open_gallery(str(path)) as opened:
        opened.enrol("Ben", [walk(cages())], "asked")
        yield opened


@pytest.mark.slow
def test_removing_leaves_no_byte_of_a_person(gallery: Gallery, path: Path) -> None:
    templates = cages()
    gallery.enrol(NAME, [walk(templates)], "asked")
    assert traces(path, NAME, templates) > 0.99 * templates.size / 4  # a few are split across two pages
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


def test_merging_leaves_no_byte_of_the_other_name_and_all_templates(gallery: Gallery, path: Path) -> None:
    templates = cages(1)
    gallery.enrol("Ada", [walk(cages(1))], "asked")
    gallery.enrol(NAME, [walk(templates)], "asked")
    assert gallery.merge("Ada", NAME).done
    assert NAME.encode() not in content(path)
    assert name_key(NAME).encode() not in content(path)
    assert not gallery.erasure_pending()
    assert traces(path, "Ada", templates) > 0.99 * templates.size / 4


def test_copies_that_sqlite_leaves_when_it_moves_rows_are_erased(path: Path) -> None:
    # With these people, SQLite 3.40 keeps pieces of removed templates despite secure_delete.
    choice, numbers = random.Random(1), np.random.default_rng(1)
    enrolled: dict[str, FloatArray] = {}
    removed: dict[str, FloatArray] = {}
    with open_gallery(str(path)) as opened, closing(sqlite3.connect(path, isolation_level=None)) as db:
        for pragma in ("foreign_keys=ON", "secure_delete=ON", "synchronous=OFF"):
            db.execute(f"PRAGMA {pragma}")
        for _ in range(160):
            if enrolled and choice.random() < 0.45:
                name = choice.choice(sorted(enrolled))
                db.execute("DELETE FROM person WHERE name = ?", (name,))
                removed[name] = enrolled.pop(name)
            else:
                name = f"{choice.getrandbits(64):016x}" * choice.randint(1, 3)
                enrolled[name] = numbers.standard_normal((choice.randint(1, 6), 1, 50)).astype(np.float32)
                opened.enrol(name, [walk(enrolled[name])], "--yes")
        last = min(enrolled)
        removed[last] = enrolled.pop(last)
        assert opened.remove(last).done
        assert len(removed) > 50
        assert sum(traces(path, name, templates) for name, templates in removed.items()) == 0
        assert {person.name for person in opened.people()} == set(enrolled)


@pytest.mark.slow
def test_a_reader_that_holds_the_log_delays_the_erasure(path: Path) -> None:
    templates = cages()
    with open_gallery(str(path), wait=0.05) as opened:
        opened.enrol(NAME, [walk(templates)], "asked")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM person").fetchall()
            erasure = opened.remove(NAME)
            assert not erasure.done
            assert "still in the database" in erasure.reason
            assert "close that program" in erasure.reason
            assert opened.people() == []
            assert opened.templates("model-1") == []
            assert opened.erasure_pending()
            assert traces(path, NAME, templates) > 0
            with open_gallery(str(path), wait=0.05) as second:  # the reader is still there
                assert second.erasure_pending()
        with open_gallery(str(path)) as second:
            assert not second.erasure_pending()
            assert traces(path, NAME, templates) == 0
        assert not opened.erasure_pending()


def test_the_next_removal_completes_a_pending_erasure(path: Path) -> None:
    templates = cages()
    with open_gallery(str(path), wait=0.05) as opened:
        opened.enrol(NAME, [walk(templates)], "asked")
        opened.enrol("Ben", [walk(cages())], "asked")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM person").fetchall()
            assert not opened.remove(NAME).done
        assert opened.remove("Ben").done
        assert not opened.erasure_pending()
        assert traces(path, NAME, templates) == 0


def test_a_pending_erasure_and_a_writer_do_not_prevent_opening(path: Path) -> None:
    with open_gallery(str(path), wait=0.05) as opened:
        opened.enrol(NAME, [walk(cages())], "asked")
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM person").fetchall()
            opened.remove(NAME)
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            with open_gallery(str(path)) as second:
                assert second.people() == []
                assert second.erasure_pending()


@pytest.mark.slow
def test_a_matcher_that_loads_continuously_does_not_delay_erasure(gallery: Gallery, path: Path) -> None:
    people = {f"{NAME} {k}": cages(2) for k in range(4)}
    for name, templates in people.items():
        gallery.enrol(name, [walk(templates)], "asked")
    stop, loads = threading.Event(), []

    def load() -> None:
        with open_gallery(str(path)) as matcher:
            while not stop.is_set():
                loads.append(len(matcher.templates("model-1")))

    matching = threading.Thread(target=load)
    matching.start()
    try:
        for name, templates in people.items():
            assert gallery.remove(name).done
            assert traces(path, name, templates) == 0
    finally:
        stop.set()
        matching.join()
    assert set(loads) <= {1, 2, 3, 4, 5}
