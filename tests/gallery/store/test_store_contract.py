"""Contract of `gallery.store.store_protocol.Store`: every engine must pass (`conftest.URLS` lists them)."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from gallery.store.engines import open_store
from gallery.store.schema import bookkeeping, enrolment, person, template
from gallery.store.store_protocol import Store
from stream.errors import GalleryError

SHORT = 0.05
NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
Opener = Callable[..., Store]


@pytest.fixture
def opened(url: str) -> Iterator[Opener]:
    """Opens another store on the same database; all are closed after the test."""
    with ExitStack() as stack:

        def open_another(wait: float = 5.0) -> Store:
            return stack.enter_context(closing(open_store(url, wait=wait, create=True)))

        yield open_another


@pytest.fixture
def store(opened: Opener) -> Store:
    return opened()


def add_person(db: Connection, name: str, windows: int = 2) -> int:
    """Adds a person with one walk; returns the person's id."""
    consent = {"enrolled_at": NOW, "consent_at": NOW, "consent_by": "asked"}
    added = insert(person).values(name=name, name_key=name.casefold(), **consent).returning(person.c.id)
    person_id = int(db.execute(added).scalar_one())
    walk = {"contract_id": "c", "sensor": "kinect-v1", "seconds": 4.5, "quality": 0.5, "created_at": NOW}
    shape = {"windows": windows, "f": 1, "dimension": 1}
    added = insert(enrolment).values(person_id=person_id, **walk, **shape).returning(enrolment.c.id)
    walk_id = db.execute(added).scalar_one()
    db.execute(
        insert(template),
        [{"enrolment_id": walk_id, "position": k, "cage": b"\1\2\3\4"} for k in range(windows)],
    )
    return person_id


def names(store: Store) -> list[str]:
    with store.read() as db:
        return list(db.execute(select(person.c.name).order_by(person.c.id)).scalars())


def test_a_new_store_is_an_empty_gallery_at_revision_0(store: Store) -> None:
    with store.read() as db:
        assert db.execute(select(bookkeeping)).all() == [(1, 0, 0, 0, 0)]
        for table in (person, enrolment, template):
            assert db.execute(select(func.count()).select_from(table)).scalar_one() == 0


def test_a_gallery_is_created_on_request_only(url: str) -> None:
    for _ in range(2):
        with pytest.raises(GalleryError, match="there is no gallery"):
            open_store(url, wait=SHORT, create=False)
    open_store(url, wait=SHORT, create=True).close()
    open_store(url, wait=SHORT, create=False).close()


def test_stores_that_open_at_once_create_one_gallery(opened: Opener) -> None:
    start = threading.Barrier(4)
    stores: list[Store] = []

    def create() -> None:
        start.wait()
        stores.append(opened(wait=60))
        with stores[-1].write() as db:
            db.execute(update(bookkeeping).values(revision=bookkeeping.c.revision + 1))

    run_in_threads([create] * 4)
    for store in stores:
        with store.read() as db:
            assert db.execute(select(bookkeeping.c.revision)).scalars().all() == [4]


def test_the_url_opens_the_same_database_again(store: Store) -> None:
    with store.write() as db:
        add_person(db, "Ada")
    with closing(open_store(store.url, wait=SHORT, create=False)) as again:
        assert again.url == store.url
        assert names(again) == ["Ada"]


def test_committed_data_is_visible_to_other_stores_and_after_closing(store: Store, opened: Opener) -> None:
    other = opened()
    with store.write() as db:
        add_person(db, "Ada")
    assert names(other) == names(store) == ["Ada"]
    store.close()
    other.close()
    with opened().read() as db:
        assert db.execute(select(person.c.enrolled_at)).scalar_one() == NOW
        assert db.execute(select(template.c.cage)).scalars().all() == [b"\1\2\3\4"] * 2


def test_a_block_that_raises_writes_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.write() as db:
        add_person(db, "Ada")
        raise KeyError
    assert names(store) == []
    with store.write() as db:  # the lock is released
        add_person(db, "Ben")


