"""Keeps the recognition network up with the gallery, in a thread of its own."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial

import torch

from gallery.recognition.gallery_network import GalleryRecogniser, train_gallery
from gallery.scoring.template_index import TemplateIndex

__all__ = ["Retraining"]


class Retraining:
    """Trains on the newest gallery only: what was begun for an older one is abandoned, its network dropped.

    Beginning and asking never wait; `close` waits for the rest of an epoch.
    """

    def __init__(self) -> None:
        # With one thread the bits do not depend on the machine's cores, and the live path keeps the others.
        self._thread = ThreadPoolExecutor(1, "f_RN", initializer=partial(torch.set_num_threads, 1))
        self._abandoned = threading.Event()
        self._training: Future[GalleryRecogniser] | None = None

    @property
    def pending(self) -> bool:
        """Whether a network was begun and not yet taken."""
        return self._training is not None

    def begin(self, index: TemplateIndex) -> None:
        """Train on a changed gallery; with fewer than two people there is nothing to tell apart."""
        self._abandon()
        if len(index.people) > 1:
            self._abandoned = threading.Event()
            self._training = self._thread.submit(train_gallery, index, self._abandoned.is_set)

    def take(self) -> GalleryRecogniser | None:
        """The network, once when it is trained; None before that and after.

        Raises:
            Exception: whatever the training failed with.
        """
        if self._training is None or not self._training.done():
            return None
        training, self._training = self._training, None
        return training.result()

    def wait(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for what is in training."""
        if self._training is not None:
            wait([self._training], timeout)

    def close(self) -> None:
        """Abandon what is in training and end the thread."""
        self._abandon()
        self._thread.shutdown(wait=True)

    def _abandon(self) -> None:
        self._abandoned.set()
        if self._training is not None:
            self._training.cancel()
            self._training = None
