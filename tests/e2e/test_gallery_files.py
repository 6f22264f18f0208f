"""The gallery's file under the real programs: not there yet, deleted, replaced, read-only, backed up."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gallery.store.gallery import open_gallery
from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, record_two

LIVE = ("--source", "walkers:n=1,seed=11", "--fpir", "off", "--json")
"""Ada's walk, as `record_two` records it, without an end."""


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return record_two(tmp_path_factory.mktemp("walks"), seconds=6)


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("g")
    return Program(folder / "g.db", folder / "run")


@pytest.fixture
def knowing_ada(program: Program, walks: dict[str, Path]) -> Program:
    """The program with Ada enrolled."""
    enrol_recordings(gallery_of(program), "Ada", walks["ada"])
    return program


def gallery_of(program: Program) -> Path:
    return Path(program.environment["SGE_GALLERY"])


def people(program: Program) -> list[str]:
    with open_gallery(str(gallery_of(program)), create=False) as store:
        return [person.name for person in store.people()]


def test_looking_at_a_gallery_that_does_not_exist_makes_none(
    program: Program, walks: dict[str, Path]
) -> None:
    path = gallery_of(program)
    watched = program.run("--source", str(walks["ada"]), "--speed", "0", "--json")
    assert watched.returncode == 0, watched.stderr
    assert f"there is no gallery sqlite:///{path} yet, so nobody is known" in watched.stderr
    assert '"reason":"nobody is enrolled"' in watched.stdout
    doctor = program.run("doctor")
    assert "none yet" in doctor.stdout
    for command in (("people", "list"), ("people", "show", "Ada"), ("gallery", "backup", "b.db")):
        done = program.run(*command, folder=path.parent)
        assert (done.returncode, "there is no gallery" in done.stderr) == (2, True)
    short = program.run("enroll", "Ada", "--source", f"{walks['ada']}#t=0,1", "--speed", "0", "--yes")
    assert short.returncode == 2
    assert not path.exists()
    done = program.run("enroll", "Ada", "--source", str(walks["ada"]), "--speed", "0", "--yes")
    assert f"made the gallery {path}\n" in done.stdout, done.stderr
    assert people(program) == ["Ada"]


def test_a_gallery_that_appears_is_followed_and_one_that_goes_forgotten(
    program: Program, walks: dict[str, Path]
) -> None:
    path = gallery_of(program)
    with program.start(*LIVE) as system:
        while system.line()["reason"] != "nobody is enrolled":
            pass
        enrol_recordings(path.with_name("other.db"), "Ada", walks["ada"])
        shutil.copy(path.with_name("other.db"), path.with_name("copy.db"))
        path.with_name("copy.db").rename(path)
        while (line := system.line())["person"] != "Ada":
            assert line["t"] < 100
        path.unlink()
        while (line := system.line())["reason"] != "the gallery is gone":
            assert line["t"] < 200
        assert line["candidate"] is None
        refused = program.run("enroll", "Cy", "--track", str(line["track"]), "--yes")
        assert refused.returncode == 2
        assert "is gone: somebody moved or deleted it" in refused.stderr
        assert not path.exists()
        system.wait_until(lambda: "is gone: somebody moved or deleted it" in system.errors())
        restored = program.run("gallery", "restore", str(path.with_name("other.db")))
        assert restored.returncode == 2  # no terminal to confirm on
        assert "back again: Ada" in restored.stderr
        restored = program.run("gallery", "restore", str(path.with_name("other.db")), "--yes")
        assert (restored.returncode, restored.stdout) == (0, f"restored 1 person to {path}\n")
        while (line := system.line())["person"] != "Ada":
            assert line["t"] < 300
        system.wait_until(lambda: "the gallery can be read again" in system.errors())


def test_a_matcher_that_crashed_after_its_gallery_was_deleted_makes_no_other(
    program: Program, walks: dict[str, Path]
) -> None:
    path = gallery_of(program)
    with program.start(*LIVE) as system:
        track = system.line()["track"]
        system.wait_until(
            lambda: program.run("enroll", "Ada", "--track", str(track), "--yes").returncode == 0
        )
        while system.line()["person"] != "Ada":
            pass
        path.unlink()
        system.child("matcher").kill()
        while (line := system.line())["reason"] != "the gallery is gone":
            assert line["person"] in (None, "Ada")
        refused = program.run("enroll", "Cy", "--track", str(line["track"]), "--seconds", "1.5", "--yes")
        assert refused.returncode == 2
        assert not path.exists()


