"""A short scripted scene through the functions of the live path."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from stream.visits.events import Left
from tools.backend_fit.offline_pipeline import encode_walk, enrol, simulated_walks
from tools.trials.visits.__main__ import app
from tools.trials.visits.figures import measure
from tools.trials.visits.replay import LivePath, visit_events
from tools.trials.visits.scripted_scene import scripted_scene


@pytest.mark.slow
def test_a_short_scene_has_one_visit_for_nearly_every_passage() -> None:
    scene, live = scripted_scene(21, minutes=2.0, people=4), LivePath()
    replayed = live.replay(scene.sources)
    walks = [encode_walk(live.encoder, walk) for walk in simulated_walks(2, 21, 1, 10.0)]
    events = visit_events(replayed, live.matcher(replayed.cards, enrol(walks)), live.contract)
    found = measure(replayed.passages, replayed.shown, events, scene.enrolled)
    assert found.passages >= 4
    assert found.exact >= found.passages - 1
    assert found.silent == 0
    assert found.visits == sum(isinstance(event, Left) for event in events)


def test_the_scene_can_be_recorded(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["record", str(tmp_path), "--minutes", "0.5", "--seed", "3"])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.mcap", "front.mcap"]
    again = CliRunner().invoke(app, ["record", str(tmp_path), "--minutes", "0.5"])
    assert again.exit_code == 2
    assert "exists already" in again.output
