"""The command `bench`: what is said before anything is measured, and the file of figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from stream.errors import UserError
from stream.terminal import web_extra
from tools.bench.command import bench
from tools.bench.figures_file import open_figures, read_figures, write_figures
from tools.bench.machine import Machine, describe_machine
from tools.bench.request import BenchRequest
from tools.bench.stages import choose_stages

ROOT = Path(__file__).resolve().parents[3]
SOME = Machine(system="Linux x86_64", cpu="A", cores=2, python="3.11.7", packages={"torch": "2"})


def run(request: BenchRequest) -> None:
    bench(request, Console(quiet=True), Console(quiet=True))


def test_an_unknown_stage_is_named_with_those_that_exist() -> None:
    with pytest.raises(UserError, match=r"--only encodr: there is no such stage; the stages are encoder"):
        run(BenchRequest(only=("encoder", "encodr")))


def test_the_web_server_is_measured_where_its_packages_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "web" in choose_stages(())
    monkeypatch.setattr(web_extra, "find_spec", lambda name: None)
    assert "web" not in choose_stages(())
    with pytest.raises(UserError, match=r"--only web needs more packages.*sge-stream\[web\]"):
        run(BenchRequest(only=("web",)))


def test_a_file_that_cannot_be_written_is_said_before_measuring(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot write .*none/speed.json"):
        run(BenchRequest(out=tmp_path / "none" / "speed.json"))


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"people": 3}')
    with pytest.raises(UserError, match="no file of sge-stream bench"):
        run(BenchRequest(out=path))
    assert json.loads(path.read_text()) == {"people": 3}


def test_a_folder_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no file"):
        run(BenchRequest(out=tmp_path))


def test_figures_of_another_machine_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    write_figures(path, {"machine": msgspec.to_builtins(SOME)})
    with pytest.raises(UserError, match="another machine"):
        open_figures(path, msgspec.structs.replace(SOME, cores=4))


def test_stages_of_an_earlier_run_stay(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    write_figures(path, open_figures(path, SOME) | {"live": {"people": 3}})
    figures = open_figures(path, SOME)
    write_figures(path, figures | {"start": {"help_s": 0.4}})
    assert read_figures(path) == {
        "machine": msgspec.to_builtins(SOME),
        "live": {"people": 3},
        "start": {"help_s": 0.4},
    }


def test_options_of_a_plan_and_of_stages_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="add --plan"):
        run(BenchRequest(costs=tmp_path / "speed.json"))
    with pytest.raises(UserError, match="no other option"):
        run(BenchRequest(plan="cameras=1", out=tmp_path / "speed.json"))


def test_the_machine_has_a_processor_and_versions_but_no_name() -> None:
    import platform

    machine = describe_machine()
    assert machine.cores >= 1 and machine.cpu
    assert {"torch", "numpy"} <= machine.packages.keys()
    assert platform.node() not in machine.sentence.split()


def program(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "stream", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_program_measures_a_stage_and_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "speed.json"
    done = program("--only", "capture", "--seconds", "0", "--out", str(path))
    assert done.returncode == 0
    assert done.stderr.startswith("capture: ")
    assert "people per core" in done.stdout and describe_machine().cpu in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert read_figures(path).keys() == {"machine", "capture"}


@pytest.mark.slow
def test_an_error_is_one_sentence() -> None:
    done = program("--only", "speed")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("sge-stream: --only speed: there is no such stage; the stages are encoder")
    assert len(done.stderr.splitlines()) == 1
