"""Reports as a reader finds them: one whole page that asks for nothing, and files that say the same."""

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
from tests.tools.evaluation.reports import Page, made_named, made_scores, made_section, made_table
from tools.evaluation.report import (
    NamedWindows,
    RankCurve,
    Report,
    ReportTable,
    ScoreSet,
    Section,
    write_report,
)

HOSTILE = "<script>alert(1)</script>\"'&amp; $x_{"


def write(folder: Path, *sections: Section, title: str = "A report") -> tuple[str, Page]:
    """Write a report and read its page."""
    content = write_report(folder, Report(title, {"f": "6"}, sections)).read_text(encoding="utf-8")
    return content, Page.read(content)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, Page]:
    """A report of a section with everything."""
    folder = tmp_path_factory.mktemp("report") / "new" / "folder"
    return folder, *write(folder, made_section())


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_everything_is_written(whole: tuple[Path, str, Page]) -> None:
    folder, _, page = whole
    pictures = {"cmc", "det", "scores-1", "confusion", "samples"}
    assert {path.name for path in folder.glob("*.png")} == {f"direct-{name}.png" for name in pictures}
    numbers = {"table-1", "taken-for", "cmc", "det", "scores-1", "confusion"}
    assert {path.name for path in folder.glob("*.csv")} == {f"direct-{name}.csv" for name in numbers}
    linked = {link["href"] for link in page.of("a")}
    assert linked == {path.name for path in folder.iterdir()} - {"index.html"}


def test_the_page_needs_nothing_but_itself(whole: tuple[Path, str, Page]) -> None:
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


def test_pictures_on_the_page_are_the_files_and_have_words(whole: tuple[Path, str, Page]) -> None:
    folder, _, page = whole
    for image, link in zip(
        page.of("img"), [a for a in page.of("a") if a["href"].endswith(".png")], strict=True
    ):
        assert base64.b64decode(image["src"].partition(",")[2]) == (folder / link["href"]).read_bytes()
        assert len(image["alt"]) > 20
        with Image.open(folder / link["href"]) as picture:
            across, high = picture.size
            assert "Software" not in picture.info
        assert abs(across / int(image["width"]) - high / int(image["height"])) < 0.01


def test_light_and_dark_pictures_have_the_colours_of_their_pages(
    tmp_path: Path, whole: tuple[Path, str, Page]
) -> None:
    _, content, page = whole
    assert all(source["media"] == "screen and (prefers-color-scheme: dark)" for source in page.of("source"))
    faces = re.findall(r"--face: (#[0-9a-f]{6})", content)
    for face, element, attribute in zip(faces, ("img", "source"), ("src", "srcset"), strict=False):
        for place, found in enumerate(page.of(element)):
            path = tmp_path / f"{element}{place}.png"
            path.write_bytes(base64.b64decode(found[attribute].partition(",")[2]))
            with Image.open(path) as picture:
                corner = np.asarray(picture.convert("RGB"))[1, 1]
            assert f"#{corner.tobytes().hex()}" == face


def test_rows_measured_stand_first_and_supervised_ones_are_marked(whole: tuple[Path, str, Page]) -> None:
    _, _, page = whole
    assert page.rows[:4] == [
        ["method", "Rank-1", "windows", "source"],
        ["raw", "39.4", "12", "-"],
        ["D13", "17.0", "-", "SimMC"],
        ["MoCos *", "62.0", "-", "MoCos"],
    ]
    assert [body["class"] for body in page.of("tbody")[:2]] == ["measured", "published"]
    assert "* learned with labels." in page.text
    assert "A note." in page.text


def test_the_csv_is_the_table(whole: tuple[Path, str, Page]) -> None:
    folder, _, page = whole
    rows = read_csv(folder / "direct-table-1.csv")
    assert [row["origin"] for row in rows] == ["measured", "published", "published"]
    assert [row["supervised"] for row in rows] == ["False", "False", "True"]
    assert float(rows[0]["rank1"]) == 39.449
    for row, shown in zip(rows, page.rows[1:4], strict=True):
        mark = " *" if row["supervised"] == "True" else ""
        told = [f"{float(row['rank1']):.1f}", row["windows"] or "-", row["source"] or "-"]
        assert shown == [row["name"] + mark, *told]


def test_whom_each_person_is_taken_for(whole: tuple[Path, str, Page]) -> None:
    _, _, page = whole
    start = next(place for place, row in enumerate(page.rows) if row[0] == "person")
    assert page.rows[start + 1 :] == [
        ["001", "4", "50.0", "002", "50.0"],
        ["003", "2", "50.0", "unknown", "50.0"],
        ["002", "3", "66.7", "001", "33.3"],
    ]


def test_only_the_hardest_people_are_on_the_page(tmp_path: Path) -> None:
    people = 40
    truth = np.repeat(np.arange(people), 2)
    named = NamedWindows(tuple(str(n) for n in range(people)), truth, truth)
    _, page = write(tmp_path, Section("rn", "R", named=named))
    assert len(page.rows) == 1 + 15
    assert "25 more are in the CSV file" in page.text
    assert len(read_csv(tmp_path / "rn-taken-for.csv")) == people


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    section = replace(made_section(name=HOSTILE), text=HOSTILE, named=None)
    content, page = write(tmp_path, section, title=HOSTILE)
    assert "<script" not in content
    assert not page.of("script")
    assert page.rows[1][0] == HOSTILE
    assert HOSTILE in page.of("img")[0]["alt"]
    assert read_csv(tmp_path / "direct-table-1.csv")[0]["name"] == HOSTILE


