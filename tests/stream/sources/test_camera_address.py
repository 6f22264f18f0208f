"""Addresses of network cameras: display names without credentials, and rejected addresses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import SourceError
from stream.sources import open_source
from stream.sources.camera.camera_address import parse_address


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("rtsp://cam/1", "rtsp://cam/1"),
        ("RTSP://Cam:554/a/b", "rtsp://Cam:554/a/b"),
        ("rtsp://ann:hunter2@cam:554/live", "rtsp://cam:554/live"),
        ("rtsps://ann@cam", "rtsps://cam"),
        ("https://ann:p%40ss%2Fword@cam.example:8443/video.mjpg", "https://cam.example:8443/video.mjpg"),
        ("http://ann:p@ss@cam/v", "http://cam/v"),
        ("http://[fe80::1]:81/v", "http://[fe80::1]:81/v"),
        ("http://cam/video.cgi?user=ann&password=hunter2", "http://cam/video.cgi"),
        ("http://cam?password=hunter2", "http://cam"),
        ("rtsp://cam:554/user=ann_password=hunter2_channel=1.sdp", "rtsp://cam:554/..."),
        ("rtsp://cam/ann:hunter2/1", "rtsp://cam/.../1"),
        ("http://cam/v;password=hunter2/x", "http://cam/.../x"),
    ],
)
def test_display_name_has_no_user_password_and_query(address: str, name: str) -> None:
    parsed = parse_address(address)
    assert (parsed.name, parsed.url) == (name, address)
    assert open_source(address).info.name == name
    assert "hunter2" not in repr(parsed)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://ann:hunter/2@cam/1",
        "rtsp://ann:hunter?2@cam/1",
        "rtsp://ann:hunter#2@cam/1",
        "http://cam/ann@hunter2",
        "http://cam/v?mail=hunter@2",
    ],
)
def test_ambiguous_credentials_are_rejected_and_not_shown(address: str) -> None:
    with pytest.raises(SourceError, match="write @ as %40, / as %2F") as caught:
        parse_address(address)
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "rtsp://",
        "rtsp:///path",
        "rtsp://ann:hunter2",
        "rtsp://ann:hunter2@",
        "http://cam:x/",
        "http://cam:0/",
        "http://[::1/",
    ],
)
def test_address_without_valid_host_is_rejected(address: str) -> None:
    with pytest.raises(SourceError, match=r"expected (rtsp|http)://user:password@host:port/path") as caught:
        parse_address(address)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("address", ["ftp://cam/1", "cam", "rtsp://cam /1", "rtsp://ann:hunter2\n@cam/1"])
def test_malformed_address_is_rejected(address: str) -> None:
    with pytest.raises(SourceError, match="expected an address") as caught:
        parse_address(address)
    assert "hunter2" not in str(caught.value)


@given(
    secret=st.text("abcXYZ019:@/?#%&=;.+ \n", min_size=1), place=st.sampled_from(["u:{}@", "{}:x@", "{}@"])
)
def test_no_password_is_shown_whatever_it_contains(secret: str, place: str) -> None:
    marked = f"MARK{secret}MARK"
    try:
        shown = parse_address(f"rtsp://{place.format(marked)}cam:554/live").name
    except SourceError as error:
        shown = str(error)
    assert "MARK" not in shown
