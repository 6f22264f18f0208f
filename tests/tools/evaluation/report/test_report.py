"""Written reports: a self-contained page, and files with the same content."""

from __future__ import annotations

import base64
import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stream.errors import UserError
from tests.tools.evaluation.synthetic_results import (
    Page,
    synthetic_predictions,
    synthetic_scores,
    synthetic_section,
    synthetic_table,
)
from tools.evaluation.report import (
    RankCurve,
    Report,
    ReportTable,
    ScoreSet,
    Section,
    WindowPredictions,
    write_report,
)

MARKUP = "<script>alert(1)</script>\"'&amp; $x_{"


def write(folder: Path, *sections: Section, title: str = "A report") -> tuple[str, Page]:
    """Writes a report and parses its page."""
    content = write_report(folder, Report(title, {"f": "6"}, sections)).read_text(encoding="utf-8")
    return content, Page.read(content)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Page]:
    """Report with one complete section."""
    folder = tmp_path_factory.mktemp("report") / "new" / "folder"
    return folder, *write(folder, synthetic_section())


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_all_files_are_written_and_linked(whole: tuple[Path, str, Page]) -> None:
    folder, _, page = whole
    pictures = {"cmc", "det", "scores-1", "confusion", "samples"}
    assert {path.name for path in folder.glob("*.png")} == {f"direct-{name}.png" for name in pictures}
    numbers = {"table-1", "taken-for", "cmc", "det", "scores-1", "confusion"}
    assert {path.name for path in folder.glob("*.csv")} == {f"direct-{name}.csv" for name in numbers}
    linked = {link["href"] for link in page.of("a")}
    assert linked == {path.name for path in folder.iterdir()} - {"index.html"}


def test_the_page_is_self_contained(whole: tuple[Path, str, Page]) -> None:
    _, content, page = whole
    assert "http:" not in content
    assert "https:" not in content
    assert "url(" not in content
    assert "@import" not in content
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object", "embed", "base"})
    resources = [image["src"] for image in page.of("img")] + [
        source["srcset"] for source in page.of("source")
    ]
    assert len(resources) == 2 * 5
    assert all(resource and resource.startswith("data:image/png;base64,") for resource in resources)
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    policies = [meta["content"] for meta in page.of("meta") if meta.get("http-equiv")]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]


@pytest.mark.slow
def test_the_verdict_comes_first_and_terms_that_occur_are_explained(tmp_path: Path) -> None:
    section = replace(synthetic_section(), verdict=f"All strangers were found {MARKUP}")
    content, page = write(tmp_path, section)
    assert content.index('<p class="verdict">') < content.index("<table>")
    assert f"All strangers were found {MARKUP}" in page.text
    explained = re.findall("<dt>([^<]*)</dt>", content[content.index('id="terms"') :])
    assert {"stranger", "Rank-1", "labels", "detection error trade-off", "genuine"} <= set(explained)
    assert set(explained).isdisjoint({"FPIR", "mAP", "95 % interval"})
    _, page = write(tmp_path, Section("direct", "No such words"))
    assert not any(attributes.get("id") == "terms" for attributes in page.of("section"))


def test_plots_on_the_page_equal_the_files_and_have_alt_texts(whole: tuple[Path, str, Page]) -> None:
    folder, _, page = whole
    for image, link in zip(
        page.of("img"), [a for a in page.of("a") if a["href"].endswith(".png")], strict=True
    ):
        assert base64.b64decode(image["src"].partition(",")[2]) == (folder / link["href"]).read_bytes()
        assert len(image["alt"]) > 20
        with Image.open(folder / link["href"]) as picture:
            width, height = picture.size
            assert "Software" not in picture.info
        assert abs(width / int(image["width"]) - height / int(image["height"])) < 0.01


