"""Durations as users write them: `30d`, `12h`, `90min`, `0`."""

from __future__ import annotations

import re
from datetime import timedelta

from stream.errors import UserError

__all__ = ["LONGEST", "parse_duration"]

LONGEST = timedelta(days=3650)
"""The longest duration that can be given."""

_UNITS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(rf"(\d{{1,9}}(?:\.\d{{1,9}})?)\s?({'|'.join(_UNITS)})?", re.ASCII)


def parse_duration(text: str, option: str) -> timedelta:
    """Returns a duration.

    Args:
        text: a number with a unit: `s`, `min`, `h`, `d` or `w`; 0 needs none.
        option: where it was given, for the error.

    Raises:
        UserError: the text is no duration, or longer than `LONGEST`.
    """
    found = _DURATION.fullmatch(text.strip())
    number = float(found[1]) if found else -1.0
    if found is None or (found[2] is None and number):
        msg = f"{option}: expected a duration such as 30d, 12h or 90min, or 0 for none, got {text!a:.60}"
        raise UserError(msg)
    seconds = number * _UNITS.get(found[2] or "s", 1)
    if seconds > LONGEST.total_seconds():
        msg = f"{option}: expected at most {LONGEST.days}d, got {text.strip()}"
        raise UserError(msg)
    return timedelta(seconds=seconds)
