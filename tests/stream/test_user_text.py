"""Text from users: files in any usual encoding, names that are no valid text, and the home folder."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.body import SourceInfo
from stream.errors import UserError
from stream.exact_json import from_exact_json, to_exact_json
from stream.system.settings import read_config
from stream.user_text import decode_text, readable, user_path

ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")


class Record(msgspec.Struct, frozen=True):
    path: str
    numbers: tuple[int, ...]
    rate: float | None


@given(st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=["Cs"])))
def test_text_is_read_in_every_encoding_that_marks_itself(text: str) -> None:
    for encoding in ENCODINGS:
        assert decode_text(text.encode(encoding)) == text
    assert decode_text(b"\xfe\xff" + text.encode("utf-16-be")) == text


def test_other_bytes_are_refused_or_replaced() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode_text(b"caf\xe9")
    assert decode_text(b"caf\xe9", errors="replace") == "caf\ufffd"


@given(st.binary())
def test_every_name_becomes_valid_text(name: bytes) -> None:
    text = readable(name.decode("utf-8", "surrogateescape"))
    assert text.encode() == name.decode("utf-8", "backslashreplace").encode()
    assert readable(text) == text


def test_names_of_sources_and_messages_are_valid_text() -> None:
    name = b"caf\xe9.mcap".decode("utf-8", "surrogateescape")
    info = SourceInfo(name, "kinect-v1", "kinect-v1", live=False, finite=True)
    assert info.name == str(UserError(name)) == r"caf\xe9.mcap"


@given(st.binary(), st.lists(st.integers(-(2**60), 2**60)), st.none() | st.floats(allow_nan=False))
def test_json_keeps_every_byte_of_a_name(name: bytes, numbers: list[int], rate: float | None) -> None:
    record = Record(name.decode("utf-8", "surrogateescape"), tuple(numbers), rate)
    text = to_exact_json(record)
    assert text.isascii() and b"\n" not in text
    assert from_exact_json(text, Record) == record


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"path":1,"numbers":[],"rate":1}', b"\xff"])
def test_other_json_is_refused(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        from_exact_json(text, Record)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_settings_are_read_in_every_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    text = 'sources = ["Zoë.mcap"]\r\nencoder = ["~/a", "b~"]\r\n'
    (tmp_path / "config.toml").write_bytes(text.encode(encoding))
    found = read_config(Path("~/config.toml"))
    assert found.sources == ("Zoë.mcap",)
    assert found.encoder == (str(tmp_path / "a"), "b~")


def test_a_home_that_is_not_known_is_left_as_it_is() -> None:
    assert user_path("~nobody-of-that-name/x") == Path("~nobody-of-that-name/x")
    assert user_path("a/~") == Path("a/~")
    assert user_path("~") == Path.home()
