"""The newest skeletons of each source, in the parent."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from operator import itemgetter

import msgspec
import zmq

from stream.bus.sockets import Bus
from stream.view.skeleton_frames import SkeletonFrame, unpack_frame

__all__ = ["SkeletonReceiver", "open_skeletons"]

_WAIT_MS = 100


class SkeletonReceiver:
    """Holds the newest frame of each source; any thread may read it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frames: dict[int, tuple[int, SkeletonFrame]] = {}
        self._number = 0

    def put(self, frame: SkeletonFrame) -> None:
        """Replaces the frame of its source."""
        with self._changed:
            self._number += 1
            self._frames[frame.source] = (self._number, frame)
            self._changed.notify_all()

    def newer(self, number: int, timeout: float = 0.0) -> tuple[int, tuple[SkeletonFrame, ...]]:
        """Returns the newest frame of each source that has one after frame `number`.

        Args:
            number: that an earlier call returned; 0 for all.
            timeout: longest wait for a frame, seconds.

        Returns:
            The number for the next call, and the frames, oldest first; none if none came in time.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._number > number, timeout)
            newer = sorted((each for each in self._frames.values() if each[0] > number), key=itemgetter(0))
            newest = max(number, self._number)
        return newest, tuple(frame for _, frame in newer)


@contextlib.contextmanager
def open_skeletons(bus: Bus) -> Iterator[SkeletonReceiver]:
    """Receives the skeletons that the capture workers send.

    Args:
        bus: only the receiver's thread uses the socket opened here.
    """
    receiver = SkeletonReceiver()
    stop = threading.Event()
    socket = bus.bind(zmq.PULL, "skeletons", high_water=2)
    thread = threading.Thread(target=_receive, args=(socket, receiver, stop), name="skeletons", daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        stop.set()
        thread.join()


def _receive(socket: zmq.Socket[bytes], receiver: SkeletonReceiver, stop: threading.Event) -> None:
    while not stop.is_set():
        if socket.poll(_WAIT_MS):
            with contextlib.suppress(msgspec.DecodeError):  # it is not shown; the next is on its way
                receiver.put(unpack_frame(socket.recv()))
