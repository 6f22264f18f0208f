"""The site is built without errors, and neither its build nor its pages use another address."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.documentation.documents import PAGES, ROOT

pytestmark = pytest.mark.slow

# Refuses every connection to an internet address, then runs the command line of MkDocs.
OFFLINE_BUILD = """
import socket, sys

def refuse(self, address, *_):
    raise SystemExit(f"the build connects to {address}")

class Offline(socket.socket):
    connect = connect_ex = refuse

socket.socket = Offline
socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
sys.argv[0] = "mkdocs"
cli()
"""
LOADED = {"src", "srcset", "poster", "data", "xlink:href"}
"""Attributes whose address a browser loads with the page."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def build(project: Path, target: Path) -> subprocess.CompletedProcess[str]:
    """Builds the site of a project without a network, as the check of the project does."""
    command = [sys.executable, "-c", OFFLINE_BUILD, "build", "--strict", "--site-dir", str(target)]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("glossary.md", "[a page](no-such-page.md)"),
        ("glossary.md", "[a heading](method.md#no-such-heading)"),
        ("no-page-of-the-menu.md", "# A page"),
    ],
)
def test_a_broken_page_fails_the_build(tmp_path: Path, page: str, text: str) -> None:
    for name in ("mkdocs.yml", "stream"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "docs", tmp_path / "docs", ignore=shutil.ignore_patterns("results"))
    with (tmp_path / "docs" / page).open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")
    done = build(tmp_path, tmp_path / "site")
    assert done.returncode == 1
    assert page in done.stderr


class _Loaded(HTMLParser):
    """Collects the addresses that a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if tag == "link" and values.get("rel") in ("canonical", "prev", "next"):
            return
        names = LOADED | ({"href"} if tag in ("link", "image", "use") else set())
        self.addresses += [value for key, value in attributes if key in names and value]


def loaded_addresses(site: Path) -> Iterator[tuple[str, str]]:
    """Yields the addresses that pages, styles and pictures load, with the file."""
    for path in sorted(site.rglob("*")):
        if path.suffix not in (".html", ".css", ".svg"):
            continue
        text = path.read_text(encoding="utf-8")
        parser = _Loaded()
        if path.suffix != ".css":
            parser.feed(text)
        addresses = parser.addresses
        addresses += re.findall(r"url\(\s*[\"']?([^\"')]+)", text)
        addresses += re.findall(r"@import\s+[\"']([^\"']+)", text)
        for address in addresses:
            yield str(path.relative_to(site)), address


def test_every_page_is_built(site: Path) -> None:
    for page in PAGES:
        name = Path(page).relative_to("docs").with_suffix("")
        folder = name.parent if name.name == "index" else name
        assert (site / folder / "index.html").is_file(), page


def test_pages_load_nothing_from_another_address(site: Path) -> None:
    found = list(loaded_addresses(site))
    assert len(found) > 20
    outside = [each for each in found if re.match(r"(?:[a-z]+:)?//", each[1], re.IGNORECASE)]
    assert outside == []


@pytest.mark.parametrize(
    "text",
    [
        '<img src="https://a.example/b.png">',
        '<object data="//a.example/b.svg"></object>',
        '<svg><image href="HTTPS://a.example/b.png"/></svg>',
        "<style>p { background: url('https://a.example/b.png') }</style>",
        '<style>@import "https://a.example/b.css"</style>',
    ],
)
def test_what_a_page_loads_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "page.html").write_text(f'<a href="https://c.example">x</a>{text}', encoding="utf-8")
    (found,) = loaded_addresses(tmp_path)
    assert "a.example" in found[1]


def test_the_theme_has_no_repository_to_ask(site: Path) -> None:
    """The theme's script asks the repository's host for its stars, and loads diagrams from elsewhere."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'data-md-component="source"' not in text
        assert 'class="mermaid"' not in text
