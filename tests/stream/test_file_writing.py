"""Files that the program makes: whole or not at all, never through a link, private if asked."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.file_writing import make_private_folder, remove_unfinished, replace_file


@pytest.fixture
def generous_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_link_is_replaced_and_what_it_names_is_left_alone(tmp_path: Path) -> None:
    (other := tmp_path / "other").write_bytes(b"precious")
    (path := tmp_path / "picture").symlink_to(other)
    replace_file(path, b"new")
    assert other.read_bytes() == b"precious"
    assert path.read_bytes() == b"new" and not path.is_symlink()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other", "picture"]


def test_even_a_guessed_name_leads_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda length: "0" * 8)
    replace_file(tmp_path / "picture", b"first")
    (other := tmp_path / "other").write_bytes(b"precious")
    monkeypatch.setattr(Path, "replace", lambda *_: pytest.fail("nothing to move"))
    (tmp_path / f".sge-{'0' * 8}.part").symlink_to(other)
    with pytest.raises(FileExistsError):
        replace_file(tmp_path / "picture", b"second")
    assert other.read_bytes() == b"precious"
    assert (tmp_path / "picture").read_bytes() == b"first"


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_file(path := tmp_path / "file", b"first")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"second", sync=True)
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
@pytest.mark.usefixtures("generous_umask")
def test_only_private_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    replace_file(tmp_path / "a", b"")
    replace_file(tmp_path / "b", b"", private=True)
    assert [permissions(tmp_path / name) for name in "ab"] == [0o644, 0o600]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
@pytest.mark.usefixtures("generous_umask")
def test_every_folder_that_is_made_is_private(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    make_private_folder(tmp_path / "there" / "a" / "b")
    make_private_folder(tmp_path / "there" / "a" / "b")
    found = [permissions(tmp_path / name) for name in ("there", "there/a", "there/a/b")]
    assert found == [0o755, 0o700, 0o700]
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        make_private_folder(tmp_path / "file")


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".sge-0123456789abcdef.part").touch()
    (tmp_path / "own.part").touch()
    remove_unfinished(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["own.part"]
