"""The README's table of figures.

    python -m tools.documentation.readme_results [--write]

Prints the table, made of `docs/results/`; `--write` puts it between the two marks of README.md. A test checks
that the README has exactly this table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stream.errors import DataError
from tools.documentation.results_files import RESULTS
from tools.documentation.results_tables import shipped_table
from tools.evaluation.terminal_tables import run_command

__all__ = ["BEGIN", "END", "readme_command", "replace_table", "results_table"]

BEGIN, END = "<!-- measured -->", "<!-- /measured -->"

_SCENARIOS = {
    "Kinect v1, other walks of people whom nothing was fitted on": "kgbd",
    "Kinect v2, rooms of the fitting data, other people": "patho-normal",
    "the same, an imitated lurch against normal walks": "patho-lurch",
    "the same, three sensors enrol, three others watch": "patho-views",
    "poses from videos, enrolled coming and going": "rgb-both",
    "poses from videos, enrolled coming, watched going": "rgb-away",
}
"""What a row tests -> the scenario."""


def results_table(folder: Path = RESULTS) -> str:
    """Returns the figures of the shipped system in six scenarios, whole walks.

    Raises:
        UserError: a scenario has no figures.
        DataError: a file is damaged.
    """
    return shipped_table(_SCENARIOS, folder)


def replace_table(text: str, table: str) -> str:
    """Returns the README's text with a new table between its marks.

    Raises:
        DataError: a mark is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DataError(f"README.md: expected the marks {BEGIN} and {END}; put them where the table belongs")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def readme_command(
    folder: Annotated[Path, typer.Option("--figures", metavar="DIR")] = RESULTS,
    readme: Annotated[Path, typer.Option(metavar="FILE")] = Path("README.md"),
    write: Annotated[bool, typer.Option("--write", help="Put the table into the README.")] = False,
) -> None:
    """Print the README's table of figures, or write it into the README."""

    def command() -> None:
        table = results_table(folder)
        if write:
            readme.write_text(replace_table(readme.read_text(encoding="utf-8"), table), encoding="utf-8")
        else:
            typer.echo(table)

    run_command("readme_results", command)


def main() -> None:
    """Runs the command."""
    typer.run(readme_command)


if __name__ == "__main__":
    main()
