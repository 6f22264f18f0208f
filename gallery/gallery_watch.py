"""All work of the matcher process on the database, in a thread of its own.

A gallery may be locked for seconds, and loading many people takes as long: decisions never wait for either.
The thread looks for changes twice a second, loads the templates, calibrates the thresholds, and stores
enrolments and visits; the process takes the results with `GalleryWatch.results` when it has time.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gallery.calibration.gallery_calibration import Calibrations
from gallery.enrolment import PreparedEnrolment, store_enrolment
from gallery.scoring.template_index import TemplateIndex
from gallery.store.gallery import Gallery, open_gallery
from gallery.store.store_protocol import GONE, MissingGalleryError
from gallery.visits.visit_keeper import KnownVisitor, VisitKeeper
from gallery.visits.visit_records import VisitToKeep
from stream.bus.messages import MAX_TEXT, EnrolReply
from stream.decision import ReasonCode
from stream.errors import GalleryError, SgeError

__all__ = ["RELOAD_S", "GalleryWatch", "LoadedGallery", "Loader", "StoredEnrolment"]

RELOAD_S = 0.5
"""Seconds between two looks at the gallery, for what other processes change."""


@dataclass(frozen=True, slots=True, eq=False)
class LoadedGallery:
    """What decisions need of a gallery.

    Attributes:
        index: its templates.
        calibrations: give the thresholds.
    """

    index: TemplateIndex
    calibrations: Calibrations


Loader = Callable[[Gallery | None, ReasonCode], LoadedGallery]
"""Loads a gallery; of None, returns one without people, for the given reason."""


@dataclass(frozen=True, slots=True)
class StoredEnrolment:
    """An enrolment that is stored durably, or was refused.

    Attributes:
        sender: as given to `GalleryWatch.store`.
        reply: the result, for the sender.
    """

    sender: bytes
    reply: EnrolReply


_Job = tuple[bytes, PreparedEnrolment] | VisitToKeep | None
"""An enrolment, a visit, or the end."""

_Result = LoadedGallery | StoredEnrolment | KnownVisitor


class GalleryWatch:
    """Follows a gallery, which need not exist yet.

    Args:
        url: of the gallery.
        loader: see `Loader`; also called in the thread.
        keeper: stores visits; used in the thread.
        had_gallery: whether there was one before: if it is missing, it is gone, and no other is made.

    Attributes:
        had_gallery: the same, up to now.
        unread: number of times that the gallery could not be read.
        trouble: why the gallery cannot be read at present; empty if it can, or if there was none so far.
    """

    def __init__(self, url: str, loader: Loader, keeper: VisitKeeper, *, had_gallery: bool = False) -> None:
        self.had_gallery = had_gallery
        self.unread = 0
        self.trouble = ""
        self._url = url
        self._loader = loader
        self._keeper = keeper
        self._gallery: Gallery | None = None
        self._revision: int | None = None
        self._busy = threading.Event()
        self._stopping = threading.Event()
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[_Result | Exception] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="gallery")

    def load(self) -> LoadedGallery:
        """Opens the gallery, if there is one, and loads it.

        Raises:
            GalleryError: the gallery cannot be used.
        """
        try:
            gallery = self._open(create=False)
        except MissingGalleryError as error:
            if not self.had_gallery:
                return self._loader(None, "nobody-enrolled")
            self.unread, self.trouble = 1, str(error)
            return self._loader(None, "gallery-gone")
        self._revision = gallery.revision()  # first: a change meanwhile is loaded again
        return self._loader(gallery, "nobody-enrolled")

    def start(self) -> None:
        """Starts following the gallery; `load` comes before."""
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether an enrolment is not stored yet, or its templates are not loaded yet."""
        return self._busy.is_set()

    def store(self, sender: bytes, prepared: PreparedEnrolment) -> None:
        """Stores an enrolment; its `StoredEnrolment` comes when it is durable, then the gallery that has it.

        Makes the gallery where there was none since the start.

        Args:
            sender: who asked for it.
            prepared: see `gallery.enrolment.prepare_enrolment`.
        """
        self._busy.set()
        self._jobs.put((sender, prepared))

    def keep(self, kept: VisitToKeep) -> None:
        """Stores a visit; of a stranger who is to be remembered, a `KnownVisitor` comes when it is stored."""
        self._jobs.put(kept)

    def results(self) -> Iterator[_Result]:
        """Yields what is ready, in order: stored enrolments, known strangers, and each changed gallery.

        Raises:
            Exception: an error in the thread that is no fault of the gallery.
        """
        while True:
            try:
                result = self._results.get_nowait()
            except queue.Empty:
                return
            if isinstance(result, Exception):
                raise result
            yield result

    def close(self) -> None:
        """Waits for enrolments and visits that are being stored, then closes the gallery."""
        self._stopping.set()
        self._jobs.put(None)
        if self._thread.ident is not None:
            self._thread.join()
        if self._gallery is not None:
            self._gallery.close()

    def _run(self) -> None:
        try:
            due = time.monotonic() + RELOAD_S
            while True:
                try:
                    job = self._jobs.get(timeout=max(0.0, due - time.monotonic()))
                except queue.Empty:
                    self._keep_visits()
                    self._follow()
                    due = time.monotonic() + RELOAD_S
                    continue
                if job is None:
                    self._keep_visits(last=True)
                    return
                if isinstance(job, VisitToKeep):
                    self._keeper.add(job)
                    self._keep_visits()
                    continue
                self._results.put(self._stored(*job))
                if not self._stopping.is_set():
                    self._follow()
                due = time.monotonic() + RELOAD_S
                self._busy.clear()
        except Exception as error:
            self._results.put(error)

    def _keep_visits(self, *, last: bool = False) -> None:
        """Stores the visits that wait; there is no history without a gallery."""
        if self._keeper.idle:
            return
        try:
            known = self._keeper.store(self._open(create=False), last=last)
        except MissingGalleryError:
            known = [] if self.had_gallery else self._keeper.discard()
        except GalleryError:
            return  # `_follow` tells
        for each in known:
            self._results.put(each)

    def _stored(self, sender: bytes, prepared: PreparedEnrolment) -> StoredEnrolment:
        try:
            gallery = self._open(create=not prepared.add)
            return StoredEnrolment(sender, store_enrolment(gallery, prepared))
        except SgeError as error:
            prepared.end("failed")
            return StoredEnrolment(sender, EnrolReply(str(error)[:MAX_TEXT]))

    def _follow(self) -> None:
        """Loads the gallery if it has changed."""
        try:
            gallery = self._open(create=False)
            revision = gallery.revision()
            if revision != self._revision:
                self._results.put(self._loader(gallery, "nobody-enrolled"))
                self._revision = revision
            self.trouble = ""
        except MissingGalleryError as error:
            self._forget(str(error))
        except GalleryError as error:
            # Another process blocks the gallery; the templates in memory are used until it can be read again.
            self.unread += 1
            self.trouble = str(error)

    def _open(self, *, create: bool) -> Gallery:
        """Returns the gallery; makes one only where there was none before."""
        if self._gallery is None:
            try:
                self._gallery = open_gallery(self._url, create=create and not self.had_gallery)
            except MissingGalleryError as error:
                raise (self._gone(error) if self.had_gallery else error) from None
            self.had_gallery = True
        return self._gallery

    def _gone(self, error: MissingGalleryError) -> MissingGalleryError:
        return MissingGalleryError(f"the gallery {error.url.removeprefix('sqlite:///')} {GONE}", error.url)

    def _forget(self, reason: str) -> None:
        """Drops the templates of a gallery that is gone: its people must not be named."""
        if not self.had_gallery:
            return
        self.unread += 1
        self.trouble = reason
        if self._revision is not None:
            self._results.put(self._loader(None, "gallery-gone"))
            self._revision = None
