"""What a person in view can do so that their walking counts, by the cause why it does not."""

from __future__ import annotations

from collections import Counter

from stream.windows.cutting import WindowProblem
from stream.windows.resampling import TOO_FEW_FRAMES

__all__ = ["ADVICE", "advise", "not_counted"]

ADVICE: dict[WindowProblem, str] = {
    "standing still": "walk",
    "sitting": "walk upright",
    "feet not seen": "move or tilt the sensor; clear the floor",
    "half hidden": "clear the view, or turn",
    "joints missing": "have the whole body in view, in good light",
    "too far away": "come nearer",
    "unsteady skeleton": "see to the light, and that nothing is in the way",
    "implausible body": "look for merged people and objects in view",
    "body changed size": "look for people who merge or swap",
    "tracking gap": "clear the view",
    "implausible jump": "look for swapped or mirrored bodies",
}
"""Causes and advice; docs/identification.md has them in full."""

_CAUSES_SHOWN = 3


def advise(cause: str) -> str:
    """Returns a cause with what to do about it."""
    advice = next((text for known, text in ADVICE.items() if known == cause), "")
    if cause.startswith(TOO_FEW_FRAMES):
        advice = "raise the frame rate of the source"
    return f"{cause} ({advice})" if advice else cause


def not_counted(causes: Counter[str]) -> str:
    """Returns the end of a sentence that says why what was seen did not count; empty if all did.

    Args:
        causes: reports, about one a second, by cause.
    """
    common = causes.most_common(_CAUSES_SHOWN)
    listed = ", ".join(f"{advise(cause)} for about {reports} s" for cause, reports in common)
    return f"; not counted: {listed}" if listed else ""
