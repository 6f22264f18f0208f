"""Names of files and people that are more than plain letters, through the real processes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from stream.skeleton import CANONICAL
from tests.e2e.program import Program
from tools.backend_fit.offline_pipeline import simulated_walks

WALK = "walkers:n=1,seed=11,seconds=6,live=0,only=1"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="names that are no UTF-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose name is no UTF-8, with a recording and a gallery whose names are none either."""
    made = tmp_path_factory.mktemp("names") / os.fsdecode(b"caf\xe9 :smile: [bold]")
    made.mkdir()
    program = Program(made / os.fsdecode(b"g\xff.db"), made / "run")
    recording = os.fsdecode(b"ada\xff.mcap")
    done = program.run("record", recording, "--source", WALK, "--speed", "0", folder=made)
    assert (done.returncode, done.stdout) == (0, f"{recording}: 180 frames\n"), done.stderr
    done = program.run("enroll", "Zoë :walking:", "--source", recording, "--speed", "0", "--yes", folder=made)
    assert done.returncode == 0, done.stderr
    assert "Zoë :walking: is enrolled: 1 walk" in done.stdout
    assert "caf\udce9 :smile: [bold]/g\udcff.db" in done.stdout
    return made


@pytest.fixture
def program(folder: Path) -> Program:
    return Program(folder / os.fsdecode(b"g\xff.db"), folder / "run")


def test_a_run_reads_and_names_it(folder: Path, program: Program) -> None:
    source, view = os.fsdecode(b"ada\xff.mcap"), os.fsdecode(b"seen\xfe")
    done = program.run(
        "--source", source, "--speed", "0", "--fpir", "off", "--json", "--view", view, folder=folder
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["source"] for line in lines} == {r"ada\xff.mcap"}
    assert lines[-1]["candidate"] == "Zoë :walking:"
    assert (folder / view / "source-1.jpg").stat().st_size
    assert r"caf\xe9 :smile: [bold]/seen\xfe/source-N.jpg" in done.stderr


def test_other_commands_take_it(folder: Path, program: Program) -> None:
    recording, copy = os.fsdecode(b"ada\xff.mcap"), os.fsdecode(b"copy\xfe.mcap")
    done = program.run("convert", recording, copy, folder=folder)
    assert (done.returncode, done.stdout) == (0, f"{copy}\n"), done.stderr
    done = program.run("gallery", "backup", os.fsdecode(b"backup\xff.db"), folder=folder)
    assert done.returncode == 0, done.stderr
    done = program.run("calibrate", "--strangers", copy, "--json", folder=folder)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    done = program.run("doctor", "--source", recording, folder=folder)
    assert done.returncode == 0, done.stderr
    assert r"source ada\xff.mcap" in done.stdout
    done = program.run("--source", os.fsdecode(b"none\xff.mcap"), folder=folder)
    assert done.returncode == 2
    assert r"file none\xff.mcap not found" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437"])
def test_a_terminal_gets_characters_that_it_can_show(program: Program, encoding: str) -> None:
    program.environment["PYTHONIOENCODING"] = encoding
    done = program.run("people", "list", encoding=encoding)
    assert done.returncode == 0, done.stderr
    shown = "Zoe" if encoding == "ascii" else "Zoë"
    assert f"| {shown} :walking: |" in done.stdout


def test_a_tilde_is_the_home_folder(folder: Path, program: Program) -> None:
    program.environment["HOME"] = str(folder)
    (folder / "walk.mcap").write_bytes((folder / os.fsdecode(b"ada\xff.mcap")).read_bytes())
    (folder / "config.toml").write_text(
        'sources = ["~/walk.mcap"]\ngallery = "~/new.db"\nview = "~/pictures"\nspeed = 0\njson = true\n',
        encoding="utf-16",
    )
    done = program.run("--config", "~/config.toml", folder=folder.parent)
    assert done.returncode == 0, done.stderr
    assert (folder / "pictures" / "source-1.jpg").exists()
    assert f"{folder.name}/new.db".replace("\udce9", r"\xe9") in done.stderr
    assert {json.loads(line)["source"] for line in done.stdout.splitlines()} == {"~/walk.mcap"}


def write_data_set(folder: Path) -> None:
    """Writes walks of four simulated people in KGBD's format; the name of one is no UTF-8, as is the text."""
    names = [
        "Hip-centro" if name == "HipCenter"
        else name.replace("Left", "-Left").replace("Right", "-Right").replace("Center", "-Center")
        for name in CANONICAL
    ]  # fmt: skip
    for number in (1, 2, 3, 4):
        for walk in simulated_walks(4, 5, number, 3.0):
            person = f"Person{int(walk.person):03d}" if int(walk.person) != 1 else os.fsdecode(b"Ad\xe8le")
            (folder / person).mkdir(parents=True, exist_ok=True)
            rows = [
                f"{name};{x:.5f};{y:.5f};{z:.5f}\r\n"
                for frame in np.nan_to_num(walk.joints)
                for name, (x, y, z) in zip(names, frame, strict=True)
            ]
            (folder / person / f"{number}.txt").write_text("".join(rows), encoding="utf-16")


def test_a_data_set_of_such_names_is_evaluated_converted_and_trained_on(
    program: Program, tmp_path: Path
) -> None:
    data, report, weights = (os.fsdecode(name) for name in (b"data\xe9", b"report\xff", b"trained\xff"))
    write_data_set(tmp_path / data)

    def run(*arguments: str) -> str:
        done = program.run(*arguments, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    figures = os.fsdecode(b"figures\xff.json")
    shown = run(
        *("evaluate", "kgbd", "--data", data, "--protocol", "direct", "--method", "bones"),
        *("--report", report, "--out", figures),
    )
    assert f"wrote {report}" in shown
    assert json.loads((tmp_path / figures).read_text())["people"] == 4
    assert len(list((tmp_path / report).glob("*.html"))) == 1
    (written,) = run("convert", data, "one.mcap", "--person", os.fsdecode(b"Ad\xe8le"), "--walk", "2").split()
    assert written == "one.mcap"
    run("train", data, "--out", weights, "--epochs", "1")
    lines = run(
        *("--source", "one.mcap", "--gallery", "none.db", "--encoder", weights),
        *("--fpir", "off", "--speed", "0", "--json"),
    )
    assert len(lines.splitlines()) > 5
