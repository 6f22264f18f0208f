"""Shipped weights: rounded, with their own model card, and not trained on people reserved for evaluation."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import encoder
from encoder.model import EncoderConfig
from encoder.weights import load_encoder, load_weights, save_weights, seeded_state, weights_digest
from stream.errors import DataError, UserError
from stream.shipped_files import read_shipped
from tests.tools.simulated_set import pack_simulated
from tools.backend_fit.training_provenance import check_may_ship
from tools.training import ship_encoder
from tools.training.ship_encoder import MAX_BYTES, ship
from tools.training.train import train_command

ROOT = Path(__file__).resolve().parents[3]
CONFIG = EncoderConfig(hidden=6)
STATE = seeded_state(CONFIG, seed=3)
DIGEST = weights_digest(STATE)


def trained(folder: Path, sources: object, digest: str = DIGEST) -> Path:
    """Writes a folder like that of a finished training."""
    folder.mkdir(parents=True)
    extra = {} if sources is None else {"seen": json.dumps(sources)}
    save_weights(folder / "encoder.safetensors", STATE, CONFIG, extra)
    (folder / "MODEL_CARD.md").write_text(f"# Model card\n\nModel `{digest}`.\n\n| {{kgbd}} | 1-80 |\n")
    return folder


def source(name: str, people: str | None) -> dict[str, str | None]:
    return {"source": name, "people": people}


def run_tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the tool as a process."""
    line = [sys.executable, "-m", "tools.training.ship_encoder", *arguments]
    return subprocess.run(line, check=False, capture_output=True, text=True, cwd=ROOT)


def test_weights_ship_at_half_precision_with_their_own_card(tmp_path: Path) -> None:
    sources = [
        source("kgbd_kinect1_20j", "1-80, 100"),
        source("kinect2_patho_lurch_20j", "1-5"),
        source("cmu_walk_20j", None),
    ]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "MODEL_CARD.md").write_text("of another model")
    path = ship(trained(tmp_path / "run", sources), tmp_path / "out")
    names = ["MODEL_CARD.md", "SHA256SUMS", "encoder.safetensors"]
    assert sorted(file.name for file in path.parent.iterdir()) == names
    assert read_shipped(path.parent, "encoder.safetensors") == path.read_bytes()
    shipped = load_weights(path)
    for name, parameter in STATE.items():
        np.testing.assert_array_equal(
            shipped.state[name].numpy(), parameter.numpy().astype("f2").astype("f4")
        )
    assert json.loads(shipped.extra["seen"]) == sources
    card = (path.parent / "MODEL_CARD.md").read_text()
    now = load_encoder(path).contract.model
    assert f"Model `{now}`: the weights `{DIGEST}` of the training, rounded to half precision.\n" in card
    assert "| {kgbd} | 1-80 |" in card


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (None, "do not record their training people"),
        ([], "do not record their training people"),
        ([source("kgbd_kinect1_20j", "1-101")], "person 101 of kgbd_kinect1_20j, who may not"),
        ([source("KGBD", "120, 130")], "person 120 of KGBD"),
        ([source("kgbd_kinect1_20j", None)], "an unnamed person of kgbd_kinect1_20j"),
        ([source("kinect2_patho_normal_20j", "5-6")], "person 6 of kinect2_patho_normal_20j"),
        ([source("kgbd_kinect1_20j", "0-3")], "person 0 of"),
        ([source("cmu_walk_20j", "1-3"), source("rgb_metrabs_large_17j", "1-3")], "on rgb_metrabs_large_17j"),
        ([source("holidays", "1")], "on holidays, which may not train weights that ship"),
    ],
)
def test_weights_trained_on_evaluation_people_do_not_ship(
    tmp_path: Path, sources: object, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        ship(trained(tmp_path / "t", sources), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_large_weights_do_not_ship(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ship_encoder, "MAX_BYTES", 1000)
    size = 2 * sum(parameter.numel() for parameter in STATE.values()) / 1e6
    with pytest.raises(UserError, match=rf"takes {size:.1f} MB at half precision, more than 0 MB"):
        ship(trained(tmp_path / "t", [source("cmu_walk_20j", "1")]), tmp_path / "out")


def test_only_a_finished_training_of_one_task_ships(tmp_path: Path) -> None:
    sources = [source("cmu_walk_20j", "1")]
    with pytest.raises(UserError, match="expected the folder of a training"):
        ship(tmp_path / "none", tmp_path / "out")
    with pytest.raises(DataError, match="expected a folder of sge-stream train"):
        ship(tmp_path, tmp_path / "out")
    for task in ("reverse", "sorting"):
        trained(tmp_path / "plus" / task, sources)
    with pytest.raises(UserError, match="plus holds 2 encoders, expected one"):
        ship(tmp_path / "plus", tmp_path / "out")
    with pytest.raises(DataError, match=r"MODEL_CARD\.md: expected the card of model"):
        ship(trained(tmp_path / "other", sources, digest="0" * 64), tmp_path / "out")
    bare = trained(tmp_path / "bare", sources)
    (bare / "MODEL_CARD.md").unlink()
    with pytest.raises(DataError, match="the model card cannot be read"):
        ship(bare, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_training_ships_from_the_command_line(tmp_path: Path) -> None:
    data = tmp_path / "kgbd_tiny.npz"
    pack_simulated(data, seed=8, people=2, walks=2)
    settings = {"hidden": 4, "layers": 1, "batch": 16, "epochs": 1, "device": "cpu", "precision": "fp32"}
    out = Console(quiet=True)
    (path,) = train_command([str(data)], tmp_path / "run", settings=settings, out=out)
    done = run_tool(str(tmp_path / "run"), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "python -m tools.backend_fit.fit_backend" in done.stdout
    shipped = load_encoder(tmp_path / "out")
    assert shipped.contract != load_encoder(path).contract
    assert f"`{shipped.contract.model}`" in (tmp_path / "out" / "MODEL_CARD.md").read_text()
    refused = run_tool(str(tmp_path / "nowhere"))
    assert refused.returncode == 2
    assert refused.stderr.startswith("ship_encoder: ")
    assert refused.stderr.count("\n") == 1


def test_the_shipped_weights_may_ship() -> None:
    shipped = Path(str(files(encoder).joinpath("pretrained", "encoder.safetensors")))
    loaded = load_encoder()
    assert loaded.trained == shipped.is_file()
    if shipped.is_file():
        check_may_ship(load_weights(shipped))
        assert shipped.stat().st_size <= MAX_BYTES
        assert f"`{loaded.contract.model}`" in shipped.with_name("MODEL_CARD.md").read_text(encoding="utf-8")
        assert loaded.contract.dimension == 768
