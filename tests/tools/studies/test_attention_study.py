"""Tests of the attention study on a tiny data set: pictures, numbers, resuming."""

from __future__ import annotations

import csv
import json
import shutil
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from encoder.attention import Attention
from encoder.model import GaitEncoder
from encoder.pretext_tasks import Pretext
from encoder.training.batch_losses import span_length_and_step
from encoder.training.checkpoint import load_checkpoint
from encoder.training.spans import cut_spans
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import CHECKPOINT, Trainer
from stream.errors import DataError, UserError
from stream.skeleton import CANONICAL
from tools.studies.attention.attention_figures import CURVES_CSV, FIG4, FIG5, FIG6, FINAL_CSV, NUMBERS
from tools.studies.attention.attention_study import attention_study, parse_seeds, plan
from tools.studies.attention.attention_training import CURVE, OUTCOME, POINTS, finished, train_one
from tools.training.train import train_command
from tools.training.training_data import read_training_data
from tools.training.training_pictures import ATTENTION, LOSSES

pytestmark = pytest.mark.slow

FRAMES = 70
TINY: dict[str, Any] = {
    "f": 4, "hidden": 4, "layers": 1, "batch": 4, "epochs": 1, "device": "cpu", "threads": 1,
    "precision": "fp32", "learning_rate": 1e-2,
}  # fmt: skip


def packed(path: Path, people: int = 2, walks: int = 2) -> str:
    draw = np.random.RandomState(1)
    count = people * walks
    bodies = draw.uniform(0.5, 2.5, (people, 1, 1, 20, 3)) + 0.02 * draw.standard_normal(
        (people, walks, FRAMES, 20, 3)
    )
    np.savez(
        path,
        joints=bodies.reshape(-1, 20, 3).astype("f4"),
        offsets=np.arange(count + 1) * FRAMES,
        subject=np.repeat(np.arange(1, people + 1), walks),
        trial=np.tile(np.arange(1, walks + 1), people),
        fps=np.float32(30),
        joint_names=np.array(CANONICAL),
        sensor_kind=np.array("kinect-v1"),
    )
    return str(path)


def study(data: str, folder: Path, *, seeds: tuple[int, ...] = (0,), jobs: int = 1, **given: Any) -> str:
    screen = StringIO()
    config = TrainConfig(**(TINY | given))
    out = Console(file=screen, width=200)
    attention_study([data], folder, config=config, seeds=seeds, jobs=jobs, out=out)
    return screen.getvalue()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> str:
    return packed(tmp_path_factory.mktemp("data") / "a.npz")


@pytest.fixture(scope="module")
def _once(tmp_path_factory: pytest.TempPathFactory, data: str) -> Path:
    folder = tmp_path_factory.mktemp("study") / "once"
    study(data, folder)
    return folder


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory, data: str) -> Path:
    """A study of two epochs; tests must not write to it."""
    folder = tmp_path_factory.mktemp("study") / "twice"
    study(data, folder, epochs=2)
    return folder


@pytest.fixture
def once(_once: Path, tmp_path: Path) -> Path:
    """A study of one epoch, the test's own copy."""
    return Path(shutil.copytree(_once, tmp_path / "study"))


def test_pictures_and_numbers_of_a_study(once: Path, data: str) -> None:
    output = study(data, once, seeds=(0, 1))
    assert "16 trainings on " in output
    assert output.count("already finished") == 8
    for name in (FIG4, FIG5, FIG6):
        assert (once / name).read_bytes()[:4] == b"\x89PNG"
        assert (once / name).stat().st_size > 10_000

    final = rows(once / FINAL_CSV)
    kinds = {(row["attention"], row["contrast"], row["seed"]) for row in final}
    assert kinds == {(a, c, s) for a in Attention for c in ("none", "across") for s in "01"}
    numbers = json.loads((once / NUMBERS).read_text())
    for case in ("none", "across"):
        for attention in Attention:
            own = [row for row in final if (row["attention"], row["contrast"]) == (attention, case)]
            losses = [float(row["final_m2"]) for row in own]
            spread = numbers["fig6_reconstruction_m2"][case][attention]
            assert spread["mean"] == [pytest.approx(np.mean(losses))]
            assert spread["std"] == [pytest.approx(np.std(losses, ddof=1))]
            assert (spread["least"], spread["greatest"]) == ([min(losses)], [max(losses)])
    assert set(numbers["fig4_alignment"]) == {"bas", "mbas", "las"}
    assert numbers["settings"]["epochs"] == 1
    assert len(numbers["fig5_epochs"]) == len(numbers["fig5_reconstruction_m2"]["las"]["mean"]) == POINTS


def test_the_mean_of_an_epochs_points_is_its_loss(twice: Path) -> None:
    for name in ("las-none-seed0", "bas-across-seed0"):
        outcome = json.loads((twice / name / OUTCOME).read_text())
        curve = outcome["curve"]
        assert len(curve) == 2 * POINTS
        epochs = [point["epoch"] for point in curve]
        assert epochs == sorted(epochs)
        assert 0 < epochs[0] < epochs[-1] < 2
        second = [point for point in curve if point["epoch"] > 1]
        windows = sum(point["windows"] for point in second)
        mean = sum(point["windows"] * point["reconstruction"] for point in second) / windows
        assert mean == pytest.approx(outcome["last_epoch"], rel=1e-4)
        attention, contrast, _ = name.split("-")
        written = [
            float(row["reconstruction_m2"])
            for row in rows(twice / CURVES_CSV)
            if (row["attention"], row["contrast"]) == (attention, contrast)
        ]
        assert written == [point["reconstruction"] for point in curve]


