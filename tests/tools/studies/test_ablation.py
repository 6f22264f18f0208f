"""Tests of the ablation studies: trainings, measurements, and reuse by a second run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from encoder.training.train_config import TrainConfig
from tests.tools.evaluation.synthetic_people import synthetic_walks, write_packed
from tools.studies.ablation.__main__ import main
from tools.studies.ablation.cell import SeedStudy
from tools.studies.ablation.grid import TABLES, Cell, Row, Table, cells_of, table_features

TINY = TrainConfig(f=4, hidden=8, layers=1, batch=16, epochs=1, threads=1, device="cpu", precision="fp32")


def test_tables_have_the_rows_of_the_paper() -> None:
    rows = {name: [row.label for row in table.rows] for name, table in TABLES.items()}
    assert len(rows["4"]) >= 8
    assert rows["5"][:3] == ["Prediction", "Sorting", "Rev. Rec."]
    assert len(rows["fig8"]) == 16
    assert rows["6"] == ["1", "2", "3", "4"]
    assert rows["7"] == ["0.05", "0.1", "0.5", "0.8", "1"]


def test_every_cell_has_valid_settings() -> None:
    cells = cells_of(TABLES.values())
    assert len({cell.name for cell in cells}) == len(cells)
    for cell in cells:
        if cell.methods is None:
            settings = dict(cell.settings)
            settings.pop("augment", None)
            TrainConfig(**settings)


def test_two_cells_with_one_name_are_rejected() -> None:
    rows = (Row("a", Cell("same")), Row("b", Cell("same", {"f": 8})))
    with pytest.raises(ValueError, match="same"):
        cells_of([Table("x", "x", rows)])


def test_a_cell_is_measured_once_under_both_protocols(tmp_path: Path) -> None:
    study = SeedStudy(synthetic_walks(4, walks=5), TINY, 0, tmp_path)
    found = study.measure(Cell("las"))
    assert set(found) == table_features(Cell("las")) == {"cage", "z"}
    assert {"direct", "map", "walk", "ap", "sc", "ap_nauc_cmc"} <= found["cage"].keys()
    assert "ap" not in found["z"]
    assert len(list((tmp_path / "seed0" / "trainings").iterdir())) == 1
    file = tmp_path / "seed0" / "las.json"
    file.write_text(json.dumps({"cage": {"direct": 12.5}}))
    assert study.measure(Cell("las")) == {"cage": {"direct": 12.5}}


def test_all_features_of_a_cell_in_no_table_are_measured(tmp_path: Path) -> None:
    assert set(SeedStudy(synthetic_walks(4, walks=5), TINY, 0, tmp_path).measure(Cell("odd"))) == {
        "cage",
        "h",
        "z",
    }


@pytest.mark.parametrize("name", ["prediction", "prediction-half", "sorting", "plain"])
def test_every_pretext_task_is_measured(tmp_path: Path, name: str) -> None:
    found = SeedStudy(synthetic_walks(4, walks=5), TINY, 0, tmp_path).measure(Cell(name, {"pretext": name}))
    assert {"direct", "ap", "sc"} <= found["cage"].keys()
    assert len(list((tmp_path / "seed0" / "trainings").iterdir())) == 1


def test_combinations_reuse_the_trainings_of_their_parts(tmp_path: Path) -> None:
    study = SeedStudy(synthetic_walks(4, walks=5), TINY, 0, tmp_path)
    study.measure(Cell("las"))
    study.measure(Cell("sorting", {"pretext": "sorting"}))
    before = sorted((tmp_path / "seed0" / "trainings").iterdir())
    assert set(study.measure(Cell("reverse+sorting", {"pretext": "reverse+sorting"}))) == {"cage-plus"}
    assert sorted((tmp_path / "seed0" / "trainings").iterdir()) == before


APP = typer.Typer()
APP.command()(main)


@pytest.mark.slow
def test_the_command_fills_a_table(tmp_path: Path) -> None:
    data = write_packed(tmp_path / "kgbd_synthetic.npz", synthetic_walks(4, walks=5))
    config = tmp_path / "base.toml"
    config.write_text(TINY.as_toml())
    command = [str(data), "--out", str(tmp_path / "out")]
    options = ["--config", str(config), "--people", "1-4", "--seeds", "0", "--table", "7"]
    module = [sys.executable, "-m", "tools.studies.ablation"]
    done = subprocess.run([*module, *command, *options], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "out" / "tables.json").read_text())
    assert list(content["tables"]["7"]) == ["0.05", "0.1", "0.5", "0.8", "1"]
    assert all(len(found) == 1 for found in content["tables"]["7"].values())
    assert "Table 7" in done.stdout
    # Other settings than the stored ones are rejected.
    others = (*options[:2], "--epochs", "2", "--show")
    again = CliRunner().invoke(APP, [*command, *others])
    assert again.exit_code == 2
    assert "holds figures of other settings (people: 1-4, not 1-50)" in again.stderr
    assert CliRunner().invoke(APP, [*command, *options[:4], "--show"]).exit_code == 0
    assert json.loads((tmp_path / "out" / "tables.json").read_text())["tables"]["7"] == content["tables"]["7"]
    again = CliRunner().invoke(APP, [*command, "--table", "9"])
    assert again.exit_code == 2
    assert "choose among 4, 5, fig8, 6, 7, augment" in again.stderr