def test_a_violated_constraint_raises_integrity_error_within_the_block(store: Store) -> None:
    with store.write() as db:
        add_person(db, "Ada")
    caught = False
    with pytest.raises(KeyError), store.write() as db:
        add_person(db, "Ben")
        try:
            add_person(db, "ADA")
        except IntegrityError:
            caught = True
        raise KeyError
    assert caught
    assert names(store) == ["Ada"]


def test_deleting_a_person_deletes_their_walks_and_templates(store: Store) -> None:
    with store.write() as db:
        add_person(db, "Ada", windows=3)
        add_person(db, "Ben", windows=2)
    with store.write() as db:
        assert db.execute(delete(person).where(person.c.name == "Ada")).rowcount == 1
    with store.read() as db:
        assert db.execute(select(func.count()).select_from(enrolment)).scalar_one() == 1
        assert db.execute(select(func.count()).select_from(template)).scalar_one() == 2


def test_ids_are_not_reused(store: Store) -> None:
    with store.write() as db:
        first = add_person(db, "Ada")
        db.execute(delete(person))
    with store.write() as db:
        assert add_person(db, "Ben") != first


def test_each_statement_of_a_reader_sees_the_last_commit_and_delays_no_writer(
    store: Store, opened: Opener
) -> None:
    writer = opened(wait=SHORT)
    with store.read() as db:
        assert db.execute(select(person.c.name)).all() == []
        with writer.write() as other:
            add_person(other, "Ada")
        assert db.execute(select(person.c.name)).scalars().all() == ["Ada"]
        writer.erase(patient=False)
        assert db.execute(select(person.c.name)).scalars().all() == ["Ada"]


def test_a_writer_delays_no_reader_and_makes_other_writers_fail_after_their_wait(
    store: Store, opened: Opener
) -> None:
    other = opened(wait=SHORT)
    with store.write() as db:
        add_person(db, "Ada")
        assert names(other) == []
        with pytest.raises(GalleryError), other.write():
            pytest.fail("two writers at once")
    with other.write() as db:
        add_person(db, "Ben")
    assert names(store) == ["Ada", "Ben"]


def test_data_that_a_writer_reads_does_not_change_until_it_ends(opened: Opener) -> None:
    shared, other = opened(wait=60), opened(wait=60)

    def count(store: Store) -> None:
        for _ in range(5):
            with store.write() as db:
                revision = db.execute(select(bookkeeping.c.revision)).scalar_one()
                db.execute(update(bookkeeping).values(revision=revision + 1))

    run_in_threads([lambda: count(shared), lambda: count(shared), lambda: count(other)])
    with shared.read() as db:
        assert db.execute(select(bookkeeping.c.revision)).scalar_one() == 15


def test_erasing_keeps_the_remaining_rows_and_may_be_repeated(store: Store) -> None:
    with store.write() as db:
        add_person(db, "Ada", windows=50)
        add_person(db, "Ben", windows=50)
    with store.write() as db:
        db.execute(delete(person).where(person.c.name == "Ada"))
    for patient in (True, True, False):
        store.erase(patient=patient)
    assert names(store) == ["Ben"]
    with store.read() as db:
        assert db.execute(select(template.c.cage)).scalars().all() == [b"\1\2\3\4"] * 50


@pytest.mark.parametrize("mode", ["read", "write"])
def test_an_error_of_the_engine_shows_no_sql_and_no_value(store: Store, mode: str) -> None:
    query = text("SELECT name FROM nowhere WHERE name = :name").bindparams(name="Testimony")
    block = store.read() if mode == "read" else store.write()
    with pytest.raises(GalleryError) as caught, block as db:
        db.execute(query)
    shown = "".join(traceback.format_exception_only(caught.value))
    assert not any(word in shown for word in ("SELECT", "nowhere", "Testimony", "sqlalchemy", "Operational"))
    assert caught.value.__suppress_context__


def test_closing_twice_is_harmless(store: Store) -> None:
    store.close()
    store.close()


def run_in_threads(functions: list[Callable[[], None]]) -> None:
    """Runs the functions at once; fails if one raises."""
    errors: list[Exception] = []

    def run(function: Callable[[], None]) -> None:
        try:
            function()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(function,)) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