def test_the_final_loss_belongs_to_the_last_weights(twice: Path, data: str) -> None:
    (run,) = (
        run for run in plan(TrainConfig(**(TINY | {"epochs": 2})), (0,), twice) if "las-none" in run.name
    )
    spans = cut_spans(read_training_data([data]).walks, *span_length_and_step(run.config, Pretext.REVERSE))
    tensors = load_checkpoint(run.folder / CHECKPOINT).tensors
    model = GaitEncoder(run.config.encoder_config(Pretext.REVERSE))
    own = {name.removeprefix("encoder."): t for name, t in tensors.items() if name.startswith("encoder.")}
    model.load_state_dict(own)
    targets = torch.from_numpy(spans.skeletons).flip(1)
    with torch.no_grad():
        given = model(targets.flip(1), targets).reconstruction
    outcome = json.loads((run.folder / OUTCOME).read_text())
    assert outcome["final"] == pytest.approx(float(((given - targets) ** 2).sum()) / len(spans), rel=1e-4)


def test_a_finished_study_trains_nothing_again(
    once: Path, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = (once / NUMBERS).read_bytes()
    (once / FIG5).unlink()

    def refuse(*_: object) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(Trainer, "__init__", refuse)
    assert study(data, once).count("already finished") == 8
    assert (once / NUMBERS).read_bytes() == numbers
    assert (once / FIG5).exists()


def test_more_epochs_continue_finished_trainings(once: Path, twice: Path, data: str) -> None:
    output = study(data, once, epochs=2)
    assert "already finished" not in output
    for name in (CURVES_CSV, FINAL_CSV, NUMBERS):
        assert (once / name).read_bytes() == (twice / name).read_bytes()
    with pytest.raises(DataError, match="expected a training of 1 epochs or fewer, got one in epoch 2"):
        study(data, once)


class Killed(BaseException):
    pass


def test_an_interrupted_training_resumes(tmp_path: Path, twice: Path, data: str) -> None:
    (run,) = (r for r in plan(TrainConfig(**(TINY | {"epochs": 2})), (0,), tmp_path) if "las-none" in r.name)
    spans = cut_spans(read_training_data([data]).walks, *span_length_and_step(run.config, Pretext.REVERSE))

    def kill(epochs: float) -> None:
        if epochs == 2:  # the curve holds the second epoch, the checkpoint does not
            raise Killed

    with pytest.raises(Killed):
        train_one(run, spans, kill)
    assert finished(run, spans.digest) is None
    assert len(load_checkpoint(run.folder / CHECKPOINT).history) == 1
    reports: list[float] = []
    train_one(run, spans, reports.append)
    assert min(reports) > 1
    assert (run.folder / OUTCOME).read_bytes() == (twice / run.name / OUTCOME).read_bytes()


def test_worker_processes_give_the_same_results_as_one_process(once: Path, data: str) -> None:
    numbers = (once / NUMBERS).read_bytes()
    for name in ("las-across-seed0", "none-none-seed0"):
        shutil.rmtree(once / name)
    output = study(data, once, jobs=2)
    assert output.count("already finished") == 6
    assert "las-across-seed0: L_S" in output
    assert (once / NUMBERS).read_bytes() == numbers


def test_errors_of_worker_processes_are_reported(once: Path, data: str) -> None:
    with pytest.raises(DataError, match="expected a training with learning_rate"):
        study(data, once, jobs=2, learning_rate=1e-3)


def test_a_folder_without_its_curve_is_rejected(once: Path, data: str) -> None:
    for name in (CURVE, OUTCOME):
        (once / "las-none-seed0" / name).unlink()
    with pytest.raises(DataError, match="remove the folder"):
        study(data, once)
    (once / "las-none-seed0" / OUTCOME).write_text("{")
    with pytest.raises(DataError, match="expected figures of a training"):
        study(data, once)


def test_settings_without_contrast_or_with_another_pretext_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="contrast"):
        plan(TrainConfig(contrast="none"), (0,), tmp_path)
    with pytest.raises(UserError, match="expected reverse"):
        plan(TrainConfig(pretext="reverse+sorting"), (0,), tmp_path)
    assert {run.config.precision for run in plan(TrainConfig(), (0,), tmp_path)} == {"fp32"}


def test_seeds_are_parsed() -> None:
    assert parse_seeds("0,1,12") == (0, 1, 12)
    for text in ("", "0,,1", "0,0", "-1", "one"):
        with pytest.raises(UserError, match="expected different whole numbers"):
            parse_seeds(text)


def test_a_training_writes_its_pictures(tmp_path: Path, data: str) -> None:
    for attention, drawn in (("las", True), ("none", False)):
        screen = StringIO()
        folder = tmp_path / attention
        train_command(
            [data], folder, settings=TINY | {"attention": attention}, out=Console(file=screen, width=300)
        )
        assert (folder / CHECKPOINT).exists()
        assert (folder / LOSSES).read_bytes()[:4] == b"\x89PNG"
        assert (folder / ATTENTION).exists() is drawn
        assert ("no attention.png" in screen.getvalue()) is not drawn
