"""The trainings of the attention study, one after the other or several at once in processes of their own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.queues import Queue
from threading import Thread
from typing import TypeAlias

from encoder.training.spans import Spans
from stream.errors import RunError
from tools.studies.attention.attention_training import Outcome, Run, train_one

__all__ = ["train_all"]

_Told: TypeAlias = "Queue[tuple[str, float] | None]"
Show = Callable[[str, float], None]


def train_all(runs: Sequence[Run], spans: Spans, jobs: int, show: Show) -> Iterator[tuple[Run, Outcome]]:
    """Train what is to be trained; each is given back when it is done.

    Args:
        runs: the trainings.
        spans: their data.
        jobs: so many at once; with 1 they run in this process.
        show: told a training's name and how many of its epochs are done, from another thread where `jobs` is
            more than 1.

    Raises:
        UserError, DataError, RunError: of the first that failed; those that run are finished, those that wait
            are not begun.
    """
    if jobs == 1:
        for run in runs:
            yield run, train_one(run, spans, partial(show, run.name))
        return
    context = multiprocessing.get_context("spawn")
    told: _Told = context.Queue()
    with (
        _shown(told, show),
        ProcessPoolExecutor(min(jobs, len(runs) or 1), context, _begin, (spans, told)) as pool,
    ):
        futures = {pool.submit(_train, run): run for run in runs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise RunError(
                "a training's process ended all at once, perhaps for want of memory; start the same command "
                "again, with fewer --jobs"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _shown(told: _Told, show: Show) -> Iterator[None]:
    """Pass on what processes tell, as long as this is open."""

    def pass_on() -> None:
        while (news := told.get()) is not None:
            show(*news)

    thread = Thread(target=pass_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        told.put(None)
        thread.join()
        told.close()


class _Process:
    """What a process of the pool has: its data, and whom it tells."""

    spans: Spans
    told: _Told


def _begin(spans: Spans, told: _Told) -> None:
    _Process.spans, _Process.told = spans, told


def _train(run: Run) -> Outcome:
    told = _Process.told
    return train_one(run, _Process.spans, lambda epochs: told.put((run.name, epochs)))
