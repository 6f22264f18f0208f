"""The pictures of the documentation load nothing from another address."""

from __future__ import annotations

import io
import re
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from stream.bus import messages
from stream.bus.sockets import CHANNELS
from tools.documentation.architecture_picture import architecture_svg
from tools.documentation.pictures import offline_svg

IMAGES = Path(__file__).parents[3] / "docs" / "images"


def test_the_architecture_shows_every_channel_and_message() -> None:
    text = architecture_svg().decode()
    assert [name for name in CHANNELS if name not in text] == []
    parts = {"WindowRow", "TrackNote", "TrackPlace", "TrackSplit"}  # of a tick
    structs = {struct for struct in vars(messages).values() if isinstance(struct, type(msgspec.Struct))}
    kinds = {struct.__name__ for struct in structs if struct.__module__ == messages.__name__} - parts
    assert {"Tick", "Verdict"} < kinds
    assert [kind for kind in sorted(kinds) if kind not in text] == []


def test_the_committed_architecture_is_the_drawn_one() -> None:
    """If not: python -m tools.documentation.pictures architecture."""
    assert (IMAGES / "architecture.svg").read_bytes() == architecture_svg()


def test_the_svg_of_rich_loses_its_web_fonts_and_nothing_else() -> None:
    console = Console(record=True, width=40, file=io.StringIO())
    console.print("[bold green]Ada[/] 3.705 / 1.387")
    svg = console.export_svg(title="title")
    assert "https://cdn" in svg  # what rich writes; if it no longer does, offline_svg is not needed
    text = offline_svg(svg)
    assert "url(" not in text.replace("url(#", "")
    assert "font-family: monospace" in text
    assert "Ada" in text


@pytest.mark.parametrize("path", sorted(IMAGES.glob("*.svg")), ids=lambda path: path.name)
def test_committed_pictures_load_nothing(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"url\(\s*[\"']?[^#\"')]", text) == []
    assert "@import" not in text
    assert "<script" not in text
