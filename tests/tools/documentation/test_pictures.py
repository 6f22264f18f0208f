"""The pictures of the documentation load nothing from another address."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tools.documentation.pictures import offline_svg

IMAGES = Path(__file__).parents[3] / "docs" / "images"


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
    assert "url(http" not in text
    assert "@import" not in text
    assert "<script" not in text
