"""Which pose model a source uses: the user's, `full` for files, and live the one that keeps up."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.body import Image
from stream.recording import RecordingWriter, read_recording
from stream.sources import open_source
from stream.sources.camera.camera_options import CameraOptions
from stream.sources.camera.detected_bodies import PoseCost
from stream.sources.camera.model_choice import LivePipelines, keeps_up
from tests.stream.sources.camera_streams import NumberPosePipeline
from tests.stream.sources.videos import video_pose_pipeline, write_video
from tools.doctor.source_check import check_source

IMAGE = np.zeros((480, 640, 3), np.uint8)
FAST, SLOW = PoseCost(0.025, 0.03), PoseCost(0.05, 0.06)


def test_two_people_ten_times_a_second_are_enough() -> None:
    # At 30 pictures a second: two searches each 0.15 s, and two poses, in 0.1 s.
    assert keeps_up(PoseCost(0.0, 0.049), 1 / 30) and not keeps_up(PoseCost(0.0, 0.051), 1 / 30)
    assert keeps_up(PoseCost(0.074, 0.0), 1 / 30) and not keeps_up(PoseCost(0.076, 0.0), 1 / 30)
    assert keeps_up(FAST, 1 / 30) and not keeps_up(SLOW, 1 / 30)
    assert keeps_up(PoseCost(0.0, 0.09), 1 / 5), "a slow camera leaves more time"


costs = st.floats(0, 0.5)


@given(costs, costs, costs, st.floats(0.005, 1), st.floats(0, 1))
def test_more_time_never_speaks_against_the_better_model(
    detection: float, pose: float, less: float, interval: float, more: float
) -> None:
    if keeps_up(PoseCost(detection, pose), interval):
        assert keeps_up(PoseCost(detection, max(0.0, pose - less)), interval)
        assert keeps_up(PoseCost(max(0.0, detection - less), pose), interval)
    assert keeps_up(PoseCost(detection, pose), interval) == keeps_up(PoseCost(detection, pose), interval)


class Measured(NumberPosePipeline):
    """A fake pipeline that states its cost, and remembers which were opened."""

    opened: list[str] = []  # noqa: RUF012 - reset by the fixture
    cost = FAST

    def __init__(self, model: str, *_: object) -> None:
        super().__init__({0: ()})
        self.model = model
        Measured.opened.append(model)

    def measure(self, image: Image) -> PoseCost:
        assert image.shape == IMAGE.shape
        return Measured.cost


@pytest.fixture(autouse=True)
def pipelines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Measured, "opened", [])
    monkeypatch.setattr("stream.sources.camera.pose_pipeline.open_pose_pipeline", Measured)


@pytest.mark.parametrize(("cost", "model"), [(FAST, "full"), (SLOW, "lite")])
def test_a_live_camera_has_one_model_for_all_its_connections(
    cost: PoseCost, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Measured, "cost", cost)
    live = LivePipelines(CameraOptions())
    assert live.model == "", "not chosen before there is a picture"
    first = live.open(IMAGE, 1 / 30)
    assert isinstance(first, Measured) and first.model == live.model == model and not first.closed
    monkeypatch.setattr(Measured, "cost", FAST if cost is SLOW else SLOW)
    again = live.open(IMAGE, 1 / 30)
    assert isinstance(again, Measured) and again.model == live.model == model


@pytest.mark.parametrize("model", ["lite", "full"])
def test_the_users_model_is_kept(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Measured, "cost", SLOW if model == "full" else FAST)
    live = LivePipelines(CameraOptions(model))
    live.open(IMAGE, 1 / 30)
    assert Measured.opened == [live.model] == [model]


@pytest.mark.parametrize(("options", "model"), [("", "full"), (":model=lite", "lite")])
def test_a_recording_states_the_model_of_a_video(tmp_path: Path, options: str, model: str) -> None:
    path = write_video(tmp_path / "walk.avi", frames=2)
    with video_pose_pipeline(), contextlib.closing(open_source(f"{path}{options}", speed=0)) as source:
        assert source.info.pose_model == model
        found = check_source(f"{path}{options}", tmp_path / "seen.png")
        assert f"camera, model {model}; " in found.result
        frame = source.read(0)
        assert frame is not None
        with RecordingWriter(tmp_path / "walk.mcap", source.info) as writer:
            writer.write(frame)
    with read_recording(tmp_path / "walk.mcap") as recording:
        assert recording.info.pose_model == model
    with contextlib.closing(open_source(str(tmp_path / "walk.mcap"), speed=0)) as source:
        assert source.info.pose_model == model
