"""Code blocks of Markdown documents, and how each language is checked.

The blocks of a document run in order, in one folder of the document, so that they build on each other:

    bash     run by bash, which stops at the first error; must end with status 0
    python   run as a program of its own
    toml     written into the file of its `title`, or only parsed
    json     parsed: one value, or one a line
    text     output or a layout; not checked

A comment before a block applies to it: `<!-- not run: REASON -->`, or `<!-- before:` and shell commands that
a reader has no need of.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from markdown_it import MarkdownIt
from sybil import Document, Example, Region

__all__ = ["CHECKED", "CodeBlock", "close_folder", "code_blocks", "open_folder", "parse_code_blocks"]

TIMEOUT_S = 240

_COMMENT = re.compile(r"<!-- (not run|before):(.*?)-->\s*", re.DOTALL)
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced code block.

    Attributes:
        language: the word after the fence; empty if there is none.
        attributes: the rest of that line.
        body: the code, without the indentation of the fence.
        not_run: the reason why it is not run; None if it is.
        before: shell commands to run before it.
        lines: number of its first line and of the line after it, from 0.
    """

    language: str
    attributes: str
    body: str
    not_run: str | None
    before: str
    lines: tuple[int, int]


def code_blocks(text: str) -> Iterator[CodeBlock]:
    """Yields the code blocks of a document, in order.

    Raises:
        ValueError: a fence stands where only the site takes it for one, as in an admonition.
    """
    tokens = MarkdownIt("commonmark").parse(text)
    for previous, token in pairwise([None, *tokens]):
        if token is None or token.map is None:
            continue
        if token.type == "code_block" and re.search("```|~~~", token.content):
            raise ValueError(f"line {token.map[0] + 1}: this code block is not found; put it outside")
        if token.type != "fence":
            continue
        comment = None
        if previous is not None and previous.type == "html_block" and previous.map is not None:
            adjacent = previous.map[1] == token.map[0]
            comment = _COMMENT.fullmatch(previous.content.strip()) if adjacent else None
        kind, content = (comment[1], comment[2]) if comment else ("", "")
        language, _, attributes = token.info.strip().partition(" ")
        yield CodeBlock(
            language,
            attributes,
            token.content,
            content.strip() if kind == "not run" else None,
            textwrap.dedent(content) if kind == "before" else "",
            (token.map[0], token.map[1]),
        )


def parse_code_blocks(document: Document) -> Iterator[Region]:
    """Yields the blocks that are checked, for sybil."""
    starts = [0, *accumulate(len(line) for line in document.text.splitlines(keepends=True))]
    for block in code_blocks(document.text):
        if block.not_run is None and block.language in CHECKED:
            first, after = block.lines
            yield Region(starts[first], starts[after], block, _check)


def open_folder(namespace: dict[str, Any]) -> None:
    """Creates the folder of a document."""
    namespace["page"] = _Page(Path(tempfile.mkdtemp(prefix="sge-doc-")))  # short: it holds socket paths


def close_folder(namespace: dict[str, Any]) -> None:
    """Ends what the blocks of a document left running, and removes its folder."""
    namespace["page"].close()


class _Page:
    """Where the blocks of a document run.

    Args:
        home: an empty folder; the blocks run in a folder in it.
    """

    def __init__(self, home: Path) -> None:
        self.folder = home / "page"
        self.folder.mkdir()
        self._home = home
        self._sessions: list[int] = []

    def run(self, *command: str) -> str | None:
        """Runs a command; returns its output if it fails or takes too long."""
        with (self._home / "output").open("w+b") as output:  # a process in the background may hold a pipe
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=_environment(self._home),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._sessions.append(process.pid)
            try:
                result = f"ended with {process.wait(timeout=TIMEOUT_S)}"
            except subprocess.TimeoutExpired:
                _kill_session(process.pid)
                process.wait()
                result = f"did not end within {TIMEOUT_S} s"
            output.seek(0)
            text = output.read().decode(errors="replace")
        return None if process.returncode == 0 else f"{result}:\n{text}"

    def run_shell(self, code: str) -> str | None:
        """Runs shell commands; see `run`."""
        if shutil.which("bash") is None:
            pytest.skip("needs bash")
        return self.run("bash", "-euo", "pipefail", "-c", code)

    def close(self) -> None:
        """Kills what still runs, and removes the folder."""
        for session in self._sessions:
            _kill_session(session)
        shutil.rmtree(self._home, ignore_errors=True)


def _check(example: Example) -> str | None:
    """Checks a block; returns what is wrong, or None."""
    block: CodeBlock = example.parsed
    page: _Page = example.namespace["page"]
    failed = page.run_shell(block.before) if block.before else None
    return failed or CHECKED[block.language](page, block)


def _check_shell(page: _Page, block: CodeBlock) -> str | None:
    return page.run_shell(block.body)


def _check_python(page: _Page, block: CodeBlock) -> str | None:
    script = page.folder / "block.py"
    script.write_text(block.body, encoding="utf-8")
    return page.run(sys.executable, script.name)


def _check_toml(page: _Page, block: CodeBlock) -> str | None:
    tomllib.loads(block.body)
    title = _TITLE.search(block.attributes)
    if title:
        (page.folder / title[1]).write_text(block.body, encoding="utf-8")
    return None


def _check_json(page: _Page, block: CodeBlock) -> str | None:
    try:
        json.loads(block.body)
    except json.JSONDecodeError:
        for line in block.body.splitlines():
            json.loads(line)
    return None


CHECKED: Mapping[str, Callable[[_Page, CodeBlock], str | None]] = MappingProxyType(
    {"bash": _check_shell, "python": _check_python, "toml": _check_toml, "json": _check_json}
)
"""Language -> what checks a block of it; returns what is wrong, or None."""


def _kill_session(session: int) -> None:
    """Kills all processes of a session."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(session, signal.SIGKILL)


def _environment(home: Path) -> dict[str, str]:
    """Returns an environment in which nothing of the user's is read or changed."""
    inherited = {name: value for name, value in os.environ.items() if name != "SGE_GALLERY"}
    return {
        **inherited,
        "PATH": os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", "")]),
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "SGE_RUNTIME_DIR": str(home / "run"),
        "COLUMNS": "120",
    }
