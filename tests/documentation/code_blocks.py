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

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from sybil import Document, Example, Region

__all__ = ["LANGUAGES", "CodeBlock", "close_folder", "code_blocks", "open_folder", "parse_code_blocks"]

LANGUAGES = ("bash", "python", "toml", "json", "text")
TIMEOUT_S = 240

_FENCE = re.compile(
    r"(?:^[ ]*<!--[ ](?P<comment>(?:(?!-->).)*)-->\n)?"
    r"^(?P<indent>[ ]*)```(?P<language>[\w-]*)(?P<attributes>[^\n]*)\n"
    r"(?P<body>.*?)"
    r"^(?P=indent)```[ ]*$",
    re.MULTILINE | re.DOTALL,
)
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
        start: position of its fence in the document, or of the comment before it.
        end: position after it.
    """

    language: str
    attributes: str
    body: str
    not_run: str | None
    before: str
    start: int
    end: int


def code_blocks(text: str) -> Iterator[CodeBlock]:
    """Yields the code blocks of a document, in order."""
    for match in _FENCE.finditer(text):
        comment = (match["comment"] or "").strip()
        kind, _, content = comment.partition(":")
        yield CodeBlock(
            match["language"],
            match["attributes"].strip(),
            textwrap.dedent(match["body"]),
            content.strip() if kind == "not run" else None,
            textwrap.dedent(content) if kind == "before" else "",
            match.start(),
            match.end(),
        )


def parse_code_blocks(document: Document) -> Iterator[Region]:
    """Yields the blocks that are checked, for sybil."""
    for block in code_blocks(document.text):
        if block.not_run is None and block.language in ("bash", "python", "toml", "json"):
            yield Region(block.start, block.end, block, _check)


def open_folder(namespace: dict[str, Any]) -> None:
    """Creates the folder of a document."""
    namespace["folder"] = Path(tempfile.mkdtemp(prefix="sge-doc-"))  # short: it holds socket paths


def close_folder(namespace: dict[str, Any]) -> None:
    """Removes the folder of a document."""
    shutil.rmtree(namespace["folder"], ignore_errors=True)


def _check(example: Example) -> str | None:
    """Checks a block; returns what is wrong, or None."""
    block: CodeBlock = example.parsed
    folder = example.namespace["folder"] / "page"
    folder.mkdir(exist_ok=True)
    if block.before:
        failed = _run(["bash", "-euo", "pipefail", "-c", block.before], folder)
        if failed:
            return failed
    if block.language == "bash":
        if shutil.which("bash") is None:
            pytest.skip("needs bash")
        return _run(["bash", "-euo", "pipefail", "-c", block.body], folder)
    if block.language == "python":
        script = folder / "block.py"
        script.write_text(block.body, encoding="utf-8")
        return _run([sys.executable, script.name], folder)
    if block.language == "toml":
        tomllib.loads(block.body)
        title = _TITLE.search(block.attributes)
        if title:
            (folder / title[1]).write_text(block.body, encoding="utf-8")
        return None
    _parse_json(block.body)
    return None


def _parse_json(text: str) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError:
        for line in text.splitlines():
            json.loads(line)


def _run(command: list[str], folder: Path) -> str | None:
    """Runs a command in a folder; returns its output if it fails or takes too long."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=_environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            _kill(psutil.Process(process.pid))
            output, _ = process.communicate()
            return f"did not end within {TIMEOUT_S} s:\n{output}"
    return None if process.returncode == 0 else f"ended with {process.returncode}:\n{output}"


def _kill(process: psutil.Process) -> None:
    """Kills a process and all that it started."""
    for each in [*process.children(recursive=True), process]:
        each.kill()


def _environment(folder: Path) -> dict[str, str]:
    """Returns an environment in which nothing of the user's is read or changed."""
    scripts = sysconfig.get_path("scripts")
    inherited = {name: value for name, value in os.environ.items() if name != "SGE_GALLERY"}
    return {
        **inherited,
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")]),
        "HOME": str(folder.parent),
        "XDG_DATA_HOME": str(folder.parent / "data"),
        "SGE_RUNTIME_DIR": str(folder.parent / "run"),
        "COLUMNS": "120",
    }
