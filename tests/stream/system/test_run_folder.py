"""The folder of a running system: where it is made, who removes it, and a full disk."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from stream.errors import RunError, UserError
from stream.system.process_identity import start_mark
from stream.system.run_folder import Run, can_connect, is_swept, open_run, running

if sys.platform == "win32":
    pytest.skip("the folders and processes of Unix", allow_module_level=True)


@pytest.mark.parametrize("call", ["mkdir", "touch", "write_bytes", "replace"])
def test_a_full_disk_is_said_and_nothing_is_left(
    call: str, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run("g.db"):
        assert len(list(running("g.db"))) == 1
    real = getattr(Path, call)

    def full(path: Path, *arguments: object, **options: object) -> object:
        if path.parent == runtime_dir or path.parent.parent == runtime_dir:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, call, full)
    with pytest.raises(RunError, match="No space left on device; make room on its disk"), open_run("g.db"):
        pytest.fail("the run began")
    assert not list(runtime_dir.iterdir())


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which no folder for running systems is configured, and the user has no runtime folder."""
    monkeypatch.delenv("SGE_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def folder_of_a_run() -> Path:
    with open_run("g") as run:
        folder = Path(run.folder)
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        return folder.parent


def test_the_runtime_folder_is_preferred_then_the_state_folder_then_the_temporary_one(folders: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("the folders of Linux")
    assert folder_of_a_run() == folders / "state" / "sge-stream" / "runs"
    (folders / "runtime").mkdir()
    assert folder_of_a_run() == folders / "runtime" / "sge-stream"
    (folders / "runtime" / "sge-stream").rmdir()
    (folders / "runtime").rmdir()
    shutil.rmtree(folders / "state")
    (folders / "state").touch()  # an account whose home cannot be written
    temporary = folders / f"sge-stream-{os.getuid()}"
    assert folder_of_a_run() == temporary
    temporary.rmdir()
    temporary.symlink_to(folders)
    with pytest.raises(UserError, match="belongs to another user"):
        folder_of_a_run()


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_a_run_is_found_after_the_user_has_logged_in(folders: Path) -> None:
    with open_run("g") as run:
        (folders / "runtime").mkdir()
        assert [found.folder for found in running()] == [run.folder]
        with open_run("g") as other:
            assert Path(other.folder).is_relative_to(folders / "runtime")
            assert {found.folder for found in running()} == {run.folder, other.folder}


@pytest.fixture
def short_runtime_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose path is short enough for sockets in it."""
    with tempfile.TemporaryDirectory(prefix="sge") as folder:
        monkeypatch.setenv("SGE_RUNTIME_DIR", folder)
        yield Path(folder)


@pytest.mark.parametrize("swept", [("lock",), ("lock", "run.json"), ("status",), ("run.json",)])
def test_a_live_run_is_not_removed_by_another_after_its_files_were(
    swept: tuple[str, ...], short_runtime_dir: Path
) -> None:
    with open_run("g") as run:
        folder = Path(run.folder)
        for name in ("status", "sink"):
            (folder / name).touch()
        assert not is_swept(run)
        for name in swept:
            (folder / name).unlink()
        assert is_swept(run)
        assert can_connect(run) == ("status" not in swept)
        with open_run("g"):
            assert folder.is_dir()
            found = [each for each in running() if each.folder == run.folder]
        assert len(found) == ("run.json" not in swept)
        assert (folder / "sink").exists()
    assert list(short_runtime_dir.iterdir()) == []


def test_the_folder_of_a_run_whose_process_number_another_process_has_is_removed(runtime_dir: Path) -> None:
    with open_run("g") as run:
        text = (Path(run.folder) / "run.json").read_bytes()
    dead = runtime_dir / "0badbeef"
    dead.mkdir()
    (dead / "run.json").write_bytes(text)
    assert [found.pid for found in running()] == [os.getpid()], "this very process"
    earlier = msgspec.structs.replace(msgspec.json.decode(text, type=Run), started=1)
    (dead / "run.json").write_bytes(msgspec.json.encode(earlier))
    if sys.platform == "linux":
        assert list(running()) == []
        assert not dead.exists()


OPEN = """
from stream.system.run_folder import open_run
with open_run("g"):
    print(flush=True)
    input()
"""


def test_the_folder_of_a_killed_process_is_removed(runtime_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OPEN], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        (found,) = running()
        assert (found.pid, start_mark(process.pid)) == (process.pid, found.started)
        (Path(found.folder) / "lock").unlink()
        assert len(list(running())) == 1
        process.kill()
    assert start_mark(process.pid) is None
    assert list(running()) == []
    assert list(runtime_dir.iterdir()) == []
