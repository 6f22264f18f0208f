"""Tests of the `rn` protocol: roles of walks, leaks, known results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score  # type: ignore[import-untyped]

from gallery.recognition.network import Strategy
from gallery.recognition.network_training import RecognitionConfig, split_walk_ends, train_recogniser
from stream.errors import DataError
from tests.tools.evaluation.synthetic_people import F, direct_draw, rn_draw, synthetic_walks
from tools.datasets import find_walks
from tools.evaluation.methods import Description, FixedMethod
from tools.evaluation.methods.raw_and_bones import bone_lengths, bones_method, raw_method
from tools.evaluation.protocols.draw import ProtocolDraw
from tools.evaluation.protocols.results import Row
from tools.evaluation.protocols.rn import run_rn

RAW, BONES = raw_method(F), bones_method("kinect-v1")
QUICK = RecognitionConfig(hidden=32, batch=32, epochs=6)


def rows(draw: ProtocolDraw, method: FixedMethod, config: RecognitionConfig = QUICK) -> dict[str, Row]:
    return {row.variant: row for row in run_rn(draw, [method], config).rows}


def test_one_walk_of_each_person_is_the_probe_and_the_rest_train() -> None:
    walks = synthetic_walks(4, walks=3, frames=60)
    draw = rn_draw(walks, f=F, seed=3)
    assert draw.train is not None
    direct = direct_draw(walks, f=F, seed=3)
    np.testing.assert_array_equal(draw.probes.windows, direct.probes.windows)
    assert len(draw.train.sequences) == 4 * 2
    assert len(draw.probes) == 4 * (40 // F)
    assert len(draw.train) == 8 * ((40 - F) // (F // 2) + 1)
    probe_frames = {frame.tobytes() for frame in draw.probes.windows.reshape(-1, 20, 3)}
    assert not any(frame.tobytes() in probe_frames for frame in draw.train.windows.reshape(-1, 20, 3))


def test_both_strategies_identify_different_people() -> None:
    draw = rn_draw(synthetic_walks(5, walks=3, frames=60, noise=0.02), f=F)
    found = rows(draw, RAW)
    assert list(found) == ["ap", "sc"]
    for row in found.values():
        assert row.figures["rank1"] == row.figures["nauc_cmc"] == row.figures["rank1_walk"] == 100
        assert row.figures["roc_auc_micro"] > 99
        assert row.figures["held_out_rank1"] == 100
    assert list(rows(draw, BONES)) == ["sc"]


def test_figures_match_the_networks_predictions() -> None:
    draw = rn_draw(synthetic_walks(6, walks=3, frames=60, noise=0.4), f=F, seed=1)
    assert draw.train is not None
    row = rows(draw, BONES)["sc"]
    settings: Any = {"hidden": 32, "batch": 32, "epochs": 6}
    features = bone_lengths(draw.train.windows)[:, None]
    held_out = split_walk_ends(draw.train.walks)
    config = RecognitionConfig(strategy=Strategy.SC, seed=1, **settings)
    training = train_recogniser(features, draw.train.people, *held_out, draw.train.names, config)
    scores = training.recogniser.predict(bone_lengths(draw.probes.windows)[:, None])
    np.testing.assert_allclose(row.predictions.scores, scores, rtol=1e-4, atol=1e-6)
    check_figures(row, scores, draw)
    assert 20 < row.figures["rank1"] < 100


def check_figures(row: Row, scores: Any, draw: ProtocolDraw) -> None:
    """Checks every figure against its definition."""
    right, people = draw.probes.people, len(draw.probes.names)
    places = [1 + sum(line > line[person]) for line, person in zip(scores, right, strict=True)]
    assert row.predictions.ranks.tolist() == places
    assert row.predictions.predicted.tolist() == scores.argmax(axis=1).tolist()
    assert row.figures["rank1"] == pytest.approx(100 * np.mean(scores.argmax(axis=1) == right))
    curve = [np.mean(np.array(places) <= k) for k in range(1, people + 1)]
    assert row.figures["nauc_cmc"] == pytest.approx(100 * np.mean(curve))
    micro = roc_auc_score(np.eye(people)[right], scores, average="micro")
    assert row.figures["roc_auc_micro"] == pytest.approx(100 * micro)


def test_a_description_with_its_own_classifier_is_measured_by_that() -> None:
    draw = rn_draw(synthetic_walks(4), f=F)
    random = np.random.default_rng(0)
    table = random.random((len(draw.probes), 4)).astype("f4")
    method = FixedMethod((Description("own", lambda w: w[:, 0, 0], classify=lambda w: table[: len(w)]),))
    found = rows(draw, method)
    assert list(found) == ["own"]
    check_figures(found["own"], table, draw)
    assert "held_out_rank1" not in found["own"].figures


def test_shuffled_probe_names_give_chance() -> None:
    walks = synthetic_walks(5, walks=3, frames=44, noise=0.02)
    longer = replace(QUICK, epochs=12)
    found = [
        rows(rn_draw(walks, f=F, seed=seed).with_probes_shuffled(), BONES, longer)["sc"].figures
        for seed in range(15)
    ]
    assert np.mean([f["rank1"] for f in found]) == pytest.approx(100 / 5, abs=15)
    # The networks did learn from the training walks.
    assert np.mean([f["held_out_rank1"] for f in found]) > 90


def test_the_selection_of_the_network_is_independent_of_the_probes() -> None:
    draw = rn_draw(synthetic_walks(4, walks=3, frames=60, noise=0.3), f=F)
    one = rows(draw, BONES)["sc"]
    other = rows(draw.with_probes_shuffled(), BONES)["sc"]
    assert one.predictions.predicted.tolist() == other.predictions.predicted.tolist()
    assert one.figures["held_out_rank1"] == other.figures["held_out_rank1"]
    assert one.figures["rank1"] != other.figures["rank1"]


def test_people_with_one_walk_are_reported() -> None:
    with pytest.raises(DataError, match="synthetic/p00/0 is the only walk"):
        rn_draw(synthetic_walks(2, walks=1), f=F)


@pytest.mark.slow
def test_figures_on_a_part_of_kgbd(data_dir: Path) -> None:
    people = {str(number) for number in range(81, 89)}
    file = data_dir / "kgbd_kinect1_20j.npz"
    walks = [found.read() for found in find_walks(file) if found.person in people]
    figures = rows(rn_draw(walks), BONES, RecognitionConfig())["sc"].figures
    assert 60 < figures["rank1"] < 100
    assert figures["nauc_cmc"] > figures["rank1"]
