"""Why a track is decided as it is: a code for programs, and a sentence for people."""

from __future__ import annotations

from typing import NamedTuple

from stream.decision import ReasonCode
from stream.windows.resampling import TOO_FEW_FRAMES

__all__ = ["NOBODY", "Reason", "no_windows_code"]


class Reason(NamedTuple):
    """Why a decision has its state."""

    code: ReasonCode
    text: str


NOBODY: dict[ReasonCode, str] = {
    "nobody-enrolled": "nobody is enrolled",
    "gallery-gone": "the gallery is gone",
    "other-sensor": "enrolled on another sensor",
    "other-encoder": "everyone was enrolled with another encoder; enrol again",
    "not-compared": "everyone was enrolled while this person walked: not compared yet",
}
"""Why a track is compared with nobody."""

_PROBLEMS: dict[str, ReasonCode] = {
    "standing still": "standing",
    "sitting": "sitting",
    "feet not seen": "hidden",
    "half hidden": "hidden",
    "joints missing": "hidden",
    "too far away": "too-far",
    "unsteady skeleton": "unsteady",
    "implausible body": "implausible-body",
    "body changed size": "implausible-body",
    "implausible jump": "implausible-body",
    "tracking gap": "tracking-gap",
}


def no_windows_code(problem: str) -> ReasonCode:
    """Returns the code of the cause for which a track has no windows; see `stream.windows.cutting`."""
    if problem.startswith(TOO_FEW_FRAMES):
        return "few-frames"
    return _PROBLEMS.get(problem, "too-little-walking")
