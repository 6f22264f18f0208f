"""Interface of fake sensors: tests show people to them; driver threads are synchronised without sleeping."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from stream.body import FloatArray
from stream.skeleton import LAYOUTS

TIMEOUT_S = 60.0
"""A driver thread that takes longer is considered hung."""


@dataclass(frozen=True, slots=True, eq=False)
class FakePerson:
    """A person in front of a fake sensor.

    Attributes:
        id: the sensor's body id.
        joints: (J, 3) metres, the axes of `stream.body.Body`.
        states: (J,) 0 not seen, 1 inferred, 2 seen.
    """

    id: int
    joints: FloatArray
    states: tuple[int, ...]


class Sensor(Protocol):
    """A fake sensor.

    Attributes:
        port: of a network camera; otherwise 0.
    """

    port: int

    @property
    def connections(self) -> int:
        """Number of times it was opened."""
        ...

    def show(self, *people: FakePerson) -> None:
        """Puts people into the sensor's next frame."""
        ...

    def settle(self) -> None:
        """Waits until the driver has processed all frames shown."""
        ...


class Feed:
    """A queue from a test to a driver thread that can wait until all items were processed."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: deque[Any] = deque()
        self._idle = False

    def put(self, item: object) -> None:
        with self._changed:
            self._items.append(item)
            self._idle = False
            self._changed.notify_all()

    def wake(self) -> None:
        """Makes waiting threads check their conditions again."""
        with self._changed:
            self._changed.notify_all()

    def get(self, timeout: float | None, ended: Callable[[], bool] = lambda: False) -> Any:
        """Returns the next item; None after the time-out or when `ended` becomes true."""
        with self._changed:
            if not self._items and timeout != 0:
                self._idle = True
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._items or ended(), timeout)
            return self._items.popleft() if self._items and not ended() else None

    def settle(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._idle and not self._items, TIMEOUT_S)


def walkers(number: int, layout: str, first_id: int = 1) -> tuple[FakePerson, FakePerson]:
    """Returns two people walking towards the sensor, at a frame; some joints of the second are not seen."""
    count = len(LAYOUTS[layout].joints)
    rest = np.random.default_rng(7).normal(0, 0.4, (2, count, 3))
    rest[:, :, 2] += 3 - 0.03 * number
    rest[1, :, 0] += 1
    hidden = tuple([0, 1] + [2] * (count - 2))
    return (
        FakePerson(first_id, rest[0].astype(np.float32), (2,) * count),
        FakePerson(first_id + 1, rest[1].astype(np.float32), hidden),
    )
