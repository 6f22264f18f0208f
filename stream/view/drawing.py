"""Drawing of a frame: skeletons and labels on its image, or on a dark canvas if it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stream.body import BodyFrame, FloatArray, Image
from stream.decision import State
from stream.skeleton import BONES, Layout, map_joints
from stream.sources.camera.quiet_opencv import cv2

__all__ = ["Label", "draw", "draw_text"]

CANVAS = (480, 640)
"""Height and width of the canvas for a frame without an image, pixels."""

FIELD_OF_VIEW = 70.0
"""Horizontal field of view of the canvas, degrees; that of a Kinect v2."""

MIN_DISTANCE_M = 0.5
"""Nearer skeletons, such as centred ones, are moved to a distance of 3 m for drawing."""

MAX_WIDTH = 1280
"""Pixels; wider images are scaled down before drawing."""

Colour = tuple[int, int, int]
COLOURS: Mapping[State, Colour] = {
    "person": (96, 220, 96),
    "unknown": (60, 200, 250),
    "collecting": (200, 200, 200),
}
_BACKGROUND: Colour = (32, 28, 28)
_TEXT_COLOUR: Colour = (245, 245, 245)
_LOW_CONFIDENCE_COLOUR: Colour = (0, 0, 220)
_FONT = cv2.FontFace("sans")
_WEIGHT = 500
LOW_CONFIDENCE = 0.5
"""Joints with less confidence have another colour."""


@dataclass(frozen=True, slots=True)
class Label:
    """Label of a body.

    Attributes:
        text: for example a name.
        state: state of the decision, which determines the colour.
    """

    text: str
    state: State


def draw(frame: BodyFrame, layout: Layout, labels: Mapping[int, Label], caption: str = "") -> Image:
    """Draws a frame; its own image is not changed.

    Args:
        frame: the frame to draw.
        layout: the joint layout of its bodies and keypoints.
        labels: by body id; a body without a label is drawn too.
        caption: text at the bottom.
    """
    image, scale = _background(frame)
    for body in frame.bodies:
        label = labels.get(body.id, Label("", "collecting"))
        if frame.picture is None:
            positions, confidence = _project(layout, body.joints, body.confidence)
        elif body.id in frame.picture.keypoints:
            positions, confidence = _scale_keypoints(layout, frame.picture.keypoints[body.id], scale)
        else:
            continue
        _draw_body(image, positions, confidence, label)
    if caption:
        _write(image, caption, (8, image.shape[0] - 10), 15, _TEXT_COLOUR)
    return image


def draw_text(text: str) -> Image:
    """Returns a canvas with a text, broken into lines."""
    image = _canvas()
    words, lines = text.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 56:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    for number, line in enumerate(lines[:12]):
        _write(image, line, (24, 60 + 30 * number), 18, _TEXT_COLOUR)
    return image


def _background(frame: BodyFrame) -> tuple[Image, float]:
    """Returns the image to draw on, and its scale relative to the frame's image."""
    if frame.picture is None:
        return _canvas(), 1.0
    image = frame.picture.image
    height, width = image.shape[:2]
    if width <= MAX_WIDTH:
        return image.copy(), 1.0
    scale = MAX_WIDTH / width
    size = (MAX_WIDTH, max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _canvas() -> Image:
    return np.full((*CANVAS, 3), _BACKGROUND, np.uint8)


def _scale_keypoints(layout: Layout, keypoints: FloatArray, scale: float) -> tuple[FloatArray, FloatArray]:
    """Converts keypoints to the canonical joints: pixels (20, 2) and confidence (20,)."""
    joints = np.zeros((len(keypoints), 3), np.float32)
    joints[:, :2] = keypoints[:, :2] * scale
    canonical, confidence = map_joints(layout, joints, keypoints[:, 2])
    return canonical[:, :2], confidence


def _project(layout: Layout, joints: FloatArray, confidence: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Projects joints in metres to the canvas: canonical joints in pixels (20, 2), confidence (20,)."""
    canonical, confidence = map_joints(layout, joints, confidence)
    if confidence.any() and float(np.nanmin(canonical[:, 2])) < MIN_DISTANCE_M:
        canonical = canonical - np.nanmean(canonical, axis=0) + np.array([0, 0, 3], np.float32)
    height, width = CANVAS
    focal = width / 2 / np.tan(np.radians(FIELD_OF_VIEW / 2))
    # X points to the sensor's left, which is the left side of the canvas; Y points up.
    positions = np.array([width / 2, height / 2], np.float32) - focal * canonical[:, :2] / canonical[:, 2:]
    return positions.astype(np.float32), confidence


def _draw_body(image: Image, positions: FloatArray, confidence: FloatArray, label: Label) -> None:
    colour = COLOURS[label.state]
    shown = (confidence > 0) & (np.abs(np.nan_to_num(positions, nan=np.inf)) < 1e4).all(axis=1)
    if not shown.any():
        return
    points = [
        (round(float(x)), round(float(y))) if visible else None
        for (x, y), visible in zip(positions, shown, strict=True)
    ]
    thickness = int(np.clip(np.ptp(positions[shown, 1]) / 80, 1, 3))  # thin lines for small bodies
    for joint, parent in BONES:
        start, end = points[parent], points[joint]
        if start is not None and end is not None:
            cv2.line(image, start, end, colour, thickness, cv2.LINE_AA)
    for point, joint_confidence in zip(points, confidence, strict=True):
        if point is not None:
            fill = colour if joint_confidence >= LOW_CONFIDENCE else _LOW_CONFIDENCE_COLOUR
            cv2.circle(image, point, thickness + (thickness > 1), fill, -1, cv2.LINE_AA)
    if label.text:
        x, y = float(positions[shown, 0].mean()), float(positions[shown, 1].min())
        width = cv2.getTextSize((1, 1), label.text, (0, 0), _FONT, 20, _WEIGHT)[2]
        left = min(max(4, round(x - width / 2)), max(4, image.shape[1] - width - 4))
        _write(image, label.text, (left, max(24, round(y) - 14)), 20, colour)


def _write(image: Image, text: str, at: tuple[int, int], size: int, colour: Colour) -> None:
    """Writes a text of any script with a shadow, legible on any background."""
    for shift, line_colour in ((1, (0, 0, 0)), (0, colour)):
        cv2.putText(image, text, (at[0] + shift, at[1] + shift), line_colour, _FONT, size, _WEIGHT)
