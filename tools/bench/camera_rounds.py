"""Processor time of the pose pipeline of one camera, in a process of its own.

    python -m tools.bench.camera_rounds PEOPLE PICTURES

is the process; see `tools.bench.workers`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence

from stream.body import Image
from stream.sources.camera.boxes import Box
from stream.sources.camera.crops import CROP_SCALE
from stream.sources.camera.lifting import FIELD_OF_VIEW
from stream.sources.camera.pose_models import Pose, PoseModels
from stream.sources.camera.pose_pipeline import MediaPipePipeline
from stream.sources.camera.quiet_opencv import cv2
from tools.bench.people_pictures import compose
from tools.bench.workers import Rates, Worker, serve_rounds

__all__ = ["BODIES", "CROPS", "DECODING", "DETECTION", "FPS", "LANDMARKS", "TOTAL", "WALL", "camera_worker"]

FPS = 30

DECODING, DETECTION, LANDMARKS, TOTAL = "decoding", "detection", "landmarks", "total"
"""Figures of a round: milliseconds of processor time per picture."""

WALL, CROPS, BODIES = "wall", "crops", "bodies"
"""Milliseconds that pass per picture, crops per picture, and bodies in the last frame."""

_TIMED = 5
"""Runs of one model in a round."""


def camera_worker(people: int, pictures: int) -> Worker:
    """Starts the process whose rounds process pictures with a number of people, at most 6."""
    return Worker(__name__, str(people), str(pictures), threads=1)


class _CountedModels(PoseModels):
    """The models, with the work that they did.

    Attributes:
        searched: number of searches so far.
        posed: number of crops in which a pose was looked for.
    """

    def __init__(self) -> None:
        self.searched = self.posed = 0
        super().__init__("lite")

    def boxes(self, image: Image) -> list[Box]:
        self.searched += 1
        return super().boxes(image)

    def pose(
        self, image: Image, box: Box, others: Sequence[Box] = (), scale: float = CROP_SCALE
    ) -> Pose | None:
        self.posed += 1
        return super().pose(image, box, others, scale)


class _Rounds:
    def __init__(self, people: int, pictures: int) -> None:
        self._image = compose(people)
        self._models = _CountedModels()
        self._person = self._models.boxes(self._image)[0]
        self._pipeline = MediaPipePipeline(self._models, FIELD_OF_VIEW)
        self._pictures = pictures
        self._jpeg = cv2.imencode(".jpg", self._image)[1]
        self._time_ns = 0
        self._process()

    def measure(self) -> Rates:
        models, image = self._models, self._image
        models.searched = models.posed = 0
        started, cpu = time.perf_counter(), time.process_time()
        bodies = self._process()
        total, wall = time.process_time() - cpu, time.perf_counter() - started
        searches, poses = models.searched / self._pictures, models.posed / self._pictures
        return {
            DECODING: _cost_ms(lambda: cv2.imdecode(self._jpeg, cv2.IMREAD_COLOR)),
            DETECTION: searches * _cost_ms(lambda: models.boxes(image)),
            LANDMARKS: poses * _cost_ms(lambda: models.pose(image, self._person)),
            CROPS: poses,
            TOTAL: 1000 * total / self._pictures,
            WALL: 1000 * wall / self._pictures,
            BODIES: float(bodies),
        }

    def _process(self) -> int:
        """Processes the pictures of a round; returns the bodies in the last one."""
        bodies = 0
        for _ in range(self._pictures):
            self._time_ns += 1_000_000_000 // FPS
            bodies = len(self._pipeline.process(self._image, self._time_ns).frame.bodies)
        return bodies


def _cost_ms(run: Callable[[], object]) -> float:
    started = time.process_time()
    for _ in range(_TIMED):
        run()
    return 1000 * (time.process_time() - started) / _TIMED


if __name__ == "__main__":
    serve_rounds(_Rounds(int(sys.argv[1]), int(sys.argv[2])).measure)
