"""Retrains the recognition network in a thread whenever the gallery changes."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

import torch

from gallery.recognition.gallery_network import GalleryRecogniser, train_gallery
from gallery.scoring.template_index import TemplateIndex

__all__ = ["Retraining"]


class Retraining:
    """Trains on the newest gallery only: training on an older one is cancelled and its network dropped.

    `begin` and `take` never wait; `close` waits for the end of the current epoch.
    """

    def __init__(self) -> None:
        # With one thread the result does not depend on the number of cores; the live path keeps the others.
        self._thread = ThreadPoolExecutor(1, "f_RN", initializer=partial(torch.set_num_threads, 1))
        self._cancelled = threading.Event()
        self._training: Future[GalleryRecogniser] | None = None

    @property
    def pending(self) -> bool:
        """Whether a network is in training or not yet taken."""
        return self._training is not None

    def begin(self, index: TemplateIndex) -> None:
        """Starts training on a changed gallery, if it has at least two people."""
        self._cancel()
        if len(index.people) > 1:
            self._cancelled = threading.Event()
            self._training = self._thread.submit(train_gallery, index, self._cancelled.is_set)

    def take(self) -> GalleryRecogniser | None:
        """Returns the network once, when it is trained; else None.

        Raises:
            Exception: the error of a failed training.
        """
        if self._training is None or not self._training.done():
            return None
        training, self._training = self._training, None
        return training.result()

    def wait(self, timeout: float) -> None:
        """Waits at most `timeout` seconds for the training."""
        if self._training is not None:
            wait([self._training], timeout)

    def close(self) -> None:
        """Cancels the training and ends the thread."""
        self._cancel()
        self._thread.shutdown(wait=True)

    def _cancel(self) -> None:
        self._cancelled.set()
        if self._training is not None:
            self._training.cancel()
            self._training = None
