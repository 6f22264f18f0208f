"""Skeletons for a live view without images: a capture worker sends them, at most ten frames a second.

    frame  ->  SkeletonSender    ->  channel `skeletons`  ->  stream.view.skeleton_receiver.SkeletonReceiver
               (capture worker)                               (parent)

Only `skeletons` of `stream.system.live.Live` starts any of this. A receiver that is slow loses frames; the
capture loop never waits for it. Nothing is stored.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from math import isfinite

import msgspec
import numpy as np
import zmq

from stream.body import Body, BodyFrame, FloatArray
from stream.bus.sockets import Bus
from stream.skeleton import Layout, map_joints

__all__ = ["INTERVAL_S", "ShownBody", "SkeletonFrame", "SkeletonSender", "frame_of", "unpack_frame"]

INTERVAL_S = 0.1
"""Shortest interval between two frames of a source."""

Point = tuple[float, float, float]


class ShownBody(msgspec.Struct, frozen=True):
    """The skeleton of one track.

    Attributes:
        track: number of the track.
        joints: the 20 joints of `stream.skeleton.CANONICAL`, each x, y and z in metres, to the millimetre:
            X to the sensor's left, Y up, Z away from it; null for a joint that was not detected. A source
            without depth puts the middle of the hips at the origin.
        confidence: of each joint, 0..1, in hundredths.
    """

    track: int
    joints: tuple[Point | None, ...]
    confidence: tuple[float, ...]


class SkeletonFrame(msgspec.Struct, frozen=True):
    """The skeletons that a source saw at one moment.

    Attributes:
        source: number of the source in the run, from 0.
        t: seconds since the source started.
        bodies: one for each track that the frame shows.
    """

    source: int
    t: float
    bodies: tuple[ShownBody, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[SkeletonFrame] = msgspec.msgpack.Decoder(SkeletonFrame)


def frame_of(frame: BodyFrame, numbers: Mapping[int, int], source: int, layout: Layout) -> SkeletonFrame:
    """Returns the skeletons of a frame.

    Args:
        frame: of the source; of several bodies with the same id the first counts.
        numbers: track numbers by body id; a body without a number is left out.
        source: number of the source in the run.
        layout: joint layout of its bodies, 3D.
    """
    bodies: dict[int, Body] = {}
    for body in frame.bodies:
        if body.id in numbers:
            bodies.setdefault(body.id, body)
    shown = tuple(_shown(numbers[key], body, layout) for key, body in bodies.items())
    return SkeletonFrame(source, round(frame.time_ns / 1e9, 3), shown)


def unpack_frame(message: bytes) -> SkeletonFrame:
    """Returns the frame that a message of the channel holds.

    Raises:
        msgspec.DecodeError: it holds none.
    """
    return _decoder.decode(message)


class SkeletonSender:
    """Sends the skeletons of one source to the parent.

    Args:
        bus: of the capture worker.
        index: number of the source in the run.
        layout: joint layout of its bodies, 3D.
        clock: monotonic seconds.
    """

    def __init__(
        self, bus: Bus, index: int, layout: Layout, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._socket = bus.connect(zmq.PUSH, "skeletons", high_water=1)
        self._index = index
        self._layout = layout
        self._clock = clock
        self._due = 0.0

    def show(self, frame: BodyFrame, numbers: Mapping[int, int]) -> None:
        """Sends a frame, unless the last was sent less than `INTERVAL_S` ago or the receiver has no room.

        Args:
            frame: the frame.
            numbers: track numbers by body id.
        """
        now = self._clock()
        if now < self._due:
            return
        self._due = now + INTERVAL_S
        message = _encoder.encode(frame_of(frame, numbers, self._index, self._layout))
        with contextlib.suppress(zmq.Again):
            self._socket.send(message, zmq.NOBLOCK)


def _shown(track: int, body: Body, layout: Layout) -> ShownBody:
    joints, confidence = map_joints(layout, body.joints, body.confidence)
    return ShownBody(track, _points(joints), tuple(np.round(confidence.astype(float), 2).tolist()))


def _points(joints: FloatArray) -> tuple[Point | None, ...]:
    rounded = np.round(joints.astype(float), 3).tolist()
    return tuple((x, y, z) if isfinite(x + y + z) else None for x, y, z in rounded)
