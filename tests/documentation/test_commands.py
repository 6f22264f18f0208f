"""Commands in the documents exist, with the options that they are shown with."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shlex
import sys
import tomllib
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.main
from markdown_it import MarkdownIt
from typer.core import TyperCommand, TyperGroup

from stream.terminal.app import app
from tests.documentation.code_blocks import CHECKED, code_blocks
from tests.documentation.documents import DOCUMENTS, ROOT

_OPERATORS = frozenset("|&;()<>")
_PREFIX = re.compile(r"[A-Za-z_]\w*=.*|do|then|else|if|while|until|time|!")
"""What may stand before a command: an assignment, or a word of the shell."""

_EXTERNAL = ("pytest", "mkdocs", "pip", "venv")  # modules of others


def shell_commands(code: str) -> Iterator[list[str]]:
    """Yields the words of each simple command of a shell script."""
    for line in code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        lexer.commenters = ""  # else a # within a word would begin a comment
        words: list[str] = []
        for word in lexer:
            if word.startswith("#"):
                break
            if set(word) <= _OPERATORS:
                yield words
                words = []
            elif words or not _PREFIX.fullmatch(word):
                words.append(word)
        yield words


def inline_commands(text: str) -> Iterator[list[str]]:
    """Yields the commands of the program in inline code."""
    for block in MarkdownIt("commonmark").enable("table").parse(text):
        for token in block.children or ():
            if token.type == "code_inline" and re.match(r"(sge-stream|python -m) ", token.content):
                yield from shell_commands(token.content)


def commands(text: str) -> Iterator[list[str]]:
    """Yields all commands of a document: of its shell blocks, run or not, and of its inline code."""
    for block in code_blocks(text):
        if block.language == "bash":
            yield from shell_commands(f"{block.before}\n{block.body}")
    yield from inline_commands(text)


def wrong_options(words: list[str]) -> list[str]:
    """Returns the options of a command that it does not have; its name if there is no such command."""
    if words[:1] == ["sge-stream"]:
        known, rest = _program_options(words[1:])
    elif words[:2] == ["python", "-m"] and words[2].split(".")[0] not in _EXTERNAL:
        known, rest = _module_options(words[2]), words[3:]
    else:
        return []
    if known is None:
        return [" ".join(words)]
    given = [word.partition("=")[0] for word in rest if re.match(r"--?[A-Za-z]", word)]
    return [option for option in given if option not in known]


def _program_options(words: list[str]) -> tuple[set[str] | None, list[str]]:
    """Returns the options of the command that the words name, or None, and the words after it."""
    found, rest = typer.main.get_command(app), words
    assert isinstance(found, TyperGroup)
    command: TyperCommand | TyperGroup = found
    rest = rest[1:] if rest[:1] == ["--debug"] else rest
    if not rest or (rest[0].startswith("-") and rest[0] not in _options(command)):
        rest = ["watch", *rest]
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        if rest[0] not in command.commands:
            return None, rest
        inner, rest = command.commands[rest[0]], rest[1:]
        assert isinstance(inner, TyperCommand | TyperGroup)
        command = inner
    return _options(command), rest


def _options(command: TyperCommand | TyperGroup) -> set[str]:
    return {"-h", "--help", *(option for parameter in command.params for option in parameter.opts)}


@cache
def _module_options(module: str) -> set[str] | None:
    """Returns the options that `python -m MODULE --help` shows; in this process, which is faster."""
    shown = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(action="ignore"),  # the module may be loaded already
        contextlib.redirect_stdout(shown),
    ):
        patch.setattr(sys, "argv", [module, "--help"])
        try:
            runpy.run_module(module, run_name="__main__")
        except ImportError:
            return None
        except SystemExit as end:
            return set(re.findall(r"--?[A-Za-z][\w-]*", shown.getvalue())) if not end.code else None
    raise AssertionError(f"{module} --help did not end")


@pytest.mark.slow
@pytest.mark.parametrize("name", DOCUMENTS)
def test_commands_and_options_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    wrong = {" ".join(words): found for words in commands(text) if (found := wrong_options(words))}
    assert wrong == {}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_code_blocks_are_run_or_say_why_not(name: str) -> None:
    for block in code_blocks((ROOT / name).read_text(encoding="utf-8")):
        if block.not_run is None:
            assert block.language in (*CHECKED, "text"), (
                f"no test runs {block.language or 'a block without language'}"
            )
        else:
            assert len(block.not_run.split()) >= 2, f"expected a reason, got {block.not_run!r}"


def test_pytest_collects_the_code_blocks_of_all_documents() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    paths = settings["tool"]["pytest"]["ini_options"]["testpaths"]
    assert [name for name in DOCUMENTS if not any(Path(name).is_relative_to(path) for path in paths)] == []


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("sge-stream --source a.mcap --json", []),
        ("sge-stream --debug enroll Ada --source a --yes", []),
        ("sge-stream people list --gallery g.db", []),
        ("sge-stream enroll Ada --sources a", ["--sources"]),
        ("sge-stream enrol Ada", ["sge-stream enrol Ada"]),
        ("sge-stream people ls", ["sge-stream people ls"]),
        ("python -m tools.trials.receivers --nothing", ["--nothing"]),
        ("sge-stream --source walk.mp4#t=2,9.5 --nothing", ["--nothing"]),
        ("SGE_GALLERY=a.db sge-stream --nothing", ["--nothing"]),
        ("do sge-stream -x", ["-x"]),
        ("python -m tools.no_such_module", ["python -m tools.no_such_module"]),
        ("ls --all", []),
    ],
)
def test_wrong_commands_are_found(command: str, wrong: list[str]) -> None:
    (words,) = (words for words in shell_commands(command) if words)
    assert wrong_options(words) == wrong
