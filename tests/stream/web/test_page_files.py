"""The files of the page: nothing from another address, no code in the markup, no markup from texts."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

import pytest

from stream.decision import ReasonCode
from stream.web.application import STATIC
from tests.stream.web.web_server import WebServer

FILES = sorted(STATIC.iterdir())
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
NAMESPACES = {"http://www.w3.org/2000/svg"}
"""Names of formats, which no browser asks for."""

AS_MARKUP = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|srcdoc"


class Markup(HTMLParser):
    """Collects the elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


@pytest.fixture
def markup() -> Markup:
    return Markup((STATIC / "index.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_names_another_address(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"\b[a-z]+://[^\s\"'`)]+", text)) <= NAMESPACES
    assert not re.findall(r"[\"'(]//\w", text)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_of_a_text(path: Path) -> None:
    assert not re.findall(AS_MARKUP, path.read_text(encoding="utf-8"))


def test_the_markup_holds_neither_scripts_nor_styles(markup: Markup) -> None:
    scripts = [attributes for tag, attributes in markup.elements if tag == "script"]
    assert scripts and all(attributes.get("src") for attributes in scripts)
    assert "style" not in {tag for tag, _ in markup.elements}
    names = {name for _, attributes in markup.elements for name in attributes}
    assert not [name for name in names if name.startswith("on") or name == "style"]


def test_every_file_is_served_without_the_token_and_used(server: WebServer) -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in FILES}
    for name in texts:
        answer = server.stranger.get(f"/{name}")
        assert answer.status_code == 200, name
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        users = [other for other, text in texts.items() if re.search(rf"[\"/]{re.escape(name)}\"", text)]
        assert users or name.endswith(".html"), f"no file uses {name}"
    assert server.stranger.get("/").text == texts["index.html"]


def test_the_page_has_a_sentence_for_every_reason() -> None:
    codes = re.findall(
        r'^  "?([a-z-]+)"?: "', (STATIC / "reasons.js").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(codes) == sorted(get_args(ReasonCode))


def test_ids_are_unique_and_every_script_finds_its_elements(markup: Markup) -> None:
    ids = [attributes["id"] for _, attributes in markup.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = {each for path in SCRIPTS for each in re.findall(r"byId\(\"([^\"]+)\"\)", path.read_text("utf-8"))}
    assert used and used <= set(ids)
