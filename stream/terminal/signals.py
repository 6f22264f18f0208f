"""Signals that end a command in order: Ctrl-C, SIGTERM, and the end of its terminal (SIGHUP)."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from stream.outputs.standard_output import discard_closed_terminal

__all__ = ["interrupt_on_end_signals", "on_end_signals"]

_HANG_UP: int | None = getattr(signal, "SIGHUP", None)  # Windows has none
_END_SIGNALS = (signal.SIGINT, signal.SIGTERM, *((_HANG_UP,) if _HANG_UP is not None else ()))


def interrupt_on_end_signals() -> None:
    """Makes each of the signals raise KeyboardInterrupt, also if a shell script ignores SIGINT for us."""
    _install(_interrupt)


@contextmanager
def on_end_signals(react: Callable[[], None]) -> Iterator[None]:
    """Calls `react` for each of the signals, instead of what was done before, while the block runs."""
    former = _install(react)
    try:
        yield
    finally:
        for number, handler in former.items():
            if signal.getsignal(number) is not signal.SIG_IGN:  # after a hang-up it stays ignored
                signal.signal(number, handler)


def _install(react: Callable[[], None]) -> dict[int, Any]:
    """Returns the handlers before, by signal."""

    def handle(number: int, frame: FrameType | None) -> None:
        if number == _HANG_UP:
            signal.signal(number, signal.SIG_IGN)  # the shell and the kernel may send one each
            discard_closed_terminal()
        react()

    former = {}
    for number in _END_SIGNALS:
        if number == _HANG_UP and signal.getsignal(number) is signal.SIG_IGN:
            continue  # as nohup wants it
        former[number] = signal.signal(number, handle)
    return former


def _interrupt() -> None:
    raise KeyboardInterrupt
