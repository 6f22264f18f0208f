"""Names of the people of a gallery, for threads that ask again and again."""

from __future__ import annotations

import threading

from gallery.store.gallery import Gallery, open_gallery
from gallery.store.store_protocol import MissingGalleryError

__all__ = ["PeopleList"]


class PeopleList:
    """The enrolled people of a gallery, read again only after a change; any thread may ask.

    Args:
        url: of the gallery, which need not exist yet. It is opened when `names` is first called.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._gallery: Gallery | None = None
        self._revision: int | None = None
        self._names: tuple[str, ...] = ()
        self._closed = False
        self._reading = threading.Lock()

    def names(self) -> tuple[str, ...]:
        """Returns the names, sorted; none where no gallery was made yet.

        Raises:
            GalleryError: the gallery cannot be read, or is gone.
        """
        with self._reading:
            if self._closed:
                return self._names
            if self._gallery is None:
                try:
                    self._gallery = open_gallery(self._url, create=False)
                except MissingGalleryError:
                    return ()
            revision = self._gallery.revision()  # first: a change meanwhile is read again
            if revision != self._revision:
                self._names = tuple(sorted(person.name for person in self._gallery.people()))
                self._revision = revision
            return self._names

    def close(self) -> None:
        """Closes the gallery; the names stay as they were."""
        with self._reading:
            self._closed = True
            if self._gallery is not None:
                self._gallery.close()
                self._gallery = None