def test_people_whom_a_data_set_calls_by_name_are_counted(tmp_path: Path) -> None:
    named = replace(made_named(with_windows=False), names=("Ada Lovelace", "Grace Hopper", "7"))
    content, page = write(tmp_path, Section("direct", "D", named=named))
    written = content + "".join(path.read_text() for path in tmp_path.glob("*.csv"))
    assert "Lovelace" not in written
    assert "Hopper" not in written
    assert [row[0] for row in page.rows[1:]] == ["1", "3", "2"]
    assert [row["truth"] for row in read_csv(tmp_path / "direct-confusion.csv")][:2] == ["1", "1"]


def test_numbers_of_data_sets_stay() -> None:
    for names in (("001", "164"), ("p07", "p08"), ("Person 3", "IAS_12")):
        assert NamedWindows(names, np.array([0]), np.array([1])).shown_names == names


def test_a_live_report_has_no_confusion_matrix(tmp_path: Path) -> None:
    _, page = write(tmp_path, Section("live", "Live", scores=(made_scores(),)))
    assert {path.name for path in tmp_path.iterdir()} == {
        "index.html", "live-det.png", "live-det.csv", "live-scores-1.png", "live-scores-1.csv",
    }  # fmt: skip
    assert len(page.of("img")) == 2
    assert not page.of("table")


NONE = np.array([])
NOBODY = np.array([], np.int64)


@pytest.mark.parametrize(
    ("section", "pictures"),
    [
        (Section("live", "L"), 0),
        (Section("live", "L", tables=(ReportTable("T", {"name": "method"}, []),)), 0),
        (Section("live", "L", ranks=(RankCurve("raw", NOBODY, 5),)), 0),
        (Section("live", "L", scores=(ScoreSet("raw", NONE, NONE, 0.5),)), 0),
        (Section("live", "L", scores=(ScoreSet("raw", np.array([0.3]), NONE),)), 1),
        (Section("live", "L", scores=(ScoreSet("raw", NONE, np.array([0.3, 0.3]), 0.3),)), 1),
        (Section("live", "L", named=NamedWindows(("1",), NOBODY, NOBODY)), 0),
        (Section("live", "L", named=made_named(with_windows=False)), 1),
        (Section("live", "L", named=NamedWindows(("1",), np.array([0]), np.array([-1]))), 1),
    ],
)
def test_what_is_missing_is_not_drawn(tmp_path: Path, section: Section, pictures: int) -> None:
    _, page = write(tmp_path, section)
    assert len(page.of("img")) == pictures
    assert len(list(tmp_path.glob("*.png"))) == pictures
    assert ("Nothing was measured." in page.text) == (not pictures and not section.tables)


def test_a_report_of_nothing_says_so(tmp_path: Path) -> None:
    _, page = write(tmp_path)
    assert "Nothing was measured." in page.text


def test_sections_do_not_share_files(tmp_path: Path) -> None:
    _, page = write(
        tmp_path,
        Section("direct", "D", tables=(made_table(),)),
        Section("rn", "R", tables=(made_table(), made_table())),
    )
    assert {path.name for path in tmp_path.glob("*.csv")} == {
        "direct-table-1.csv",
        "rn-table-1.csv",
        "rn-table-2.csv",
    }
    named = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(set(named)) == len(named)
    labels = {division["aria-labelledby"] for division in page.of("div")}
    assert labels <= set(named)


def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    section = Section("direct", "D", tables=(made_table(),), scores=(made_scores(),))
    written = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        write(folder, section)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert len(written[0]) == 6


def test_other_files_in_the_folder_are_left(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "index.html").write_text("old")
    write(tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "index.html").read_text() != "old"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.write_text("")
    with pytest.raises(UserError, match=r"file: the report cannot be written there .*; give another folder"):
        write_report(taken, Report("R"))


def test_wrong_inputs_are_refused() -> None:
    with pytest.raises(ValueError, match="lower-case"):
        Section("Direct/..", "D")
    with pytest.raises(ValueError, match="a key of its own"):
        Report("R", sections=(Section("rn", "A"), Section("rn", "B")))
    with pytest.raises(ValueError, match="count from 1"):
        RankCurve("raw", np.array([0, 1]), 3)
    with pytest.raises(ValueError, match="finite"):
        ScoreSet("raw", np.array([np.nan]), NONE)
    with pytest.raises(ValueError, match="arrays of 2 windows"):
        NamedWindows(("1",), np.array([0, 0]), np.array([0]))
    with pytest.raises(ValueError, match="predicted: expected indices of 1 people"):
        NamedWindows(("1",), np.array([0]), np.array([1]))
    with pytest.raises(ValueError, match="truth: expected indices of 1 people"):
        NamedWindows(("1",), np.array([-1]), np.array([0]))
