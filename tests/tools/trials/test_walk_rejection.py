"""Counts of the windows that walk detection rejects."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tools.backend_fit.offline_pipeline import simulated_walks, walk_windows
from tools.trials.walk_rejection import count_windows, main, synthetic_walks


def test_walks_are_kept_and_synthetic_non_walking_bodies_rejected() -> None:
    (walk,) = simulated_walks(1, seed=2, walk=1, seconds=6.0)
    whole = count_windows([walk])
    assert whole.kept == whole.windows == len(walk_windows(walk, 6)) > 30
    assert (whole.rejected_moving, whole.at_rest) == (0, 0)
    valid = np.isfinite(walk.joints).all(axis=(1, 2))
    complete = replace(
        walk,
        joints=walk.joints[valid],
        confidence=walk.confidence[valid],
        time_ns=walk.time_ns[: valid.sum()],
    )
    counts = {name: count_windows(walks) for name, walks in synthetic_walks([complete])}
    for name in (
        "standing, 2.5 m",
        "standing, swaying",
        "sitting",
        "feet low confidence",
        "one side low confidence",
    ):
        assert (counts[name].kept, counts[name].windows > 10) == (0, True)
    assert counts["standing, 2.5 m"].at_rest == counts["standing, 2.5 m"].windows
    inferred = counts["feet inferred"]
    assert inferred.kept == inferred.windows > 10
    assert inferred.quality < 0.7 * inferred.kept


def test_missing_data_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["walk_rejection", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "kgbd_kinect1_20j.npz" in capsys.readouterr().err
