"""Reference tables of the documentation: options of commands, settings, fields of records.

Every text comes from the program itself: options from the help of the command line, fields from their types
and docstrings.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import get_args

import msgspec
import typer.main
from griffe import Docstring, DocstringSectionAttributes
from typer.core import TyperCommand, TyperGroup

import stream
from encoder.training.augment import Augmentation
from encoder.training.train_config import TrainConfig
from stream.bus import messages
from stream.bus.window_times import WindowTimes
from stream.terminal.app import app
from tools.documentation.markdown_table import markdown_table

__all__ = [
    "command_names",
    "command_reference",
    "dataclass_table",
    "error_table",
    "field_descriptions",
    "message_reference",
    "option_table",
    "output_settings_table",
    "source_option_table",
    "struct_table",
    "training_settings_table",
]

PROGRAM = "sge-stream"
_Command = TyperCommand | TyperGroup
_EXTRA = re.compile(r"\s*\[([^\[\]]*)\]$")
"""What the help adds to the text of an option: default, range, `required`."""


def command_names() -> list[str]:
    """Returns the names of all commands, "" for the program, sub-commands as `people list`."""
    return list(_commands())


def option_table(name: str = "") -> str:
    """Returns the arguments and options of a command, as its `--help` shows them.

    Args:
        name: such as `enroll` or `people list`; "" for those before a command.

    Raises:
        KeyError: there is no such command.
    """
    command = _commands()[name]
    context = command.context_class(command, info_name=_title(name))
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
    for name, command in _commands().items():
        context = command.context_class(command, info_name=_title(name))
        usage = " ".join([_title(name), *command.collect_usage_pieces(context)])
        parts = [f"## {_title(name)}", inspect.cleandoc(command.help or ""), f"```text\n{usage}\n```"]
        if command.params:
            parts.append(option_table(name))
        sections.append("\n\n".join(parts))
    return "\n\n".join(sections)


def source_option_table(options: Mapping[str, str], defaults: object, **shown: str) -> str:
    """Returns the options of a source.

    Args:
        options: what each option takes, by name.
        defaults: object whose attributes are the defaults; None is shown as an empty cell.
        shown: defaults that are shown in other words, by name.
    """
    rows = []
    for name, text in options.items():
        default = shown[name] if name in shown else getattr(defaults, name)
        rows.append([f"`{name}`", text, "" if default is None else str(default)])
    return markdown_table(["option", "value", "default"], rows)


def error_table() -> str:
    """Returns the errors that `stream` exports, a base before what derives from it."""
    errors = [getattr(stream, name) for name in stream.__all__ if name.endswith("Error")]
    errors.sort(key=lambda error: (len(error.__mro__), error.__mro__[1].__name__, error.__name__))
    rows = [
        [f"`{e.__name__}`", f"`{e.__base__.__name__}`", str(e.exit_code), re.split("[;.]", e.__doc__)[0]]
        for e in errors
    ]
    return markdown_table(["error", "is a", "`exit_code`", "meaning"], rows)


def message_reference() -> str:
    """Returns a section for each message of the bus: kind, sender and receiver, fields."""
    routes: dict[str, list[str]] = {}
    for name, route in re.findall(
        r'^ +"\w" +(\w+) +(\w.*? -> .*?)(?:  .*|)$', messages.__doc__, re.MULTILINE
    ):
        routes.setdefault(name, []).append(route.replace("->", "to"))
    sections = []
    tick, *others = get_args(messages.Message)
    parts = {messages.WindowRow: "a tick", messages.TrackNote: "a tick", WindowTimes: "a verdict"}
    records: list[type[msgspec.Struct]] = [tick, messages.WindowRow, messages.TrackNote, *others, WindowTimes]
    for record in records:
        name, kind = record.__name__, record.__struct_config__.tag
        title = f"Kind `{kind}`, {', '.join(routes[name])}" if kind else f"Part of {parts[record]}"
        summary = " ".join((record.__doc__ or "").partition("\n\n")[0].split())
        sections.append(f"### {name}\n\n{title}. {summary}\n\n{struct_table(record)}")
    return "\n\n".join(sections)


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
    described = field_descriptions(record)
    rows = []
    for field in fields(record):
        if field.name in leave_out:
            continue
        default = "" if field.default in (MISSING, None) else f"`{json.dumps(field.default)}`"
        rows.append([f"`{field.name}`", described.get(field.name, ""), default])
    return markdown_table(["name", "meaning", "default"], rows)


def struct_table(record: type[msgspec.Struct], leave_out: type[msgspec.Struct] | None = None) -> str:
    """Returns the fields of a struct with their types and descriptions, in the order of the encoding.

    Args:
        record: the struct.
        leave_out: another struct, whose fields are described elsewhere.
    """
    described = field_descriptions(record)
    annotations: dict[str, object] = {}
    for base in reversed(record.__mro__):
        annotations |= inspect.get_annotations(base)
    rows = [
        [f"`{name}`", f"`{annotations.get(name, '')}`", described.get(name, "")]
        for name in record.__struct_fields__
        if leave_out is None or name not in leave_out.__struct_fields__
    ]
    return markdown_table(["field", "type", "meaning"], rows)


def output_settings_table(record: type[msgspec.Struct]) -> str:
    """Returns the settings of an output with their descriptions and defaults."""
    described = field_descriptions(record)
    rows = []
    for field in msgspec.structs.fields(record):
        known = field.default not in (msgspec.NODEFAULT, None)
        default = f"`{json.dumps(field.default)}`" if known else ""
        rows.append([f"`{field.encode_name}`", described.get(field.name, ""), default])
    return markdown_table(["setting", "meaning", "default"], rows)


def _commands() -> dict[str, _Command]:
    """Returns the commands by name, in the order of the help."""
    return dict(_walk("", typer.main.get_command(app)))


def _walk(name: str, command: object) -> Iterator[tuple[str, _Command]]:
    """Yields a command and those below it."""
    assert isinstance(command, TyperCommand | TyperGroup)
    yield name, command
    if isinstance(command, TyperGroup):
        for inner, each in command.commands.items():
            yield from _walk(f"{name} {inner}".strip(), each)


def _title(name: str) -> str:
    return f"{PROGRAM} {name}".strip()


def field_descriptions(record: type) -> dict[str, str]:
    """Returns the texts of the `Attributes` sections of a class and its bases, by field."""
    described: dict[str, str] = {}
    for base in reversed(record.__mro__):
        docstring = Docstring(inspect.cleandoc(base.__doc__ or ""))
        described |= {
            attribute.name: attribute.description
            for section in docstring.parse("google", warnings=False)
            if isinstance(section, DocstringSectionAttributes)
            for attribute in section.value
        }
    return described
