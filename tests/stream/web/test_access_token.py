"""The file of the token."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from stream.errors import UserError
from stream.web.access_token import MIN_TOKEN, Access, load_token


def test_the_first_start_makes_a_token_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "state" / "token"
    token, new = load_token(path)
    assert new
    assert len(token) >= MIN_TOKEN
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_token(path) == (token, False)
    assert load_token(tmp_path / "other")[0] != token


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o602])
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "token"
    load_token(path)
    path.chmod(mode)
    with pytest.raises(UserError, match="chmod 600"):
        load_token(path)


@pytest.mark.parametrize(
    "text", ["", "short", "x" * (MIN_TOKEN - 1), "two words " * 10, "ü" * 50, "\x00" * 50]
)
def test_a_file_without_a_token_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(UserError, match="must hold one word of at least"):
        load_token(path)


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="set token_file"):
        load_token(tmp_path / "file" / "token")
    with pytest.raises(UserError, match=r"set token_file|must hold"):
        (tmp_path / "folder").mkdir(mode=0o700)
        load_token(tmp_path / "folder")


def test_a_token_of_another_length_or_case_is_wrong() -> None:
    token = "Token-" * 7
    access = Access(token)
    assert access.accepts(token)
    for wrong in (token[:-1], token + "x", token.lower(), "", "\ud800"):
        assert not access.accepts(wrong)
