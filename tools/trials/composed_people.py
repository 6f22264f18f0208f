"""Pictures of people side by side, composed of people who were filmed alone, so that the truth is known.

A person is cut out along the mask of MediaPipe's pose model and pasted onto a background without people.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

from stream.body import FloatArray, Image
from stream.sources.camera.boxes import Box, square_crop
from stream.sources.camera.crops import CROP_SCALE, person_crop
from stream.sources.camera.model_files import POSE_MODELS, load_model
from stream.sources.camera.native_stderr import suppress_native_stderr
from stream.sources.camera.quiet_opencv import cv2

__all__ = ["CutOut", "Cutter", "background_of", "open_cutter", "paste"]

MASK_FROM, MASK_TO = 0.2, 0.7
"""Values of the mask between which a pixel becomes opaque."""


@dataclass(frozen=True, slots=True, eq=False)
class CutOut:
    """A person without the surroundings.

    Attributes:
        pixels: (h, w, 3), BGR.
        opacity: (h, w, 1) float32, 0..1.
        origin: left and top of these pixels, relative to the left of the person's box and the picture's top.
        box: of the person, with its left at 0.
    """

    pixels: Image
    opacity: FloatArray
    origin: tuple[int, int]
    box: Box

    @property
    def height(self) -> float:
        """Height of the person's box, pixels."""
        return self.box[3] - self.box[1]

    @property
    def width(self) -> float:
        """Width of the person's box, pixels."""
        return self.box[2] - self.box[0]


class Cutter:
    """Cuts people out of pictures; see `open_cutter`."""

    def __init__(self, model: vision.PoseLandmarker) -> None:
        self._model = model

    def cut(self, image: Image, box: Box) -> CutOut | None:
        """Cuts out the person in a box; returns None if the model finds nobody in it."""
        crop = person_crop(image, box)
        if crop is None:
            return None
        rgb = cv2.cvtColor(crop.image, cv2.COLOR_BGR2RGB)
        with suppress_native_stderr():
            masks = self._model.detect(
                mp.Image(image_format=mp.ImageFormat.SRGB, data=rgb)
            ).segmentation_masks
        if not masks:
            return None
        left, top, side = square_crop(box, CROP_SCALE)
        mask = cv2.resize(np.squeeze(masks[0].numpy_view()), (side, side), interpolation=cv2.INTER_AREA)
        height, width = image.shape[:2]
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
        part = mask[y0 - top : y1 - top, x0 - left : x1 - left, None]
        opacity = ((part - MASK_FROM) / (MASK_TO - MASK_FROM)).clip(0, 1).astype(np.float32)
        moved = (0.0, box[1], box[2] - box[0], box[3])
        return CutOut(image[y0:y1, x0:x1].copy(), opacity, (x0 - round(box[0]), y0), moved)


@contextlib.contextmanager
def open_cutter() -> Iterator[Cutter]:
    """Loads the pose model `full` with its masks."""
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=load_model(POSE_MODELS["full"])),
        output_segmentation_masks=True,
        min_pose_detection_confidence=0.3,
    )
    with suppress_native_stderr():
        model = vision.PoseLandmarker.create_from_options(options)
    with model:
        yield Cutter(model)


def background_of(pictures: Sequence[Image]) -> Image:
    """Returns the median of pictures of a camera that does not move: what is there without people."""
    median: Image = np.median(np.stack(pictures), axis=0).astype(np.uint8)
    return median


def paste(canvas: Image, person: CutOut, left: int) -> Box:
    """Pastes a person into a picture, at the height at which they were filmed; returns their box.

    Args:
        canvas: changed in place.
        person: in front of everything that was pasted before.
        left: of the person's box, pixels.
    """
    height, width = person.pixels.shape[:2]
    x0, y0 = left + person.origin[0], person.origin[1]
    first, last = max(0, -x0), min(width, canvas.shape[1] - x0)
    if first < last:
        target = canvas[y0 : y0 + height, x0 + first : x0 + last]
        share = person.opacity[: len(target), first:last]
        mixed = person.pixels[: len(target), first:last] * share + target * (1 - share)
        target[:] = np.round(mixed).astype(np.uint8)
    return left + person.box[0], person.box[1], left + person.box[2], person.box[3]
