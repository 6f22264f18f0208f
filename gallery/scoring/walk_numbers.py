"""Numbers computed of each enrolled walk, which are kept when the gallery changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from gallery.store.records import PersonTemplates
from stream.body import FloatArray

__all__ = ["WalkNumbers"]

T = TypeVar("T")


class WalkNumbers(Generic[T]):
    """What was computed of each walk. Walks are the same if their arrays are the same objects.

    Args:
        walks: of the present gallery.
        compute: of a walk's templates and statistics alone.
        before: of an earlier state of the gallery, by the same function; its numbers are taken.
    """

    def __init__(
        self,
        walks: Iterable[PersonTemplates],
        compute: Callable[[PersonTemplates], T],
        before: WalkNumbers[T] | None = None,
    ) -> None:
        earlier = {} if before is None else before._found
        # The arrays are kept, so that no other one gets the id of theirs; the walk is not, with its old name.
        self._found: dict[tuple[int, int], tuple[FloatArray, FloatArray, T]] = {
            key: earlier.get(key) or (walk.templates, walk.statistics, compute(walk))
            for walk in walks
            for key in [_key(walk)]
        }

    def known(self, templates: FloatArray, statistics: FloatArray) -> T | None:
        """Returns the numbers of the walk with these arrays; None if it is not one of the walks."""
        found = self._found.get((id(templates), id(statistics)))
        return None if found is None else found[2]

    def of(self, walk: PersonTemplates) -> T:
        """Returns the numbers of one of the walks."""
        return self._found[_key(walk)][2]


def _key(walk: PersonTemplates) -> tuple[int, int]:
    return id(walk.templates), id(walk.statistics)
