from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stream.sources.camera.boxes import Box
from tools.trials.sample_videos import pictures_of
from tools.trials.small_people import (
    LIMITS,
    SETTLE,
    Played,
    found_by_height,
    in_large_picture,
    play,
    scaled,
    whole_pictures_only,
)

TALL: Box = (100.0, 100.0, 160.0, 250.0)
SHORT: Box = (400.0, 100.0, 430.0, 190.0)


def test_people_are_counted_by_their_height_in_the_scaled_picture() -> None:
    empty: list[list[Box]] = [[] for _ in range(SETTLE)]
    original = Played([*empty, [TALL, SHORT], [TALL]], [])
    half_tall, half_short = (50.0, 50.0, 80.0, 125.0), (200.0, 50.0, 215.0, 95.0)
    other = Played([*empty, [half_short, half_tall], [half_short]], [])
    counts = found_by_height(original, other, 2)
    assert counts[60] == (1, 2) and counts[40] == (1, 1)
    assert sum(every for _, every in counts.values()) == 3
    assert list(counts) == list(LIMITS[:-1])


def test_a_large_picture_holds_the_small_one() -> None:
    image = np.random.default_rng(1).integers(0, 255, (576, 768, 3)).astype(np.uint8)
    small = scaled(image, 3)
    assert small.shape == (192, 256, 3)
    assert (in_large_picture(small)[:192, :256] == small).all()


@pytest.mark.slow
def test_people_of_60_pixels_are_found_as_in_the_original(plaza_film: Path) -> None:
    pictures = pictures_of(plaza_film, 520, 520 + SETTLE + 15)
    original = play("lite", pictures)
    small = play("lite", [scaled(image, 1.5) for image in pictures])
    counts = found_by_height(original, small, 1.5)
    found = sum(hits for low, (hits, _) in counts.items() if low >= 60)
    every = sum(people for low, (_, people) in counts.items() if low >= 60)
    assert every > 30
    assert found >= 0.95 * every  # somebody new is found one picture later


@pytest.mark.slow
def test_tiles_find_people_who_are_small_in_a_large_picture(plaza_film: Path) -> None:
    pictures = pictures_of(plaza_film, 500, 500 + SETTLE + 20)
    original = play("lite", pictures)
    large = [in_large_picture(scaled(image, 2)) for image in pictures]
    with_tiles = found_by_height(original, play("lite", large), 2)
    with whole_pictures_only():
        whole = found_by_height(original, play("lite", large), 2)
    (found, every), (without, _) = (
        np.sum([counts[low] for low in LIMITS[1:-1]], axis=0) for counts in (with_tiles, whole)
    )
    assert every > 60
    assert found >= 0.7 * every and without < 0.5 * every, "from a second after the beginning on"