def test_light_and_dark_plots_have_the_background_of_the_page(
    tmp_path: Path, whole: tuple[Path, str, Page]
) -> None:
    _, content, page = whole
    assert all(source["media"] == "screen and (prefers-color-scheme: dark)" for source in page.of("source"))
    backgrounds = re.findall(r"--background: (#[0-9a-f]{6})", content)
    for background, element, attribute in zip(
        backgrounds, ("img", "source"), ("src", "srcset"), strict=False
    ):
        for number, attributes in enumerate(page.of(element)):
            path = tmp_path / f"{element}{number}.png"
            path.write_bytes(base64.b64decode(attributes[attribute].partition(",")[2]))
            with Image.open(path) as picture:
                corner = np.asarray(picture.convert("RGB"))[1, 1]
            assert f"#{corner.tobytes().hex()}" == background


def test_measured_rows_come_first_and_supervised_rows_are_marked(whole: tuple[Path, str, Page]) -> None:
    _, _, page = whole
    assert page.rows[:4] == [
        ["method", "Rank-1", "windows", "source"],
        ["raw", "39.4", "12", "-"],
        ["D13", "17.0", "-", "SimMC"],
        ["MoCos *", "62.0", "-", "MoCos"],
    ]
    assert [body["class"] for body in page.of("tbody")[:2]] == ["measured", "published"]
    assert "* trained with labels." in page.text
    assert "A note." in page.text


def test_the_csv_file_equals_the_table(whole: tuple[Path, str, Page]) -> None:
    folder, _, page = whole
    rows = read_csv(folder / "direct-table-1.csv")
    assert [row["origin"] for row in rows] == ["measured", "published", "published"]
    assert [row["supervised"] for row in rows] == ["False", "False", "True"]
    assert float(rows[0]["rank1"]) == 39.449
    for row, shown in zip(rows, page.rows[1:4], strict=True):
        mark = " *" if row["supervised"] == "True" else ""
        expected = [f"{float(row['rank1']):.1f}", row["windows"] or "-", row["source"] or "-"]
        assert shown == [row["name"] + mark, *expected]


def test_most_frequent_confusions_are_listed(whole: tuple[Path, str, Page]) -> None:
    _, _, page = whole
    start = next(place for place, row in enumerate(page.rows) if row[0] == "person")
    assert page.rows[start + 1 :] == [
        ["001", "4", "50.0", "002", "50.0"],
        ["003", "2", "50.0", "unknown", "50.0"],
        ["002", "3", "66.7", "001", "33.3"],
    ]


def test_the_page_shows_only_the_first_confusions(tmp_path: Path) -> None:
    people = 40
    truth = np.repeat(np.arange(people), 2)
    predictions = WindowPredictions(tuple(str(n) for n in range(people)), truth, truth)
    _, page = write(tmp_path, Section("rn", "R", predictions=predictions))
    assert len(page.rows) == 1 + 15
    assert "25 more are in the CSV file" in page.text
    assert len(read_csv(tmp_path / "rn-taken-for.csv")) == people


def test_names_with_markup_are_escaped(tmp_path: Path) -> None:
    section = replace(synthetic_section(name=MARKUP), text=MARKUP, predictions=None)
    content, page = write(tmp_path, section, title=MARKUP)
    assert "<script" not in content
    assert not page.of("script")
    assert page.rows[1][0] == MARKUP
    assert MARKUP in page.of("img")[0]["alt"]
    assert read_csv(tmp_path / "direct-table-1.csv")[0]["name"] == MARKUP


def test_names_of_people_are_replaced_by_numbers(tmp_path: Path) -> None:
    predictions = replace(
        synthetic_predictions(with_windows=False), names=("Ada Lovelace", "Grace Hopper", "7")
    )
    content, page = write(tmp_path, Section("direct", "D", predictions=predictions))
    written = content + "".join(path.read_text() for path in tmp_path.glob("*.csv"))
    assert "Lovelace" not in written
    assert "Hopper" not in written
    assert [row[0] for row in page.rows[1:]] == ["1", "3", "2"]
    assert [row["truth"] for row in read_csv(tmp_path / "direct-confusion.csv")][:2] == ["1", "1"]


def test_numbers_of_people_are_kept() -> None:
    for names in (("001", "164"), ("p07", "p08"), ("Person 3", "IAS_12")):
        assert WindowPredictions(names, np.array([0]), np.array([1])).display_names == names


