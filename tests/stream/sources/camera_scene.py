"""Scenes of synthetic people in front of a known camera, and fake MediaPipe models that detect them.

Each pixel of the picture encodes its own position, so that the fake models know where a crop was taken.
Only MediaPipe's models are fake; cropping, axes, tracking, lifting and smoothing are the real code.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from mediapipe.tasks.python import vision

from stream.body import Body, FloatArray, Image
from stream.sources.camera.detected_bodies import DetectedBodies
from stream.sources.camera.lifting import FIELD_OF_VIEW
from stream.sources.camera.pose_pipeline import open_pose_pipeline

WIDTH, HEIGHT, FPS = 960, 540, 30
STEP = 4  # pixels of the picture that share one value
FOCAL = WIDTH / 2 / math.tan(math.radians(FIELD_OF_VIEW) / 2)


def at_rest() -> FloatArray:
    """Returns MediaPipe's landmarks of a standing person, (33, 3): left, up, front; metres."""
    joints = np.zeros((33, 3))
    joints[0] = 0, 0.66, 0.1
    joints[1:7] = 0, 0.70, 0.09
    joints[9:11] = 0, 0.62, 0.09
    pairs = {
        7: (0.07, 0.68, 0), 11: (0.18, 0.5, 0), 13: (0.22, 0.22, 0), 15: (0.23, -0.02, 0.05),
        17: (0.24, -0.1, 0.05), 19: (0.23, -0.1, 0.08), 21: (0.2, -0.06, 0.08), 23: (0.1, 0, 0),
        25: (0.1, -0.42, 0.02), 27: (0.1, -0.82, 0), 29: (0.1, -0.87, -0.05), 31: (0.1, -0.88, 0.14),
    }  # fmt: skip
    for left, position in pairs.items():
        joints[left], joints[left + 1] = position, np.multiply(position, (-1, 1, 1))
    return joints.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Walker:
    """A person who walks in a straight line.

    Attributes:
        start: (x, y, z) of the hips at 0 s, the axes of `stream.body.Body`.
        velocity: (x, z) metres per second; the person faces this direction.
        hidden: frame numbers in which the models do not detect the person.
        scale: of the body.
    """

    start: tuple[float, float, float]
    velocity: tuple[float, float]
    hidden: range = range(0)
    scale: float = 1.0

    def joints(self, number: int) -> FloatArray:
        """Returns (33, 3) joints in camera space at frame `number`."""
        t = number / FPS
        x, z = self.velocity
        front = np.array([x, 0, z]) / math.hypot(x, z)
        up = np.array([0.0, 1.0, 0.0])
        body = at_rest() * self.scale
        swing = 0.25 * math.sin(2 * math.pi * t)
        for side, sign in ((0, 1), (1, -1)):
            body[[25 + side, 27 + side, 29 + side, 31 + side], 2] += sign * swing * np.array([0.5, 1, 1, 1])
            body[[13 + side, 15 + side, 17 + side, 19 + side, 21 + side], 2] -= sign * swing * 0.6
        axes = np.stack([np.cross(up, front), up, front])
        joints: FloatArray = (body @ axes + self.start + t * np.array([x, 0, z])).astype(np.float32)
        return joints


def pixels(joints: FloatArray) -> FloatArray:
    """Returns the projection of joints, (33, 2) pixels: the sensor's left is the picture's."""
    points: FloatArray = np.array([WIDTH / 2, HEIGHT / 2], np.float32) - FOCAL * joints[:, :2] / joints[:, 2:]
    return points


def picture() -> Image:
    """Returns a picture whose pixels encode their own position, evenly, so that crops may be enlarged."""
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return np.stack([np.full_like(x, 255), y / STEP, x / STEP], axis=2).round().astype(np.uint8)


