"""Runs the checks of the project: `python -m tools.checks` all of them, with `--quick` all but the tests.

`python -m tools.checks NAME ...` runs the named ones. A check that fails does not stop the others; the exit
status is 1 if any failed. To add a check, add one entry to `CHECKS`.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["CHECKS", "Check", "run_checks", "select_checks"]

PLATFORMS = ("linux", "win32", "darwin")
"""Values of `sys.platform` that the types are checked for; Kinects run on Windows."""

_ROOT = Path(__file__).resolve().parent.parent
_SCRIPTS = Path(sysconfig.get_path("scripts"))  # of this environment, which need not be activated


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: name on the command line.
        command: program, then arguments; status 0 is success.
        quick: whether `--quick` runs it.
    """

    name: str
    command: tuple[str, ...]
    quick: bool = True


def _script(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(_SCRIPTS / name), *arguments)


CHECKS: tuple[Check, ...] = (
    Check("ruff-check", _script("ruff", "check", ".")),
    Check("ruff-format", _script("ruff", "format", "--check", ".")),
    *(
        # A cache for each platform: mypy discards results of another one.
        Check(
            f"mypy-{platform}",
            _script("mypy", "--platform", platform, "--cache-dir", f".mypy_cache/{platform}"),
        )
        for platform in PLATFORMS
    ),
    Check("import-layers", _script("lint-imports", "--no-logo")),
    Check("generated-tables", (sys.executable, "-m", "tools.documentation.generate", "--check")),
    Check("documentation", _script("mkdocs", "build", "--strict")),
    Check("pytest", _script("pytest"), quick=False),
)
"""All checks, in the order they run."""


def select_checks(names: Sequence[str], *, quick: bool) -> list[Check]:
    """Returns the named checks, or all if there are no names; with `quick`, only the quick ones of these.

    Raises:
        ValueError: a name is unknown, or nothing is selected.
    """
    known = [check.name for check in CHECKS]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"unknown check {unknown[0]!r}; known: {', '.join(known)}")
    chosen = [check for check in CHECKS if (check.quick or not quick) and (not names or check.name in names)]
    if not chosen:
        raise ValueError(f"--quick leaves out {', '.join(names)}; leave --quick out")
    return chosen


def run_checks(checks: Sequence[Check]) -> int:
    """Runs checks one after another in the project's folder and prints the result and duration of each.

    Returns:
        Exit status: 0 if all passed, else 1.
    """
    durations, failed = [], []
    for check in checks:
        _print(f"\n== {check.name}: {shlex.join((Path(check.command[0]).name, *check.command[1:]))}")
        start = time.perf_counter()
        passed = _run(check)
        seconds = time.perf_counter() - start
        durations.append(f"{check.name} {seconds:.1f} s")
        if not passed:
            failed.append(check.name)
        _print(f"== {check.name}: {'passed' if passed else 'failed'} in {seconds:.1f} s")
    _print(f"\n== durations: {', '.join(durations)}")
    _print(f"== failed: {', '.join(failed)}" if failed else "== all passed")
    return 1 if failed else 0


def _run(check: Check) -> bool:
    try:
        return subprocess.run(check.command, cwd=_ROOT, check=False).returncode == 0
    except OSError:
        _print(f"cannot run {check.command[0]}; install it: pip install -c constraints.txt -e '.[dev]'")
        return False


def _print(text: str) -> None:
    """Prints at once, so that the text appears between the outputs of the commands."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def checks_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Checks to run; all if none is given.")
    ] = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out the tests.")] = False,
) -> None:
    """Runs the checks of the project."""
    try:
        chosen = select_checks(names or [], quick=quick)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    raise typer.Exit(run_checks(chosen))


if __name__ == "__main__":
    typer.run(checks_command)
