"""Skeletons for a view without images: what is sent, how often, and that a slow reader stops nobody."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from stream import Live
from stream.body import Body, BodyFrame
from stream.bus.sockets import Bus, create_wiring
from stream.skeleton import LAYOUTS
from stream.view.skeleton_frames import (
    INTERVAL_S,
    ShownBody,
    SkeletonFrame,
    SkeletonSender,
    frame_of,
    unpack_frame,
)
from stream.view.skeleton_receiver import SkeletonReceiver, open_skeletons
from tests.stream.bodies import walking

KINECT = LAYOUTS["kinect-v1"]
WAIT_S = 60.0


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    with Bus(create_wiring(tmp_path)) as opened:
        yield opened


def body(identity: int = 7) -> Body:
    return Body(identity, walking(np.array([0]))[0], np.full(20, 0.876, np.float32))


def test_a_frame_holds_the_joints_of_each_track_in_millimetres() -> None:
    shown = body()
    shown.joints[3] = np.nan
    shown.confidence[3] = 0
    sent = frame_of(BodyFrame(1_234_567_890, (shown, body(9), shown)), {7: 3}, 1, KINECT)
    assert (sent.source, sent.t, [each.track for each in sent.bodies]) == (1, 1.235, [3])
    joints, confidence = sent.bodies[0].joints, sent.bodies[0].confidence
    assert len(joints) == len(confidence) == 20
    assert joints[3] is None and confidence[3] == 0
    assert joints[0] == pytest.approx((0, 0, 3), abs=0.0005), "the middle of the hips keeps its place"
    assert all(value == round(value, 3) for joint in joints if joint for value in joint)
    assert set(confidence) == {0.0, 0.88}


def test_at_most_ten_frames_a_second_are_sent(bus: Bus) -> None:
    socket, clock = bus.bind(zmq.PULL, "skeletons", high_water=100), Clock()
    sender = SkeletonSender(bus, 0, KINECT, clock=clock)
    sent: list[SkeletonFrame] = []
    for number in range(60):  # two seconds at 30 frames a second
        clock.now = 1.0 + number / 30
        sender.show(BodyFrame(number, (body(),)), {7: 1})
        while socket.poll(5 if sent else int(1000 * WAIT_S)):
            sent.append(unpack_frame(socket.recv()))
    assert 2 / INTERVAL_S / 2 < len(sent) <= 2 / INTERVAL_S


def test_a_receiver_that_does_not_read_loses_frames_and_delays_nobody(bus: Bus) -> None:
    clock = Clock()
    sender = SkeletonSender(bus, 0, KINECT, clock=clock)
    for number in range(6000):  # without a receiver, then with one that does not read
        if number == 1000:
            socket = bus.bind(zmq.PULL, "skeletons", high_water=2)
        clock.now += INTERVAL_S
        sender.show(BodyFrame(0, (body(),)), {7: 1})
    received = []
    while socket.poll(1000):
        received.append(socket.recv())
    assert len(received) < 1000, "more than the buffers of the system hold"
    clock.now += INTERVAL_S
    sender.show(BodyFrame(10**12, (body(),)), {7: 1})
    assert socket.poll(int(1000 * WAIT_S))
    assert unpack_frame(socket.recv()).t == 1000


def test_the_receiver_continues_after_a_message_that_is_no_frame(bus: Bus) -> None:
    with open_skeletons(bus) as receiver:
        other = bus.connect(zmq.PUSH, "skeletons")
        for message in (b"", b"\xc1", b"\x80"):
            other.send(message)
        SkeletonSender(bus, 2, KINECT).show(BodyFrame(0, (body(),)), {7: 3})
        _, frames = receiver.newer(0, WAIT_S)
        assert [frame.source for frame in frames] == [2]


@given(st.lists(st.one_of(st.integers(0, 3), st.none()), max_size=40))
def test_a_reader_gets_the_newest_frame_of_each_source_once(steps: list[int | None]) -> None:
    """A source number puts a frame, None reads."""
    receiver, number = SkeletonReceiver(), 0
    waiting: dict[int, float] = {}
    for t, source in enumerate(steps):
        if source is not None:
            waiting.pop(source, None)
            waiting[source] = float(t)
            receiver.put(SkeletonFrame(source, float(t), ()))
            continue
        number, frames = receiver.newer(number)
        assert {frame.source: frame.t for frame in frames} == waiting
        assert [frame.t for frame in frames] == sorted(waiting.values())
        waiting.clear()


def test_a_reader_waits_for_a_frame() -> None:
    receiver = SkeletonReceiver()
    frame = SkeletonFrame(0, 1.0, (ShownBody(1, (None,) * 20, (0.0,) * 20),))
    found: list[tuple[int, tuple[SkeletonFrame, ...]]] = []
    reader = threading.Thread(target=lambda: found.append(receiver.newer(0, WAIT_S)))
    reader.start()
    receiver.put(frame)
    reader.join()
    assert found == [(1, (frame,))]


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.usefixtures("runtime_dir")
def test_skeletons_of_a_running_system_change_no_decision(tmp_path: Path) -> None:
    sources = ["walkers:n=2,seed=3,seconds=4,live=0", "walkers:n=1,seed=4,seconds=4,live=0"]

    def decided(*, skeletons: bool) -> tuple[list[tuple[int, float, float | None]], SkeletonReceiver | None]:
        with Live(sources, str(tmp_path / "g.db"), speed=0, skeletons=skeletons) as live:
            found = sorted((each.track, each.t, each.score) for each in live)
            return found, live.skeletons

    without, none = decided(skeletons=False)
    shown, receiver = decided(skeletons=True)
    assert without == shown and without
    assert none is None and receiver is not None
    _, frames = receiver.newer(0)  # nobody read before
    assert {frame.source for frame in frames} == {0, 1}
    for frame in frames:
        assert {(each.track - 1) % 2 for each in frame.bodies} == {frame.source}
        for each in frame.bodies:
            hips = each.joints[0]
            assert hips is not None and 1 < hips[2] < 6, "metres from the sensor"
