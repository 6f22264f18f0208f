"""The generated parts of the documents are as the project's code prints them."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.documentation.documents import PAGES, ROOT
from tools.documentation.generate import documents, generate

APP = typer.Typer()
APP.command()(generate)


@pytest.mark.slow
def test_the_documents_are_as_generated() -> None:
    """If not: python -m tools.documentation.generate."""
    result = CliRunner().invoke(APP, ["--check"])
    assert result.exit_code == 0, result.output


def test_all_documents_are_looked_at() -> None:
    assert {str(path.relative_to(ROOT)) for path in documents()} == {"README.md", *PAGES}


def test_a_document_that_differs_is_found_and_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    code = "<!-- [[[cog\nfrom tools.documentation.markdown_table import markdown_table\n"
    code += "print(markdown_table(['a'], [['b']]))\n]]] -->\n"
    page.write_text(f"{code}old\n<!-- [[[end]]] -->\n", encoding="utf-8")
    assert CliRunner().invoke(APP, ["--check", str(page)]).exit_code == 1
    assert "old" in page.read_text(encoding="utf-8")
    assert CliRunner().invoke(APP, [str(page)]).exit_code == 0
    table = "| a |\n| --- |\n| b |\n"
    assert page.read_text(encoding="utf-8") == f"{code}{table}<!-- [[[end]]] -->\n"
    assert CliRunner().invoke(APP, ["--check", str(page)]).exit_code == 0
    page.write_text("<!-- [[[cog\nno_such_name\n]]] -->\n<!-- [[[end]]] -->\n", encoding="utf-8")
    failed = CliRunner().invoke(APP, [str(page)])
    assert failed.exit_code == 1
    assert "the code of a document fails" in failed.output
    assert CliRunner().invoke(APP, [str(tmp_path / "absent.md")]).exit_code == 2
