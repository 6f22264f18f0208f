"""Tests of the tables of figures in the documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stream.errors import DataError, UserError
from tests.tools.evaluation.synthetic_people import write_packed
from tools.backend_fit.offline_pipeline import simulated_walks
from tools.documentation.results_files import RESULTS, read_results
from tools.documentation.results_tables import (
    live_table,
    measured_with,
    protocol_table,
    shipped_table,
    studied_with,
    study_table,
    threshold_table,
)
from tools.evaluation.evaluate import evaluate
from tools.evaluation.evaluation_request import Request
from tools.figure_files import write_json

LIVE: dict[str, Any] = {
    "protocol": "live", "dataset": "example", "scenario": "example", "people": 8, "enrol": 2, "splits": 3,
    "seed": 1, "enrolled": 4, "strangers": 4, "probes": 40,
    "methods": {
        "shipped": {
            "supervised": True, "rank1_window": [80.04, 70, 90], "rank1_walk": [99, 98, 100],
            "eer": [1, 0, 2], "fpir_realised": [1.0, 0, 3], "fpir_ever": [1.26, 0, 3], "fnir_ever": None,
        },
        "raw": {"supervised": False, "rank1_window": [50, 40, 60], "rank1_walk": None},
    },
    "cost": {"machine": "here", "minutes": 4.5, "peak_memory_mb": 2048},
}  # fmt: skip


def direct(seed: int, rank1: float) -> dict[str, Any]:
    row = {"supervised": False, "rank1": rank1, "map": 10.0}
    return {"protocol": "direct", "dataset": "kgbd", "split": "kgbd", "people": 9, "f": 6, "seed": seed,
            "methods": {"cage": row, f"only{seed}": row}}  # fmt: skip


def test_the_figures_of_the_project_are_complete() -> None:
    results = read_results(RESULTS)
    assert {part["dataset"] for part in results.parts} == {"kgbd", "patho", "rgb"}
    assert results.study is not None


def test_shipped_tables_have_a_row_for_each_scenario(tmp_path: Path) -> None:
    write_json(tmp_path / "live.json", LIVE)
    lines = shipped_table({"before a sensor": "example"}, tmp_path).splitlines()
    assert lines[0] == "| % | people | Rank-1 | EER | FNIR at FPIR 1 % |"
    assert lines[2].replace("\N{NON-BREAKING HYPHEN}", "-") == (
        "| before a sensor | 8 | 99.0 (98.0-100.0) | 1.0 (0.0-2.0) | - |"
    )


def test_live_tables_have_the_intervals_of_the_files(tmp_path: Path) -> None:
    write_json(tmp_path / "live-example.json", LIVE)
    text = live_table("example", tmp_path).replace("\N{NON-BREAKING HYPHEN}", "-")
    assert "| % | window | walk | EER |" in text
    assert "| **shipped** | 80.0 (70.0-90.0) | 99.0 (98.0-100.0) | 1.0 (0.0-2.0) |" in text
    assert "| raw | 50.0 (40.0-60.0) | - | - |" in text
    thresholds = threshold_table("example", tmp_path).replace("\N{NON-BREAKING HYPHEN}", "-")
    assert "| whole walk | 1.3 (0.0-3.0) | - |" in thresholds
    assert measured_with("live", "example", tmp_path) == (
        "8 people, 4 of them enrolled from 2 walks and 4 strangers, drawn 3 times; 40 walks as probes; "
        "seed 1; here; 4.5 min and 2.0 GB."
    )
    with pytest.raises(UserError, match="no figures of the live scenario other"):
        live_table("other", tmp_path)


def test_headings_show_the_number_of_walks_if_it_is_small(tmp_path: Path) -> None:
    write_json(tmp_path / "live.json", LIVE | {"probes_window": 9, "probes_walk": 1})
    assert "| % | window (9 walks) | walk (1 walk) | EER |" in live_table("example", tmp_path)


def test_protocol_tables_have_the_spread_over_seeds_and_the_published_figures(tmp_path: Path) -> None:
    write_json(tmp_path / "direct-1.json", direct(1, 40.0))
    write_json(tmp_path / "direct-2.json", direct(2, 50.0))
    text = protocol_table("direct", "kgbd", tmp_path)
    assert "| cage |  | 45.0 ± 7.1 | - | - | 10.0 ± 0.0 | - | measured |" in text
    assert "| only2 |  | 50.0 | - | - | 10.0 | - | measured, seed 2 |" in text
    assert "| *SimMC* |  | 54.9 | 66.2 | 70.6 | 11.7 | - | SimMC, arXiv 2204.09826 |" in text
    ranks = [float(line.split("|")[3].split()[0]) for line in text.splitlines()[2:]]
    assert ranks == sorted(ranks, reverse=True)
    assert measured_with("direct", "kgbd", tmp_path) == "9 people, f = 6, seeds 1, 2."
    write_json(tmp_path / "direct-3.json", direct(3, 90.0) | {"people": 4})
    with pytest.raises(UserError, match="differ in people"):
        protocol_table("direct", "kgbd", tmp_path)
    with pytest.raises(UserError, match="no figures of rn on kgbd"):
        protocol_table("rn", "kgbd", tmp_path)


def test_files_of_the_evaluate_command_are_read(tmp_path: Path) -> None:
    walks = [walk for number in (1, 2, 3, 4) for walk in simulated_walks(5, 3, number, seconds=3.7)]
    data = write_packed(tmp_path / "kgbd_synthetic.npz", sorted(walks, key=lambda walk: walk.person))
    quiet = Console(quiet=True)
    for protocol in ("direct", "rn", "live"):
        out = tmp_path / "figures" / f"{protocol}.json"
        out.parent.mkdir(exist_ok=True)
        options: dict[str, Any] = {
            "dataset": "kgbd",
            "data": data,
            "protocol": protocol,
            "method": "raw",
            "people": "1-5",
        }
        evaluate(Request(**options, splits=2, out=out), quiet, quiet)
        cost = json.loads(out.read_text())["cost"]
        assert cost["minutes"] >= 0
        assert cost["peak_memory_mb"] is None or cost["peak_memory_mb"] > 50
    assert live_table("kgbd", out.parent).count("| raw |") == 1
    assert protocol_table("direct", "kgbd", out.parent).count("| raw |") == 1
    assert protocol_table("rn", "kgbd", out.parent).count("| raw-") == 2  # a row for each strategy
    assert all(measured_with(protocol, "kgbd", out.parent) for protocol in ("direct", "rn", "live"))


def test_study_tables_show_measured_rows_only(tmp_path: Path) -> None:
    rows = {
        "las": [{"direct": 60.0, "ap": 70.0}, {"direct": 62.0, "ap": 70.0}],
        "bas": [],
        "none": [{"direct": 1}],
    }
    write_json(tmp_path / "direct.json", direct(1, 40.0))
    with pytest.raises(UserError, match="no figures of table 4"):
        study_table("4", tmp_path)
    with pytest.raises(UserError, match="no figures of the studies"):
        studied_with(tmp_path)
    (tmp_path / "ablation").mkdir()
    path = tmp_path / "ablation" / "tables.json"
    write_json(path, {"people": "1-9", "epochs": 2, "tables": {"4": rows}})
    text = study_table("4", tmp_path)
    assert "| las | 61.0 ± 1.4 | - | 70.0 ± 0.0 | - | 2 |" in text
    assert "| none | 1.0 | - | - | - | 1 |" in text
    assert "bas" not in text
    assert studied_with(tmp_path) == "KGBD's people 1-9, 2 epochs a training."
    with pytest.raises(UserError, match="no figures of table 7"):
        study_table("7", tmp_path)
    path.write_text('{"people": 1}')
    with pytest.raises(DataError, match=r"tables\.json is no file of python -m tools\.studies\.ablation"):
        study_table("4", tmp_path)


def test_a_folder_without_figures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no figures"):
        read_results(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", '{"protocol": 1', '{"splits": [{}]}', '{"protocol": "live"}'])
def test_other_files_are_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "odd.json").write_text(content)
    with pytest.raises(DataError, match=r"odd\.json is no file of sge-stream evaluate"):
        read_results(tmp_path)


def test_leak_checks_are_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "direct-4.json", direct(4, 20.0) | {"probes_shuffled": True})
    with pytest.raises(DataError, match=r"direct-4\.json .* a leak check"):
        read_results(tmp_path)
