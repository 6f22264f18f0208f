"""People compared across pose models, on recordings of simulated people that state two models."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stream.body import Body, BodyFrame, SourceInfo
from stream.recording.writer import RecordingWriter
from stream.sources.simulated import SimulatedConfig, simulated_frames
from tools.trials import pose_models_across
from tools.trials.pose_models_across import Pairing, Passage, pair_passages


def record(path: Path, model: str, *, longer: float = 0.0, seed: int = 0) -> Path:
    """A recording of three simulated people, 20 s, whose joints lie a little further from the hips."""
    random = np.random.default_rng(seed)
    info = SourceInfo(path.name, "camera", "kinect-v1", live=False, finite=True, pose_model=model)
    with RecordingWriter(path, info) as writer:
        for frame in simulated_frames(SimulatedConfig(n=3, seed=5, walk=1, seconds=20, live=False)):
            writer.write(
                BodyFrame(frame.time_ns, tuple(_changed(body, longer, random) for body in frame.bodies))
            )
    return path


def _changed(body: Body, longer: float, random: np.random.Generator) -> Body:
    hips = body.joints[:1]
    noise = random.normal(0, 0.002, body.joints.shape).astype(np.float32)
    return replace(body, joints=hips + np.float32(1 + longer) * (body.joints - hips) + noise)


def run(monkeypatch: pytest.MonkeyPatch, *sources: Path) -> int:
    monkeypatch.setattr(sys, "argv", ["pose_models_across", *map(str, sources)])
    with pytest.raises(SystemExit) as ended:
        pose_models_across.main()
    return int(ended.value.code or 0)


@pytest.mark.slow
def test_people_are_compared_in_each_pairing_of_the_models(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = record(tmp_path / "full.mcap", "full")
    lite = record(tmp_path / "lite.mcap", "lite", longer=0.06, seed=1)
    assert run(monkeypatch, full, lite) == 0
    text = capsys.readouterr().out
    assert "3 tracks by full, 3 by lite, 3 by both; 3 of these walk for 3 s in each half, with 2.0 other" in (
        " ".join(text.split())
    )
    rows = [[cell.strip() for cell in line.split("\u2502")[1:-1]] for line in text.splitlines()]
    compared = {(row[0], row[1]): row[2:] for row in rows if len(row) == 5}
    for way in (("full", "full"), ("lite", "lite"), ("the same steps, full", "lite")):
        assert compared[way][:2] == ["3 of 3", "1.0"]
        assert float(compared[way][2]) > 0
    assert {("full", "lite"), ("lite", "full"), ("the same steps, lite", "full")} <= compared.keys()
    bones = {row[0]: float(row[1].rstrip("%")) for row in rows if len(row) == 2}
    assert bones["the same half, full and lite"] == pytest.approx(5.8, abs=0.5)
    assert bones["the same, without what all tracks share"] < 0.7
    assert bones["halves of a track, full"] < bones["two tracks, full"]


def test_sources_of_one_model_or_of_none_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    info = SourceInfo("a", "camera", "kinect-v1", live=False, finite=True)
    for name, model in (("full", "full"), ("none", "")):
        with RecordingWriter(tmp_path / f"{name}.mcap", replace(info, pose_model=model)) as writer:
            writer.write(BodyFrame(0, ()))
    full, none = tmp_path / "full.mcap", tmp_path / "none.mcap"
    assert run(monkeypatch, full, full) == 2
    assert "both sources have poses of full" in capsys.readouterr().err
    assert run(monkeypatch, none, full) == 2
    assert "states no pose model" in capsys.readouterr().err


def sights(*places: float, first: int = 0) -> Passage:
    """A passage in view for 20 frames at each place, a direction in radians."""
    times = [first + n for n in range(20 * len(places))]
    return Passage(
        {
            time: np.array([np.sin(at), 0, np.cos(at)], "f4")
            for time, at in zip(times, np.repeat(places, 20), strict=True)
        }
    )


def test_tracks_of_one_person_are_paired_by_where_they_are_and_when() -> None:
    ada, ben, later = sights(0.0, 0.1), sights(0.5, 0.5), sights(0.0, first=100)
    same_ada, same_ben, fragment = sights(0.005, 0.105), sights(0.5, 0.51), sights(0.1, first=20)
    assert pair_passages([ada, ben, later], [fragment, same_ben, same_ada]) == [
        Pairing(ada, same_ada),
        Pairing(ben, same_ben),
    ]
    assert pair_passages([], [ada]) == pair_passages([ada], []) == []
