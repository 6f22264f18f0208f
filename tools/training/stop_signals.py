"""Lets a training end between two batches when a signal asks for it, instead of in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stream.terminal.signals import on_end_signals

__all__ = ["stop_on_signals"]


@contextmanager
def stop_on_signals(*, second_ends: bool = True) -> Iterator[Callable[[], bool]]:
    """Catches Ctrl-C, SIGTERM and SIGHUP; yields a function that returns whether one of them came.

    Signals that are ignored, as SIGHUP is under nohup, stay ignored. Outside the main thread, nothing is
    caught.

    Args:
        second_ends: whether a second Ctrl-C raises KeyboardInterrupt at once. torchrun repeats a Ctrl-C of
            the terminal, so that each process gets it twice.
    """
    stop = threading.Event()

    def react(number: int) -> None:
        if second_ends and number == signal.SIGINT and stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    with on_end_signals(react):
        yield stop.is_set
