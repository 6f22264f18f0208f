"""Tests of how code blocks are found and checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from sybil import Document
from sybil.example import SybilFailure

from tests.documentation.code_blocks import close_folder, code_blocks, open_folder, parse_code_blocks


def run(text: str) -> int:
    """Runs the blocks of a document; returns their number."""
    document = Document(text, "page.md")
    for region in parse_code_blocks(document):
        document.add(region)
    open_folder(document.namespace)
    try:
        examples = list(document.examples())
        for example in examples:
            example.evaluate()
        return len(examples)
    finally:
        close_folder(document.namespace)


def fence(language: str, body: str) -> str:
    return f"```{language}\n{body}\n```\n"


def test_blocks_of_a_document_share_a_folder() -> None:
    text = fence('toml title="a.toml"', "a = 1") + fence("bash", "grep -q 'a = 1' a.toml; echo 3 > b")
    assert run(text + fence("python", "assert int(open('b').read()) == 3")) == 3


@pytest.mark.parametrize(
    "block",
    [
        fence("bash", "false | true"),
        fence("bash", "exit 3"),
        fence("python", "raise SystemExit(1)"),
        "<!-- before:\nexit 1\n-->\n" + fence("bash", "true"),
    ],
)
def test_a_failing_block_fails(block: str) -> None:
    with pytest.raises(SybilFailure, match="ended with"):
        run(block)


@pytest.mark.parametrize(("language", "body"), [("toml", "a ="), ("json", "{"), ("json", "{}\n{")])
def test_a_malformed_block_fails(language: str, body: str) -> None:
    with pytest.raises(ValueError):
        run(fence(language, body))


def test_marked_blocks_and_text_do_not_run() -> None:
    text = "<!-- not run: needs a Kinect v2 -->\n" + fence("bash", "exit 1") + fence("text", "x")
    assert run(text) == 0
    assert [block.not_run for block in code_blocks(text)] == ["needs a Kinect v2", None]


@pytest.mark.parametrize("block", ["~~~bash\nexit 1\n~~~\n", "> ```bash\n> exit 1\n> ```\n"])
def test_all_kinds_of_fences_are_found(block: str) -> None:
    with pytest.raises(SybilFailure):
        run(block)


def test_a_fence_that_would_not_be_found_is_refused() -> None:
    with pytest.raises(ValueError, match="not found"):
        run("!!! note\n\n    ```bash\n    exit 1\n    ```\n")


def test_what_runs_in_the_background_does_not_hold_a_block_up() -> None:
    text = fence("bash", "sleep 600 &\necho $! > pid") + fence("bash", "kill -0 $(cat pid)")
    assert run(text) == 2


def test_an_earlier_comment_does_not_mark_a_block() -> None:
    text = "<!-- not run: x -->\nSome text.\n<!-- other -->\n" + fence("bash", "true")
    assert [block.not_run for block in code_blocks(text)] == [None]


def test_indented_blocks_are_dedented() -> None:
    (block,) = code_blocks("- item\n\n    ```bash\n    if true\n    then exit\n    fi\n    ```\n")
    assert block.body == "if true\nthen exit\nfi\n"


def test_commands_see_no_gallery_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SGE_GALLERY", str(tmp_path / "mine.db"))
    assert run(fence("bash", 'test -z "${SGE_GALLERY-}"; test "$HOME" = "$(dirname "$PWD")"')) == 1
    assert (
        run(fence("bash", 'test "$XDG_DATA_HOME" = "$HOME/data"; test "$SGE_RUNTIME_DIR" = "$HOME/run"')) == 1
    )
