"""Tests of delivery over real sockets: ticks of files, windows of devices, acknowledged verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pytest
import zmq

from stream.bus.delivery import Sender
from stream.bus.encoder_choice import rendezvous
from stream.bus.file_delivery import CREDIT, MAX_ROWS, RESEND_S, ReliableSender
from stream.bus.live_delivery import LIVE_CREDIT, LIVE_MAX_ROWS, LOST_AFTER_S, RING_SIZE, LiveSender
from stream.bus.messages import (
    Ack,
    Tick,
    TrackNote,
    TrackPlace,
    TrackSplit,
    Verdict,
    VerdictReceipt,
    WindowRow,
    pack,
    unpack,
)
from stream.bus.outbox import LIMIT, TOGETHER, Outbox
from stream.bus.sockets import Bus, create_wiring
from stream.decision import Decision

WAIT_MS = 5000
Make = Callable[[Bus, "Clock"], tuple[Sender, zmq.Socket[bytes], "Acks"]]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Acks:
    """Both ends of the connection for acknowledgements; the sender reads `dealer`."""

    router: zmq.Socket[bytes]
    dealer: zmq.Socket[bytes]


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    with Bus(create_wiring(tmp_path)) as opened:
        yield opened


def tick(*tracks: int, value: float = 0.0) -> tuple[Tick, np.ndarray]:
    joints = np.full((len(tracks), 6, 20, 3), value, np.float32)
    rows = tuple(WindowRow(track, 0, 1, 2, 1.0) for track in tracks)
    return Tick(0, 0, 0, shape=joints.shape if tracks else (), rows=rows), joints


def receive(socket: zmq.Socket[bytes]) -> tuple[Tick, np.ndarray]:
    assert socket.poll(WAIT_MS), "no message received"
    message, block = unpack(socket.recv_multipart())
    assert isinstance(message, Tick)
    return message, block


def connect_acks(bus: Bus) -> Acks:
    return Acks(bus.bind(zmq.ROUTER, "acks"), bus.connect(zmq.DEALER, "acks", identity=b"capture-0"))


def reliable(bus: Bus, clock: Clock) -> tuple[ReliableSender, zmq.Socket[bytes], Acks]:
    pull = bus.bind(zmq.PULL, "windows", high_water=1000)
    push = bus.connect(zmq.PUSH, "windows", high_water=1000)
    acks = connect_acks(bus)
    return ReliableSender([push], acks.dealer, 0, clock), pull, acks


def acknowledge(acks: Acks, sender: Sender, seq: int) -> None:
    """Acknowledges a tick, and returns when the sender has read that."""
    acks.router.router_mandatory = True
    while True:
        try:
            acks.router.send_multipart([b"capture-0", *pack(Ack(0, 0, seq))])
            break
        except zmq.ZMQError:
            sender.pump(0.01)  # not connected yet
    assert acks.dealer.poll(WAIT_MS)
    for _ in range(3):
        sender.pump(0.01)


def test_ticks_of_a_file_are_sent_in_order_up_to_the_credit(bus: Bus) -> None:
    sender, pull, acks = reliable(bus, Clock())
    for _ in range(CREDIT):
        assert sender.has_room
        sender.offer(*tick(1))
    assert not sender.has_room
    sender.pump(1.0)
    assert [receive(pull)[0].seq for _ in range(CREDIT)] == list(range(CREDIT))
    assert not sender.idle
    acknowledge(acks, sender, CREDIT - 1)
    assert sender.idle
    assert sender.has_room
    assert sender.dropped == 0


def test_unacknowledged_ticks_are_resent_from_the_first(bus: Bus) -> None:
    clock = Clock()
    sender, pull, acks = reliable(bus, clock)
    for _ in range(4):
        sender.offer(*tick(1))
    sender.pump(1.0)
    assert [receive(pull)[0].seq for _ in range(4)] == [0, 1, 2, 3]
    acknowledge(acks, sender, 1)
    assert not pull.poll(0), "resent before the timeout"
    clock.now += RESEND_S + 0.1
    sender.pump(0.01)
    sender.pump(1.0)
    assert [receive(pull)[0].seq for _ in range(2)] == [2, 3]


def live(bus: Bus, clock: Clock) -> tuple[LiveSender, zmq.Socket[bytes], Acks]:
    pull = bus.bind(zmq.PULL, "windows", high_water=1000)
    push = bus.connect(zmq.PUSH, "windows", high_water=1000)
    acks = connect_acks(bus)
    return LiveSender([push], acks.dealer, 0, clock=clock), pull, acks


def test_a_device_keeps_the_newest_windows_of_each_track_and_counts_dropped_ones(bus: Bus) -> None:
    sender, pull, acks = live(bus, Clock())
    for value in range(LIVE_CREDIT):
        sender.offer(*tick(1, 2, value=value))
        sender.pump(5.0)
        assert receive(pull)[0].seq == value
    waiting = [10.0 + number for number in range(3 + RING_SIZE)]
    for newest in waiting:
        sender.offer(*tick(1, 2, value=newest))
        sender.pump(0)
    assert sender.dropped == 2 * 3
    assert not sender.idle
    assert not pull.poll(0), "more ticks in flight than the credit"
    acknowledge(acks, sender, 0)
    message, block = receive(pull)
    assert message.seq == LIVE_CREDIT
    assert [row.track for row in message.rows] == [1] * RING_SIZE + [2] * RING_SIZE
    assert block[:, 0, 0, 0].tolist() == 2 * waiting[3:]
    assert sender.idle


def test_a_device_continues_after_unacknowledged_ticks_time_out(bus: Bus) -> None:
    clock = Clock()
    sender, pull, _ = live(bus, clock)
    for _ in range(LIVE_CREDIT + 1):
        sender.offer(*tick(1))
        sender.pump(1.0)
    assert not sender.idle
    clock.now += LOST_AFTER_S + 0.1
    sender.pump(0)
    sender.pump(1.0)
    assert sender.idle
    assert [receive(pull)[0].seq for _ in range(LIVE_CREDIT + 1)] == list(range(LIVE_CREDIT + 1))


def test_many_tracks_take_turns_and_track_ends_follow_their_windows(bus: Bus) -> None:
    clock = Clock()
    sender, pull, acks = live(bus, clock)
    tracks = range(1, LIVE_MAX_ROWS + 11)
    for _ in range(LIVE_CREDIT):
        sender.offer(Tick(0, 0, 0), np.zeros((0, 6, 20, 3), np.float32))
        sender.pump(5.0)
        receive(pull)
    sender.offer(*tick(*tracks))
    late = LIVE_MAX_ROWS + 5
    empty = np.zeros((0, 6, 20, 3), np.float32)
    sender.offer(Tick(0, 0, 0, ended=(1, late), last=True), empty)
    acknowledge(acks, sender, LIVE_CREDIT)  # frees the whole credit
    first, _ = receive(pull)
    assert [row.track for row in first.rows] == list(tracks)[:LIVE_MAX_ROWS]
    assert (first.ended, first.last) == ((1,), False)
    second, _ = receive(pull)
    assert [row.track for row in second.rows] == list(tracks)[LIVE_MAX_ROWS:]
    assert (second.ended, second.last) == ((1, late), True), "the end of track 1 is repeated"
    assert first.open == tuple(tracks)[LIVE_MAX_ROWS:]
    assert not sender.idle, "the last tick is not acknowledged"
    clock.now += LOST_AFTER_S + 0.1
    sender.pump(0.01)
    again, _ = receive(pull)
    assert again == second
    acknowledge(acks, sender, again.seq)
    assert sender.idle
    assert sender.dropped == 0


def test_a_tick_with_too_many_windows_is_split(bus: Bus) -> None:
    sender, pull, _ = reliable(bus, Clock())
    message, joints = tick(*range(1, 2 * MAX_ROWS + 2))
    message = msgspec.structs.replace(message, notes=(TrackNote(1, 0, None),), ended=(1,), last=True)
    message = msgspec.structs.replace(message, cut=dict.fromkeys(range(1, 2 * MAX_ROWS + 2), 1))
    sender.offer(message, joints)
    sender.pump(1.0)
    parts = [receive(pull)[0] for _ in range(3)]
    assert [part.seq for part in parts] == [0, 1, 2]
    assert [len(part.rows) for part in parts] == [MAX_ROWS, MAX_ROWS, 1]
    assert [row for part in parts for row in part.rows] == list(message.rows)
    assert [part.notes for part in parts] == [message.notes, (), ()]
    assert [part.ended for part in parts] == [(), (), (1,)]
    assert [part.last for part in parts] == [False, False, True]
    assert [part.cut[MAX_ROWS + 1] for part in parts] == [0, 1, 1], "counted up to the part's rows"


@pytest.mark.slow
def test_track_ends_and_notes_are_never_dropped(bus: Bus) -> None:
    sender, pull, _ = live(bus, Clock())
    empty = np.zeros((0, 6, 20, 3), np.float32)
    for number in range(10):
        sender.offer(Tick(0, 0, 0, notes=(TrackNote(number, 0, None),), ended=(number,)), empty)
    sender.offer(Tick(0, 0, 0, last=True), empty)
    sender.pump(5.0)
    message, _ = receive(pull)
    assert message.ended == tuple(range(10))
    assert [note.track for note in message.notes] == list(range(10))
    assert message.last


def verdict(number: int) -> Verdict:
    decision = Decision("x", "s", 1, 0.0, "", "unknown", None, None, None, None, None, "", None, False)
    return Verdict(number, 1.0, 1.0, decision)


def verdict_numbers(parts: list[bytes]) -> list[int]:
    """Returns the numbers of the verdicts in one message of ZeroMQ, two parts each."""
    messages = [unpack(parts[n : n + 2])[0] for n in range(0, len(parts), 2)]
    assert 1 <= len(messages) <= TOGETHER
    return [message.number for message in messages if isinstance(message, Verdict)]


def test_the_outbox_of_a_file_fills_up_and_empties_with_receipts(bus: Bus) -> None:
    router = bus.bind(zmq.ROUTER, "sink", high_water=1000)
    outbox = Outbox(bus.connect(zmq.DEALER, "sink", high_water=1000))
    for _ in range(LIMIT):
        assert not outbox.full
        outbox.put(verdict(outbox.next_number))
    outbox.pump()
    assert outbox.full
    numbers: list[int] = []
    while len(numbers) < LIMIT:
        assert router.poll(WAIT_MS)
        identity, *parts = router.recv_multipart()
        numbers += verdict_numbers(parts)
    assert numbers == list(range(1, LIMIT + 1))
    router.send_multipart([identity, *pack(VerdictReceipt(LIMIT // 2))])
    assert outbox.socket.poll(WAIT_MS)
    outbox.pump()
    assert not outbox.full
    assert outbox.dropped == 0


@pytest.mark.slow
def test_the_outbox_of_a_device_drops_the_oldest_verdicts_but_no_final_one(bus: Bus) -> None:
    router = bus.bind(zmq.ROUTER, "sink", high_water=1000)
    outbox = Outbox(bus.connect(zmq.DEALER, "sink", high_water=1000))
    outbox.put(verdict(outbox.next_number))
    for _ in range(LIMIT + 9):
        outbox.put(verdict(outbox.next_number), may_drop=True)
    outbox.put(verdict(outbox.next_number))
    last = outbox.next_number - 1
    assert outbox.dropped == 10
    received: list[int] = []
    while len(received) < LIMIT + 1:
        outbox.pump()
        if router.poll(WAIT_MS):
            identity, *parts = router.recv_multipart()
            received += verdict_numbers(parts)
            router.send_multipart([identity, *pack(VerdictReceipt(received[-1]))])
    assert received[0] == 1
    assert received[-1] == last
    assert received == sorted(received)
    assert len(received) == last - outbox.dropped


def test_the_outbox_of_a_device_drops_nothing_that_a_receipt_on_its_way_makes_room_for(bus: Bus) -> None:
    router = bus.bind(zmq.ROUTER, "sink", high_water=1000)
    outbox = Outbox(bus.connect(zmq.DEALER, "sink", high_water=1000))
    for _ in range(LIMIT):
        outbox.put(verdict(outbox.next_number), may_drop=True)
    outbox.pump()
    numbers: list[int] = []
    while len(numbers) < LIMIT:
        assert router.poll(WAIT_MS)
        identity, *parts = router.recv_multipart()
        numbers += verdict_numbers(parts)
    router.send_multipart([identity, *pack(VerdictReceipt(64))])
    assert outbox.socket.poll(WAIT_MS)
    for _ in range(64):
        outbox.put(verdict(outbox.next_number), may_drop=True)
    assert outbox.dropped == 0
    outbox.put(verdict(outbox.next_number), may_drop=True)
    assert outbox.dropped == 1, "the oldest that waits: the receipt is used up"
    router.send_multipart([identity, *pack(VerdictReceipt(LIMIT))])
    assert outbox.socket.poll(WAIT_MS)
    outbox.pump()
    received: list[int] = []
    while len(received) < 64:
        assert router.poll(WAIT_MS)
        received += verdict_numbers(router.recv_multipart()[1:])
    assert received == list(range(LIMIT + 2, LIMIT + 66))


def test_the_end_of_a_track_of_a_device_arrives_though_the_process_that_had_it_died(bus: Bus) -> None:
    clock = Clock()
    sender, pull, acks = live(bus, clock)
    empty = np.zeros((0, 6, 20, 3), np.float32)
    message, joints = tick(1)
    sender.offer(msgspec.structs.replace(message, open=(1,), cut={1: 1}), joints)
    sender.pump(5.0)
    split = TrackSplit(1, 2, 50)
    sender.offer(Tick(0, 0, 0, ended=(1,), open=(2,), cut={1: 1, 2: 0}, splits=(split,)), empty)
    sender.pump(5.0)
    assert [receive(pull)[0].ended for _ in range(2)] == [(), (1,)]  # and both are lost
    for seq in range(2, 2 + LIVE_CREDIT + 1):
        clock.now += LOST_AFTER_S + 0.1
        for _ in range(3):
            sender.pump(0.01)
        again, _ = receive(pull)
        assert (again.seq, again.ended, again.splits, again.cut) == (seq, (1,), (split,), {1: 1, 2: 0})
    acknowledge(acks, sender, 2 + LIVE_CREDIT)
    ends = []
    for _ in range(2 * LIVE_CREDIT + 1):
        sender.offer(Tick(0, 0, 0, open=(2,)), empty)
        sender.pump(5.0)
        arrived, _ = receive(pull)
        ends.append(arrived.ended)
        acknowledge(acks, sender, arrived.seq)
    assert ends[-1] == (), "until all acknowledged ticks cannot be the lost ones"
    clock.now += LOST_AFTER_S + 0.1
    sender.pump(0.01)
    sender.offer(Tick(0, 0, 0, open=(3,)), empty)
    sender.pump(5.0)
    assert receive(pull)[0].open == (3,), "an end that has arrived is not repeated"


def test_windows_cut_for_a_track_of_a_device_are_sent_waiting_or_dropped(bus: Bus) -> None:
    sender, pull, acks = live(bus, Clock())
    sent, cut = 0, 0
    for size in (1, 1, 5, 1, 3):
        message, joints = tick(*[1] * size)
        cut += size
        sender.offer(msgspec.structs.replace(message, open=(1,), cut={1: cut}), joints)
        sender.pump(0)
    acknowledge(acks, sender, LIVE_CREDIT - 1)
    for _ in range(LIVE_CREDIT + 1):
        message, _ = receive(pull)
        sent += len(message.rows)
        assert message.cut == {1: sent} if message.seq < LIVE_CREDIT else message.cut == {1: cut}
    assert sent + sender.dropped == cut


@pytest.mark.parametrize(("make", "windows"), [(reliable, MAX_ROWS + 3), (live, 2 * LIVE_MAX_ROWS)])
def test_every_part_of_a_tick_states_the_pose_model_and_each_window_its_view(
    bus: Bus, make: Make, windows: int
) -> None:
    sender, pull, _ = make(bus, Clock())
    message, joints = tick(*range(1, windows + 1))
    rows = tuple(msgspec.structs.replace(row, view="away") for row in message.rows)
    sender.offer(msgspec.structs.replace(message, rows=rows, pose_model="full"), joints)
    received = 0
    while received < len(rows):
        sender.pump(1.0)
        part, _ = receive(pull)
        assert part.pose_model == "full"
        assert {row.view for row in part.rows} == {"away"}
        received += len(part.rows)


@dataclass(frozen=True)
class Encoders:
    """Both ends of the channels to two encoders, and a track of each."""

    pushes: list[zmq.Socket[bytes]]
    pulls: list[zmq.Socket[bytes]]
    tracks: tuple[int, int]


@pytest.fixture
def encoders(tmp_path: Path) -> Iterator[tuple[Bus, Encoders]]:
    with Bus(create_wiring(tmp_path, encoders=2)) as bus:
        pulls = [bus.bind(zmq.PULL, "windows", high_water=1000, number=number) for number in range(2)]
        pushes = [bus.connect(zmq.PUSH, "windows", high_water=1000, number=number) for number in range(2)]
        first, second = (
            next(track for track in range(1, 99) if rendezvous(0, track, 2) == number) for number in range(2)
        )
        yield bus, Encoders(pushes, pulls, (first, second))


def test_an_encoder_that_takes_nothing_holds_back_its_own_tracks_alone(
    encoders: tuple[Bus, Encoders],
) -> None:
    bus, ends = encoders
    acks, (healthy, stuck) = connect_acks(bus), ends.tracks
    sender = LiveSender(ends.pushes, acks.dealer, 0, clock=Clock())
    for seq in range(10):
        sender.offer(*tick(healthy, stuck, value=seq))
        sender.pump(0.0)
        message, block = receive(ends.pulls[0])
        assert (message.seq, [row.track for row in message.rows]) == (seq, [healthy])
        assert block[:, 0, 0, 0].tolist() == [seq]
        acknowledge(acks, sender, seq)
    assert sender.dropped == 10 - LIVE_CREDIT - RING_SIZE
    sent = [receive(ends.pulls[1])[0] for _ in range(LIVE_CREDIT)]
    assert [(message.seq, message.encoder) for message in sent] == [(0, 1), (1, 1)]
    assert not ends.pulls[1].poll(0)
    assert not sender.idle, "windows wait for the encoder that is stuck"


def test_places_of_tracks_whose_encoder_is_stuck_go_through_the_other(encoders: tuple[Bus, Encoders]) -> None:
    bus, ends = encoders
    acks, (healthy, stuck) = connect_acks(bus), ends.tracks
    sender = LiveSender(ends.pushes, acks.dealer, 0, clock=Clock())
    newest: dict[int, int] = {}
    for seq in range(10):
        message, joints = tick(healthy, stuck)
        places = tuple(TrackPlace(track, seq, 0.0, 2.0, 1.0) for track in ends.tracks)
        sender.offer(msgspec.structs.replace(message, places=places), joints)
        sender.pump(0.05)
        message, _ = receive(ends.pulls[0])
        newest |= {place.track: place.time_ns for place in message.places}
        acknowledge(acks, sender, seq)
    assert newest == {healthy: 9, stuck: 9}


def test_a_tick_that_says_nothing_takes_the_way_that_is_free(encoders: tuple[Bus, Encoders]) -> None:
    bus, ends = encoders
    acks = connect_acks(bus)
    sender = LiveSender(ends.pushes, acks.dealer, 0, clock=Clock())
    empty = np.zeros((0, 6, 20, 3), np.float32)
    for time_ns in range(2 * LIVE_CREDIT):
        sender.offer(Tick(0, 0, 0, time_ns=time_ns), empty)
        sender.pump(1.0)
    for number, pull in enumerate(ends.pulls):
        times = [receive(pull)[0].time_ns for _ in range(LIVE_CREDIT)]
        assert times == [number * LIVE_CREDIT + seq for seq in range(LIVE_CREDIT)]
        assert not pull.poll(0)


def test_the_last_tick_of_a_device_goes_through_every_encoder(encoders: tuple[Bus, Encoders]) -> None:
    bus, ends = encoders
    acks = connect_acks(bus)
    sender = LiveSender(ends.pushes, acks.dealer, 0, clock=Clock())
    message, joints = tick(*ends.tracks)
    sender.offer(msgspec.structs.replace(message, ended=ends.tracks, last=True), joints)
    sender.pump(1.0)
    for track, pull in zip(ends.tracks, ends.pulls, strict=True):
        last, _ = receive(pull)
        assert (last.last, last.ended, [row.track for row in last.rows]) == (True, (track,), [track])
    acknowledge(acks, sender, 0)
    assert not sender.idle
    acks.router.send_multipart([b"capture-0", *pack(Ack(0, 0, 0, encoder=1))])
    assert acks.dealer.poll(WAIT_MS)
    sender.pump(0)
    assert sender.idle


def test_a_file_sends_each_encoder_what_its_socket_takes_and_all_again_if_nothing_is_acknowledged(
    tmp_path: Path,
) -> None:
    clock = Clock()
    with Bus(create_wiring(tmp_path, encoders=2)) as bus:
        tracks = [next(each for each in range(1, 99) if rendezvous(0, each, 2) == n) for n in range(2)]
        pull = bus.bind(zmq.PULL, "windows", high_water=1000)
        pushes = [
            bus.connect(zmq.PUSH, "windows", high_water=1000),
            bus.connect(zmq.PUSH, "windows", high_water=1, number=1),  # of an encoder that does not run
        ]
        sender = ReliableSender(pushes, connect_acks(bus).dealer, 0, clock)
        for _ in range(6):
            sender.offer(*tick(*tracks))
        sender.pump(1.0)
        sent = [receive(pull)[0] for _ in range(6)]
        assert [message.seq for message in sent] == list(range(6)), "it does not wait for the other encoder"
        assert {(message.encoder, message.parts, message.positions) for message in sent} == {(0, 2, (0,))}
        clock.now += RESEND_S + 0.1
        late = bus.bind(zmq.PULL, "windows", high_water=1000, number=1)
        seqs: list[int] = []
        for _ in range(100):
            sender.pump(0.1)
            while late.poll(10):
                seqs.append(receive(late)[0].seq)
            if len(seqs) > 6 and set(seqs) == set(range(6)):
                break
        else:
            pytest.fail(f"that one gets all, some again; it got {seqs}")
        assert [receive(pull)[0].seq for _ in range(6)] == list(range(6)), "again"
