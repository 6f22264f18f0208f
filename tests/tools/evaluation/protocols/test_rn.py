"""The `rn` protocol: what trains and what tests, leaks, known answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from gallery.recognition.network import Strategy
from gallery.recognition.network_training import RecognitionConfig, hold_out_ends, train_recogniser
from stream.errors import DataError
from tests.tools.evaluation.made import F, draw_direct, draw_rn, made_walks
from tools.datasets import find_walks
from tools.evaluation.methods import Description, Fixed
from tools.evaluation.methods.raw_and_bones import bone_lengths, bones, raw
from tools.evaluation.protocols.draw import Trial
from tools.evaluation.protocols.results import Row
from tools.evaluation.protocols.rn import run_rn

RAW, BONES = raw(F), bones("kinect-v1")
QUICK = RecognitionConfig(hidden=32, batch=32, epochs=6)


def rows(trial: Trial, method: Fixed, config: RecognitionConfig = QUICK) -> dict[str, Row]:
    return {row.how: row for row in run_rn(trial, [method], config).rows}


def test_one_walk_of_each_person_tests_and_the_rest_train() -> None:
    walks = made_walks(4, walks=3, frames=60)
    trial = draw_rn(walks, f=F, seed=3)
    assert trial.train is not None
    direct = draw_direct(walks, f=F, seed=3)
    np.testing.assert_array_equal(trial.probes.windows, direct.probes.windows)
    assert len(trial.train.sequences) == 4 * 2
    assert len(trial.probes) == 4 * (40 // F)
    assert len(trial.train) == 8 * ((40 - F) // (F // 2) + 1)
    tested = {frame.tobytes() for frame in trial.probes.windows.reshape(-1, 20, 3)}
    assert not any(frame.tobytes() in tested for frame in trial.train.windows.reshape(-1, 20, 3))


def test_different_people_are_recognised_by_either_strategy() -> None:
    trial = draw_rn(made_walks(5, walks=3, frames=60, noise=0.02), f=F)
    found = rows(trial, RAW)
    assert list(found) == ["ap", "sc"]
    for row in found.values():
        assert row.figures["rank1"] == row.figures["nauc_cmc"] == row.figures["rank1_walk"] == 100
        assert row.figures["roc_auc_micro"] > 99
        assert row.figures["held_out_rank1"] == 100
    assert list(rows(trial, BONES)) == ["sc"]


def test_figures_are_those_of_the_networks_predictions() -> None:
    trial = draw_rn(made_walks(6, walks=3, frames=60, noise=0.4), f=F, seed=1)
    assert trial.train is not None
    row = rows(trial, BONES)["sc"]
    settings: Any = {"hidden": 32, "batch": 32, "epochs": 6}
    known = bone_lengths(trial.train.windows)[:, None]
    marks = hold_out_ends(trial.train.walks)
    config = RecognitionConfig(strategy=Strategy.SC, seed=1, **settings)
    training = train_recogniser(known, trial.train.people, *marks, trial.train.names, config)
    scores = training.recogniser.predict(bone_lengths(trial.probes.windows)[:, None])
    np.testing.assert_allclose(row.answers.scores, scores, rtol=1e-4, atol=1e-6)
    check(row, scores, trial)
    assert 20 < row.figures["rank1"] < 100


def check(row: Row, scores: Any, trial: Trial) -> None:
    """Every figure by its definition."""
    right, people = trial.probes.people, len(trial.probes.names)
    places = [1 + sum(line > line[person]) for line, person in zip(scores, right, strict=True)]
    assert row.answers.ranks.tolist() == places
    assert row.answers.named.tolist() == scores.argmax(axis=1).tolist()
    assert row.figures["rank1"] == pytest.approx(100 * np.mean(scores.argmax(axis=1) == right))
    curve = [np.mean(np.array(places) <= k) for k in range(1, people + 1)]
    assert row.figures["nauc_cmc"] == pytest.approx(100 * np.mean(curve))
    micro = roc_auc_score(np.eye(people)[right], scores, average="micro")
    assert row.figures["roc_auc_micro"] == pytest.approx(100 * micro)


def test_what_classifies_by_itself_is_measured_by_that() -> None:
    trial = draw_rn(made_walks(4), f=F)
    random = np.random.default_rng(0)
    table = random.random((len(trial.probes), 4)).astype("f4")
    method = Fixed((Description("own", lambda w: w[:, 0, 0], classify=lambda w: table[: len(w)]),))
    found = rows(trial, method)
    assert list(found) == ["own"]
    check(found["own"], table, trial)
    assert "held_out_rank1" not in found["own"].figures


def test_shuffled_test_names_bring_chance() -> None:
    walks = made_walks(5, walks=3, frames=44, noise=0.02)
    longer = replace(QUICK, epochs=12)
    found = [
        rows(draw_rn(walks, f=F, seed=seed).with_probes_shuffled(), BONES, longer)["sc"].figures
        for seed in range(15)
    ]
    assert np.mean([f["rank1"] for f in found]) == pytest.approx(100 / 5, abs=15)
    assert (
        np.mean([f["held_out_rank1"] for f in found]) > 90
    )  # it did learn, and was told nothing of the test


def test_the_choice_of_the_network_never_sees_the_test() -> None:
    trial = draw_rn(made_walks(4, walks=3, frames=60, noise=0.3), f=F)
    one = rows(trial, BONES)["sc"]
    other = rows(trial.with_probes_shuffled(), BONES)["sc"]
    assert one.answers.named.tolist() == other.answers.named.tolist()
    assert one.figures["held_out_rank1"] == other.figures["held_out_rank1"]
    assert one.figures["rank1"] != other.figures["rank1"]


def test_people_with_one_walk_are_told() -> None:
    with pytest.raises(DataError, match="made/p00/0 is the only walk"):
        draw_rn(made_walks(2, walks=1), f=F)


def test_kgbd_in_small(data_dir: Path) -> None:
    people = {str(number) for number in range(81, 89)}
    file = data_dir / "kgbd_kinect1_20j.npz"
    walks = [found.read() for found in find_walks(file) if found.person in people]
    figures = rows(draw_rn(walks), BONES, RecognitionConfig())["sc"].figures
    assert 60 < figures["rank1"] < 100
    assert figures["nauc_cmc"] > figures["rank1"]
