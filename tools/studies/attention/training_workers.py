"""Runs the trainings of the attention study, one after the other or in parallel worker processes."""

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

_ProgressQueue: TypeAlias = "Queue[tuple[str, float] | None]"

RunProgress = Callable[[str, float], None]
"""Progress callback: name of the training, epochs done."""


def train_all(
    runs: Sequence[Run], spans: Spans, jobs: int, progress: RunProgress
) -> Iterator[tuple[Run, Outcome]]:
    """Runs trainings and yields each one with its outcome as it finishes.

    Args:
        runs: the trainings.
        spans: their data.
        jobs: trainings in parallel; 1 trains in this process.
        progress: called during the trainings; from another thread if `jobs` is more than 1.

    Raises:
        UserError, DataError, RunError: the error of the first failed training; running trainings finish,
            pending ones do not start.
    """
    if jobs == 1:
        for run in runs:
            yield run, train_one(run, spans, partial(progress, run.name))
        return
    context = multiprocessing.get_context("spawn")
    queue: _ProgressQueue = context.Queue()
    with (
        _forward_progress(queue, progress),
        ProcessPoolExecutor(min(jobs, len(runs) or 1), context, _initialise, (spans, queue)) as pool,
    ):
        futures = {pool.submit(_train, run): run for run in runs}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise RunError(
                "a training process ended unexpectedly, perhaps out of memory; start the same command again "
                "with fewer --jobs"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _forward_progress(queue: _ProgressQueue, progress: RunProgress) -> Iterator[None]:
    """Forwards progress reports of the worker processes while the context is open."""

    def forward() -> None:
        while (report := queue.get()) is not None:
            progress(*report)

    thread = Thread(target=forward, daemon=True)
    thread.start()
    try:
        yield
    finally:
        queue.put(None)
        thread.join()
        queue.close()


class _Worker:
    """State of a worker process: the training data and the progress queue."""

    spans: Spans
    queue: _ProgressQueue


def _initialise(spans: Spans, queue: _ProgressQueue) -> None:
    _Worker.spans, _Worker.queue = spans, queue


def _train(run: Run) -> Outcome:
    queue = _Worker.queue
    return train_one(run, _Worker.spans, lambda epochs: queue.put((run.name, epochs)))
