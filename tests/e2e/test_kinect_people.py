"""Real people of another room before a fake Kinect v2: named by default after two walks each, a fifth not.

The back-end and what was measured elsewhere know none of them (`left_out/CARD.md`).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest

from stream import Live
from stream.body import BodyFrame, SourceInfo
from stream.consent import Consent
from stream.recording import RecordingWriter
from stream.skeleton import LAYOUTS
from stream.sources.kinect.kinect_device import KinectDevice
from stream.sources.kinect.pykinect import load_pykinect2
from tests.stream.sources.fake_kinect import FIRST_ID, FakeMachine, kinect_machine
from tests.stream.sources.sensors import FakePerson
from tools.datasets import Walk, find_walks

ENROLLED = ("201", "202", "203", "204")
STRANGER = "205"
JOINTS = LAYOUTS["kinect-v2"].joints
INFO = SourceInfo("kinect", "kinect-v2", "kinect-v2", live=False, finite=True)
TRACKED, NOT_TRACKED = 2, 0
FLOOR = (-0.018, 0.981, -0.192, 1.2)
"""The floor that UCalgary's sensor looked down on, as `python -m tools.trials.tilted_sensor` estimates it."""


@pytest.fixture(scope="module")
def machine() -> Iterator[FakeMachine]:
    with kinect_machine() as machine:
        yield machine


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The shipped encoder, beside a back-end that was fitted without UCalgary."""
    folder = tmp_path / "weights"
    shutil.copytree(Path(__file__).parent / "left_out", folder)
    with as_file(files("encoder") / "pretrained" / "encoder.safetensors") as shipped:
        shutil.copy(shipped, folder)
    return folder


def walks_of(data_dir: Path, people: Sequence[str]) -> dict[tuple[str, str], Walk]:
    refs = find_walks(data_dir / "kinect2_ucalgary_a_20j.npz")
    return {(ref.person, ref.walk): ref.read() for ref in refs if ref.person in people}


def before_the_sensor(machine: FakeMachine, walk: Walk, target: Path) -> str:
    """Records a walk that the fake sensor sees."""
    places = LAYOUTS["kinect-v2"].weights.argmax(axis=1)  # of the canonical joints among the sensor's
    machine.sensor.floor = FLOOR
    device = KinectDevice(load_pykinect2())
    try:
        with RecordingWriter(target, INFO) as recording:
            for time_ns, joints, confidence in zip(walk.time_ns, walk.joints, walk.confidence, strict=True):
                shown = np.zeros((len(JOINTS), 3), np.float32)
                shown[places] = joints
                states = np.full(len(JOINTS), NOT_TRACKED)
                states[places] = np.where(confidence > 0, TRACKED, NOT_TRACKED)
                machine.sensor.show(FakePerson(FIRST_ID, shown, tuple(states.tolist())))
                frame = device.read(60.0)
                assert frame is not None
                recording.write(BodyFrame(int(time_ns), frame.bodies))
    finally:
        device.close()
    return str(target)


@pytest.mark.slow
def test_four_people_of_another_room_are_named_and_a_fifth_is_not(
    machine: FakeMachine, data_dir: Path, weights: Path, tmp_path: Path
) -> None:
    walks = walks_of(data_dir, (*ENROLLED, STRANGER))

    def recorded(person: str, walk: str) -> str:
        return before_the_sensor(machine, walks[person, walk], tmp_path / f"{person}-{walk}.mcap")

    gallery = str(tmp_path / "gallery.db")
    enrolling = [recorded(person, walk) for person in ENROLLED for walk in ("N-1", "N-2")]
    with Live(enrolling, gallery, fpir=None, speed=0, encoder=[weights]) as live:
        for _ in live:
            pass
        for n, person in enumerate(ENROLLED):
            live.enrol(person, [2 * n + 1, 2 * n + 2], consent=Consent.STATED, seconds=1.5)

    probes = {recorded(person, "AR-3"): person for person in (*ENROLLED, STRANGER)}
    named: dict[str, set[str | None]] = {person: set() for person in probes.values()}
    with Live(list(probes), gallery, speed=0, encoder=[weights]) as live:
        for decision in live:
            assert decision.state == "collecting" or decision.provisional, "few people are enrolled"
            if decision.person:
                named[probes[decision.source]].add(decision.person)
    assert named == {**{person: {person} for person in ENROLLED}, STRANGER: set()}
