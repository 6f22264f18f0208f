"""Sensors to test with: what they see is shown to them; drivers' threads are waited for, never slept."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from stream.body import FloatArray
from stream.skeleton import LAYOUTS

PATIENCE_S = 60.0
"""A driver's thread that takes longer than this hangs."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody before a sensor.

    Attributes:
        id: the sensor's number for them.
        joints: (J, 3) metres, the axes of `stream.body.Body`.
        states: (J,) 0 not seen, 1 inferred, 2 seen.
    """

    id: int
    joints: FloatArray
    states: tuple[int, ...]


class Sensor(Protocol):
    """A fake one.

    Attributes:
        port: where it is reached, of one that is reached over a network; else 0.
    """

    port: int

    @property
    def connections(self) -> int:
        """How often it was opened."""
        ...

    def show(self, *people: Person) -> None:
        """Let the sensor see them in its next frame."""
        ...

    def settle(self) -> None:
        """Wait until the driver has worked on all that was shown."""
        ...


class Feed:
    """From a test to a driver's thread: a queue that knows when everything was worked on."""

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
        """Let everybody who waits look again."""
        with self._changed:
            self._changed.notify_all()

    def get(self, timeout: float | None, ended: Callable[[], bool] = lambda: False) -> Any:
        """The next item; None where there is none in time, or `ended` comes true."""
        with self._changed:
            if not self._items and timeout != 0:
                self._idle = True
                self._changed.notify_all()
            self._changed.wait_for(lambda: self._items or ended(), timeout)
            return self._items.popleft() if self._items and not ended() else None

    def settle(self) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._idle and not self._items, PATIENCE_S)


def walkers(number: int, layout: str, first_id: int = 1) -> tuple[Person, Person]:
    """Two people at frame `number`, walking towards the sensor; the second has joints that are not seen."""
    count = len(LAYOUTS[layout].joints)
    rest = np.random.default_rng(7).normal(0, 0.4, (2, count, 3))
    rest[:, :, 2] += 3 - 0.03 * number
    rest[1, :, 0] += 1
    hidden = tuple([0, 1] + [2] * (count - 2))
    return (
        Person(first_id, rest[0].astype(np.float32), (2,) * count),
        Person(first_id + 1, rest[1].astype(np.float32), hidden),
    )
