"""A frame drawn: skeletons and labels on its picture, or on a dark canvas where it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stream.body import BodyFrame, FloatArray, Image
from stream.decision import State
from stream.skeleton import CANONICAL, Layout, to_canonical
from stream.sources.camera.quiet_opencv import cv2

__all__ = ["Label", "draw", "draw_words"]

CANVAS = (480, 640)
"""Height and width of a frame without a picture."""

FIELD_OF_VIEW = 70.0
"""Degrees that the canvas is wide: a Kinect v2's."""

NEAREST_M = 0.5
"""Closer than this, or behind it, nobody stands before a sensor: such skeletons are shown from afar."""

WIDEST = 1280
"""Pixels; larger pictures are made smaller before anything is drawn."""

_LINKS = (
    "HipCenter-Spine Spine-ShoulderCenter ShoulderCenter-Head"
    " ShoulderCenter-ShoulderLeft ShoulderLeft-ElbowLeft ElbowLeft-WristLeft WristLeft-HandLeft"
    " ShoulderCenter-ShoulderRight ShoulderRight-ElbowRight ElbowRight-WristRight WristRight-HandRight"
    " HipCenter-HipLeft HipLeft-KneeLeft KneeLeft-AnkleLeft AnkleLeft-FootLeft"
    " HipCenter-HipRight HipRight-KneeRight KneeRight-AnkleRight AnkleRight-FootRight"
)
LINKS = tuple(
    (CANONICAL.index(one), CANONICAL.index(other))
    for one, other in (link.split("-") for link in _LINKS.split())
)
"""Pairs of canonical joints between which a line is drawn."""

Colour = tuple[int, int, int]
COLOURS: Mapping[State, Colour] = {
    "person": (96, 220, 96),
    "unknown": (60, 200, 250),
    "collecting": (200, 200, 200),
}
_GROUND: Colour = (32, 28, 28)
_INK: Colour = (245, 245, 245)
_DOUBT: Colour = (0, 0, 220)
_FONT = cv2.FontFace("sans")
_WEIGHT = 500
SURE = 0.5
"""Joints of less confidence are marked in another colour."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is written at a body.

    Attributes:
        text: such as a name.
        state: of the decision, which chooses the colour.
    """

    text: str
    state: State


def draw(frame: BodyFrame, layout: Layout, labels: Mapping[int, Label], caption: str = "") -> Image:
    """Draw a frame; its own picture is left as it is.

    Args:
        frame: what was seen.
        layout: the joints of its bodies, and of its picture's places.
        labels: by body id; a body without one is drawn all the same.
        caption: written at the foot.
    """
    image, shrunk = _ground(frame)
    for body in frame.bodies:
        label = labels.get(body.id, Label("", "collecting"))
        if frame.picture is None:
            places, seen = _project(layout, body.joints, body.confidence)
        elif body.id in frame.picture.places:
            places, seen = _in_picture(layout, frame.picture.places[body.id], shrunk)
        else:
            continue
        _draw_body(image, places, seen, label)
    if caption:
        _write(image, caption, (8, image.shape[0] - 10), 15, _INK)
    return image


def draw_words(text: str) -> Image:
    """A canvas with nothing but a text on it, broken into lines."""
    image = _canvas()
    words, lines = text.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 56:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    for number, line in enumerate(lines[:12]):
        _write(image, line, (24, 60 + 30 * number), 18, _INK)
    return image


def _ground(frame: BodyFrame) -> tuple[Image, float]:
    """What is drawn on, and by how much it is smaller than the frame's picture."""
    if frame.picture is None:
        return _canvas(), 1.0
    image = frame.picture.image
    height, width = image.shape[:2]
    if width <= WIDEST:
        return image.copy(), 1.0
    shrunk = WIDEST / width
    size = (WIDEST, max(1, round(height * shrunk)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), shrunk


def _canvas() -> Image:
    return np.full((*CANVAS, 3), _GROUND, np.uint8)


def _in_picture(layout: Layout, places: FloatArray, shrunk: float) -> tuple[FloatArray, FloatArray]:
    """(20, 2) pixels of the canonical joints, and (20,) how well each is seen."""
    flat = np.zeros((len(places), 3), np.float32)
    flat[:, :2] = places[:, :2] * shrunk
    canonical, seen = to_canonical(layout, flat, places[:, 2])
    return canonical[:, :2], seen


def _project(layout: Layout, joints: FloatArray, confidence: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same of joints in metres, as a camera in the sensor's place would see them."""
    canonical, seen = to_canonical(layout, joints, confidence)
    if seen.any() and float(np.nanmin(canonical[:, 2])) < NEAREST_M:
        canonical = canonical - np.nanmean(canonical, axis=0) + np.array([0, 0, 3], np.float32)
    height, width = CANVAS
    focal = width / 2 / np.tan(np.radians(FIELD_OF_VIEW / 2))
    # X points to the sensor's left, which is the left of what it sees; Y points up.
    places = np.array([width / 2, height / 2], np.float32) - focal * canonical[:, :2] / canonical[:, 2:]
    return places.astype(np.float32), seen


def _draw_body(image: Image, places: FloatArray, seen: FloatArray, label: Label) -> None:
    colour = COLOURS[label.state]
    shown = (seen > 0) & (np.abs(np.nan_to_num(places, nan=np.inf)) < 1e4).all(axis=1)
    if not shown.any():
        return
    spots = [
        (round(float(x)), round(float(y))) if ok else None for (x, y), ok in zip(places, shown, strict=True)
    ]
    thick = int(np.clip(np.ptp(places[shown, 1]) / 80, 1, 3))  # small people are not painted over
    for one, other in LINKS:
        start, end = spots[one], spots[other]
        if start is not None and end is not None:
            cv2.line(image, start, end, colour, thick, cv2.LINE_AA)
    for spot, trust in zip(spots, seen, strict=True):
        if spot is not None:
            cv2.circle(image, spot, thick + (thick > 1), colour if trust >= SURE else _DOUBT, -1, cv2.LINE_AA)
    if label.text:
        x, y = float(places[shown, 0].mean()), float(places[shown, 1].min())
        width = cv2.getTextSize((1, 1), label.text, (0, 0), _FONT, 20, _WEIGHT)[2]
        left = min(max(4, round(x - width / 2)), max(4, image.shape[1] - width - 4))
        _write(image, label.text, (left, max(24, round(y) - 14)), 20, colour)


def _write(image: Image, text: str, at: tuple[int, int], size: int, colour: Colour) -> None:
    """Letters of any script, legible on any ground."""
    for shift, ink in ((1, (0, 0, 0)), (0, colour)):
        cv2.putText(image, text, (at[0] + shift, at[1] + shift), ink, _FONT, size, _WEIGHT)
