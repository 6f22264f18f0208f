"""The trial of reduced precision on a few people of KGBD."""

from __future__ import annotations

from pathlib import Path

import pytest

from encoder import onednn
from tools.datasets.dataset_registry import open_dataset
from tools.evaluation.evaluation_request import choose_people
from tools.trials.reduced_precision import Trial, measure


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(not onednn.bf16_supported(), reason="needs a CPU with products of bf16 numbers")
def test_both_protocols_are_measured_in_every_precision(data_dir: Path) -> None:
    people = choose_people(open_dataset("kgbd", data_dir / "kgbd_kinect1_20j.npz"), "101-104")
    trial = measure(people, splits=1)
    assert list(trial.figures) == ["fp32", "bf16"]
    for found in trial.figures.values():
        assert {name.split()[0] for name in found} == {"direct", "live"}
        assert found["direct rank1"] > 50
        assert found["live rank1_walk"] > 80
    assert trial.figures["fp32"] != trial.figures["bf16"]
    assert 0 < trial.rms < 0.01


def test_the_largest_difference_is_that_of_any_figure() -> None:
    trial = Trial({"fp32": {"a": 90.0, "b": 50.0}, "bf16": {"a": 89.5, "b": 51.25}}, 0.002)
    assert trial.largest_difference == 1.25
