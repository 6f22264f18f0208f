"""The command that runs all checks: order, exit status, output and selection."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.checks import CHECKS, Check, run_checks, select_checks

ROOT = Path(__file__).resolve().parent.parent.parent


def python_check(name: str, code: str) -> Check:
    return Check(name, (sys.executable, "-c", code))


def test_a_failed_check_fails_the_run_and_the_others_run_too(capfd: pytest.CaptureFixture[str]) -> None:
    checks = [
        python_check("first", "print('output of first')"),
        python_check("second", "import sys; print('output of second', file=sys.stderr); sys.exit(3)"),
        python_check("third", "print('output of third')"),
    ]
    assert run_checks(checks) == 1
    out, err = capfd.readouterr()
    assert out.index("== first: ") < out.index("output of first") < out.index("== second: ")
    assert "output of second" in err
    assert re.search(r"^== first: passed in \d+\.\d s$", out, re.MULTILINE)
    assert re.search(r"^== second: failed in \d+\.\d s$", out, re.MULTILINE)
    assert "output of third" in out
    durations, result = out.splitlines()[-2:]
    assert re.fullmatch(r"== durations: first \d+\.\d s, second \d+\.\d s, third \d+\.\d s", durations)
    assert result == "== failed: second"


def test_status_0_if_all_checks_pass(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_checks([python_check("one", ""), python_check("two", "")]) == 0
    assert capfd.readouterr().out.splitlines()[-1] == "== all passed"


def test_a_program_that_is_not_installed_fails_its_check(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_checks([Check("absent", (str(tmp_path / "absent"),)), python_check("present", "")]) == 1
    out = capfd.readouterr().out
    assert "pip install -c constraints.txt -e '.[dev]'" in out
    assert "== present: passed" in out


def test_quick_leaves_out_the_tests_only() -> None:
    everything = [check.name for check in select_checks([], quick=False)]
    assert everything == [check.name for check in CHECKS]
    assert [name for name in everything if name != "pytest"] == [
        check.name for check in select_checks([], quick=True)
    ]
    assert {"mypy-linux", "mypy-win32", "mypy-darwin"} <= set(everything)


def test_all_installed_programs_are_found() -> None:
    suffix = ".exe" if sys.platform == "win32" else ""
    assert [check.name for check in CHECKS if not Path(check.command[0] + suffix).is_file()] == []


def test_checks_are_selected_by_name() -> None:
    chosen = select_checks(["pytest", "ruff-check"], quick=False)
    assert [check.name for check in chosen] == ["ruff-check", "pytest"]
    with pytest.raises(ValueError, match="unknown check 'abacus'; known: ruff-check, "):
        select_checks(["abacus"], quick=False)
    with pytest.raises(ValueError, match="--quick leaves out pytest"):
        select_checks(["pytest"], quick=True)


def test_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.checks", "ruff-format", "--quick"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-2].startswith("== durations: ruff-format "), done.stdout + done.stderr
    done = subprocess.run(
        [sys.executable, "-m", "tools.checks", "abacus"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "abacus" in done.stderr


def test_pre_commit_runs_all_quick_checks() -> None:
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    named = [
        name for line in re.findall(r"entry: python -m tools\.checks (.*)", text) for name in line.split()
    ]
    assert named == [check.name for check in select_checks([], quick=True)]
    assert re.findall(r"repo: (.*)", text) == ["local"]
