"""Tests of the message encoding: pinned bytes, round trips, rejection of invalid messages."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.bus.messages import (
    Ack,
    BadMessage,
    EnrolReply,
    EnrolRequest,
    Message,
    SourceEnded,
    Status,
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
from stream.bus.window_times import WindowTimes
from stream.decision import Decision

TICK = Tick(
    source=1,
    epoch=0,
    seq=258,
    contract="c",
    shape=(1, 2),
    rows=(WindowRow(3, 0, 166_666_667, 5, 0.5, "away", 6),),
    notes=(TrackNote(4, 7, "joints missing"),),
    ended=(2,),
    cut={3: 9},
    splits=(TrackSplit(4, 10, 1000),),
    open=(4,),
    last=True,
    pose_model="full",
    time_ns=999,
    places=(TrackPlace(2, 7, 0.5, 3.0, 1.25),),
    sent_ns=10,
    taken_ns=11,
    encoded_ns=12,
    encoder=1,
    parts=2,
    positions=(3,),
)
DECISION = Decision(
    "r-1",
    "walk.mcap",
    1,
    0.5,
    "2026-01-01T00:00:00.000+00:00",
    "person",
    "Ada",
    "Ada",
    0.9,
    None,
    None,
    "",
    3,
    False,
)


def test_golden_bytes_of_a_tick() -> None:
    head, block = pack(TICK, np.array([[1.0, -2.5]], np.float32))
    assert head.hex() == (
        "53474503"  # "SGE", version 3
        "dc0016"  # twenty-two fields
        "a174"  # kind "t"
        "01"
        "00"
        "cd0102"  # source, epoch, seq
        "a163"  # contract "c"
        "920102"  # shape
        "91"
        "97"
        "03"
        "00"
        "ce09ef21ab"
        "05"
        "cb3fe0000000000000"
        "a461776179"
        "06"  # one row
        "91"
        "93"
        "04"
        "07"
        "ae6a6f696e7473206d697373696e67"  # one note
        "9102"  # ended
        "9104"  # open
        "c3"  # last
        "810309"  # windows cut
        "9193040acd03e8"  # one split
        "a466756c6c"  # pose model
        "cd03e7"  # time
        "91950207cb3fe0000000000000cb4008000000000000cb3ff4000000000000"  # one place
        "0a"
        "0b"
        "0c"  # sent, taken, encoded
        "01"
        "02"
        "9103"  # encoder, parts, positions
    )
    assert block.hex() == "0000803f000020c0"


MESSAGES: list[tuple[Message, str]] = [
    (Ack(1, 2, 3, 4), "5347450395a16101020304"),
    (VerdictReceipt(5), "5347450392a16705"),
    (SourceEnded(6, 1), "5347450393a1650601"),
    (EnrolReply("no"), "5347450399a172a26e6f00cb0000000000000000cb00000000000000009090a090"),
    (EnrolRequest("Ada", (2,), "--yes"), "5347450398a171a34164619102a52d2d796573cb0000000000000000c2c2a0"),
    (
        Status("encoder", 0, "ready", {"n": 1.0}),
        "5347450398a173a7656e636f64657200a5726561647981a16ecb3ff0000000000000a000c2",
    ),
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES, ids=lambda value: type(value).__name__)
def test_golden_bytes_of_messages_without_a_block(message: Message, expected: str) -> None:
    assert [part.hex() for part in pack(message)] == [expected, ""]
    assert unpack(pack(message))[0] == message


def test_a_verdict_round_trips() -> None:
    verdict = Verdict(1, 2.5, 0.75, DECISION, "standing still", WindowTimes(1, 2, 3, 4, 5, 6))
    assert unpack(pack(verdict))[0] == verdict


@given(
    n=st.integers(1, 5),
    values=st.floats(width=32, allow_nan=False, allow_infinity=False),
    seq=st.integers(0, 2**40),
)
def test_ticks_round_trip_bit_for_bit(n: int, values: float, seq: int) -> None:
    block = np.full((n, 6, 20, 3), values, np.float32)
    tick = Tick(0, 0, seq, "", block.shape, tuple(WindowRow(k, 0, 1, 2, 1.0) for k in range(n)))
    message, decoded = unpack(pack(tick, block))
    assert message == tick
    assert decoded.tobytes() == block.tobytes()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_rejected(bad: float) -> None:
    parts = pack(TICK, np.array([[1.0, bad]], np.float32))
    with pytest.raises(BadMessage, match="finite"):
        unpack(parts)


def test_wrong_sizes_are_rejected() -> None:
    head, block = pack(TICK, np.array([[1.0, 2.0]], np.float32))
    for parts in ([head], [head, block, b""], [head, block[:-1]], [head, block + b"\0"], [head, b""]):
        with pytest.raises(BadMessage):
            unpack(parts)
    with pytest.raises(BadMessage, match="no block"):
        unpack([pack(VerdictReceipt(1))[0], b"1234"])


def test_another_version_is_rejected() -> None:
    head, block = pack(TICK, np.array([[1.0, 2.0]], np.float32))
    with pytest.raises(BadMessage, match="SGE"):
        unpack([b"SGE\x01" + head[4:], block])


def test_a_quality_outside_its_range_is_rejected() -> None:
    for quality in (-0.1, 1.1, float("nan")):
        tick = Tick(0, 0, 0, "", (1, 2), (WindowRow(1, 0, 1, 2, quality),))
        with pytest.raises(BadMessage):
            unpack(pack(tick, np.zeros((1, 2), np.float32)))


@given(st.binary(max_size=200), st.binary(max_size=64))
def test_arbitrary_bytes_raise_only_bad_message(head: bytes, block: bytes) -> None:
    for first in (head, b"SGE\x01" + head):
        with contextlib.suppress(BadMessage):
            unpack([first, block])


@given(st.integers(0, 50), st.integers(0, 255))
def test_a_changed_byte_is_decoded_or_rejected(position: int, value: int) -> None:
    head, block = pack(TICK, np.array([[1.0, 2.0]], np.float32))
    changed = bytearray(head)
    changed[position % len(head)] = value
    try:
        message, _ = unpack([bytes(changed), block])
    except BadMessage:
        return
    assert not isinstance(message, Tick) or len(message.rows) == 1


def test_an_enrolment_request_without_the_later_fields_neither_adds_nor_forces() -> None:
    earlier = bytes.fromhex("5347450395a171a34164619102a52d2d796573cb0000000000000000")
    assert unpack([earlier, b""])[0] == EnrolRequest("Ada", (2,), "--yes")