def test_a_live_report_has_no_confusion_matrix(tmp_path: Path) -> None:
    _, page = write(tmp_path, Section("live", "Live", scores=(synthetic_scores(),)))
    assert {path.name for path in tmp_path.iterdir()} == {
        "index.html", "live-det.png", "live-det.csv", "live-scores-1.png", "live-scores-1.csv",
    }  # fmt: skip
    assert len(page.of("img")) == 2
    assert not page.of("table")


NO_SCORES = np.array([])
NO_INDICES = np.array([], np.int64)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("section", "pictures"),
    [
        (Section("live", "L"), 0),
        (Section("live", "L", tables=(ReportTable("T", {"name": "method"}, []),)), 0),
        (Section("live", "L", ranks=(RankCurve("raw", NO_INDICES, 5),)), 0),
        (Section("live", "L", scores=(ScoreSet("raw", NO_SCORES, NO_SCORES, 0.5),)), 0),
        (Section("live", "L", scores=(ScoreSet("raw", np.array([0.3]), NO_SCORES),)), 1),
        (Section("live", "L", scores=(ScoreSet("raw", NO_SCORES, np.array([0.3, 0.3]), 0.3),)), 1),
        (Section("live", "L", predictions=WindowPredictions(("1",), NO_INDICES, NO_INDICES)), 0),
        (Section("live", "L", predictions=synthetic_predictions(with_windows=False)), 1),
        (Section("live", "L", predictions=WindowPredictions(("1",), np.array([0]), np.array([-1]))), 1),
    ],
)
def test_empty_parts_are_not_drawn(tmp_path: Path, section: Section, pictures: int) -> None:
    _, page = write(tmp_path, section)
    assert len(page.of("img")) == pictures
    assert len(list(tmp_path.glob("*.png"))) == pictures
    assert ("Nothing was measured." in page.text) == (not pictures and not section.tables)


def test_an_empty_report_says_so(tmp_path: Path) -> None:
    _, page = write(tmp_path)
    assert "Nothing was measured." in page.text


def test_sections_have_separate_files_and_ids(tmp_path: Path) -> None:
    _, page = write(
        tmp_path,
        Section("direct", "D", tables=(synthetic_table(),)),
        Section("rn", "R", tables=(synthetic_table(), synthetic_table())),
    )
    assert {path.name for path in tmp_path.glob("*.csv")} == {
        "direct-table-1.csv",
        "rn-table-1.csv",
        "rn-table-2.csv",
    }
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    labels = {division["aria-labelledby"] for division in page.of("div")}
    assert labels <= set(ids)


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    section = Section("direct", "D", tables=(synthetic_table(),), scores=(synthetic_scores(),))
    written = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        write(folder, section)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert len(written[0]) == 6


def test_other_files_in_the_folder_are_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "index.html").write_text("old")
    write(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "index.html").read_text() != "old"


def test_an_unwritable_folder_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(
        UserError, match=r"file: the report cannot be written there .*; choose another folder"
    ):
        write_report(file, Report("R"))


def test_invalid_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="lower-case"):
        Section("Direct/..", "D")
    with pytest.raises(ValueError, match="different keys"):
        Report("R", sections=(Section("rn", "A"), Section("rn", "B")))
    with pytest.raises(ValueError, match="count from 1"):
        RankCurve("raw", np.array([0, 1]), 3)
    with pytest.raises(ValueError, match="finite"):
        ScoreSet("raw", np.array([np.nan]), NO_SCORES)
    with pytest.raises(ValueError, match="arrays of 2 windows"):
        WindowPredictions(("1",), np.array([0, 0]), np.array([0]))
    with pytest.raises(ValueError, match="predicted: expected indices of 1 people"):
        WindowPredictions(("1",), np.array([0]), np.array([1]))
    with pytest.raises(ValueError, match="truth: expected indices of 1 people"):
        WindowPredictions(("1",), np.array([-1]), np.array([0]))
