"""Files with wrong bytes: what comes out is one `GalleryError`, or records that could have been stored."""

from __future__ import annotations

import math
import sqlite3
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gallery.store.backup import back_up, open_backup
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.records import NewEnrolment
from gallery.store.store_protocol import DamagedGalleryError
from stream.errors import GalleryError

NAMES = ("Ada", "Ang\u00e8le", "Zo\u00eb")


def walk() -> NewEnrolment:
    statistics = np.ones(5, np.float32)
    return NewEnrolment("model-1", "kinect-v1", 3.0, 0.5, np.ones((3, 2, 4), np.float32), statistics)


def make(path: Path) -> Path:
    with open_gallery(str(path)) as opened:
        for name in NAMES:
            opened.enrol(name, [walk(), walk()], "asked")
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("whole") / "g.db")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make(tmp_path / "g.db")


def assert_valid(gallery: Gallery) -> None:
    """Reads everything; asserts that each record is one that could have been stored."""
    assert isinstance(gallery.revision(), int)
    for person in gallery.people():
        assert isinstance(person.name, str)
        assert isinstance(person.enrolled_at, datetime) and isinstance(person.consent_at, datetime)
        assert person.consent_by in ("asked", "--yes")
        for stored in person.enrolments:
            assert isinstance(stored.contract_id, str) and isinstance(stored.sensor, str)
            assert stored.windows > 0 and 0 < stored.seconds < math.inf and 0 <= stored.quality <= 1
    for contract in gallery.contracts():
        for item in gallery.templates(contract):
            assert isinstance(item.name, str) and isinstance(item.sensor, str)
            assert item.templates.ndim == 3 and item.templates.dtype == np.float32
            assert np.isfinite(item.templates).all() and np.isfinite(item.statistics).all()


@pytest.mark.slow
@settings(max_examples=300)
@given(
    changes=st.lists(
        st.tuples(st.booleans(), st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=8
    ),
    length=st.integers(0, 2**18),
)
def test_a_file_with_wrong_bytes_gives_an_error_or_valid_records(
    whole: Path, changes: list[tuple[bool, int, int]], length: int
) -> None:
    raw = bytearray(whole.read_bytes())
    used = [place for place in range(len(raw)) if raw[place]]  # rows, where most of the file's bytes are not
    for in_a_row, number, value in changes:
        raw[used[number % len(used)] if in_a_row else number % len(raw)] = value
    del raw[length:]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "g.db"
        path.write_bytes(raw)
        try:
            with open_gallery(str(path), wait=0.01, create=False) as opened:
                assert_valid(opened)
        except GalleryError as error:
            assert "\n" not in str(error)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("person", "name", b"\xff\xfe\xfa"),
        ("person", "enrolled_at", "yesterday"),
        ("person", "enrolled_at", b"\xff"),
        ("person", "consent_at", 12),
        ("person", "consent_by", "somebody"),
        ("enrolment", "sensor", b"\xff"),
        ("enrolment", "contract_id", b"model-1"),
        ("enrolment", "seconds", "long"),
        ("enrolment", "seconds", -1.0),
        ("enrolment", "seconds", float("inf")),
        ("enrolment", "quality", b"\x00"),
        ("enrolment", "windows", "three"),
        ("enrolment", "windows", 2**62),
        ("enrolment", "f", -2),
        ("enrolment", "f", 2**40),
        ("enrolment", "statistics", "text"),
        ("enrolment", "statistics", b"\0\0\xc0\x7f"),
        ("enrolment", "statistics", b"abc"),
        ("template", "cage", "text"),
        ("template", "cage", 7),
        ("template", "cage", b"\0\0\xc0\x7f" * 8),
        ("template", "cage", b"\0" * 31),
    ],
)
def test_a_wrong_value_is_reported_as_damage(path: Path, table: str, column: str, value: object) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints=ON")
        text = "CAST(? AS TEXT)" if isinstance(value, bytes) and column in ("name", "sensor") else "?"
        db.execute(f"UPDATE {table} SET {column} = {text} WHERE rowid = 1", (value,))
    with open_gallery(str(path)) as opened:
        with pytest.raises(DamagedGalleryError, match="is damaged; restore a copy") as caught:
            opened.people()
            for contract in ("model-1", *opened.contracts()):
                opened.templates(contract)
        assert caught.value.url == opened.url
        with pytest.raises(GalleryError):
            back_up(opened, path.with_name("backup.db"))
    assert not path.with_name("backup.db").exists()
    with pytest.raises(GalleryError), open_backup(path, path.parent) as copy:
        back_up(copy, path.with_name("backup.db"))


def test_a_removal_from_a_gallery_whose_counter_is_damaged_says_so(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE gallery SET removal = 1e308")
    with open_gallery(str(path), create=False) as gallery:
        removed = gallery.remove("Ada")
    assert not removed.done
    assert "is damaged" in removed.reason