def number_of(image: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    """Returns the number of the frame that an RGB picture shows."""
    _, high, low = image[-1, -1].tolist()
    return int(256 * high + low)


def _place(crop: np.ndarray[Any, np.dtype[np.uint8]]) -> tuple[FloatArray, float]:
    """Returns the upper left corner and the side of an RGB crop in the picture, pixels."""
    middle = len(crop) // 2  # inside the picture and not greyed out, even if the crop is not
    x, scale = _line(crop[middle], 0)
    y, _ = _line(crop[:, middle], 1)
    return np.array([x, y], np.float32), scale * len(crop)


def _line(pixels: np.ndarray[Any, np.dtype[np.uint8]], channel: int) -> tuple[float, float]:
    """Returns the picture's position of the first pixel of a line, and the distance of two."""
    (inside,) = np.nonzero(pixels[:, 2] >= 254)
    scale, start = np.polyfit(inside, STEP * pixels[inside, channel].astype(float), 1)
    return float(start), float(scale)


class Scene:
    """What MediaPipe's models detect.

    Args:
        walkers: the people in the scene.
        visibility: of the landmarks of walker n at frame m.
    """

    def __init__(
        self,
        walkers: Sequence[Walker],
        visibility: Callable[[int, int], FloatArray | float] = lambda n, m: 1.0,
    ) -> None:
        self.walkers = list(walkers)
        self.number = 0
        self._visibility = visibility

    def detect_boxes(self, image: Any) -> Any:
        number, boxes = number_of(image.numpy_view()), []
        for walker in self._present(number):
            points = pixels(walker.joints(number))
            (x0, y0), (x1, y1) = points.min(axis=0).clip(0), points.max(axis=0).clip(0, (WIDTH, HEIGHT))
            box = SimpleNamespace(origin_x=int(x0), origin_y=int(y0), width=int(x1 - x0), height=int(y1 - y0))
            boxes.append(SimpleNamespace(bounding_box=box))
        return SimpleNamespace(detections=boxes)

    def detect_pose(self, image: Any) -> Any:
        corner, side = _place(image.numpy_view())
        center = np.add(corner, side / 2)
        present = list(self._present(self.number))
        offsets = [np.abs(pixels(w.joints(self.number))[23:25].mean(axis=0) - center).max() for w in present]
        if not offsets or min(offsets) > side / 2:
            return SimpleNamespace(pose_landmarks=[], pose_world_landmarks=[])
        walker = present[int(np.argmin(offsets))]
        joints = walker.joints(self.number)
        visibility = np.broadcast_to(self._visibility(self.walkers.index(walker), self.number), 33)
        positions = (pixels(joints) - corner) / side
        # MediaPipe's axes: X to the right and Y down, relative to mid-hip.
        world = (joints - joints[23:25].mean(axis=0)) * (-1, -1, 1)
        return SimpleNamespace(
            pose_landmarks=[
                [
                    SimpleNamespace(x=x, y=y, visibility=v, presence=1.0)
                    for (x, y), v in zip(positions, visibility, strict=True)
                ]
            ],
            pose_world_landmarks=[[SimpleNamespace(x=x, y=y, z=z) for x, y, z in world]],
        )

    def _present(self, number: int) -> Iterator[Walker]:
        for walker in self.walkers:
            if number not in walker.hidden and walker.joints(number)[:, 2].min() > 0.2:
                yield walker


class _Model:
    def __init__(self, detect: Callable[[Any], Any]) -> None:
        self.detect = detect

    def __enter__(self) -> _Model:
        return self

    def __exit__(self, *_: object) -> None: ...


def detect(scene: Scene, frames: int) -> list[DetectedBodies]:
    """Returns what the pose pipeline detects in a scene."""
    with contextlib.ExitStack() as undo:
        patch = undo.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(vision.ObjectDetector, "create_from_options", lambda _: _Model(scene.detect_boxes))
        patch.setattr(vision.PoseLandmarker, "create_from_options", lambda _: _Model(scene.detect_pose))
        pipeline, image, detections = open_pose_pipeline(), picture(), []
        for number in range(frames):
            scene.number = number
            numbered = image.copy()  # the detector may still see the picture before
            numbered[-1, -1] = number % 256, number // 256, 0
            detections.append(pipeline.process(numbered, round(number * 1e9 / FPS)))
        pipeline.close()
    return detections


def bodies(detections: Sequence[DetectedBodies], body_id: int) -> list[tuple[int, Body]]:
    """Returns frame number and body of each detection with this id."""
    return [
        (number, body)
        for number, detected in enumerate(detections)
        for body in detected.frame.bodies
        if body.id == body_id
    ]


def hidden(walker: Walker, frames: range) -> Walker:
    """Returns the same walker, not detected in some frames."""
    return replace(walker, hidden=frames)
