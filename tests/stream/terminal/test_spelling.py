"""Commands and options spell enroll alike; texts for people speak of enrolling and enrolments."""

from __future__ import annotations

import re
from collections.abc import Iterator

import typer.main
from typer.core import TyperCommand, TyperGroup

from stream.terminal.app import app


def commands(command: object, name: str = "") -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    assert isinstance(command, TyperCommand | TyperGroup)
    yield name, command
    if isinstance(command, TyperGroup):
        for inner, each in command.commands.items():
            yield from commands(each, f"{name} {inner}".strip())


def test_commands_and_options_have_one_spelling_of_enroll() -> None:
    names = []
    for name, command in commands(typer.main.get_command(app)):
        options = [
            option for parameter in command.params for option in parameter.opts if option.startswith("-")
        ]
        names += [*name.split(), *options]
    found = {name for name in names if "enrol" in name}
    assert found == {"enroll", "--enroll"}


def test_texts_have_one_spelling_of_enrolment() -> None:
    for name, command in commands(typer.main.get_command(app)):
        texts = [command.help or "", *(getattr(each, "help", None) or "" for each in command.params)]
        assert not any(re.search(r"enrollment", text, re.IGNORECASE) for text in texts), name
