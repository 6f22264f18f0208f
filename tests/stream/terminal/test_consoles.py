"""Consoles: every text is printed as it is, on every terminal."""

from __future__ import annotations

import ast
import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from stream.terminal.consoles import accept_all_characters, plain_console

ROOT = Path(__file__).resolve().parents[3]
NAME = ":walking: [bold]Ada[/bold] :smile: [/]"


def test_no_name_is_a_command() -> None:
    table = Table(title=NAME, caption=NAME)
    table.add_column(NAME)
    table.add_row(NAME)
    console = plain_console(file=io.StringIO(), width=80)
    console.print(table)
    console.print(NAME)
    assert console.file.getvalue().count(NAME) == 5  # type: ignore[attr-defined]


def calls(name: str) -> list[tuple[str, ast.Call]]:
    """Returns the calls of a function or class in the program, with their places."""
    return [
        (f"{path.relative_to(ROOT)}:{node.lineno}", node)
        for folder in ("stream", "encoder", "gallery", "tools")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


@pytest.mark.slow
def test_all_consoles_are_plain() -> None:
    others = {place.partition(":")[0] for place, _ in calls("Console")}
    assert others == {"stream/terminal/consoles.py"}
    assert len(calls("plain_console")) > 10
    for place, call in calls("StandardConsole"):
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert (given.get("markup"), given.get("emoji")) == ("False", "False"), place


def written_to_both(monkeypatch: pytest.MonkeyPatch, encoding: str, text: str) -> list[bytes]:
    """Returns what a text becomes on standard output and standard error."""
    targets = io.BytesIO(), io.BytesIO()
    with monkeypatch.context() as patched:
        for name, target in zip(("stdout", "stderr"), targets, strict=True):
            patched.setattr(sys, name, io.TextIOWrapper(target, encoding=encoding, write_through=True))
        accept_all_characters()
        for stream in (sys.stdout, sys.stderr):
            stream.write(text)
            stream.flush()
        return [target.getvalue() for target in targets]


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", b"Zoe ? -> ... fi 1 # - |"),
        ("cp1252", b"Zo\xeb ? -> \x85 fi 1 # - |"),
        ("utf-8", "Zoë 李 → … ﬁ ① █ ─ │".encode()),
    ],
)
def test_what_a_terminal_lacks_is_replaced(
    monkeypatch: pytest.MonkeyPatch, encoding: str, expected: bytes
) -> None:
    assert written_to_both(monkeypatch, encoding, "Zoë 李 → … ﬁ ① █ ─ │") == [expected, expected]


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_bytes_of_a_file_name_come_out_as_they_are(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    name = b"caf\xe9.mcap".decode("utf-8", "surrogateescape")
    assert written_to_both(monkeypatch, encoding, name) == [b"caf\xe9.mcap", rb"caf\xe9.mcap"]


@given(
    st.text(st.characters()), st.sampled_from(["ascii", "cp1252", "cp437", "utf-8", "shift_jis", "koi8-r"])
)
def test_no_text_ends_the_program(text: str, encoding: str) -> None:
    accept_all_characters()
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=sys.stdout.errors or "")
    stream.write(text)
    stream.flush()


def test_a_closed_output_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    accept_all_characters()
