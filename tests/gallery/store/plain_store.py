"""A second, minimal engine without code of `SqliteFile`: a gallery needs the `Store` protocol only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, inspect
from sqlalchemy.exc import SQLAlchemyError

from gallery.store.schema import create_tables
from stream.errors import GalleryError


class PlainStore:
    """An SQLite file with a rollback journal, opened by SQLAlchemy: `plain://path`."""

    replacements = 0  # files are not replaced in these tests

    def __init__(self, url: str, *, wait: float, create: bool) -> None:
        self.url = url
        path = Path(url.removeprefix("plain://"))
        if not create and not path.exists():
            raise GalleryError(f"there is no gallery {path}; give another path")
        connect = {"timeout": wait, "isolation_level": None}
        self._engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args=connect)
        with self.write() as db:
            if not inspect(db).has_table("gallery"):
                create_tables(db)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self._plain_errors(), self._engine.connect() as db:
            yield self._configured(db)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        with self.read() as db:
            db.exec_driver_sql("BEGIN")
            yield db

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self._plain_errors(), self._engine.begin() as db:
            self._configured(db).exec_driver_sql("BEGIN IMMEDIATE")
            yield db

    def erase(self, *, patient: bool) -> None:
        with self.read() as db:
            db.exec_driver_sql("VACUUM")

    def close(self) -> None:
        self._engine.dispose()

    @staticmethod
    def _configured(db: Connection) -> Connection:
        db.exec_driver_sql("PRAGMA foreign_keys=ON")
        db.exec_driver_sql("PRAGMA secure_delete=ON")
        return db

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError:
            raise GalleryError("the gallery cannot be used; try again") from None
