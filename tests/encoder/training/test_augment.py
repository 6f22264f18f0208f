"""Augmentation: the invariants of each kind, off by default, reproducible by seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.training.augment import (
    MIRRORED,
    Augmentation,
    corrupt_inputs,
    stretch_margin,
    transform_spans,
)
from stream.body import FloatArray
from stream.skeleton import CANONICAL

SEED = (0, 1, 2)


def random_spans(n: int = 50, length: int = 6) -> FloatArray:
    spans = np.random.RandomState(0).standard_normal((n, length, 20, 3)).astype("f4")
    spans[:, :, 0] = 0
    return spans


def test_no_augmentation_changes_nothing() -> None:
    spans = random_spans()
    assert stretch_margin(Augmentation(), 6) == 0
    np.testing.assert_array_equal(transform_spans(Augmentation(), spans, 6, SEED), spans)
    np.testing.assert_array_equal(corrupt_inputs(Augmentation(), spans, SEED), spans)


def test_rotation_keeps_heights_and_lengths_with_one_angle_per_window() -> None:
    spans = random_spans()
    rotated = transform_spans(Augmentation(rotation_deg=30), spans, 6, SEED)
    np.testing.assert_array_equal(rotated[..., 1], spans[..., 1])
    np.testing.assert_allclose(np.linalg.norm(rotated, axis=-1), np.linalg.norm(spans, axis=-1), atol=1e-5)
    plane = [a[:, :, 1:, 0] + 1j * a[:, :, 1:, 2] for a in (spans, rotated)]
    angles = np.angle(plane[1] / plane[0], deg=True)
    np.testing.assert_allclose(angles, np.broadcast_to(angles[:, :1, :1], angles.shape), atol=1e-3)
    assert 25 < abs(angles).max() <= 30.001
    assert abs(angles.mean()) < 10


def test_rotation_does_not_mirror() -> None:
    spans = random_spans()
    rotated = transform_spans(Augmentation(rotation_deg=180), spans, 6, SEED)
    triple = [np.linalg.det(a[:, 0, 1:4].astype("f8")) for a in (spans, rotated)]
    np.testing.assert_allclose(triple[0], triple[1], atol=1e-4)


def test_mirror_exchanges_left_and_right() -> None:
    for joint, other in enumerate(MIRRORED):
        swapped = CANONICAL[joint].replace("Left", "?").replace("Right", "Left")
        assert CANONICAL[other] == swapped.replace("?", "Right")
    spans = random_spans()
    mirrored = transform_spans(Augmentation(mirror=1), spans, 6, SEED)
    left, right = CANONICAL.index("KneeLeft"), CANONICAL.index("KneeRight")
    np.testing.assert_array_equal(mirrored[:, :, left], spans[:, :, right] * np.array([-1, 1, 1], "f4"))
    np.testing.assert_array_equal(transform_spans(Augmentation(mirror=1), mirrored, 6, SEED), spans)


def test_mirror_probability_one_half_mirrors_about_half_of_the_windows() -> None:
    spans = random_spans(400)
    same = (transform_spans(Augmentation(mirror=0.5), spans, 6, SEED) == spans).all(axis=(1, 2, 3))
    assert 150 < same.sum() < 250


def test_noise_has_its_standard_deviation_and_keeps_the_hip() -> None:
    spans = random_spans(200)
    difference = corrupt_inputs(Augmentation(noise_m=0.02), spans, SEED) - spans
    assert (difference[:, :, 0] == 0).all()
    assert float(difference[:, :, 1:].std()) == pytest.approx(0.02, rel=0.02)


def test_a_lost_joint_keeps_its_previous_position() -> None:
    spans = random_spans(200)
    corrupted = corrupt_inputs(Augmentation(dropout=0.25), spans, SEED)
    np.testing.assert_array_equal(corrupted[:, 0], spans[:, 0])
    kept = (corrupted[:, 1:, 1:] == spans[:, 1:, 1:]).all(axis=-1)
    held = (corrupted[:, 1:, 1:] == corrupted[:, :-1, 1:]).all(axis=-1)
    assert (kept | held).all()
    assert float(held.mean()) == pytest.approx(0.25, abs=0.01)


@given(jitter=st.floats(0.01, 0.5), length=st.integers(2, 20))
def test_rate_jitter_changes_the_pace_of_a_straight_walk(jitter: float, length: int) -> None:
    augmentation = Augmentation(rate_jitter=jitter)
    margin = stretch_margin(augmentation, length)
    time = np.arange(length + 2 * margin) - (length + 2 * margin - 1) / 2
    spans = np.broadcast_to(time[None, :, None, None], (60, len(time), 20, 3)).astype("f4")
    places = transform_spans(augmentation, spans, length, SEED)[:, :, 0, 0]
    pace = places[:, -1] / ((length - 1) / 2)
    np.testing.assert_allclose(places, pace[:, None] * (np.arange(length) - (length - 1) / 2), atol=1e-4)
    assert (abs(pace - 1) <= jitter + 1e-5).all()
    assert pace.std() > jitter / 4


def test_scale_changes_only_the_size() -> None:
    spans = random_spans()
    ratio = transform_spans(Augmentation(scale_jitter=0.1), spans, 6, SEED)[:, :, 1:] / spans[:, :, 1:]
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1, :1], ratio.shape), rtol=1e-4)
    assert 0.9 <= ratio.min() < 0.95
    assert 1.05 < ratio.max() <= 1.1001


ALL = Augmentation(
    rotation_deg=180, mirror=0.5, noise_m=0.01, dropout=0.1, rate_jitter=0.1, scale_jitter=0.05
)


def test_the_seed_determines_the_result_and_inputs_are_not_modified() -> None:
    spans = random_spans(length=6 + 2 * stretch_margin(ALL, 6))
    before = spans.copy()
    first, second = transform_spans(ALL, spans, 6, SEED), transform_spans(ALL, spans, 6, SEED)
    np.testing.assert_array_equal(first, second)
    assert (transform_spans(ALL, spans, 6, (0, 1, 3)) != first).any()
    inputs = first.copy()
    np.testing.assert_array_equal(corrupt_inputs(ALL, inputs, SEED), corrupt_inputs(ALL, inputs, SEED))
    assert (corrupt_inputs(ALL, inputs, (0, 1, 3)) != corrupt_inputs(ALL, inputs, SEED)).any()
    np.testing.assert_array_equal(inputs, first)
    np.testing.assert_array_equal(spans, before)
    assert first.dtype == corrupt_inputs(ALL, inputs, SEED).dtype == np.float32


def test_augmentations_have_independent_random_streams() -> None:
    spans = random_spans()
    alone = transform_spans(Augmentation(mirror=0.5), spans, 6, SEED)
    both = transform_spans(Augmentation(mirror=0.5, scale_jitter=0.1), spans, 6, SEED)
    np.testing.assert_array_equal(np.sign(alone), np.sign(both))


@pytest.mark.parametrize(
    "wrong",
    [{"rotation_deg": 181}, {"mirror": -0.1}, {"noise_m": float("nan")}, {"dropout": 1.0}, {"mirror": True}],
    ids=str,
)
def test_values_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))}: expected a number from 0 to"):
        Augmentation(**wrong)


def test_spans_without_their_margin_are_refused() -> None:
    with pytest.raises(ValueError, match="expected 8 skeletons each, got 6"):
        transform_spans(Augmentation(rate_jitter=0.1), random_spans(), 6, SEED)
