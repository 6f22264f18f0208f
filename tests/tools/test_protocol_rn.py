"""The `rn` protocol: what trains and what tests, leaks, known answers, and its command."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]
from typer.testing import CliRunner

from gallery.recognition import Strategy
from gallery.recognition_training import RecognitionConfig, hold_out_ends, train_recogniser
from stream.errors import DataError
from stream.skeleton import CANONICAL
from tools.datasets import Walk, find_walks
from tools.protocols.direct import DirectTrial
from tools.protocols.features import Method, bone_lengths, raw_window
from tools.protocols.rn import RnTrial, rn

F = 4
RAW, BONES = Method("raw", raw_window, F), Method("bones", bone_lengths)
QUICK = RecognitionConfig(hidden=32, batch=32, epochs=6)


def made_walks(people: int, walks: int = 3, frames: int = 60, noise: float = 0.02) -> list[Walk]:
    """People of different build, each walking several times; numbers fixed by person and walk."""
    found = []
    for person in range(people):
        build = np.random.default_rng(person).normal(0, 0.3, (20, 3))
        for number in range(walks):
            random = np.random.default_rng([person, number])
            joints = (build + random.normal(0, noise, (frames, 20, 3))).astype("f4")
            joints[:, 0] = 0.01
            time_ns = np.arange(frames, dtype=np.int64) * 33_333_333
            sure = np.ones((frames, 20), np.float32)
            name = f"made/p{person}/{number}"
            found.append(Walk(f"p{person}", str(number), "made", "kinect-v1", time_ns, joints, sure, name))
    return found


def test_one_walk_of_each_person_tests_and_the_rest_train() -> None:
    walks = made_walks(4)
    trial = RnTrial.draw(walks, f=F, seed=3)
    assert [walk.name for walk in trial.split.probe] == [
        walk.name for walk in DirectTrial.draw(walks, f=F, seed=3).split.probe
    ]
    assert len(trial.split.train) == 4 * 2
    assert len(trial.probes) == 4 * (40 // F)
    assert len(trial.train) == 8 * ((40 - F) // (F // 2) + 1)
    tested = {frame.tobytes() for frame in trial.probes.windows.reshape(-1, 20, 3)}
    assert not any(frame.tobytes() in tested for frame in trial.train.windows.reshape(-1, 20, 3))


def test_different_people_are_recognised_by_either_strategy() -> None:
    trial = RnTrial.draw(made_walks(5), f=F)
    found = trial.figures(RAW, QUICK)
    assert list(found) == [Strategy.AP, Strategy.SC]
    for figures in found.values():
        assert figures.rank1 == figures.nauc_cmc == 100
        assert figures.roc_auc_micro > 99
        assert figures.held_out_rank1 == 100
    assert list(trial.figures(BONES, QUICK)) == [Strategy.SC]


def test_figures_are_those_of_the_networks_predictions() -> None:
    trial = RnTrial.draw(made_walks(6, noise=0.4), f=F, seed=1)
    figures = trial.figures(BONES, QUICK)[Strategy.SC]
    settings: Any = {"hidden": 32, "batch": 32, "epochs": 6}
    known = bone_lengths(trial.train.windows)[:, None]
    marks = hold_out_ends(trial.train.walks)
    config = RecognitionConfig(strategy=Strategy.SC, seed=1, **settings)
    training = train_recogniser(known, trial.train.people, *marks, trial.train.names, config)
    scores = training.recogniser.predict(bone_lengths(trial.probes.windows)[:, None])
    right = trial.probes.people
    places = [1 + sum(row > row[person]) for row, person in zip(scores, right, strict=True)]
    assert figures.rank1 == pytest.approx(100 * np.mean(scores.argmax(axis=1) == right))
    curve = [np.mean(np.array(places) <= k) for k in range(1, 7)]
    assert figures.nauc_cmc == pytest.approx(100 * np.mean(curve))
    micro = roc_auc_score(np.eye(6)[right], scores, average="micro")
    assert figures.roc_auc_micro == pytest.approx(100 * micro)
    assert 20 < figures.rank1 < 100


def test_shuffled_test_names_bring_chance() -> None:
    walks = made_walks(5, frames=44)
    longer = replace(QUICK, epochs=20)
    found = [
        RnTrial.draw(walks, f=F, seed=seed).with_probes_shuffled().figures(BONES, longer)[Strategy.SC]
        for seed in range(30)
    ]
    assert np.mean([f.rank1 for f in found]) == pytest.approx(100 / 5, abs=10)
    assert np.mean([f.held_out_rank1 for f in found]) > 90  # it did learn, and was told nothing of the test


def test_the_choice_of_the_network_never_sees_the_test() -> None:
    trial = RnTrial.draw(made_walks(4, noise=0.3), f=F)
    one = trial.figures(BONES, QUICK)[Strategy.SC]
    other = trial.with_probes_shuffled().figures(BONES, QUICK)[Strategy.SC]
    assert one.held_out_rank1 == other.held_out_rank1
    assert one.rank1 != other.rank1


def test_people_with_one_walk_are_told() -> None:
    with pytest.raises(DataError, match="made/p0/0 is the only walk"):
        RnTrial.draw(made_walks(2, walks=1), f=F)


def test_the_command_prints_a_table_and_writes_what_it_prints(tmp_path: Path) -> None:
    walks, out = made_walks(4), tmp_path / "figures.json"
    data = tmp_path / "kgbd_made.npz"
    np.savez(
        data,
        joints=np.concatenate([walk.joints for walk in walks]),
        offsets=np.cumsum([0, *(len(walk.time_ns) for walk in walks)]),
        subject=[walk.person for walk in walks],
        trial=[int(walk.walk) for walk in walks],
        fps=30.0,
        joint_names=np.array(CANONICAL),
        sensor_kind="kinect-v1",
    )
    app = typer.Typer()
    app.command()(rn)
    done = CliRunner().invoke(app, [str(data), "--method", "raw,bones", "--epochs", "12", "--out", str(out)])
    assert done.exit_code == 0, done.output
    content = json.loads(out.read_text())
    assert (content["protocol"], content["f"], content["people"]) == ("rn", 6, 4)
    assert {name: list(by) for name, by in content["methods"].items()} == {
        "raw": ["ap", "sc"],
        "bones": ["sc"],
    }
    assert content["methods"]["raw"]["ap"]["rank1"] == 100
    for shown in ("4 people", "nAUC CMC", "ROC micro", "CAGE Rev. Rec.", "86.9", "97.1", "AP", "SC"):
        assert shown in done.output
    done = CliRunner().invoke(app, [str(data), "--method", "nothing"])
    assert done.exit_code == 2
    assert "there is no 'nothing'" in done.output


def test_kgbd_in_small(data_dir: Path) -> None:
    people = {str(number) for number in range(81, 89)}
    file = data_dir / "kgbd_kinect1_20j.npz"
    walks = [found.read() for found in find_walks(file) if found.person in people]
    figures = RnTrial.draw(walks).figures(BONES)[Strategy.SC]
    assert 60 < figures.rank1 < 100
    assert figures.nauc_cmc > figures.rank1
