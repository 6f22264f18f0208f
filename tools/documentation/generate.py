"""Writes the generated tables into the README and the pages of docs/, and the JSON Schema of events.

    python -m tools.documentation.generate [--check]

Between the marks `[[[cog` and `[[[end]]]` of a document stand Python code, in a comment, and what it printed:
tables of figures, options, settings and fields. Run it when figures, options or records have changed. A check
of the project fails while a document is not as the code prints it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from cogapp import Cog

from stream.errors import RunError
from tools.documentation.event_schema import SCHEMA_FILE, event_schema
from tools.evaluation.terminal_tables import run_command

__all__ = ["documents", "generate", "main"]

_CHECK_FAILED = 5  # status of cog
_ROOT = Path(__file__).resolve().parents[2]


def documents() -> list[Path]:
    """Returns the documents that may have generated parts."""
    return [_ROOT / "README.md", *sorted((_ROOT / "docs").rglob("*.md"))]


def generate(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Documents; all of the project if none is given.",
        ),
    ] = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if something would change.")
    ] = False,
) -> None:
    """Write the generated parts of the documents, or check them."""

    def command() -> None:
        if not files:
            _write_schema(check=check)
        mode = ["--check", "--diff"] if check else ["-r"]
        options = ["-P", "-U", "-I", str(_ROOT), "--verbosity=1", *mode]
        status = Cog().main([sys.argv[0], *options, *map(str, files or documents())])
        if status == _CHECK_FAILED:
            raise RunError(
                "documents are not as generated: python -m tools.documentation.generate writes them"
            )
        if status:
            raise RunError("the code of a document fails, see above")

    run_command("generate", command)


def _write_schema(*, check: bool) -> None:
    """Writes the schema; with `check`, raises `RunError` if that would change it."""
    schema = event_schema()
    if SCHEMA_FILE.is_file() and SCHEMA_FILE.read_bytes() == schema:
        return
    if check:
        raise RunError(
            f"{SCHEMA_FILE.name} is not as generated: python -m tools.documentation.generate writes it"
        )
    SCHEMA_FILE.write_bytes(schema)


def main() -> None:
    """Runs the command line."""
    typer.run(generate)


if __name__ == "__main__":
    main()
