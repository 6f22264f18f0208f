"""The parent's end of the channel of verdicts: one receipt acknowledges several, and none is left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from stream.bus.messages import SourceEnded, pack
from stream.bus.outbox import LIMIT, Outbox
from stream.bus.sockets import Bus, create_wiring
from stream.system.verdict_receiver import VerdictReceiver

WAIT_S = 60.0


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[Outbox, VerdictReceiver]]:
    wiring = create_wiring(tmp_path)
    with Bus(wiring) as parent, Bus(wiring) as matcher:
        receiver = VerdictReceiver(parent)
        yield Outbox(matcher.connect(zmq.DEALER, "sink", high_water=LIMIT)), receiver


def next_of(outbox: Outbox, receiver: VerdictReceiver) -> int:
    """Returns the number of the next message."""
    while True:
        outbox.pump()
        message = receiver.receive()
        if message is not None:
            assert isinstance(message, SourceEnded)
            return message.number
        receiver.wait(0.01)


def acknowledged(outbox: Outbox, receiver: VerdictReceiver, count: int) -> int:
    """Returns in how many receipts so many messages were acknowledged, once all are."""
    receipts, waiting = 0, outbox.waiting
    numbers: list[int] = []
    while outbox.waiting or len(numbers) < count:
        message = receiver.receive()
        if isinstance(message, SourceEnded):
            numbers.append(message.number)
        outbox.pump()
        receipts += outbox.waiting < waiting
        waiting = outbox.waiting
    assert numbers == list(range(1, count + 1))
    return receipts


def test_messages_that_wait_together_are_acknowledged_together(ends: tuple[Outbox, VerdictReceiver]) -> None:
    outbox, receiver = ends
    for source in range(200):
        outbox.put(SourceEnded(outbox.next_number, source))
    outbox.pump()
    assert 1 <= acknowledged(outbox, receiver, 200) <= 100
    assert outbox.waiting == 0


def test_a_message_is_acknowledged_after_the_next_is_asked_for(ends: tuple[Outbox, VerdictReceiver]) -> None:
    outbox, receiver = ends
    outbox.put(SourceEnded(outbox.next_number, 0))
    assert next_of(outbox, receiver) == 1
    outbox.pump()
    assert outbox.waiting == 1
    while outbox.waiting:
        assert receiver.receive() is None
        outbox.pump()


def test_what_is_malformed_is_skipped(ends: tuple[Outbox, VerdictReceiver]) -> None:
    outbox, receiver = ends
    outbox.socket.send_multipart([b"SGE", b""])
    outbox.socket.send_multipart(pack(SourceEnded(1, 4)))
    assert next_of(outbox, receiver) == 1
