"""Interface between the gallery and the database engine that keeps it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

from stream.errors import GalleryError

__all__ = [
    "DAMAGED",
    "GONE",
    "DamagedGalleryError",
    "MissingGalleryError",
    "Store",
    "StoreOpener",
    "UnusableGalleryError",
]

DAMAGED = (
    "is damaged; restore a copy of it (sge-stream gallery restore FILE), or move it away, with its "
    "-wal file if there is one, and enrol again"
)
"""What to do about a damaged gallery, as the end of a sentence."""

GONE = (
    "is gone: somebody moved or deleted it; put it back, or restore a copy (sge-stream gallery restore FILE)"
)
"""The same about one that was there before."""


class UnusableGalleryError(GalleryError):
    """There is no usable gallery at an address.

    Attributes:
        url: the address; see `Store.url`.
    """

    def __init__(self, text: str, url: str) -> None:
        super().__init__(text)
        self.url = url


class DamagedGalleryError(UnusableGalleryError):
    """The database was opened in the usual way, and its content cannot be what was stored."""


class MissingGalleryError(UnusableGalleryError):
    """There is no gallery, or the one that was opened is no longer there."""


class Store(Protocol):
    """One database that holds the tables of `gallery.store.schema`.

    Threads may share a store, and any number of processes may open the same database at once. Every method
    turns errors of the engine into one `GalleryError`: a sentence that says what is wrong and what to do,
    without SQL and without the content of rows.
    """

    @property
    def url(self) -> str:
        """Absolute address of the database, the same for all who open it; it opens the database again."""

    @property
    def replacements(self) -> int:
        """Number of times that the database was replaced by another one since it was opened.

        A store never uses a database that is no longer at its address. Before each block it checks the
        address: it opens another database that is there, and raises `MissingGalleryError` where there is
        none, or one that it cannot open.
        """

    def read(self) -> AbstractContextManager[Connection]:
        """Returns a connection for reading, valid within a `with` block.

        Each statement sees the last committed state; no transaction spans two statements. Between two
        statements the block delays neither writers nor `erase`.
        """

    def snapshot(self) -> AbstractContextManager[Connection]:
        """Returns a connection for reading; all statements of the `with` block see the same committed state.

        It delays no writer, but may delay `erase`.
        """

    def write(self) -> AbstractContextManager[Connection]:
        """Returns a connection in a write transaction, which lasts as long as the `with` block.

        All changes of the block are committed and durable (on disk) when the block ends; none is kept if it
        raises. Write transactions exclude each other, across threads and processes: what the block reads
        stays true until it ends. A statement that violates a constraint raises SQLAlchemy's `IntegrityError`
        within the block.

        Raises:
            GalleryError: another writer held the database for longer than the waiting time, it cannot be
                written, it was replaced or deleted before the block ended, or it failed: nothing is stored.
        """

    def erase(self, *, patient: bool) -> None:
        """Overwrites deleted data in all files of the database, logs included.

        When it returns, no file holds bytes of rows or values that a transaction deleted or replaced before
        the call. Rows that remain do not change. Calling it again is harmless.

        Args:
            patient: True retries for the waiting time while readers or writers are in the way; False tries
                once.

        Raises:
            GalleryError: bytes may remain; the text says why, and what completes the erasure.
        """

    def close(self) -> None:
        """Releases all connections; calling it twice is harmless."""


class StoreOpener(Protocol):
    """Opens the store at a URL of one scheme."""

    def __call__(self, url: str, *, wait: float, create: bool) -> Store:
        """Returns the store; brings tables of an older version up to date.

        Args:
            url: `scheme://address`.
            wait: waiting time, seconds: how long a call waits for other users before it fails.
            create: True makes an empty gallery where there is none (see `schema.create_tables`): complete or
                not at all, also when several processes do so at once.

        A gallery that cannot be written is opened all the same: only `write` and `erase` fail then.

        Raises:
            MissingGalleryError: there is no gallery and `create` is False.
            DamagedGalleryError: it is damaged.
            GalleryError: the database holds something else (it stays unchanged) or a newer version, or it
                cannot be used.
        """
