"""Signals that end a command in order: Ctrl-C, SIGTERM, and the end of its terminal (SIGHUP)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from stream.outputs.standard_output import discard_closed_terminal

__all__ = ["interrupt_on_end_signals", "on_end_signals"]

_HANG_UP: int | None = getattr(signal, "SIGHUP", None)  # Windows has none
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, *((_HANG_UP,) if _HANG_UP is not None else ()))


def interrupt_on_end_signals() -> None:
    """Makes each of the signals raise KeyboardInterrupt; SIGHUP that is ignored, as under nohup, stays so."""
    # A shell script ignores SIGINT in commands that it starts in the background.
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    _install(_interrupt)


@contextmanager
def on_end_signals(react: Callable[[int], object]) -> Iterator[None]:
    """Calls `react` with each of the signals, instead of what was done before, while the block runs.

    Signals that are ignored stay ignored. Outside the main thread, nothing is caught.
    """
    former = _install(react) if threading.current_thread() is threading.main_thread() else {}
    try:
        yield
    finally:
        for number, handler in former.items():
            hung_up = signal.getsignal(number) is signal.SIG_IGN
            if not (hung_up and callable(handler)):  # else the second hang-up would call it
                signal.signal(number, handler)


def _install(react: Callable[[int], object]) -> dict[int, Any]:
    """Returns the handlers before, by signal."""

    def handle(number: int, frame: FrameType | None) -> None:
        if number == _HANG_UP:
            signal.signal(number, signal.SIG_IGN)  # the shell and the kernel may send one each
            discard_closed_terminal()
        react(number)

    ends = [number for number in _END_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handle) for number in ends}


def _interrupt(number: int) -> None:
    raise KeyboardInterrupt
