"""Drawing thread of a capture worker: draws the newest frame when the receiver is ready."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import zmq

from stream.body import BodyFrame, Image
from stream.bus.sockets import DECISION_TOPIC, Bus
from stream.decision import Decision
from stream.skeleton import Layout
from stream.sources.camera.quiet_opencv import cv2
from stream.sources.latest_value import LatestValue
from stream.sources.live_source import outage_text
from stream.track_numbers import source_of
from stream.view.drawing import Label, draw, draw_text

__all__ = ["DrawingThread"]

INTERVAL_S = 0.1
"""Shortest interval between two images."""

MAX_CPU_SHARE = 0.2
"""Largest share of one core; after a slow drawing the next image comes later."""

JPEG_QUALITY = 80
_WAIT_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A frame with the track numbers of its bodies, or a text if there is no frame."""

    frame: BodyFrame | None
    numbers: Mapping[int, int]
    text: str = ""


class DrawingThread:
    """Draws the frames of one source and sends them to the parent; the capture loop never waits for it.

    Args:
        bus: only the drawing thread uses the sockets opened here.
        index: number of the source in the run.
        sources: number of sources in the run.
        name: name of the source, for the caption.
        layout: joint layout of its bodies.
    """

    def __init__(self, bus: Bus, index: int, sources: int, name: str, layout: Layout) -> None:
        self._index = index
        self._sources = sources
        self._name = name
        self._layout = layout
        self._pictures = bus.connect(zmq.PUSH, "pictures", high_water=1)
        self._decisions = bus.connect(zmq.SUB, "decisions", high_water=1000)
        self._decisions.subscribe(DECISION_TOPIC)
        self._latest: dict[int, Decision] = {}
        self._newest = LatestValue[_Scene]()
        self._outage = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="drawing", daemon=True)
        self._thread.start()

    def show(self, frame: BodyFrame, numbers: Mapping[int, int]) -> None:
        """Draws this frame, unless a newer one arrives first.

        Args:
            frame: the frame; kept, with its image, until it is drawn.
            numbers: track numbers by body id.
        """
        self._newest.put(_Scene(frame, numbers))

    def show_outage(self, reason: str) -> None:
        """Shows the reason of an outage, once; an empty reason ends the outage."""
        if reason and reason != self._outage:
            self._newest.put(_Scene(None, {}, outage_text(self._name, reason)))
        self._outage = reason

    def close(self) -> None:
        """Stops the thread."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            scene = self._newest.take(_WAIT_S)
            self._read_decisions()
            if scene is None or not self._pictures.poll(0, zmq.POLLOUT):
                continue
            started = time.thread_time()
            encoded, jpeg = cv2.imencode(".jpg", self._draw(scene), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            if encoded:
                with contextlib.suppress(zmq.Again):
                    self._pictures.send_multipart([b"%d" % self._index, jpeg.tobytes()], zmq.NOBLOCK)
            self._stop.wait(max(INTERVAL_S, (time.thread_time() - started) / MAX_CPU_SHARE))

    def _draw(self, scene: _Scene) -> Image:
        if scene.frame is None:
            return draw_text(scene.text)
        labels = {}
        for body, track in scene.numbers.items():
            decision = self._latest.get(track)
            if decision is not None:
                labels[body] = Label(f"{track} {decision.person or decision.state}", decision.state)
        caption = f"{self._name}   {scene.frame.time_ns / 1e9:.1f} s"
        return draw(scene.frame, self._layout, labels, caption)

    def _read_decisions(self) -> None:
        """Stores the newest decision on each track of this source."""
        while self._decisions.poll(0):
            decision = msgspec.json.decode(self._decisions.recv_multipart()[1], type=Decision)
            if source_of(decision.track, self._sources) == self._index:
                self._latest[decision.track] = decision
                if decision.final:
                    del self._latest[decision.track]
