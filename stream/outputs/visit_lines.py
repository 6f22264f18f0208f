"""Lines of text on visits, one for each event that a person at the screen wants to know of."""

from __future__ import annotations

from datetime import datetime

from rich.text import Text

from stream.visits.events import Arrived, Doubted, Identified, Left, VisitEvent

__all__ = ["visit_line"]

STYLES = {"person": "bold green", "unknown": "yellow", "undecided": "dim"}
_UNNAMED = {"unknown": "an unknown person", "undecided": "somebody"}


def visit_line(event: VisitEvent, source: str = "", *, clock: bool = False) -> Text | None:
    """Returns the line on an event; None for an arrival, which the table of people in view shows.

    Args:
        event: of a visit.
        source: the name of its source; empty if there is only one.
        clock: begin with the time of day; else with the seconds since the source started.
    """
    if isinstance(event, Arrived):
        return None
    line = Text(_start(event, source, clock))
    if isinstance(event, Identified):
        _add_answer(line, event)
    elif isinstance(event, Doubted):
        other = f"at the same time before {event.other_source} in visit {event.other_visit}"
        line.append(f"{event.person} is {other}: one of the answers is wrong", style="bold red")
    else:
        _add_end(line, event)
    return line


def _start(event: VisitEvent, source: str, clock: bool) -> str:
    if clock or event.t is None:
        when = f"{datetime.fromisoformat(event.time).astimezone():%H:%M:%S}"
    else:
        when = f"{event.t:8.1f} s"
    tracks = f"track{'s' if len(event.tracks) > 1 else ''} {', '.join(map(str, event.tracks))}"
    return f"{when}  {f'{source}  ' if source else ''}{tracks}  "


def _add_answer(line: Text, event: Identified) -> None:
    if event.person is None:
        line.append(f"no longer {event.previous}", style=STYLES["unknown"])
    else:
        line.append(event.person, style=STYLES["person"])
        line.append(" is here" if event.previous is None else f" is here, not {event.previous}")
    rest = f"after {event.walking_s:.1f} s of walking  ({event.reason})"
    line.append(f"  {_sure(event.confidence)}{rest}", style="dim")


def _add_end(line: Text, event: Left) -> None:
    line.append(event.person or event.visitor or _UNNAMED[event.outcome], style=STYLES[event.outcome])
    line.append(" left")
    rest = f"after {event.walking_s:.1f} s of walking  ({event.reason})"
    line.append(f"  {_sure(event.confidence)}{rest}", style="dim")


def _sure(confidence: int | None) -> str:
    return "" if confidence is None else f"confidence {confidence} %  "
