"""Waiting for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

__all__ = ["WAIT_S", "wait_until"]

WAIT_S = 120.0


def wait_until(condition: Callable[[], bool]) -> None:
    """Returns when the condition holds; fails the test after `WAIT_S`."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail("waited in vain")
        time.sleep(0.01)
