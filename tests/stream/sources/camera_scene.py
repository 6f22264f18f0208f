"""People of known bodies before a known camera: what MediaPipe would say, and pictures to go with it.

Each pixel of a picture bears its own place, so that a part that was cut out tells where from. The fake models
stand where MediaPipe's do; cropping, axes, following, lifting and smoothing are the genuine ones.
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
from stream.sources.camera.detected_bodies import Sight
from stream.sources.camera.lifting import FIELD_OF_VIEW
from stream.sources.camera.pose_pipeline import open_eyes

WIDTH, HEIGHT, FPS = 960, 540, 30
FOCAL = WIDTH / 2 / math.tan(math.radians(FIELD_OF_VIEW) / 2)


def at_rest() -> FloatArray:
    """(33, 3) MediaPipe's landmarks of somebody who stands: to their left, up, to their front; metres."""
    joints = np.zeros((33, 3))
    joints[0] = 0, 0.66, 0.1
    joints[1:7] = 0, 0.70, 0.09
    joints[9:11] = 0, 0.62, 0.09
    pairs = {
        7: (0.07, 0.68, 0), 11: (0.18, 0.5, 0), 13: (0.22, 0.22, 0), 15: (0.23, -0.02, 0.05),
        17: (0.24, -0.1, 0.05), 19: (0.23, -0.1, 0.08), 21: (0.2, -0.06, 0.08), 23: (0.1, 0, 0),
        25: (0.1, -0.42, 0.02), 27: (0.1, -0.82, 0), 29: (0.1, -0.87, -0.05), 31: (0.1, -0.88, 0.14),
    }  # fmt: skip
    for left, place in pairs.items():
        joints[left], joints[left + 1] = place, np.multiply(place, (-1, 1, 1))
    return joints.astype(np.float32)


@dataclass(frozen=True, slots=True)
class Walker:
    """Somebody who walks straight on.

    Attributes:
        start: (x, y, z) of the hips at 0 s, the axes of `stream.body.Body`.
        velocity: (x, z) metres a second; they face where they go.
        hidden: frame numbers in which MediaPipe does not find them.
        scale: of the body.
    """

    start: tuple[float, float, float]
    velocity: tuple[float, float]
    hidden: range = range(0)
    scale: float = 1.0

    def joints(self, number: int) -> FloatArray:
        """(33, 3) in camera space at frame `number`."""
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
    """(33, 2) where a camera sees them: the sensor's left is the picture's."""
    points: FloatArray = np.array([WIDTH / 2, HEIGHT / 2], np.float32) - FOCAL * joints[:, :2] / joints[:, 2:]
    return points


def picture() -> Image:
    """Every pixel's colours are its own place; see `_corner`."""
    x, y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return np.stack([x & 255, y & 255, (x >> 8 | y >> 8 << 3) + 128], axis=2).astype(np.uint8)


def _corner(part: np.ndarray[Any, np.dtype[np.uint8]]) -> tuple[int, int]:
    """Where the left upper corner of an RGB part of the picture lies in it."""
    row = column = len(part) // 2  # within the picture, wherever the part reaches over its edge
    high, low_y, low_x = (int(v) for v in part[row, column])
    high -= 128
    return (high & 7) * 256 + low_x - column, (high >> 3) * 256 + low_y - row


class Scene:
    """What MediaPipe's models see.

    Args:
        walkers: who is there.
        sure: visibility of the landmarks of walker n at frame m.
    """

    def __init__(
        self, walkers: Sequence[Walker], sure: Callable[[int, int], FloatArray | float] = lambda n, m: 1.0
    ) -> None:
        self.walkers = list(walkers)
        self.number = 0
        self._sure = sure

    def detect_boxes(self, _: Any) -> Any:
        boxes = []
        for walker in self._there():
            points = pixels(walker.joints(self.number))
            (x0, y0), (x1, y1) = points.min(axis=0).clip(0), points.max(axis=0).clip(0, (WIDTH, HEIGHT))
            box = SimpleNamespace(origin_x=int(x0), origin_y=int(y0), width=int(x1 - x0), height=int(y1 - y0))
            boxes.append(SimpleNamespace(bounding_box=box))
        return SimpleNamespace(detections=boxes)

    def detect_pose(self, image: Any) -> Any:
        part = image.numpy_view()
        corner, side = _corner(part), part.shape[0]
        centre = np.add(corner, side / 2)
        there = list(self._there())
        away = [np.abs(pixels(w.joints(self.number))[23:25].mean(axis=0) - centre).max() for w in there]
        if not away or min(away) > side / 2:
            return SimpleNamespace(pose_landmarks=[], pose_world_landmarks=[])
        walker = there[int(np.argmin(away))]
        joints = walker.joints(self.number)
        sure = np.broadcast_to(self._sure(self.walkers.index(walker), self.number), 33)
        places = (pixels(joints) - corner) / side
        # MediaPipe speaks of X to the right and Y down, about the middle of the hips.
        world = (joints - joints[23:25].mean(axis=0)) * (-1, -1, 1)
        return SimpleNamespace(
            pose_landmarks=[
                [
                    SimpleNamespace(x=x, y=y, visibility=v, presence=1.0)
                    for (x, y), v in zip(places, sure, strict=True)
                ]
            ],
            pose_world_landmarks=[[SimpleNamespace(x=x, y=y, z=z) for x, y, z in world]],
        )

    def _there(self) -> Iterator[Walker]:
        for walker in self.walkers:
            if self.number not in walker.hidden and walker.joints(self.number)[:, 2].min() > 0.2:
                yield walker


class _Model:
    def __init__(self, detect: Callable[[Any], Any]) -> None:
        self.detect = detect

    def __enter__(self) -> _Model:
        return self

    def __exit__(self, *_: object) -> None: ...


def watch(scene: Scene, frames: int) -> list[Sight]:
    """What the eyes make of a scene."""
    with contextlib.ExitStack() as undo:
        patch = undo.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(vision.ObjectDetector, "create_from_options", lambda _: _Model(scene.detect_boxes))
        patch.setattr(vision.PoseLandmarker, "create_from_options", lambda _: _Model(scene.detect_pose))
        eyes, image, sights = open_eyes(), picture(), []
        for number in range(frames):
            scene.number = number
            sights.append(eyes.see(image, round(number * 1e9 / FPS)))
        eyes.close()
    return sights


def bodies(sights: Sequence[Sight], number: int) -> list[tuple[int, Body]]:
    """Frame number and body of everybody with that id."""
    return [(n, body) for n, sight in enumerate(sights) for body in sight.frame.bodies if body.id == number]


def hidden(walker: Walker, frames: range) -> Walker:
    """The same, not found for some frames."""
    return replace(walker, hidden=frames)
