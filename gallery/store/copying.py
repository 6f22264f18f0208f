"""Copies the people and visits of one gallery to another, whatever their engines."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from gallery.store.history_rows import copy_visits
from gallery.store.records import NewEnrolment
from gallery.store.rows import add_walk, check_walks, read_cages, read_people, read_statistics, select_people
from gallery.store.schema import bookkeeping, enrolment, person, stranger_recording

__all__ = ["copy_people"]


def copy_people(source: Connection, target: Connection) -> int:
    """Adds all people with their walks, all visits, and the scores of strangers; people get new ids.

    Walks of remembered strangers are not copied: a copy would outlive the time for which they are kept.
    Scores of enrolled walks are not copied: who uses the target compares them again.

    Returns the number of people.

    Args:
        source: all its statements see the same state.
        target: in a write transaction.

    Raises:
        ValueError, TypeError: the source holds what cannot have been stored.
        GalleryError: a walk cannot be stored.
    """
    read_people(source.execute(select_people()))  # checks all rows before the first is copied
    rows = source.execute(select(person).order_by(person.c.id)).mappings().all()
    ids: dict[int, int] = {}
    for row in rows:
        values = {name: row[name] for name in row if name != "id"}
        person_id = target.execute(insert(person).values(values).returning(person.c.id)).scalar_one()
        _copy_walks(source, row["id"], target, person_id)
        ids[row["id"]] = person_id
    for row in source.execute(select(stranger_recording)).mappings().all():
        if row["nearest_id"] not in ids or not isinstance(row["score"], float):
            raise ValueError("a score of a stranger cannot be what was stored")
        values = {name: row[name] for name in row if name != "id"}
        target.execute(insert(stranger_recording).values({**values, "nearest_id": ids[row["nearest_id"]]}))
    copy_visits(source, target, ids)
    number = source.execute(select(bookkeeping.c.visitors)).scalar_one()
    fewer = update(bookkeeping).where(bookkeeping.c.visitors < number)
    target.execute(fewer.values(visitors=number))
    return len(rows)


def _copy_walks(source: Connection, source_id: int, target: Connection, person_id: int) -> None:
    query = select(enrolment).where(enrolment.c.person_id == source_id).order_by(enrolment.c.id)
    for row in source.execute(query).mappings().all():
        cages = read_cages(source, row["id"], (row["windows"], row["f"], row["dimension"]))
        if cages is None:
            raise ValueError("a walk has no templates")
        statistics = read_statistics(row["statistics"])
        walk = NewEnrolment(
            row["contract_id"],
            row["sensor"],
            row["seconds"],
            row["quality"],
            cages,
            statistics,
            row["pose_model"],
            row["view"],
        )
        check_walks([walk])
        add_walk(target, person_id, walk, row["created_at"])
