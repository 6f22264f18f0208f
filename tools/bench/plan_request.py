"""What a site needs, as `--plan` takes it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from encoder.precision import Precision
from stream.errors import UserError

__all__ = ["Site", "parse_site"]

_RANGES = {
    "cameras": (0, 100_000),
    "kinects": (0, 100_000),
    "people": (1, 100),
    "gallery": (1, 1_000_000),
    "fps": (5, 120),
    "cores": (1, 10_000),
}
"""Lowest and highest value of each whole number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site.

    Attributes:
        cameras: their number; each estimates poses on a processor.
        kinects: sensors that deliver skeletons.
        people: in view of each of them, all the time.
        gallery: people enrolled; None for as many as were measured.
        fps: pictures per second of a camera.
        precision: of the encoder.
        cores: of one machine; None for those of the measured one.
    """

    cameras: int = 0
    kinects: int = 0
    people: int = 1
    gallery: int | None = None
    fps: int = 30
    precision: Precision = "fp32"
    cores: int | None = None

    @property
    def walking(self) -> int:
        """People in view of all sources."""
        return (self.cameras + self.kinects) * self.people


def parse_site(text: str) -> Site:
    """Parses `cameras=40,people=6`.

    Raises:
        UserError: a part is unknown, given twice or out of range, or there is neither camera nor Kinect.
    """
    known = ", ".join(field.name for field in fields(Site))
    numbers: dict[str, int] = {}
    precision: Precision = "fp32"
    seen = set()
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name in seen:
            raise UserError(f"--plan: {name} is given twice; leave one out")
        seen.add(name)
        if name == "precision" and value in ("fp32", "bf16"):
            precision = "bf16" if value == "bf16" else "fp32"
        elif name in _RANGES:
            numbers[name] = _whole(name, value)
        else:
            raise UserError(f"--plan: expected name=value with {known}, got {part.strip()!r}")
    site = Site(**numbers, precision=precision)
    if not site.walking:
        raise UserError("--plan: give cameras=N or kinects=N, how many there are")
    return site


def _whole(name: str, value: str) -> int:
    low, high = _RANGES[name]
    if not (value.isascii() and value.isdecimal() and len(value) <= 9 and low <= int(value) <= high):
        raise UserError(f"--plan: {name} is a whole number from {low} to {high:,}, not {value!r}")
    return int(value)
