"""The trial of visits measures what the program does: both tell of the same visits on the same scene."""

from __future__ import annotations

from pathlib import Path

from stream.recording.writer import RecordingWriter
from stream.visits.events import Left, event_of
from tools.trials.program import Program
from tools.trials.visits.replay import LivePath, visit_events
from tools.trials.visits.scripted_scene import scripted_scene


def test_the_program_tells_of_the_visits_that_the_trial_measures(tmp_path: Path) -> None:
    scene, live = scripted_scene(31, minutes=1.0), LivePath()
    replayed = live.replay(scene.sources)
    expected = visit_events(replayed, live.matcher(replayed.cards, []), live.contract)
    sources = []
    for source in scene.sources:
        path = tmp_path / f"{source.info.name}.mcap"
        with RecordingWriter(path, source.info) as writer:
            for frame in source.frames:
                writer.write(frame)
        sources += ["--source", f"{source.info.name}={path}"]
    options = ("--gallery", str(tmp_path / "g.db"), "--speed", "0", "--json", "--events", "visits")
    told = [event_of(line.encode()) for line in Program().run(*sources, *options).splitlines()]

    def visits(events: list[object]) -> list[tuple[object, ...]]:
        left = [event for event in events if isinstance(event, Left)]
        return sorted((e.source, e.tracks, e.t, e.duration_s, e.walking_s) for e in left)

    assert visits([*told]) == visits([*expected])
    assert len(visits([*told])) >= 5
