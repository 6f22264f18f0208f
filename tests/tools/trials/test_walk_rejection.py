"""The trial counts what the live path leaves out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tools.backend_fit.offline_pipeline import simulated_walks, walk_windows
from tools.trials.walk_rejection import made_up, main, tally


def test_walks_and_bodies_that_do_not_walk_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    (walk,) = simulated_walks(1, seed=2, walk=1, seconds=6.0)
    whole = tally([walk])
    assert whole.given == whole.windows == len(walk_windows(walk, 6)) > 30
    assert (whole.skipped_moving, whole.resting) == (0, 0)
    seen = np.isfinite(walk.joints).all(axis=(1, 2))
    kept = replace(
        walk, joints=walk.joints[seen], confidence=walk.confidence[seen], time_ns=walk.time_ns[: seen.sum()]
    )
    found = {name: tally(walks) for name, walks in made_up([kept])}
    for name in (
        "standing, 2.5 m",
        "standing, swaying",
        "sitting",
        "feet hardly seen",
        "one side hardly seen",
    ):
        assert (found[name].given, found[name].windows > 10) == (0, True)
    assert found["standing, 2.5 m"].resting == found["standing, 2.5 m"].windows
    inferred = found["feet inferred"]
    assert inferred.given == inferred.windows > 10
    assert inferred.quality < 0.7 * inferred.given


def test_it_says_where_data_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["walking_trial", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "kgbd_kinect1_20j.npz" in capsys.readouterr().err
