"""Names of CASIA-B's sequences, common to all its formats (Yu et al., ICPR 2006).

The videos are `xxx-mm-nn-vvv.avi`: person 001 to 124; condition nm (normal), bg (with a bag) or cl (in a
coat); number of the sequence under that condition; view 000 to 180 degrees in steps of 18. 25 frames/s. The
data set has no skeletons: they are estimated from the videos.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tools.datasets.recorded_walk import Walk, WalkRef

__all__ = ["RATE_HZ", "CasiaSequence", "parse_sequence"]

RATE_HZ = 25.0

_NAME = re.compile(
    r"(?P<person>\d{3})[-/](?P<condition>nm|bg|cl)-(?P<session>\d{2})[-/](?P<view>\d{3})", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, order=True)
class CasiaSequence:
    """Name of one video.

    Attributes:
        person: 001 to 124.
        condition: nm, bg or cl.
        session: number of the person's sequence under that condition, 01 to 06.
        view: 000 to 180, degrees.
    """

    person: str
    condition: str
    session: str
    view: str

    @property
    def walk(self) -> str:
        """The name of the walk, such as nm-01-090."""
        return f"{self.condition}-{self.session}-{self.view}"

    def ref(self, read: Callable[[], Walk], layout: str) -> WalkRef:
        """Returns a reference to the sequence's walk, which `read` reads."""
        return WalkRef(
            self.person,
            self.walk,
            read,
            view=self.view,
            condition=self.condition,
            session=self.session,
            layout=layout,
            rate_hz=RATE_HZ,
        )


def parse_sequence(name: str) -> CasiaSequence | None:
    """Parses the name `xxx-mm-nn-vvv` or the folders `xxx/mm-nn/vvv`; returns None for another name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return CasiaSequence(match["person"], match["condition"].lower(), match["session"], match["view"])