def test_a_gallery_is_backed_up_and_restored_while_the_system_runs(
    knowing_ada: Program,
) -> None:
    program = knowing_ada
    with program.start(*LIVE) as system:
        while system.line()["person"] != "Ada":
            pass
        backup = gallery_of(program).with_name("backup.db")
        done = program.run("gallery", "backup", str(backup))
        assert (done.returncode, done.stdout) == (0, f"backed up 1 person to {backup}\n")
        assert backup.stat().st_mode & 0o777 == 0o600
        again = program.run("gallery", "backup", str(backup))
        assert (again.returncode, "--force" in again.stderr) == (2, True)
        assert program.run("gallery", "backup", str(backup), "--force").returncode == 0
        assert program.run("people", "rename", "Ada", "Eve", "--yes").returncode == 0
        while (line := system.line())["person"] != "Eve":
            assert line["t"] < 100
        done = program.run("gallery", "restore", str(backup), "--yes")
        assert done.returncode == 0, done.stderr
        while (line := system.line())["person"] != "Ada":
            assert line["t"] < 200
    assert people(program) == ["Ada"]


def test_a_restoration_that_could_not_erase_the_former_people_ends_with_status_1(
    knowing_ada: Program,
) -> None:
    program = knowing_ada
    path = gallery_of(program)
    assert program.run("gallery", "backup", str(path.with_name("backup.db"))).returncode == 0
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM person").fetchall()
        done = program.run("gallery", "restore", str(path.with_name("backup.db")), "--yes")
    assert (done.returncode, done.stdout) == (1, f"restored 1 person to {path}\n")
    assert "the removed data is still in the database" in done.stderr


def test_a_damaged_gallery_is_replaced_by_a_backup(knowing_ada: Program) -> None:
    program = knowing_ada
    path = gallery_of(program)
    assert program.run("gallery", "backup", str(path.with_name("backup.db"))).returncode == 0
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(9000))
    listed = program.run("people", "list")
    assert (listed.returncode, "is damaged; restore a copy" in listed.stderr) == (2, True)
    done = program.run("gallery", "restore", str(path.with_name("backup.db")), "--yes")
    assert done.returncode == 0, done.stderr
    assert f"the damaged gallery is now {path}.damaged-1" in done.stdout
    assert people(program) == ["Ada"]


@pytest.fixture
def read_only(knowing_ada: Program) -> Iterator[Path]:
    """The folder of Ada's gallery, which nobody can write; root must mount it so."""
    folder = gallery_of(knowing_ada).parent
    source = folder.with_name(f"{folder.name}-source")
    shutil.copytree(folder, source)
    if sys.platform == "win32" or os.geteuid():
        folder.chmod(0o500)
        yield folder
        folder.chmod(0o700)
        return
    if subprocess.run(
        ["mount", "--bind", str(source), str(folder)], capture_output=True, check=False
    ).returncode:
        pytest.skip("needs the right to mount a folder, or not to be root")
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_read_only_gallery_is_watched_and_not_changed(
    walks: dict[str, Path], read_only: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    own = Program(read_only / "g.db", tmp_path_factory.mktemp("run"))
    watched = own.run("--source", str(walks["ada"]), "--speed", "0", "--fpir", "off", "--json")
    assert watched.returncode == 0, watched.stderr
    assert '"person":"Ada"' in watched.stdout
    assert "Ada" in own.run("people", "list").stdout
    assert own.run("people", "show", "Ada").returncode == 0
    source = ("--source", str(walks["ben"]), "--speed", "0", "--yes")
    for command in (("people", "remove", "Ada", "--yes"), ("enroll", "Ben", *source)):
        done = own.run(*command)
        assert (done.returncode, "cannot be written; give yourself the right" in done.stderr) == (2, True)
    backup = tmp_path_factory.mktemp("b") / "backup.db"
    assert own.run("gallery", "backup", str(backup)).returncode == 0
