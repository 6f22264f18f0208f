"""Links of the README and CONTRIBUTING.md; those of the site are checked when it is built."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt

from tests.documentation.documents import DOCUMENTS, ROOT
from tools.documentation.results_files import RESULTS
from tools.documentation.results_tables import threshold_table

MAX_README_LINES = 150


def headings(text: str) -> set[str]:
    """Returns the anchors of a document's headings, as code hosts and the site make them."""
    tokens = MarkdownIt("commonmark").parse(text)
    titles = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip()) for title in titles}


def links(text: str) -> list[str]:
    """Returns the targets of all links and pictures of a document."""
    found = []
    for block in MarkdownIt("commonmark").enable("table").parse(text):
        for token in block.children or ():
            target = token.attrs.get("href") or token.attrs.get("src")
            if target:
                found.append(str(target))
    return found


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    local = [target for target in links(text) if not re.match(r"[a-z]+:", target)]
    assert name != "README.md" or len(local) > 5
    for target in local:
        path, _, anchor = target.partition("#")
        document = (ROOT / name).parent / (path or name)
        assert document.exists(), target
        if anchor:
            assert anchor in headings(document.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_page_has_a_section_twice(name: str) -> None:
    tokens = MarkdownIt("commonmark").parse((ROOT / name).read_text(encoding="utf-8"))
    titles = [
        after.content
        for token, after in pairwise(tokens)
        if token.type == "heading_open" and token.tag in ("h1", "h2")
    ]
    assert len(set(titles)) == len(titles)


def test_figures_in_the_text_of_the_readme_are_those_of_the_tables() -> None:
    """The table is generated, as is that of the thresholds; see `tools.documentation.generate`."""
    before, _, rest = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- [[[cog")
    table, _, after = rest.partition("<!-- [[[end]]] -->")
    figures = re.findall(r"\d+\.\d(?= (?:%|to \d))", before + after)
    assert len(figures) >= 5
    assert set(figures) <= set(re.findall(r"\d+\.\d", table + threshold_table("kgbd", RESULTS)))


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES
