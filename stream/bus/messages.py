"""What crosses the bus, to the byte.

A message has two parts: a header, and a block of numbers (empty where the header needs none).

    part  content
    0     b"SGE" + version byte (1) + MessagePack array: the fields of one struct below, in order,
          its kind first
    1     float32, little-endian, C order; the header's `shape` says how many

    kind  struct     from -> to                block
    "t"   Tick       capture -> encoder        (n, f, 20, 3) hip-centred skeletons, metres
    "t"   Tick       encoder -> matcher        (n, f, D) CAGEs, made under `contract`
    "a"   Ack        matcher -> capture        -
    "v"   Verdict    matcher -> sink           -
    "e"   Ended      matcher -> sink           -
    "g"   Got        sink -> matcher           -
    "s"   Status     every process -> parent   -
    "q"   Ask        anyone -> matcher         -
    "r"   Reply      matcher -> whoever asked  -

`tests/stream/bus/test_messages.py` pins these bytes. Whatever does not decode, has a wrong size or holds a
number that is not finite raises `BadMessage`: the receiver counts it, logs it once and goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from stream.body import FloatArray
from stream.decision import Decision

__all__ = [
    "VERSION",
    "Ack",
    "Ask",
    "BadMessage",
    "Ended",
    "Got",
    "Message",
    "Note",
    "Reply",
    "Row",
    "Status",
    "Tick",
    "Verdict",
    "pack",
    "unpack",
]

VERSION = 1
_MAGIC = b"SGE" + bytes([VERSION])
_MAX_NUMBERS = 4_000_000
Count = Annotated[int, Meta(ge=0)]
Text = Annotated[str, Meta(max_length=2000)]
Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]


class BadMessage(Exception):  # noqa: N818 - named for what came, not for who failed
    """A message that is not one of ours, or not whole."""


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One window of a tick's block.

    Attributes:
        track: the track's number.
        start_ns: the source's time of the window's first skeleton.
        end_ns: the source's time of its last skeleton.
        arrival_ns: this host's monotonic clock when the frame arrived that completed the window, or that
            showed the step for which it had waited.
        quality: mean joint confidence, 0..1, times what the window is worth
            (`stream.windows.walk_detection`).
    """

    track: Count
    start_ns: int
    end_ns: int
    arrival_ns: int
    quality: Share


class Note(msgspec.Struct, frozen=True, array_like=True):
    """A track in view without windows, and why; no reason where it has only just come."""

    track: Count
    time_ns: int
    reason: Text | None


class Tick(msgspec.Struct, frozen=True, array_like=True, tag="t"):
    """What one moment of a source brought: windows or CAGEs, notes, tracks that left.

    Attributes:
        source: the source's number in this run.
        epoch: how often the source's capture worker was restarted.
        seq: counts this source's ticks in this epoch, from 0, without a gap.
        contract: what made the block's numbers; empty for skeletons.
        shape: of the block, its first axis as long as `rows`.
        rows: one for each window.
        notes: tracks without windows.
        ended: tracks that left the view.
        open: every track in view; a device's track that is neither here nor in `rows` has ended unheard.
        last: the source has ended; nothing follows.
    """

    source: Count
    epoch: Count
    seq: Count
    contract: Text = ""
    shape: tuple[int, ...] = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[Note, ...] = ()
    ended: tuple[int, ...] = ()
    open: tuple[int, ...] = ()
    last: bool = False


class Ack(msgspec.Struct, frozen=True, array_like=True, tag="a"):
    """Every tick of the source's epoch up to `seq` has been decided on, or was lost."""

    source: Count
    epoch: Count
    seq: Count


class Verdict(msgspec.Struct, frozen=True, array_like=True, tag="v"):
    """A decision on its way to the sink.

    Attributes:
        number: counts what the matcher sent to the sink, from 1; `Got` answers with it.
        seconds: of usable walking behind the decision.
        quality: mean joint confidence of it, 0..1.
        decision: what the user sees.
    """

    number: Count
    seconds: Seconds
    quality: Share
    decision: Decision


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="e"):
    """The source has ended and each of its decisions was sent."""

    number: Count
    source: Count


