"""Which place each source sees, from the setting `places`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stream.errors import UserError

__all__ = ["source_places"]


def source_places(places: Mapping[str, Sequence[str]] | None, sources: Sequence[str]) -> tuple[str, ...]:
    """Returns the place of each source; a source that is in none is a place of its own.

    Args:
        places: names of sources by place; None if nothing is known of places.
        sources: names of all sources, in order.

    Returns:
        One place for each source; empty if nothing is known of places.

    Raises:
        UserError: a place names something that is not a source, or a source is at two places.
    """
    if not places:
        return ()
    of_source: dict[str, str] = {}
    for place, members in places.items():
        for member in members:
            if member not in sources:
                msg = f"places: {place} names {member}, which is no source; sources: {', '.join(sources)}"
                raise UserError(msg)
            if member in of_source:
                msg = f"places: {member} is both at {of_source[member]} and at {place}; put it at one place"
                raise UserError(msg)
            of_source[member] = place
    return tuple(f"place {of_source[name]}" if name in of_source else name for name in sources)
