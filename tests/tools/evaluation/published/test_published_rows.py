"""Published figures: complete, as printed, and consistent with each other and with the text of the paper."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from tools.evaluation.published import PublishedRow, comparison_rows, published_rows
from tools.evaluation.published.published_rows import FIGURES, read_tables

RN_SETS = ("biwi", "ias-a", "ias-b", "ks20", "kgbd")
VIEWS = [f"view-{view:03d}" for view in range(0, 181, 18)]
CONDITIONS = ["nm-nm", "bg-bg", "cl-cl", "cl-nm", "bg-nm"]
KS20_VIEWS = [f"ks20-view-{view}" for view in (0, 30, 90, 130, 180)]


def all_rows() -> list[PublishedRow]:
    rows = [row for name in RN_SETS for row in published_rows("rn", name)]
    rows += [row for name in ("ks20", "kgbd") for row in published_rows("direct", name)]
    return [*rows, *published_rows("cve", "casia-b"), *published_rows("cme", "casia-b")]


def figure(table: str, name: str, split: str, key: str = "rank1", **other: str) -> float:
    """Returns a figure of the only row that matches."""
    protocol = {"8": "cve", "9": "cme"}.get(table, "rn")
    rows = [
        row
        for row in published_rows(protocol, split, table)
        if row.name == name and all(getattr(row, field) == value for field, value in other.items())
    ]
    (row,) = rows
    return row.figures[key]


def test_all_cells_of_all_tables_are_present() -> None:
    assert Counter(row.table for row in all_rows()) == {
        "2": 7 * 5
        + 4 * 3
        + 3 * 3
        + 4,  # rows with all columns, depth-based rows, rows with three columns and with one
        "3": 3 * 5,
        "4": 8 * 4,
        "5": 7 * 2 * 5,
        "6": 4 * 5,
        "7": 5 * 5,
        "8": 2 * 11,
        "9": 7 * 5,
        "direct": 8 * 2,
    }
    figures = Counter(row.table for row in all_rows() for _ in row.figures)
    assert figures["4"] == 8 * 4 * 2
    assert figures["5"] == 7 * 5 * 4
    assert (figures["6"], figures["7"]) == (4 * 5 * 2, 5 * 5 * 2)
    assert figures["direct"] == 8 * 2 * 4


def test_cells_missing_in_the_copy_are_marked_missing() -> None:
    missing = {(row.name, row.split, key) for row in all_rows() for key in row.missing}
    expected = {("PoseGait", view, "rank1") for view in KS20_VIEWS if view != "ks20-view-130"}
    expected |= {("PoseGait", view, "nauc") for view in KS20_VIEWS[:3]}
    expected |= {("CAGE Rev. Rec.", "ks20-view-0", "rank1"), ("CAGE Rev. Rec.", "ks20-view-130", "nauc")}
    assert missing == expected
    assert not any(key in row.figures for row in all_rows() for key in row.missing)


def test_figures_are_percentages_with_one_decimal() -> None:
    for row in all_rows():
        assert row.figures or row.missing
        for key, value in row.figures.items():
            assert key in FIGURES
            assert 0 < value < 100
            assert value == round(value, 1)


def test_rank_figures_increase_with_rank() -> None:
    for row in published_rows("direct", "kgbd") + published_rows("direct", "ks20"):
        ranks = [row.figures[key] for key in ("rank1", "rank5", "rank10")]
        assert all(before < after for before, after in pairwise(ranks))


@pytest.mark.parametrize(
    ("table", "name", "split", "key", "value"),
    [
        ("2", "Gait Energy Volume", "ias-b", "nauc", 64.8),
        ("2", "PCM + Skeleton", "ias-b", "rank1", 81.8),
        ("2", "CNN-LSTM with RTA", "biwi", "rank1", 50.0),
        ("2", "D13 + SVM", "biwi", "rank1", 17.9),
        ("2", "PoseGait", "kgbd", "nauc", 97.8),
        ("2", "CAGE Rev. Rec. Plus", "ks20", "rank1", 92.0),
        ("3", "CAGE Rev. Rec. Plus", "ks20-view-180", "nauc", 91.8),
        ("3", "PoseGait", "ks20-view-130", "rank1", 27.3),
        ("8", "PoseGait", "view-180", "rank1", 4.3),
        ("8", "CAGE", "view-036", "rank1", 79.5),
        ("9", "EFL", "cl-nm", "rank1", 5.6),
        ("9", "CAGE", "bg-nm", "rank1", 36.3),
    ],
)
def test_spot_values(table: str, name: str, split: str, key: str, value: float) -> None:
    assert figure(table, name, split, key) == value


def test_tables_8_and_9_are_complete() -> None:
    assert [row.split for row in published_rows("cve", "casia-b") if row.name == "CAGE"] == VIEWS
    assert [row.split for row in published_rows("cme", "casia-b") if row.name == "SDALF"] == CONDITIONS
    assert {row.kind for row in published_rows("cme", "nm-nm")} == {"skeleton", "appearance"}


@pytest.mark.parametrize("split", RN_SETS)
@pytest.mark.parametrize("key", ["rank1", "nauc"])
def test_the_same_experiment_has_the_same_figure_in_all_tables(split: str, key: str) -> None:
    ours = figure("2", "CAGE Rev. Rec.", split, key)
    tau = "tau 0.5" if split == "kgbd" else "tau 0.1"
    assert figure("5", "CAGE Rev. Rec.", split, key, strategy="AP") == ours
    assert figure("6", "CAGE Rev. Rec.", split, key, setting="interval 1") == ours
    assert figure("7", "CAGE Rev. Rec.", split, key, setting=tau) == ours
    plus = figure("2", "CAGE Rev. Rec. Plus", split, key)
    assert figure("5", "CAGE Rev. Rec. Plus", split, key, strategy="AP") == plus


def test_known_differences_between_table_4_and_table_2() -> None:
    """Table 4 repeats `CAGE Rev. Rec.` and the multi-layer LSTM; four cells differ in print."""
    pairs = {
        ("GE + GD + Rev. Rec. + LAS + LCL + CAGEs", "CAGE"): "CAGE Rev. Rec.",
        ("GE", "h"): "Multi-layer LSTM",
    }
    differing = {
        (name, split, key): (ablated, printed)
        for (setting, ablation), name in pairs.items()
        for split in RN_SETS[:4]
        for key in ("rank1", "nauc")
        if (ablated := figure("4", ablation, split, key, setting=setting))
        != (printed := figure("2", name, split, key))
    }
    assert differing == {
        ("CAGE Rev. Rec.", "ias-b", "nauc"): (86.2, 86.9),
        ("CAGE Rev. Rec.", "ks20", "nauc"): (95.7, 94.9),
        ("Multi-layer LSTM", "ks20", "rank1"): (80.9, 81.6),
        ("Multi-layer LSTM", "ks20", "nauc"): (92.3, 94.2),
    }
    for key in ("rank1", "nauc"):  # these are the figures of another row
        assert figure("4", "h", "ks20", key, setting="GE") == figure("2", "Single-layer LSTM", "ks20", key)


def gains(table: str, better: str, worse: str, key: str, splits: list[str]) -> list[float]:
    """Returns the differences between two rows by split; rows are named, in Table 4 by their setting."""

    def at(row: str, split: str) -> float:
        for found in published_rows({"8": "cve", "9": "cme"}.get(table, "rn"), split, table):
            if row in (found.name, found.setting):
                return found.figures[key]
        raise AssertionError(f"no {row} in table {table}")

    return [round(at(better, split) - at(worse, split), 1) for split in splits]


def test_the_text_of_the_paper_agrees_with_its_tables() -> None:
    """Sections 4.3, 5.1 and 5.4 state differences between rows; a wrong digit would change them."""
    views, conditions, four = VIEWS, CONDITIONS, list(RN_SETS[:4])
    cve = gains("8", "CAGE", "PoseGait", "rank1", views)
    assert (min(cve), max(cve), cve[2]) == (24.8, 57.1, 27.0)
    assert max(gains("9", "CAGE", "LMNN", "rank1", conditions)) == 50.4
    over_mlr = gains("9", "CAGE", "Feature-level + MLR", "rank1", conditions)
    assert (min(over_mlr), max(over_mlr)) == (4.5, 38.0)

    decoder = "GE + GD"
    assert max(gains("4", decoder, "GE", "rank1", four)) == 17.5
    assert max(gains("4", decoder, "GE", "nauc", four)) == 5.4
    assert max(gains("4", f"{decoder} + Rev. Rec.", decoder, "rank1", four)) == 5.2
    assert max(gains("4", f"{decoder} + Rev. Rec.", decoder, "nauc", four)) == 4.1
    las = f"{decoder} + Rev. Rec. + LAS"
    assert max(gains("4", las, f"{decoder} + Rev. Rec.", "rank1", four)) == 11.0
    assert max(gains("4", las, f"{decoder} + Rev. Rec.", "nauc", four)) == 4.3
    for key, least, most in (("rank1", 0.2, 4.3), ("nauc", 0.3, 2.5)):
        found = gains("4", f"{las} + LCL + CAGEs", f"{las} + AGEs", key, four)
        assert (min(found), max(found)) == (least, most)

    plus = "CAGE Rev. Rec. Plus"
    assert gains("2", plus, "D16 + Adaboost", "rank1", ["kgbd"]) == [20.7]
    assert gains("2", plus, "D13 + KNN", "rank1", ["kgbd"]) == [43.7]
    assert gains("2", plus, "D13 + KNN", "nauc", ["biwi"]) == [24.0]
    assert gains("2", plus, "D16 + Adaboost", "nauc", ["kgbd"]) == [7.5]
    assert gains("2", plus, "Single-layer LSTM", "rank1", ["kgbd"]) == [50.8]
    assert gains("2", plus, "Single-layer LSTM", "nauc", ["biwi"]) == [22.5]
    ours = "CAGE Rev. Rec."
    assert gains("2", ours, "3D CNN + Average Pooling", "rank1", ["ias-b"]) == [23.4]
    assert gains("2", ours, "3D CNN + Average Pooling", "nauc", ["ias-a"]) == [1.5]


def test_comparison_rows_of_kgbd() -> None:
    names = [(row["name"], row.get("strategy")) for row in comparison_rows("rn", "kgbd")]
    assert names == [
        ("D13 + KNN", None),
        ("D16 + Adaboost", None),
        ("Single-layer LSTM", None),
        ("Multi-layer LSTM", None),
        ("PoseGait", None),
        ("CAGE Rev. Rec.", "AP"),
        ("CAGE Rev. Rec.", "SC"),
        ("CAGE Rev. Rec. Plus", "AP"),
        ("CAGE Rev. Rec. Plus", "SC"),
    ]
    supervised = {row["name"] for row in comparison_rows("rn", "kgbd") if row["supervised"]}
    assert supervised == {"Single-layer LSTM", "Multi-layer LSTM", "PoseGait"}
    (ours,) = (row for row in comparison_rows("direct", "kgbd") if row["name"] == "this paper (SGELA)")
    assert {key: ours[key] for key in ("rank1", "rank5", "rank10", "map")} == {
        "rank1": 38.1,
        "rank5": 53.5,
        "rank10": 60.0,
        "map": 4.5,
    }
    assert all(row["source"] for row in comparison_rows("direct", "ks20"))


def test_comparison_rows_are_of_skeleton_methods() -> None:
    assert {row.kind for row in published_rows("rn", "biwi", "2")} == {"skeleton", "depth", "multi-modal"}
    assert "PCM + Skeleton" not in {row["name"] for row in comparison_rows("rn", "biwi")}
    assert [row["name"] for row in comparison_rows("cme", "nm-nm")] == ["CAGE"]


def test_views_of_ks20_are_separate_splits() -> None:
    rows = comparison_rows("rn", "ks20-view-130")
    assert [(row["name"], row["rank1"]) for row in rows] == [
        ("PoseGait", 27.3),
        ("CAGE Rev. Rec.", 41.9),
        ("CAGE Rev. Rec. Plus", 44.5),
    ]
    assert not any("split" in row for row in comparison_rows("rn", "ks20"))
    assert [row["name"] for row in comparison_rows("rn", "ks20-view-0")] == [
        "CAGE Rev. Rec.",
        "CAGE Rev. Rec. Plus",
    ]


@pytest.mark.parametrize(("protocol", "data_set"), [("direct", "biwi"), ("rn", "patho"), ("live", "kgbd")])
def test_no_published_figures_give_no_rows(protocol: str, data_set: str) -> None:
    assert comparison_rows(protocol, data_set) == []
    assert published_rows(protocol, data_set) == ()


TABLE = """
[[table]]
number = "1"
caption = "synthetic"
protocol = "rn"
columns = ["a", "b"]

[[table.row]]
name = "one"
"""


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rank1 = [1.0]", "expected 2 cells, got 1"),
        ("rank1 = [1.0, 100.5]", "within 0..100, got rank1 = 100.5"),
        ("rank1 = [1.0, 'x']", "Invalid enum value 'x'"),
        ("rank2 = [1.0, 2.0]", "unknown field `rank2`"),
        ("kind = 'smell'", "Invalid enum value 'smell'"),
    ],
)
def test_invalid_tables_are_refused(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace(".", r"\.")):
        read_tables(f"{TABLE}{line}\n".encode())


def test_each_column_becomes_a_row() -> None:
    rows = read_tables(f'{TABLE}rank1 = [1.5, "-"]\nnauc = ["?", "-"]\nstrategy = "SC"\n'.encode())
    assert [(row.split, dict(row.figures), row.missing) for row in rows] == [("a", {"rank1": 1.5}, ("nauc",))]
    assert rows[0].as_table_row() == {
        "name": "one",
        "supervised": False,
        "strategy": "SC",
        "rank1": 1.5,
        "source": "TPAMI 2022, arXiv 2009.03671, Table 1",
    }
