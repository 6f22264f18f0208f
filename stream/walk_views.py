"""Views: from which side a sensor sees a walking person; `stream.windows.heading` finds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

__all__ = ["MIN_VIEW_S", "VIEWS", "View", "format_views", "read_views", "seen_views"]

View = Literal["towards", "away", "side"]
"""The person walks towards the sensor, away from it, or across its line of sight."""

VIEWS: tuple[View, ...] = get_args(View)

MIN_VIEW_S = 1.5
"""Seconds of walking from which a long walk shows a view: one stride."""


def seen_views(seconds: Mapping[View, float], walking: float) -> tuple[View, ...]:
    """Returns the views that a walk shows for `MIN_VIEW_S` or half of its time, in the order of `VIEWS`.

    Args:
        seconds: of walking in each view that is known.
        walking: seconds of the whole walk.
    """
    enough = min(MIN_VIEW_S, walking / 2) - 1e-6
    return tuple(view for view in VIEWS if 0 < seconds.get(view, 0.0) >= enough)


def format_views(views: Iterable[View]) -> str:
    """Returns views as the gallery stores them: each once, in the order of `VIEWS`, as `towards,away`."""
    found = set(views)
    return ",".join(view for view in VIEWS if view in found)


def read_views(text: str | None) -> tuple[View, ...]:
    """Returns the views in a text of `format_views`; none if it is no such text."""
    found = tuple(view for view in VIEWS if view in (text or "").split(","))
    return found if format_views(found) == text else ()
