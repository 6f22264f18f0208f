"""Times of a window on its way from frame to parent, and the stages between them."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, get_args

import msgspec

__all__ = ["STAGES", "Stage", "WindowTimes"]

Stage = Literal["capture", "wait", "queue", "encode", "match", "publish"]
"""Stages of a window, in order.

- `capture`: from the arrival of the frame that releases it, with pose estimation where the image was captured
  before that, until it is cut and offered to the sender.
- `wait`: until its tick is handed to the socket, because earlier ticks are on their way.
- `queue`: until the encoder takes it.
- `encode`: until the encoder hands its encoding to the socket.
- `match`: until the decision; includes the queue of the matcher.
- `publish`: until the parent has the decision.
"""

STAGES: tuple[Stage, ...] = get_args(Stage)


class WindowTimes(msgspec.Struct, frozen=True, array_like=True):
    """When a window passed each point of its way, in nanoseconds of the monotonic clock of one host.

    The processes of a run share this clock; times of two hosts cannot be compared.

    Attributes:
        arrival_ns: arrival of the frame that released it, see `WindowRow`.
        ready_ns: it was cut and offered to the sender of its capture worker.
        sent_ns: the sender handed its tick to the socket.
        taken_ns: the encoder took it.
        encoded_ns: the encoder handed its encoding to the socket.
        decided_ns: the matcher decided.
        received_ns: the parent received the decision; 0 before that.
    """

    arrival_ns: int
    ready_ns: int
    sent_ns: int
    taken_ns: int
    encoded_ns: int
    decided_ns: int
    received_ns: int = 0

    @property
    def stages(self) -> dict[Stage, float]:
        """Seconds of each stage, in order; without `publish` before the parent has the decision."""
        points = msgspec.structs.astuple(self)
        passed = points if self.received_ns else points[:-1]
        lengths = ((later - earlier) / 1e9 for earlier, later in pairwise(passed))
        return dict(zip(STAGES, lengths, strict=False))
