"""Lets a training end between two batches when a signal asks for it, instead of in the middle of one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

__all__ = ["stop_on_signals"]

_SIGNALS = [
    signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__
]


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

    def handle(number: int, frame: FrameType | None) -> None:
        if second_ends and number == signal.SIGINT and stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    with ExitStack() as stack:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                if (former := signal.getsignal(number)) != signal.SIG_IGN:
                    signal.signal(number, handle)
                    stack.callback(signal.signal, number, former)
        yield stop.is_set
