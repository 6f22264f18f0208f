"""MediaPipe's models: boxes of people in a picture, and the pose of the person in a part of it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from stream.body import FloatArray, Image
from stream.errors import SourceError
from stream.sources.camera.boxes import Box, square
from stream.sources.camera.model_files import PERSON_MODEL, POSE_MODELS, load_model
from stream.sources.camera.native_stderr import hush
from stream.sources.camera.quiet_opencv import cv2

__all__ = ["Estimator", "Pose"]

CROP = 1.3
"""Side of the square that a pose is looked for in, over the longer side of the person's box."""

BOX_SCORE = 0.35
POSE_SCORE = 0.3
PRESENCE_SCORE = 0.5
"""How sure the models have to be: of a box, of a person in it, and of that person's landmarks."""

MOST_BOXES = 16


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """One person's 33 landmarks in one picture.

    Attributes:
        points: (33, 2) float32, pixels to the right and down; some may lie outside the picture.
        world: (33, 3) float32, metres, from the middle of the hips, the axes of `stream.body.Body`.
        visibility: (33,) float32 0..1, how surely each is in view and not hidden.
        presence: (33,) float32 0..1, how surely each lies within the part that was looked at.
    """

    points: FloatArray
    world: FloatArray
    visibility: FloatArray
    presence: FloatArray


TO_BODY = np.array([-1, -1, 1], np.float32)
"""From MediaPipe's axes, X to the picture's right and Y down, to those of `stream.body.Body`."""


class Estimator:
    """Both models, loaded; used by one thread.

    Args:
        model: of the poses, a key of `POSE_MODELS`.

    Raises:
        SourceError: there is no such model.
        DataError: a model's file is missing or damaged.
    """

    def __init__(self, model: str) -> None:
        if model not in POSE_MODELS:
            raise SourceError(f"there is no pose model {model!r}; possible: {', '.join(POSE_MODELS)}")
        person, pose = load_model(PERSON_MODEL), load_model(POSE_MODELS[model])
        self._spoke = False  # the poses' model speaks once more when it finds its first person
        with contextlib.ExitStack() as opened, hush():
            self._boxes = opened.enter_context(
                vision.ObjectDetector.create_from_options(
                    vision.ObjectDetectorOptions(
                        base_options=BaseOptions(model_asset_buffer=person),
                        max_results=MOST_BOXES,
                        score_threshold=BOX_SCORE,
                        category_allowlist=["person"],
                    )
                )
            )
            # Its video mode tracks one person only; several are followed by their boxes, picture by picture.
            self._poses = opened.enter_context(
                vision.PoseLandmarker.create_from_options(
                    vision.PoseLandmarkerOptions(
                        base_options=BaseOptions(model_asset_buffer=pose),
                        num_poses=1,
                        min_pose_detection_confidence=POSE_SCORE,
                        min_pose_presence_confidence=PRESENCE_SCORE,
                    )
                )
            )
            self.boxes(np.zeros((64, 64, 3), np.uint8))  # it speaks again at its first picture
            self._opened = opened.pop_all()

    def boxes(self, image: Image) -> list[Box]:
        """The boxes of all people found in a BGR picture, the surest first."""
        found = self._boxes.detect(_rgb(image)).detections
        boxes = (detection.bounding_box for detection in found)
        return [(b.origin_x, b.origin_y, b.origin_x + b.width, b.origin_y + b.height) for b in boxes]

    def pose(self, image: Image, box: Box) -> Pose | None:
        """The pose of the most prominent person in and around a box; None if nobody is there."""
        left, top, side = square(box, CROP)
        part = _cut(image, left, top, side)
        if part is None:
            return None
        with contextlib.nullcontext() if self._spoke else hush():
            result = self._poses.detect(_rgb(part))
        if not result.pose_landmarks:
            return None
        self._spoke = True
        seen = [(p.x, p.y, p.visibility, p.presence) for p in result.pose_landmarks[0]]
        landmarks = np.array(seen, np.float32)
        world = np.array([(p.x, p.y, p.z) for p in result.pose_world_landmarks[0]], np.float32)
        points: FloatArray = landmarks[:, :2] * np.float32(side) + np.array([left, top], np.float32)
        return Pose(points, world * TO_BODY, landmarks[:, 2], landmarks[:, 3])

    def close(self) -> None:
        """Release both models; left to the interpreter's end, MediaPipe writes tracebacks."""
        self._opened.close()


def _rgb(image: Image) -> mp.Image:
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _cut(image: Image, left: int, top: int, side: int) -> Image | None:
    """A square part, black where it reaches over the picture's edge: MediaPipe's landmarks need a square."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
    if x0 >= x1 or y0 >= y1:
        return None
    part = np.zeros((side, side, 3), np.uint8)
    part[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return part
