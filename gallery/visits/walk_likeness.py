"""How alike the walks of two tracks are, so that a broken track is linked to its own continuation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gallery.open_set_decision import DecisionRule, Track

__all__ = ["Likeness", "walk_likeness"]

Likeness = Callable[[Track, Track], float | None]
"""Returns how alike the walks of two tracks of one source are; None if that is not known."""


def walk_likeness(rule: DecisionRule, track: Track, other: Track) -> float | None:
    """Returns how alike the walks of two tracks of one source are; None if one of them has none.

    Args:
        rule: of the run; its index compares.
        track: of the source.
        other: of the same source.
    """
    walks = track.scores.templates.rows, other.scores.templates.rows
    if not (walks[0] and walks[1]):
        return None
    sensor = rule.sources[track.source].sensor
    return rule.index.likeness(np.stack(walks[0]), np.stack(walks[1]), sensor)
