"""Shares of the processor time of this process by module, sampled by a timer of processor time."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

__all__ = ["OTHER", "can_sample", "sample_modules"]

INTERVAL_S = 0.001
"""Of processor time between two samples."""

OTHER = "other"
"""What belongs to no module that is asked for."""


def can_sample() -> bool:
    """Returns whether this system has the timer; Windows does not."""
    return sys.platform != "win32"


@contextmanager
def sample_modules(steps: Mapping[str, str]) -> Iterator[Counter[str]]:
    """Counts samples while the block runs; in the main thread only.

    Args:
        steps: by name of a module, what its work counts for. Work of other modules counts for the innermost
            caller that is in one of these.

    Yields:
        Number of samples of each step, and of `OTHER`.
    """
    samples: Counter[str] = Counter()
    if sys.platform == "win32":
        yield samples
        return
    former = signal.signal(signal.SIGPROF, _counter(steps, samples))
    signal.setitimer(signal.ITIMER_PROF, INTERVAL_S, INTERVAL_S)
    try:
        yield samples
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, former)


def _counter(steps: Mapping[str, str], samples: Counter[str]) -> Callable[[int, FrameType | None], None]:
    def count(_: int, frame: FrameType | None) -> None:
        while frame is not None:
            step = steps.get(frame.f_globals.get("__name__", ""))
            if step is not None:
                samples[step] += 1
                return
            frame = frame.f_back
        samples[OTHER] += 1

    return count
