"""Reference tables of the documentation: options of commands, settings, fields of records.

Every text comes from the program itself: options from the help of the command line, fields from their types
and docstrings.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum

import msgspec
import typer.main
from griffe import Docstring, DocstringSectionAttributes
from typer.core import TyperCommand, TyperGroup

from encoder.training.augment import Augmentation
from encoder.training.train_config import TrainConfig
from stream.system.settings import Settings
from stream.terminal.app import app
from tools.documentation.markdown_table import markdown_table

__all__ = [
    "command_names",
    "command_reference",
    "dataclass_table",
    "option_table",
    "settings_table",
    "struct_table",
    "training_settings_table",
]

PROGRAM = "sge-stream"
_Command = TyperCommand | TyperGroup
_EXTRA = re.compile(r"\s*\[([^\[\]]*)\]$")
"""What the help adds to the text of an option: default, range, `required`."""


def command_names() -> list[str]:
    """Returns the names of all commands, "" for the main one, sub-commands as `people list`."""
    return [name for name, _ in _commands()]


def option_table(name: str = "") -> str:
    """Returns the arguments and options of a command, as its `--help` shows them.

    Args:
        name: such as `enroll` or `people list`; "" for the main command.

    Raises:
        KeyError: there is no such command.
    """
    command = dict(_commands())[name]
    context = command.context_class(command, info_name=f"{PROGRAM} {name}".strip())
    rows = []
    for parameter in command.params:
        signature, text = parameter.get_help_record(context) or ("", "")
        match = _EXTRA.search(text)
        extra = match[1] if match else ""
        rows.append([f"`{signature}`", _EXTRA.sub("", text), extra.removeprefix("default: ")])
    return markdown_table(["option", "meaning", "default, limits"], rows)


def command_reference() -> str:
    """Returns a section for each command: usage, description, options."""
    sections = []
    for name, command in _commands():
        title = f"{PROGRAM} {name}".strip()
        context = command.context_class(command, info_name=title)
        usage = " ".join([title, *command.collect_usage_pieces(context)])
        description = inspect.cleandoc(command.help or "")
        parts = [f"## {title}", description, f"```text\n{usage}\n```"]
        if command.params:
            parts.append(option_table(name))
        sections.append("\n\n".join(parts))
    return "\n\n".join(sections)


def settings_table() -> str:
    """Returns the settings of a `--config` file."""
    return dataclass_table(Settings)


def training_settings_table() -> str:
    """Returns the settings of `train --config`; those of `augment` are a table of their own in the file."""
    settings = dataclass_table(TrainConfig, leave_out=("augment",))
    return f"{settings}\n\nIn the table `[augment]`:\n\n{dataclass_table(Augmentation)}"


def dataclass_table(record: type, leave_out: Collection[str] = ()) -> str:
    """Returns the fields of a dataclass with their defaults and descriptions.

    Args:
        record: the dataclass.
        leave_out: names of fields that are described elsewhere.

    Raises:
        TypeError: `record` is no dataclass.
    """
    if not is_dataclass(record):
        raise TypeError(f"expected a dataclass, got {record.__name__}")
    described = _descriptions(record)
    rows = []
    for field in fields(record):
        if field.name in leave_out:
            continue
        default = "" if field.default in (MISSING, None) else f"`{_toml_text(field.default)}`"
        rows.append([f"`{field.name}`", described.get(field.name, ""), default])
    return markdown_table(["name", "meaning", "default"], rows)


def struct_table(record: type[msgspec.Struct]) -> str:
    """Returns the fields of a struct with their types and descriptions, in the order of the encoding."""
    described = _descriptions(record)
    annotations = inspect.get_annotations(record)
    rows = [
        [f"`{name}`", f"`{annotations.get(name, '')}`", described.get(name, "")]
        for name in record.__struct_fields__
    ]
    return markdown_table(["field", "type", "meaning"], rows)


def _commands(group: TyperGroup | None = None, prefix: str = "") -> Iterator[tuple[str, _Command]]:
    """Yields the commands by name, in the order of the help; by default those of the program."""
    if group is None:
        program = typer.main.get_command(app)
        assert isinstance(program, TyperGroup)
        yield "", program
        group = program
    for name, command in group.commands.items():
        if isinstance(command, TyperCommand | TyperGroup):
            yield prefix + name, command
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{prefix}{name} ")


def _descriptions(record: type) -> dict[str, str]:
    """Returns the texts of the `Attributes` section of a class docstring, by field."""
    docstring = Docstring(inspect.getdoc(record) or "")
    return {
        attribute.name: attribute.description
        for section in docstring.parse("google", warnings=False)
        if isinstance(section, DocstringSectionAttributes)
        for attribute in section.value
    }


def _toml_text(value: object) -> str:
    """Returns a default as a settings file would have it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    plain = value.value if isinstance(value, Enum) else value
    return json.dumps(plain) if isinstance(plain, str) else str(plain)
