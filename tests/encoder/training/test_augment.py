"""Augmentation: what each kind keeps and changes, that it is off unless asked for, and its seeds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.training.augment import MIRRORED, Augmentation, disturb, margin, move
from stream.body import FloatArray
from stream.skeleton import CANONICAL

SEED = (0, 1, 2)


def bodies(n: int = 50, length: int = 6) -> FloatArray:
    spans = np.random.RandomState(0).standard_normal((n, length, 20, 3)).astype("f4")
    spans[:, :, 0] = 0
    return spans


def test_off_means_untouched() -> None:
    spans = bodies()
    assert margin(Augmentation(), 6) == 0
    np.testing.assert_array_equal(move(Augmentation(), spans, 6, SEED), spans)
    np.testing.assert_array_equal(disturb(Augmentation(), spans, SEED), spans)


def test_rotation_keeps_heights_and_lengths_and_one_angle_a_window() -> None:
    spans = bodies()
    turned = move(Augmentation(rotation_deg=30), spans, 6, SEED)
    np.testing.assert_array_equal(turned[..., 1], spans[..., 1])
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(spans, axis=-1), atol=1e-5)
    plane = [a[:, :, 1:, 0] + 1j * a[:, :, 1:, 2] for a in (spans, turned)]
    angles = np.angle(plane[1] / plane[0], deg=True)
    np.testing.assert_allclose(angles, np.broadcast_to(angles[:, :1, :1], angles.shape), atol=1e-3)
    assert 25 < abs(angles).max() <= 30.001
    assert abs(angles.mean()) < 10


def test_rotation_is_a_rotation_not_a_mirror() -> None:
    spans = bodies()
    turned = move(Augmentation(rotation_deg=180), spans, 6, SEED)
    triple = [np.linalg.det(a[:, 0, 1:4].astype("f8")) for a in (spans, turned)]
    np.testing.assert_allclose(triple[0], triple[1], atol=1e-4)


def test_mirror_exchanges_left_and_right() -> None:
    for joint, other in enumerate(MIRRORED):
        swapped = CANONICAL[joint].replace("Left", "?").replace("Right", "Left")
        assert CANONICAL[other] == swapped.replace("?", "Right")
    spans = bodies()
    mirrored = move(Augmentation(mirror=1), spans, 6, SEED)
    left, right = CANONICAL.index("KneeLeft"), CANONICAL.index("KneeRight")
    np.testing.assert_array_equal(mirrored[:, :, left], spans[:, :, right] * np.array([-1, 1, 1], "f4"))
    np.testing.assert_array_equal(move(Augmentation(mirror=1), mirrored, 6, SEED), spans)


def test_half_a_mirror_turns_about_half_of_the_windows() -> None:
    spans = bodies(400)
    same = (move(Augmentation(mirror=0.5), spans, 6, SEED) == spans).all(axis=(1, 2, 3))
    assert 150 < same.sum() < 250


def test_noise_has_its_deviation_and_leaves_the_hip() -> None:
    spans = bodies(200)
    difference = disturb(Augmentation(noise_m=0.02), spans, SEED) - spans
    assert (difference[:, :, 0] == 0).all()
    assert float(difference[:, :, 1:].std()) == pytest.approx(0.02, rel=0.02)


def test_a_lost_joint_stays_where_it_was() -> None:
    spans = bodies(200)
    disturbed = disturb(Augmentation(dropout=0.25), spans, SEED)
    np.testing.assert_array_equal(disturbed[:, 0], spans[:, 0])
    kept = (disturbed[:, 1:, 1:] == spans[:, 1:, 1:]).all(axis=-1)
    held = (disturbed[:, 1:, 1:] == disturbed[:, :-1, 1:]).all(axis=-1)
    assert (kept | held).all()
    assert float(held.mean()) == pytest.approx(0.25, abs=0.01)


@given(jitter=st.floats(0.01, 0.5), length=st.integers(2, 20))
def test_another_rate_reads_a_straight_walk_at_another_pace(jitter: float, length: int) -> None:
    augmentation = Augmentation(rate_jitter=jitter)
    beside = margin(augmentation, length)
    time = np.arange(length + 2 * beside) - (length + 2 * beside - 1) / 2
    spans = np.broadcast_to(time[None, :, None, None], (60, len(time), 20, 3)).astype("f4")
    places = move(augmentation, spans, length, SEED)[:, :, 0, 0]
    pace = places[:, -1] / ((length - 1) / 2)
    np.testing.assert_allclose(places, pace[:, None] * (np.arange(length) - (length - 1) / 2), atol=1e-4)
    assert (abs(pace - 1) <= jitter + 1e-5).all()
    assert pace.std() > jitter / 4


def test_scale_changes_size_alone() -> None:
    spans = bodies()
    ratio = move(Augmentation(scale_jitter=0.1), spans, 6, SEED)[:, :, 1:] / spans[:, :, 1:]
    np.testing.assert_allclose(ratio, np.broadcast_to(ratio[:, :1, :1, :1], ratio.shape), rtol=1e-4)
    assert 0.9 <= ratio.min() < 0.95
    assert 1.05 < ratio.max() <= 1.1001


ALL = Augmentation(
    rotation_deg=180, mirror=0.5, noise_m=0.01, dropout=0.1, rate_jitter=0.1, scale_jitter=0.05
)


def test_the_seed_decides_and_inputs_are_left_alone() -> None:
    spans = bodies(length=6 + 2 * margin(ALL, 6))
    before = spans.copy()
    first, second = move(ALL, spans, 6, SEED), move(ALL, spans, 6, SEED)
    np.testing.assert_array_equal(first, second)
    assert (move(ALL, spans, 6, (0, 1, 3)) != first).any()
    inputs = first.copy()
    np.testing.assert_array_equal(disturb(ALL, inputs, SEED), disturb(ALL, inputs, SEED))
    assert (disturb(ALL, inputs, (0, 1, 3)) != disturb(ALL, inputs, SEED)).any()
    np.testing.assert_array_equal(inputs, first)
    np.testing.assert_array_equal(spans, before)
    assert first.dtype == disturb(ALL, inputs, SEED).dtype == np.float32


def test_one_augmentation_changes_no_other_draw() -> None:
    spans = bodies()
    alone = move(Augmentation(mirror=0.5), spans, 6, SEED)
    both = move(Augmentation(mirror=0.5, scale_jitter=0.1), spans, 6, SEED)
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
        move(Augmentation(rate_jitter=0.1), bodies(), 6, SEED)
