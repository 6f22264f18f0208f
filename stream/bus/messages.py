"""Bus messages and their binary encoding.

A message has two parts: a header, and a block of numbers (empty if the header needs none).

    part  content
    0     b"SGE" + version byte + MessagePack array: the kind, then the fields of the struct in order
    1     float32, little-endian, C order; `shape` in the header gives the dimensions

    kind  struct          sender -> receiver         block
    "t"   Tick            capture -> encoder         (n, f, 20, 3) hip-centred skeletons, metres
    "t"   Tick            encoder -> matcher         (n, f, D) CAGEs of the encoder `contract`
    "a"   Ack             matcher -> capture         -
    "v"   Verdict         matcher -> parent          -
    "n"   VisitMessage    matcher -> parent          -
    "e"   SourceEnded     matcher -> parent          -
    "g"   VerdictReceipt  parent -> matcher          -
    "s"   Status          each child -> parent       -
    "q"   EnrolRequest    any client -> matcher      -
    "r"   EnrolReply      matcher -> that client     -

Messages to the parent on `sink` may follow each other in one message of ZeroMQ (`stream.bus.outbox`).
`tests/stream/bus/test_messages.py` pins these bytes. A message that does not decode, has a wrong size or
contains a number that is not finite raises `BadMessage`; the receiver counts it and continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from stream.body import FloatArray
from stream.bus.window_times import WindowTimes
from stream.decision import Decision
from stream.visits.events import VisitEvent
from stream.walk_views import View

__all__ = [
    "MAX_TEXT",
    "VERSION",
    "Ack",
    "BadMessage",
    "EnrolReply",
    "EnrolRequest",
    "Message",
    "SourceEnded",
    "Status",
    "Tick",
    "TrackNote",
    "TrackPlace",
    "TrackSplit",
    "Verdict",
    "VerdictReceipt",
    "VisitMessage",
    "WindowRow",
    "pack",
    "unpack",
]

VERSION = 3
_MAGIC = b"SGE" + bytes([VERSION])
_MAX_NUMBERS = 4_000_000
Count = Annotated[int, Meta(ge=0)]
MAX_TEXT = 2000
"""Characters of a text."""

Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Metres = Annotated[float, Meta(ge=-1e4, le=1e4)]


class BadMessage(Exception):  # noqa: N818 - names the message that was received
    """A received message is malformed, incomplete or of another version."""


class WindowRow(msgspec.Struct, frozen=True, array_like=True):
    """Metadata of one window in the block of a tick.

    Attributes:
        track: number of the track.
        start_ns: source time of the window's first skeleton.
        end_ns: source time of the window's last skeleton.
        arrival_ns: monotonic clock of this host when the frame that released the window arrived, or when its
            image was captured. It is the frame that completed the window; for a window that was held back,
            the frame of the first step.
        quality: mean joint confidence times the walking weight (`stream.windows.walk_detection`), 0..1.
        view: from which side the sensor sees the person; None if not known.
        ready_ns: see `stream.bus.window_times.WindowTimes`.
    """

    track: Count
    start_ns: int
    end_ns: int
    arrival_ns: int
    quality: Share
    view: View | None = None
    ready_ns: int = 0


class TrackNote(msgspec.Struct, frozen=True, array_like=True):
    """A track in view without windows.

    Attributes:
        track: number of the track.
        time_ns: the source's time.
        reason: why it has no windows; None for a new track.
    """

    track: Count
    time_ns: int
    reason: Text | None


class TrackSplit(msgspec.Struct, frozen=True, array_like=True):
    """The end of a track whose body changed: its windows since the change belong to another person.

    Attributes:
        track: number of the track that ends.
        successor: number of the track that the other person has.
        since_ns: source time of the first skeleton of the other person.
    """

    track: Count
    successor: Count
    since_ns: int


class TrackPlace(msgspec.Struct, frozen=True, array_like=True):
    """Where the body of a track was when the sensor last saw it.

    Attributes:
        track: number of the track.
        time_ns: the source's time.
        x: metres to the right of the sensor's axis, of the middle of the hips.
        z: metres in front of the sensor.
        size: sum of the lengths of trunk, thighs and shanks, metres; 0 where they were not all seen.
    """

    track: Count
    time_ns: int
    x: Metres
    z: Metres
    size: Metres


class Tick(msgspec.Struct, frozen=True, array_like=True, tag="t"):
    """One update of a source: windows or their CAGEs, notes, and ended tracks.

    Attributes:
        source: number of the source in this run.
        epoch: number of restarts of the source's capture worker.
        seq: sequence number in this epoch, from 0, without gaps.
        contract: identifies the encoder of the block; empty for skeletons.
        shape: dimensions of the block; the first equals the number of `rows`.
        rows: one for each window.
        notes: tracks without windows.
        ended: tracks that left the view.
        open: all tracks in view. A device's track that is neither here nor in `rows` has ended, and the
            message about its end was lost.
        last: True if the source has ended and no tick follows.
        cut: windows cut so far, by track, for the tracks in view and those in `ended`; without windows that
            are still to be sent. What is missing in the ticks up to this one was lost.
        splits: tracks that end because another person has their body id.
        pose_model: the model that estimated the poses, see `stream.body.SourceInfo`; empty if there is none.
        time_ns: the source's time.
        places: of the tracks seen since the last tick, where they were last.
        sent_ns: when it was handed to the socket, see `stream.bus.window_times.WindowTimes`; 0 before that.
        taken_ns: when the encoder took it, likewise.
        encoded_ns: when the encoder handed its CAGEs to the socket, likewise.
        encoder: number of the encoder process that the tick goes through. Ticks of a device have a `seq` of
            their own for each encoder, and tell of its tracks alone, but of the places of all.
        parts: of a file's tick, the number of encoders that have windows of it. Each gets a part with the
            same `seq`; the part with the lowest `encoder` has all other fields.
        positions: places of the part's rows in the whole tick; empty if it has all.
    """

    source: Count
    epoch: Count
    seq: Count
    contract: Text = ""
    shape: tuple[int, ...] = ()
    rows: tuple[WindowRow, ...] = ()
    notes: tuple[TrackNote, ...] = ()
    ended: tuple[int, ...] = ()
    open: tuple[int, ...] = ()
    last: bool = False
    cut: dict[Count, Count] = {}
    splits: tuple[TrackSplit, ...] = ()
    pose_model: Text = ""
    time_ns: int = 0
    places: tuple[TrackPlace, ...] = ()
    sent_ns: int = 0
    taken_ns: int = 0
    encoded_ns: int = 0
    encoder: Count = 0
    parts: Annotated[int, Meta(ge=1)] = 1
    positions: tuple[Count, ...] = ()


class Ack(msgspec.Struct, frozen=True, array_like=True, tag="a"):
    """Acknowledgement of ticks.

    Attributes:
        source: number of the source in this run.
        epoch: number of restarts of its capture worker.
        seq: every tick of the epoch up to this one was processed, or counted as lost.
        encoder: of a device's ticks, that which they went through; see `Tick`.
    """

    source: Count
    epoch: Count
    seq: Count
    encoder: Count = 0


class Verdict(msgspec.Struct, frozen=True, array_like=True, tag="v"):
    """A decision, sent from the matcher to the parent process.

    Attributes:
        number: sequence number of the matcher's messages to the parent, from 1; see `VerdictReceipt`.
        seconds: usable walking that the decision is based on.
        quality: how well its walk so far serves as an enrolment, 0..1 (`gallery.scoring.walk_quality`).
        decision: the decision for the user.
        no_windows: why the track gives no windows at present; empty while it gives some.
        times: when the window that led to it passed each point of its way; None if none did.
    """

    number: Count
    seconds: Seconds
    quality: Share
    decision: Decision
    no_windows: Text = ""
    times: WindowTimes | None = None


class VisitMessage(msgspec.Struct, frozen=True, array_like=True, tag="n"):
    """An event of a visit, sent from the matcher to the parent process.

    Attributes:
        number: sequence number of the matcher's messages to the parent; see `VerdictReceipt`.
        event: the event for the user.
    """

    number: Count
    event: VisitEvent


class SourceEnded(msgspec.Struct, frozen=True, array_like=True, tag="e"):
    """A source has ended and all its decisions were sent.

    Attributes:
        number: sequence number of the matcher's messages to the parent; see `VerdictReceipt`.
        source: number of the source in this run.
    """

    number: Count
    source: Count


class VerdictReceipt(msgspec.Struct, frozen=True, array_like=True, tag="g"):
    """Acknowledgement of verdicts.

    Attributes:
        number: the parent has handed on every message of the matcher up to this one.
    """

    number: Count


class Status(msgspec.Struct, frozen=True, array_like=True, tag="s"):
    """Heartbeat of a process.

    Attributes:
        role: `capture`, `encoder` or `matcher`.
        index: number of the source for a capture worker, of the process for an encoder, else 0.
        state: `ready`; `training` while the matcher trains; `down` while the device delivers nothing and
            `failed` on a fatal error, both with the reason in `text`; `ending` if a source that has ended has
            a remark, in `text`; `done` at the end.
        counters: items processed and dropped, by name; `cpu` is the processor time in seconds.
        text: message for users.
        exit_code: for `failed`: 2 if the user can fix the problem, else 1.
        cut_off: for `failed`: whether the source is a file that ends early (`CutOffError`).
    """

    role: Text
    index: Count
    state: Text
    counters: dict[str, float]
    text: Text = ""
    exit_code: int = 0
    cut_off: bool = False


class EnrolRequest(msgspec.Struct, frozen=True, array_like=True, tag="q"):
    """Request to the running matcher to enrol `tracks`, one walk each, as one person.

    The matcher refuses walks of people who are in the gallery already; see `gallery.enrolment_checks`.

    Attributes:
        name: the person's name.
        tracks: track numbers; empty means the only track in view.
        consent_by: whose consent it is, a value of `stream.consent.Consent`.
        seconds: usable walking required of each track; values below the minimum are raised to it.
        add: True adds the walks to the enrolled person of that name; False enrols a new person.
        force: True stores what would be refused as another person's walk or a known one, and warns.
        consent_note: who gave consent and where that is recorded; may be empty, and not used for added walks.
    """

    name: Text
    tracks: tuple[int, ...]
    consent_by: Text
    seconds: Seconds = 0.0
    add: bool = False
    force: bool = False
    consent_note: Text = ""


class EnrolReply(msgspec.Struct, frozen=True, array_like=True, tag="r"):
    """The matcher's reply to an `EnrolRequest`.

    Attributes:
        error: error message for users; empty on success.
        windows: number of enrolled windows.
        seconds: usable walking that they span.
        quality: how well the walks serve as an enrolment, 0..1 (`gallery.scoring.walk_quality`).
        warnings: what is doubtful about the walks, a sentence each.
        fits: how well each added walk fits the person, a sentence each; empty for a new person.
        quality_cause: what lowers the quality most, and what to do if it is low; empty if nothing does.
        views: from which sides the person is enrolled and which are missing, a sentence for each kind of
            sensor.
    """

    error: Text = ""
    windows: Count = 0
    seconds: Seconds = 0.0
    quality: Share = 0.0
    warnings: tuple[Text, ...] = ()
    fits: tuple[Text, ...] = ()
    quality_cause: Text = ""
    views: tuple[Text, ...] = ()


Message = (
    Tick | Ack | Verdict | VisitMessage | SourceEnded | VerdictReceipt | Status | EnrolRequest | EnrolReply
)
_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)
_EMPTY = np.zeros(0, dtype=np.float32)


def pack(message: Message, block: FloatArray | None = None) -> list[bytes]:
    """Encodes a message as its two parts.

    Raises:
        ValueError: the block does not have the shape in the tick's header.
    """
    if block is None:
        return [_MAGIC + _encoder.encode(message), b""]
    if not isinstance(message, Tick) or block.shape != message.shape:
        msg = f"expected a Tick with shape {block.shape}, got {message!r:.200}"
        raise ValueError(msg)
    return [_MAGIC + _encoder.encode(message), block.astype("<f4", order="C", copy=False).tobytes()]


def unpack(parts: Sequence[bytes]) -> tuple[Message, FloatArray]:
    """Decodes a message.

    Returns:
        The message, and its block; an empty array if it has none.

    Raises:
        BadMessage: the message does not decode, has a wrong size or version, or a number that is not finite.
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
    return message, _decode_block(message, raw)


def _decode_block(tick: Tick, raw: bytes) -> FloatArray:
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
