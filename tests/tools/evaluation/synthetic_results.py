"""Synthetic results for tests of reports, and a strict parser of report pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np

from stream.body import FloatArray
from tools.evaluation.report import RankCurve, ReportTable, ScoreSet, Section, WindowPredictions

VOID = {"meta", "img", "source", "br", "hr", "link", "input"}
NAMES = ("001", "002", "003")
TRUTH = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2])
PREDICTED = np.array([0, 0, 1, 1, 1, 1, 0, -1, 2])
MARGIN = np.array([0.1, 0.9, 0.5, 0.4, 0.2, 0.3, 0.8, 0.0, 0.6])


def synthetic_windows(count: int = 9, f: int = 4) -> FloatArray:
    """Returns windows (count, f, 20, 3) of noise."""
    return np.random.default_rng(0).normal(0, 0.3, (count, f, 20, 3)).astype(np.float32)


def synthetic_predictions(*, with_windows: bool = True) -> WindowPredictions:
    """Returns nine windows of three people: 001 predicted as 002 twice, 002 as 001 once, 003 as none once."""
    if with_windows:
        return WindowPredictions(NAMES, TRUTH, PREDICTED, MARGIN, synthetic_windows())
    return WindowPredictions(NAMES, TRUTH, PREDICTED)


def synthetic_scores(name: str = "raw", threshold: float | None = 0.5) -> ScoreSet:
    """Returns overlapping genuine and impostor scores."""
    random = np.random.default_rng(1)
    return ScoreSet(name, random.normal(1, 0.5, 60), random.normal(0, 0.5, 80), threshold)


def synthetic_table(name: str = "raw") -> ReportTable:
    """Returns a table with one measured row and two published ones, the second supervised."""
    columns = {"name": "method", "rank1": "Rank-1", "windows": "windows"}
    published = [
        {"name": "D13", "supervised": False, "rank1": 17.0, "source": "SimMC"},
        {"name": "MoCos", "supervised": True, "rank1": 62.0, "source": "MoCos"},
    ]
    return ReportTable(
        "Figures", columns, [{"name": name, "rank1": 39.449, "windows": 12}], published, "A note."
    )


def synthetic_section(key: str = "direct", name: str = "raw") -> Section:
    """Returns a section with tables, curves, scores and predictions."""
    ranks = RankCurve(name, np.array([1, 1, 2, 5]), 5)
    return Section(
        key,
        f"Direct {name}",
        "Text.",
        (synthetic_table(name),),
        (ranks,),
        (synthetic_scores(name),),
        synthetic_predictions(),
    )


@dataclass
class Page(HTMLParser):
    """A parsed page; asserts that every element is closed in order.

    Attributes:
        tags: all elements with their attributes, in order.
        rows: text of the cells of each table row.
        text: text of the whole page.
    """

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    text: str = ""
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    @classmethod
    def read(cls, content: str) -> Page:
        page = cls()
        page.feed(content)
        page.close()
        assert not page._open, f"not closed: {page._open}"
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag} has an attribute twice"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "tr":
            self.rows.append([])
        if tag in {"th", "td"}:
            self.rows[-1].append("")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open and self._open[-1] in {"th", "td"}:
            self.rows[-1][-1] += data

    def of(self, tag: str) -> list[dict[str, str]]:
        """Returns the attributes of all elements with a tag."""
        return [attributes for found, attributes in self.tags if found == tag]
