"""The latency beside receivers that do harm: a system that serves, and a webhook receiver that hangs."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream.recording.writer import RecordingWriter
from tools.bench.simulated_gallery import make_gallery
from tools.trials.receivers import CONDITIONS, measure
from tools.trials.visits.scripted_scene import scripted_scene


@pytest.mark.slow
def test_decisions_go_on_beside_a_receiver_that_hangs(tmp_path: Path) -> None:
    gallery, scene = tmp_path / "gallery.db", tmp_path / "scene.mcap"
    make_gallery(gallery, people=4)
    source = scripted_scene(1, minutes=0.5).sources[0]
    with RecordingWriter(scene, source.info) as writer:
        for frame in source.frames:
            writer.write(frame)
    (condition,) = (each for each in CONDITIONS if "hangs" in each.name)
    assert condition.missing() == ""
    found = measure(condition, gallery, scene, 3.0)
    assert len(found.latencies) > 30
    assert found.p95 > 0
