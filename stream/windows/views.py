"""Views: from which side a sensor sees a walking person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

__all__ = ["VIEWS", "View", "format_views", "read_views"]

View = Literal["towards", "away", "side"]
"""The person walks towards the sensor, away from it, or across its line of sight."""

VIEWS: tuple[View, ...] = get_args(View)


def format_views(views: Iterable[View]) -> str:
    """Returns views as the gallery stores them: each once, in the order of `VIEWS`, as `towards,away`."""
    found = set(views)
    return ",".join(view for view in VIEWS if view in found)


def read_views(text: str | None) -> tuple[View, ...]:
    """Returns the views in a text of `format_views`; none if it is no such text."""
    found = tuple(view for view in VIEWS if view in (text or "").split(","))
    return found if format_views(found) == text else ()
