"""MediaPipe's models: a detector of person boxes, and an estimator of the pose in a crop."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from stream.body import FloatArray, Image
from stream.errors import SourceError
from stream.sources.camera.boxes import Box
from stream.sources.camera.crops import CROP_SCALE, person_crop
from stream.sources.camera.detected_bodies import PoseCost
from stream.sources.camera.model_files import PERSON_MODEL, POSE_MODELS, load_model
from stream.sources.camera.native_stderr import suppress_native_stderr
from stream.sources.camera.quiet_opencv import cv2

__all__ = ["Pose", "PoseModels"]

MIN_BOX_SCORE = 0.35
MIN_POSE_SCORE = 0.3
MIN_PRESENCE_SCORE = 0.5
"""Detection thresholds: of a box, of a person in a crop, and of that person's landmarks."""

MAX_BOXES = 16

TIMED = 5
"""Runs of a model whose median is its time."""

POSE_OVER_EMPTY = 2.5
"""Time of a pose over that of a crop without anybody, `full`; see `python -m tools.trials.pose_models`."""


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """One person's 33 landmarks in one picture.

    Attributes:
        points: (33, 2) float32, pixels to the right and down; some may lie outside the picture.
        world: (33, 3) float32, metres, relative to mid-hip, the axes of `stream.body.Body`.
        visibility: (33,) float32 0..1, score that the landmark is in view and not occluded.
        presence: (33,) float32 0..1, score that the landmark lies within the crop.
    """

    points: FloatArray
    world: FloatArray
    visibility: FloatArray
    presence: FloatArray


TO_BODY = np.array([-1, -1, 1], np.float32)
"""From MediaPipe's axes, X to the picture's right and Y down, to those of `stream.body.Body`."""


class PoseModels:
    """The person detector and the pose model, loaded; each is used by one thread at a time.

    Args:
        model: the pose model, a key of `POSE_MODELS`.

    Raises:
        SourceError: the pose model is unknown.
        DataError: a model's file is missing or damaged.
    """

    def __init__(self, model: str) -> None:
        if model not in POSE_MODELS:
            raise SourceError(f"unknown pose model {model!r}; possible: {', '.join(POSE_MODELS)}")
        person, pose = load_model(PERSON_MODEL), load_model(POSE_MODELS[model])
        self._first_pose_found = False  # until then, the pose model still writes to stderr
        with contextlib.ExitStack() as opened, suppress_native_stderr():
            self._boxes = opened.enter_context(
                vision.ObjectDetector.create_from_options(
                    vision.ObjectDetectorOptions(
                        base_options=BaseOptions(model_asset_buffer=person),
                        max_results=MAX_BOXES,
                        score_threshold=MIN_BOX_SCORE,
                        category_allowlist=["person"],
                    )
                )
            )
            # Its video mode tracks one person only; here each person's box is cropped in every picture.
            self._poses = opened.enter_context(
                vision.PoseLandmarker.create_from_options(
                    vision.PoseLandmarkerOptions(
                        base_options=BaseOptions(model_asset_buffer=pose),
                        num_poses=1,
                        min_pose_detection_confidence=MIN_POSE_SCORE,
                        min_pose_presence_confidence=MIN_PRESENCE_SCORE,
                    )
                )
            )
            self.boxes(
                np.zeros((64, 64, 3), np.uint8)
            )  # the detector also writes to stderr at its first picture
            self._opened = opened.pop_all()

    def boxes(self, image: Image) -> list[Box]:
        """Returns the boxes of all people detected in a BGR picture, highest score first."""
        detections = self._boxes.detect(_rgb(image)).detections
        boxes = (detection.bounding_box for detection in detections)
        return [(b.origin_x, b.origin_y, b.origin_x + b.width, b.origin_y + b.height) for b in boxes]

    def pose(
        self, image: Image, box: Box, others: Sequence[Box] = (), scale: float = CROP_SCALE
    ) -> Pose | None:
        """Returns the pose of the most prominent person in and around a box; None if there is none.

        Args:
            image: the picture, BGR.
            box: of the person.
            others: boxes of other people, who are greyed out.
            scale: side of the crop over the longer side of the box.
        """
        crop = person_crop(image, box, others, scale)
        if crop is None:
            return None
        with contextlib.nullcontext() if self._first_pose_found else suppress_native_stderr():
            result = self._poses.detect(_rgb(crop.image))
        if not result.pose_landmarks:
            return None
        self._first_pose_found = True
        values = [(p.x, p.y, p.visibility, p.presence) for p in result.pose_landmarks[0]]
        landmarks = np.array(values, np.float32)
        world = np.array([(p.x, p.y, p.z) for p in result.pose_world_landmarks[0]], np.float32)
        return Pose(crop.in_picture(landmarks[:, :2]), world * TO_BODY, landmarks[:, 2], landmarks[:, 3])

    def measure(self, image: Image) -> PoseCost:
        """Measures what one search for people and one pose take, in the middle of a picture."""
        height, width = image.shape[:2]
        middle = (width / 4, height / 4, 3 * width / 4, 3 * height / 4)
        found = self.pose(image, middle) is not None  # the first call of a model takes longer
        search = _median_s(lambda: self.boxes(image))
        pose = _median_s(lambda: self.pose(image, middle))
        return PoseCost(search, pose if found else POSE_OVER_EMPTY * pose)

    def close(self) -> None:
        """Releases both models; without this, MediaPipe writes tracebacks when the interpreter exits."""
        self._opened.close()


def _median_s(run: Callable[[], object]) -> float:
    times = []
    for _ in range(TIMED):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return median(times)


def _rgb(image: Image) -> mp.Image:
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
