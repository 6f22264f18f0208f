"""Drawing of a frame: skeletons and labels on its image, or on a dark canvas if it has none.

A person whom the camera saw, but of whom the frame has no body, is a box with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stream.body import BodyFrame, FloatArray, Image
from stream.decision import State
from stream.skeleton import BONES, Layout, map_joints
from stream.sources.camera.quiet_opencv import cv2
from stream.view.label_places import Rectangle, free_place

__all__ = ["BACKGROUND", "Label", "draw", "draw_text"]

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
BACKGROUND: Colour = (32, 28, 28)
_TEXT_COLOUR: Colour = (245, 245, 245)
_LOW_CONFIDENCE_COLOUR: Colour = (0, 0, 220)
_MISSED_COLOUR: Colour = (190, 150, 255)
_FONT = cv2.FontFace("sans")
_WEIGHT = 500
_NAME_SIZE, _REASON_SIZE = 20, 14
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


@dataclass(frozen=True, slots=True)
class _Text:
    """A text to be written near what it belongs to.

    Attributes:
        text: one line.
        corner: left and top where it is written if nothing else is there, pixels.
        size: of its letters, pixels.
        colour: of its letters.
        of: the place that it belongs to; None for a caption.
    """

    text: str
    corner: tuple[int, int]
    size: int
    colour: Colour
    of: tuple[int, int] | None = None


def draw(frame: BodyFrame, layout: Layout, labels: Mapping[int, Label], caption: str = "") -> Image:
    """Draws a frame; its own image is not changed.

    Args:
        frame: the frame to draw.
        layout: the joint layout of its bodies and keypoints.
        labels: by body id; a body without a label is drawn too.
        caption: text at the bottom.
    """
    image, scale = _background(frame)
    texts = [_Text(caption, (8, image.shape[0] - 28), 15, _TEXT_COLOUR)] if caption else []
    for body in frame.bodies:
        label = labels.get(body.id, Label("", "collecting"))
        if frame.picture is None:
            positions, confidence = _project(layout, body.joints, body.confidence)
        elif body.id in frame.picture.keypoints:
            positions, confidence = _scale_keypoints(layout, frame.picture.keypoints[body.id], scale)
        else:
            continue
        head = _draw_body(image, positions, confidence, COLOURS[label.state])
        if head is not None and label.text:
            left, top = head[0] - _width(label.text, _NAME_SIZE) // 2, head[1] - 14 - _NAME_SIZE
            texts.append(_Text(label.text, (left, top), _NAME_SIZE, COLOURS[label.state], head))
    for missed in frame.picture.missed if frame.picture is not None else ():
        box = [round(edge * scale) for edge in missed.box]
        cv2.rectangle(image, box[:2], box[2:], _MISSED_COLOUR, 1)
        foot = ((box[0] + box[2]) // 2, box[3])
        left = foot[0] - _width(missed.reason, _REASON_SIZE) // 2
        texts.append(_Text(missed.reason, (left, foot[1] + 4), _REASON_SIZE, _MISSED_COLOUR, foot))
    _write_apart(image, texts)
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
    return np.full((*CANVAS, 3), BACKGROUND, np.uint8)


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


def _draw_body(
    image: Image, positions: FloatArray, confidence: FloatArray, colour: Colour
) -> tuple[int, int] | None:
    """Draws a body; returns the place above which its label belongs, None if nothing of it is visible."""
    shown = (confidence > 0) & (np.abs(np.nan_to_num(positions, nan=np.inf)) < 1e4).all(axis=1)
    if not shown.any():
        return None
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
    return round(float(positions[shown, 0].mean())), round(float(positions[shown, 1].min()))


def _write_apart(image: Image, texts: Sequence[_Text]) -> None:
    """Writes texts so that none covers another; one that has no room is left out."""
    height, width = image.shape[:2]
    taken: list[Rectangle] = []
    for text in texts:
        left, top = text.corner
        wanted = (left, top, left + _width(text.text, text.size) + 2, top + round(1.3 * text.size))
        place = free_place(wanted, taken, (width, height))
        if place is None:
            continue
        taken.append(place)
        if text.of is not None and abs(place[1] - top) + abs(place[0] - left) > 2 * text.size:
            middle = ((place[0] + place[2]) // 2, place[3] if place[3] <= text.of[1] else place[1])
            cv2.line(image, middle, text.of, text.colour, 1, cv2.LINE_AA)
        _write(image, text.text, (place[0], place[1] + text.size), text.size, text.colour)


def _width(text: str, size: int) -> int:
    return int(cv2.getTextSize((1, 1), text, (0, 0), _FONT, size, _WEIGHT)[2])


def _write(image: Image, text: str, at: tuple[int, int], size: int, colour: Colour) -> None:
    """Writes a text of any script with a shadow, legible on any background."""
    for shift, line_colour in ((1, (0, 0, 0)), (0, colour)):
        cv2.putText(image, text, (at[0] + shift, at[1] + shift), line_colour, _FONT, size, _WEIGHT)
