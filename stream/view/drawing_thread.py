"""The capture worker's side: a thread that draws the newest frame when somebody is ready for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import zmq

from stream.body import BodyFrame, Image
from stream.bus.sockets import Bus
from stream.decision import Decision
from stream.skeleton import Layout
from stream.sources.camera.quiet_opencv import cv2
from stream.sources.latest_value import Newest
from stream.sources.live_source import down
from stream.view.drawing import Label, draw, draw_words

__all__ = ["Painter"]

INTERVAL_S = 0.1
"""Between two pictures, at least."""

SHARE = 0.2
"""Of a core, at most: the longer a picture takes to draw, the longer it is until the next."""

QUALITY = 80
_WAIT_S = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """A frame and the track numbers of its bodies; or a text in its place."""

    frame: BodyFrame | None
    numbers: Mapping[int, int]
    text: str = ""


class Painter:
    """Draws what one source sees and sends it to the parent; whoever shows it never waits for this.

    Args:
        bus: its sockets are used by the painter's thread alone.
        index: the source's number in the run.
        sources: how many sources the run has.
        name: the source's name, for the caption.
        layout: the joints of its bodies.
    """

    def __init__(self, bus: Bus, index: int, sources: int, name: str, layout: Layout) -> None:
        self._index = index
        self._sources = sources
        self._name = name
        self._layout = layout
        self._pictures = bus.connect(zmq.PUSH, "pictures", high_water=1)
        self._decisions = bus.connect(zmq.SUB, "decisions", high_water=1000)
        self._decisions.subscribe(b"")
        self._latest: dict[int, Decision] = {}
        self._newest = Newest[_Scene]()
        self._down = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="painter", daemon=True)
        self._thread.start()

    def show(self, frame: BodyFrame, numbers: Mapping[int, int]) -> None:
        """Draw this frame, unless a newer one comes first.

        Args:
            frame: kept until then, with its picture.
            numbers: the track number of each body id.
        """
        self._newest.put(_Scene(frame, numbers))

    def tell_down(self, why: str) -> None:
        """Show why there is nothing to be seen, once; no reason where there is again."""
        if why and why != self._down:
            self._newest.put(_Scene(None, {}, down(self._name, why)))
        self._down = why

    def close(self) -> None:
        """Stop drawing."""
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._stop.is_set():
            scene = self._newest.take(_WAIT_S)
            self._hear()
            if scene is None or not self._pictures.poll(0, zmq.POLLOUT):
                continue
            began = time.thread_time()
            good, coded = cv2.imencode(".jpg", self._draw(scene), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            if good:
                with contextlib.suppress(zmq.Again):
                    self._pictures.send_multipart([b"%d" % self._index, coded.tobytes()], zmq.NOBLOCK)
            self._stop.wait(max(INTERVAL_S, (time.thread_time() - began) / SHARE))

    def _draw(self, scene: _Scene) -> Image:
        if scene.frame is None:
            return draw_words(scene.text)
        labels = {}
        for body, track in scene.numbers.items():
            decision = self._latest.get(track)
            if decision is not None:
                labels[body] = Label(f"{track} {decision.person or decision.state}", decision.state)
        caption = f"{self._name}   {scene.frame.time_ns / 1e9:.1f} s"
        return draw(scene.frame, self._layout, labels, caption)

    def _hear(self) -> None:
        """The newest decision on each of this source's tracks."""
        while self._decisions.poll(0):
            decision = msgspec.json.decode(self._decisions.recv(), type=Decision)
            if (decision.track - 1) % self._sources == self._index:
                self._latest[decision.track] = decision
                if decision.final:
                    del self._latest[decision.track]
