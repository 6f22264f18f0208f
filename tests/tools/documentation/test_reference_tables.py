"""Reference tables say what the program says."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import msgspec
import pytest
from typer.testing import CliRunner

from stream.system.settings import Settings
from stream.terminal.app import app
from tools.documentation.markdown_table import markdown_table
from tools.documentation.reference_tables import (
    command_names,
    command_reference,
    dataclass_table,
    option_table,
    struct_table,
    training_settings_table,
)


@pytest.mark.slow
@pytest.mark.parametrize("name", command_names())
def test_option_tables_have_the_options_of_the_help(name: str) -> None:
    shown = CliRunner().invoke(app, [*name.split(), "--help"]).output
    options = set(re.findall(r"^\s+(--[\w-]+)", shown, re.MULTILINE)) - {"--help"}
    table = option_table(name)
    assert set(re.findall(r"^\| (?:`|<code>)(--[\w-]+)", table, re.MULTILINE)) == options


def test_option_tables_separate_meaning_and_default() -> None:
    lines = option_table("watch").splitlines()
    meaning = "Accepted share of strangers that are named at any moment of a visit."
    assert f"| <code>--fpir P&#124;off</code> | {meaning} | 0.05 |" in lines
    assert "| `NAME <str>` | The person. | required |" in option_table("people show").splitlines()


def test_the_reference_has_every_command() -> None:
    text = command_reference()
    titles = re.findall(r"^## .*$", text, re.MULTILINE)
    shown = CliRunner().invoke(app, ["--help"]).output.partition("Commands:")[2]
    names = re.findall(r"^  (\w+)", shown, re.MULTILINE)
    assert "enroll" in names
    assert [name for name in names if f"## sge-stream {name}" not in titles] == []
    assert "## sge-stream people rename" in titles


def test_an_unknown_command_has_no_table() -> None:
    with pytest.raises(KeyError):
        option_table("enrol")


def test_settings_have_a_row_each_with_default_and_meaning() -> None:
    assert re.search(r"^\| `speed` \| .*real time.* \| `1.0` \|$", dataclass_table(Settings), re.MULTILINE)
    training = training_settings_table()
    assert re.search(r"^\| `f` \| skeletons of a window.* \| `6` \|$", training, re.MULTILINE)
    assert re.search(r"^\| `noise_m` \| .* \| `0.0` \|$", training, re.MULTILINE)
    rows = [
        line for line in (dataclass_table(Settings) + "\n" + training).splitlines() if line.startswith("| `")
    ]
    assert [row for row in rows if row.split(" | ")[1].strip() == ""] == []


def test_fields_of_records_have_types_and_meanings() -> None:
    class Message(msgspec.Struct):
        """A message.

        Attributes:
            first: what comes first,
                on two lines.
        """

        first: int
        second: str | None = None

    assert struct_table(Message).splitlines()[2:] == [
        "| `first` | `int` | what comes first, on two lines. |",
        "| `second` | <code>str &#124; None</code> |  |",
    ]

    @dataclass
    class Options:
        """Options.

        Attributes:
            names: of people.
        """

        names: tuple[str, ...] = ()
        flag: bool = True
        mode: str = "fusion"
        other: list[int] = field(default_factory=list)

    assert dataclass_table(Options).splitlines()[2:] == [
        "| `names` | of people. | `[]` |",
        "| `flag` |  | `true` |",
        '| `mode` |  | `"fusion"` |',
        "| `other` |  |  |",
    ]
    with pytest.raises(TypeError, match="expected a dataclass"):
        dataclass_table(int)


def test_cells_are_on_one_line_and_escaped() -> None:
    assert markdown_table(["a", "b"], [["x |\n y", "`p|q` <r>"]]).splitlines()[2] == (
        r"| x \| y | <code>p&#124;q</code> &lt;r> |"
    )
    with pytest.raises(ValueError, match="expected 2 cells"):
        markdown_table(["a", "b"], [["x"]])