class Got(msgspec.Struct, frozen=True, array_like=True, tag="g"):
    """The sink has handed out everything up to `number`."""

    number: Count


class Status(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """A process's heartbeat.

    Attributes:
        role: `capture`, `encoder` or `matcher`.
        index: the source's number for a capture worker, else 0.
        state: `ready` once it can work; `down` while nothing comes from its device and `failed` where it
            gives up, both with the reason in `text`; `done` at the end.
        counters: what was done and what was dropped, by name; `cpu` is the processor time that took, seconds.
        text: for people.
        exit_code: with `failed`: 2 where the user can mend it, else 1.
    """

    role: Text
    index: Count
    state: Text
    counters: dict[str, float]
    text: Text = ""
    exit_code: int = 0


class Ask(msgspec.Struct, frozen=True, array_like=True, tag="q"):
    """A request to the running matcher: enrol `tracks`, each one walk, as one person.

    Attributes:
        name: who it is.
        tracks: numbers of tracks; empty asks for the only one in view.
        consent_by: how the person's consent was given.
        seconds: of usable walking that each track must have shown; less than the least is taken for that.
    """

    name: Text
    tracks: tuple[int, ...]
    consent_by: Text
    seconds: Seconds = 0.0


class Reply(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """The matcher's answer; `error` is empty where it was done.

    Attributes:
        error: why not, for people.
        windows: how many windows were enrolled.
        seconds: of usable walking that they span.
        quality: mean joint confidence, 0..1.
    """

    error: Text = ""
    windows: Count = 0
    seconds: Seconds = 0.0
    quality: Share = 0.0


Message = Tick | Ack | Verdict | Ended | Got | Status | Ask | Reply
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
_EMPTY = np.zeros(0, dtype=np.float32)


def pack(message: Message, block: FloatArray | None = None) -> list[bytes]:
    """Return the two parts of a message.

    Raises:
        ValueError: the block does not have the shape that a tick's header gives.
    """
    if block is None:
        return [_MAGIC + _encoder.encode(message), b""]
    if not isinstance(message, Tick) or block.shape != message.shape:
        msg = f"expected a Tick with shape {block.shape}, got {message!r:.200}"
        raise ValueError(msg)
    return [_MAGIC + _encoder.encode(message), block.astype("<f4", order="C", copy=False).tobytes()]


def unpack(parts: Sequence[bytes]) -> tuple[Message, FloatArray]:
    """Read a message back; the block is empty where there is none.

    Raises:
        BadMessage: it does not decode, has a wrong size or version, or a number that is not finite.
    """
    if len(parts) != 2:
        msg = f"expected 2 parts, got {len(parts)}"
        raise BadMessage(msg)
    head, raw = parts
    if head[:4] != _MAGIC:
        msg = f"expected {_MAGIC!r} first, got {head[:4]!r}"
        raise BadMessage(msg)
    try:
        message = _decoder.decode(head[4:])
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise BadMessage(str(error)) from None
    if not isinstance(message, Tick) or not message.rows:
        if raw or (isinstance(message, Tick) and message.shape):
            msg = "expected no block"
            raise BadMessage(msg)
        return message, _EMPTY
    return message, _block(message, raw)


def _block(tick: Tick, raw: bytes) -> FloatArray:
    shape = tick.shape
    if len(shape) < 2 or min(shape) < 1 or shape[0] != len(tick.rows) or prod(shape) > _MAX_NUMBERS:
        msg = f"expected a shape of {len(tick.rows)} windows, got {shape}"
        raise BadMessage(msg)
    if len(raw) != 4 * prod(shape):
        msg = f"expected {4 * prod(shape)} bytes for {shape}, got {len(raw)}"
        raise BadMessage(msg)
    block = np.frombuffer(raw, dtype="<f4").reshape(shape).astype(np.float32, copy=False)
    if not np.isfinite(block).all():
        msg = "expected finite numbers"
        raise BadMessage(msg)
    return block
