"""Tracks enrolled in this run: their people, and the walks that the index does not hold yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import NewEnrolment
from stream.body import FloatArray

__all__ = ["RunEnrolment", "RunEnrolments"]

_MISSED = 2
"""Changed indexes without a stored walk after which it was removed; the first may have been read before."""


@dataclass(slots=True, eq=False)
class RunEnrolment:
    """One track that was enrolled.

    Attributes:
        track: number of the track.
        name: name of its person, as the index has it.
        walk: as stored; None once the index holds it.
        state: whether it is being stored, is stored, or was not stored. Another thread may set it.
    """

    track: int
    name: str
    walk: NewEnrolment | None = field(repr=False)
    state: Literal["pending", "stored", "failed"] = "pending"
    _shape: tuple[int, ...] = field(init=False, repr=False)
    _first: FloatArray = field(init=False, repr=False)
    _missed: int = field(init=False, repr=False, default=0)

    def __post_init__(self) -> None:
        if self.walk is None:
            raise ValueError("expected the walk that is to be stored")
        self._shape, self._first = self.walk.templates.shape, self.walk.templates[0].copy()

    def follow(self, index: TemplateIndex) -> bool:
        """Takes the name from a changed index; returns whether the walk may still be in the gallery."""
        for stored in index.walks:
            if stored.templates.shape == self._shape and np.array_equal(stored.templates[0], self._first):
                self.name, self.walk, self.state = stored.name, None, "stored"
                return True
        self._missed += self.state == "stored"
        return self.state != "failed" and self.walk is not None and self._missed < _MISSED


class RunEnrolments:
    """The tracks enrolled in this run, as far as their walks are in the gallery."""

    def __init__(self) -> None:
        self._entries: list[RunEnrolment] = []

    def begin(self, name: str, tracks: Sequence[int], walks: Iterable[NewEnrolment]) -> list[RunEnrolment]:
        """Adds walks that are about to be stored; set their state once they are, or are not."""
        added = [RunEnrolment(track, name, walk) for track, walk in zip(tracks, walks, strict=True)]
        self._entries += added
        return added

    def follow(self, index: TemplateIndex) -> None:
        """Takes names from a changed index, and forgets walks that were removed or not stored."""
        self._entries = [entry for entry in self._entries if entry.follow(index)]

    def of_track(self, track: int) -> RunEnrolment | None:
        """Returns the latest enrolment of a track; None if there is none."""
        return next((entry for entry in reversed(self._current) if entry.track == track), None)

    @property
    def unread(self) -> list[RunEnrolment]:
        """Those whose walks the index does not hold yet."""
        return [entry for entry in self._current if entry.walk is not None]

    @property
    def _current(self) -> list[RunEnrolment]:
        return [entry for entry in self._entries if entry.state != "failed"]
