"""Runs the program's own command line for trials, and groups the decision lines that it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from stream.errors import RunError, UserError
from tools.training.training_data import parse_people_selection

__all__ = ["VARYING", "Line", "Program", "lines_by_source", "parse_person_numbers"]

Line = dict[str, Any]
"""One line of `--json`."""

VARYING = ("id", "time", "latency_ms")
"""Keys of a decision line that differ in every run."""

_OWN_CHECKOUT = Path(__file__).parents[2]


class Program:
    """The command line of one version of the project.

    Args:
        checkout: another checkout of the project, to run instead of this one.
        folder: working directory; None for the present one.

    Raises:
        UserError: the checkout is not one.
    """

    def __init__(self, checkout: Path | None = None, folder: Path | None = None) -> None:
        self._folder = folder
        self._environment = dict(os.environ)
        if checkout is not None and not (checkout / "stream" / "__main__.py").is_file():
            raise UserError(f"{checkout} is no checkout of the project: it has no stream/__main__.py")
        # Without this, the installed version would run, which may be another checkout.
        self._environment["PYTHONPATH"] = str((checkout or _OWN_CHECKOUT).resolve())

    def run(self, *arguments: str) -> str:
        """Runs a command; returns its standard output.

        Raises:
            UserError, RunError: the command failed; the text is its error message.
        """
        command = [sys.executable, "-P", "-m", "stream", *arguments]
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd=self._folder,
            env=self._environment,
        )
        if done.returncode:
            error = UserError if done.returncode == UserError.exit_code else RunError
            raise error(done.stderr.strip() or f"sge-stream {arguments[0]} ended with {done.returncode}")
        return done.stdout

    def replay(self, sources: Iterable[str], gallery: str, *, fpir: str, matcher: str) -> list[Line]:
        """Replays sources together at full speed; returns the decision lines in order of arrival."""
        given = [argument for source in sources for argument in ("--source", source)]
        options = ("--gallery", gallery, "--fpir", fpir, "--matcher", matcher, "--speed", "0", "--json")
        return [json.loads(line) for line in self.run(*given, *options).splitlines()]


def lines_by_source(lines: Iterable[Line], ignored: Collection[str] = VARYING) -> dict[str, list[Line]]:
    """Groups decision lines by source, in order, without the ignored keys.

    Lines of different sources have no fixed order among each other.
    """
    grouped: dict[str, list[Line]] = {}
    for line in lines:
        kept = {key: value for key, value in line.items() if key not in ignored}
        grouped.setdefault(line["source"], []).append(kept)
    return grouped


def parse_person_numbers(text: str) -> list[int]:
    """Parses `101-103,110` to [101, 102, 103, 110].

    Raises:
        UserError: the text selects no people, or people without numbers.
    """
    people = parse_people_selection(text)
    if names := sorted(person for person in people if not person.isdecimal()):
        raise UserError(f"--people: expected numbers such as 101-120 or 1,5,7-9, got {names[0]!r}")
    return sorted(int(person) for person in people)
