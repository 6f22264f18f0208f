"""Tests of `sge-stream evaluate`: tables, files and pages of the protocols, and errors on wrong input."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from encoder.model import EncoderConfig
from encoder.weights import save_weights, seeded_state
from stream.errors import DataError, UserError
from stream.terminal.app import app
from tests.tools.evaluation.synthetic_people import synthetic_walks, write_packed
from tests.tools.evaluation.synthetic_results import Page
from tools.backend_fit.offline_pipeline import simulated_walks
from tools.evaluation.evaluate import PROTOCOLS


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_packed(tmp_path / "kgbd_synthetic.npz", synthetic_walks(5, walks=4, frames=60))


@pytest.mark.slow
def test_direct_prints_a_table_and_writes_it_with_a_page(data: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "figures.json", tmp_path / "page"
    options = ("--protocol", "direct", "--seed", 2, "--method", "raw,bones")
    result = evaluate("kgbd", "--data", data, *options, "--out", out, "--report", page)
    assert result.exit_code == 0, result.output
    content = json.loads(out.read_text())
    assert {key: content[key] for key in ("dataset", "protocol", "split", "f", "seed", "people")} == {
        "dataset": "kgbd",
        "protocol": "direct",
        "split": "kgbd",
        "f": 6,
        "seed": 2,
        "people": 5,
    }
    assert content["default"] in content["methods"]
    assert list(content["methods"]) == ["raw", "bones"]
    for name in ("raw", "bones"):
        figures = content["methods"][name]
        assert figures["supervised"] is False
        assert {"rank1", "rank5", "rank10", "map", "minp"} <= figures.keys()
    assert content["methods"]["raw"]["rank1"] == 100
    for shown in ("5 people", "raw", "bones", "100.0", "MoCos", "62.0"):
        assert shown in result.stdout
    html = (page / "index.html").read_text()
    for shown in ("MoCos", "Confusion matrix (raw)", "Most frequent confusion of each person (raw)"):
        assert shown in html
    assert (page / "kgbd-cmc.png").is_file()
    shown_page = Page.read(html)
    text = " ".join(shown_page.text.split())
    command = f"sge-stream evaluate kgbd --data {data} --protocol direct --seed 2 --method raw,bones"
    assert f"command{command} --out {out} --report {page}" in text
    assert re.search(r"date20\d\d-\d\d-\d\d \d\d:\d\d UTC", text)
    assert (
        "raw finds the right one of 5 people for 100.0 % (95 % interval 47.8 to 100.0) of the windows" in text
    )
    assert "5 people are too few to conclude from." in text
    for term in ("Rank-1share", "mAPmean", "95 % intervalthe range", "labelsnames"):
        assert term in text
    assert "FPIR" not in text
    assert ["raw", "100.0", "100.0", "100.0"] in shown_page.rows

    # Published figures are of all people.
    result = evaluate("kgbd", "--data", data, *options, "--people", "1-4")
    assert "4 people" in result.stdout
    assert "MoCos" not in result.stdout


@pytest.mark.slow
def test_the_default_encoder_is_trained_on_the_splits_training_walks(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    options = ("--protocol", "direct", "--epochs", 1, "--f", 4, "--cache", tmp_path / "cache")
    result = evaluate("kgbd", "--data", data, *options, "--out", out)
    assert result.exit_code == 0, result.output
    content = json.loads(out.read_text())
    assert content["default"] == "fused-known"
    assert {"raw", "bones", "d13", "d16", "cage-untrained", "cage", "h", "z"} <= content["methods"].keys()
    assert list((tmp_path / "cache").iterdir())


def test_rn_gives_a_row_for_each_strategy(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    result = evaluate("kgbd", "--data", data, "--protocol", "rn", "--method", "raw,d13-knn", "--out", out)
    assert result.exit_code == 0, result.output
    methods = json.loads(out.read_text())["methods"]
    assert list(methods) == ["raw-ap", "raw-sc", "d13-knn"]
    assert methods["raw-ap"]["rank1"] == 100
    assert {"nauc_cmc", "roc_auc_micro"} <= methods["raw-sc"].keys()
    assert methods["d13-knn"]["supervised"] is True


@pytest.mark.slow
def test_live_gives_intervals_and_refuses_encoders_of_unknown_training(tmp_path: Path) -> None:
    out, page = tmp_path / "live.json", tmp_path / "page"
    options = ("--protocol", "live", "--people", "101-106", "--method", "shipped,bones", "--splits", 3)
    # Numbers of people that the shipped encoders were not trained on.
    walks = [walk for number in (1, 2, 3) for walk in simulated_walks(6, seed=3, walk=number, seconds=3.7)]
    data = write_packed(
        tmp_path / "kgbd_synthetic.npz", sorted(walks, key=lambda walk: walk.person), first=101
    )
    result = evaluate("kgbd", "--data", data, *options, "--enroll", 1, "--out", out, "--report", page)
    assert result.exit_code == 0, result.output
    content = json.loads(out.read_text())
    assert (content["dataset"], content["protocol"], content["default"]) == ("kgbd", "live", "shipped")
    for figures in content["methods"].values():
        mean, low, high = figures["rank1_walk"]
        assert 0 <= low <= mean <= high <= 100
        assert figures["rank1_10s"] is None
        keys = ("rank1_window", "rank1_2s", "rank1_5s", "eer", "fnir_at_fpir1", "fnir_at_fpir5")
        assert {*keys, "fpir_realised", "fnir_realised"} <= figures.keys()
    html = (page / "index.html").read_text()
    assert "Confusion matrix (shipped)" in html
    assert "searches with whole walks" in html
    shown_page = Page.read(html)
    text = " ".join(shown_page.text.split())
    assert "modelshipped weights, model " in text
    assert "With all 6 people enrolled, shipped finds the right one for" in text
    for term in ("Rank-1share", "EERequal", "FPIRfalse positive", "FNIRfalse negative", "strangera person"):
        assert term in text
    assert ["", "after 2 s", "after 5 s", "after 10 s", "whole walk"] in shown_page.rows
    assert "walks that last 2 s: 18, too few to conclude from" in content["notes"]

    # Recordings of an unknown data set may contain walks of the tested people.
    file = tmp_path / "encoder.safetensors"
    config = EncoderConfig(hidden=16)
    save_weights(file, seeded_state(config, 1), config, {"seen": '[{"source": "mine", "people": "1-3"}]'})
    result = evaluate("kgbd", "--data", data, *options, "--encoder", file)
    assert isinstance(result.exception, UserError)
    assert "was trained on mine, which is no known data set" in str(result.exception)
    trusted = (*options, "--enroll", 1, "--encoder", file, "--trust-encoder")
    assert evaluate("kgbd", "--data", data, *trusted).exit_code == 0


def test_shuffled_probe_names_give_chance(data: Path, tmp_path: Path) -> None:
    rank1: list[float] = []
    for seed in range(6):
        out = tmp_path / f"{seed}.json"
        options = ("--protocol", "direct", "--method", "raw", "--seed", seed, "--shuffle-probes")
        assert evaluate("kgbd", "--data", data, *options, "--out", out).exit_code == 0
        content: dict[str, Any] = json.loads(out.read_text())
        assert content["probes_shuffled"] is True
        rank1.append(content["methods"]["raw"]["rank1"])
    assert np.mean(rank1) < 60  # 20 expected; all windows of a person are right or wrong together


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("kgbd", "--protocol", "guess"), ", ".join(PROTOCOLS)),
        (("kgbd", "--protocol", "cve"), "kgbd"),
        (("kgbd", "--protocol", "direct", "--split", "moon"), "choose one of all, kgbd"),
        (("kgbd", "--protocol", "direct", "--method", "nothing"), "'nothing' is not available here"),
        (("kgbd", "--protocol", "direct", "--people", "7"), "no person 7"),
        (("kgbd", "--protocol", "direct", "--people", "1"), "expected at least two people"),
        (("kgbd", "--protocol", "rn", "--people", "1-999999999"), "at most 100000 in a range"),
        (("kgbd", "--protocol", "direct", "--method", " "), "--method: expected comma-separated names"),
        (("kgbd", "--protocol", "direct", "--out", "/no/figures.json"), "give another path as --out"),
        (("kgbd", "--protocol", "direct", "--report", "/proc/page"), "cannot create the folder /proc/page"),
        (("kgbd", "--protocol", "direct", "--method", "encoder"), "give --encoder FILE"),
        (("kgbd", "--protocol", "live"), "identifies people 101-164 by default"),
        (("kgbd", "--protocol", "transfer"), "--encoder"),
        (("kgbd", "--protocol", "live", "--split", "moon"), "choose one of all, kgbd"),
        (("moon", "--protocol", "direct"), "moon"),
    ],
)
def test_wrong_input_is_reported(data: Path, arguments: tuple[str, ...], text: str) -> None:
    result = evaluate(*arguments, "--data", data)
    assert isinstance(result.exception, UserError | DataError)
    assert text in str(result.exception)


@pytest.mark.slow
def test_an_error_is_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stream", "evaluate", "kgbd", "--data", str(tmp_path / "gone")]
    done = subprocess.run([*command, "--protocol", "direct"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "gone" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
