"""The recognition network of a gallery: its training data, determinism, and retraining after changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gallery.recognition.gallery_network import (
    MIN_EACH,
    Cancelled,
    GalleryRecogniser,
    choose_windows,
    train_gallery,
)
from gallery.recognition.network_training import train_recogniser
from gallery.recognition.retraining import Retraining
from gallery.scoring.backend import Backend, Projection
from gallery.scoring.template_index import TemplateIndex
from gallery.store.records import PersonTemplates
from stream.body import FloatArray

F, D, PER_WALK = 3, 10, 8
RANDOM = np.random.default_rng(7)
PROJECTION = Projection(RANDOM.standard_normal(D).astype("f4"), RANDOM.standard_normal((D, 5)).astype("f4"))
BACKEND = Backend({"near": PROJECTION})


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def windows_of(person: int, walk: int) -> FloatArray:
    """Returns windows (PER_WALK, F, D): noise around the centre of a person."""
    centre = np.random.default_rng(person).standard_normal((1, 1, D))
    noise = np.random.default_rng(1000 * person + walk).standard_normal((PER_WALK, F, D))
    return (centre + 0.3 * noise).astype("f4")


def walks(*people: int) -> list[PersonTemplates]:
    return [
        PersonTemplates(person, f"p{person}", sensor, windows_of(person, walk))
        for walk, sensor in ((1, "near"), (2, "far"))
        for person in people
    ]


def index(*people: int) -> TemplateIndex:
    return TemplateIndex(walks(*people), BACKEND, ["near", "plain"])


def same_weights(one: GalleryRecogniser, two: GalleryRecogniser) -> bool:
    return one.people == two.people and all(
        torch.equal(left, right)
        for sensor in one.networks
        for left, right in zip(
            one.networks[sensor].network.state_dict().values(),
            two.networks[sensor].network.state_dict().values(),
            strict=True,
        )
    )


@pytest.mark.parametrize("sensor", ["near", "plain"])
def test_all_templates_are_training_data_projected_for_the_probes_sensor(sensor: str) -> None:
    trained = train_gallery(index(5, 2, 9))
    assert trained.people == (2, 5, 9)
    rows = np.concatenate([entry.templates for p in (2, 5, 9) for entry in walks(p)])
    if sensor == "near":
        rows = (rows - PROJECTION.mean) @ PROJECTION.matrix
    rows = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    owners = np.repeat([0, 1, 2], 2 * PER_WALK)
    everything = np.ones(len(rows), bool)
    literal = train_recogniser(rows.astype("f4"), owners, everything, None, ("2", "5", "9")).recogniser
    new = windows_of(5, walk=3)
    given_rows = (new - PROJECTION.mean) @ PROJECTION.matrix if sensor == "near" else new
    given_rows = given_rows / np.linalg.norm(given_rows, axis=-1, keepdims=True)
    np.testing.assert_allclose(
        trained.predict(new, sensor), literal.predict(given_rows.astype("f4")), atol=1e-3
    )
    for place, person in enumerate(trained.people):
        assert (trained.predict(windows_of(person, walk=3), sensor).argmax(axis=1) == place).mean() > 0.8


def test_the_same_gallery_in_any_order_gives_the_same_bits() -> None:
    shuffled = TemplateIndex(walks(9, 2, 5), BACKEND, ["plain", "near"])
    assert same_weights(train_gallery(index(2, 5, 9)), train_gallery(shuffled))
    assert not same_weights(train_gallery(index(2, 5)), train_gallery(index(2, 9)))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=40), st.integers(1, 3000))
def test_all_templates_or_equal_evenly_spread_numbers_are_chosen(sizes: list[int], limit: int) -> None:
    owners = np.repeat(np.arange(len(sizes)), sizes)
    chosen = choose_windows(owners, limit)
    most = max(MIN_EACH, limit // len(sizes))
    starts = np.cumsum([0, *sizes])
    expected = [
        start + place * size // min(size, most)
        for start, size in zip(starts, sizes, strict=False)
        for place in range(min(size, most))
    ]
    assert chosen.tolist() == expected
    assert len(set(expected)) == len(expected)


@pytest.mark.parametrize(("name", "value", "expected"), [("MAX_WINDOWS", 10, 5), ("MAX_NUMBERS", 150, 2)])
def test_the_training_data_are_limited(
    monkeypatch: pytest.MonkeyPatch, name: str, value: int, expected: int
) -> None:
    monkeypatch.setattr("gallery.recognition.gallery_network.MIN_EACH", 1)
    monkeypatch.setattr(f"gallery.recognition.gallery_network.{name}", value)
    # Without a projection, a template has 3 x 10 numbers.
    gallery = TemplateIndex(walks(2, 5), BACKEND, ["plain"])
    few = [2 * PER_WALK * n // expected for n in range(expected)]
    chosen = [
        PersonTemplates(p, f"p{p}", "far", np.concatenate([walk.templates for walk in walks(p)])[few])
        for p in (2, 5)
    ]
    limited = train_gallery(gallery)
    monkeypatch.undo()
    assert same_weights(limited, train_gallery(TemplateIndex(chosen, BACKEND, ["plain"])))


def test_a_training_can_be_cancelled() -> None:
    with pytest.raises(Cancelled):
        train_gallery(index(2, 5), lambda: True)


def wait_and_take(subject: Retraining) -> GalleryRecogniser:
    subject.wait(60)
    network = subject.take()
    assert network is not None
    return network


def test_each_changed_gallery_is_trained_without_removed_people() -> None:
    with closing(Retraining()) as subject:
        for people in ((2, 5), (2, 5, 9), (2, 9)):
            subject.begin(index(*people))
            assert subject.pending
            network = wait_and_take(subject)
            assert same_weights(network, train_gallery(index(*people)))
            assert network.predict(windows_of(2, walk=3), "near").shape == (PER_WALK, len(people))
            assert not subject.pending
            assert subject.take() is None


def test_only_the_newest_gallery_is_trained() -> None:
    with closing(Retraining()) as subject:
        subject.begin(index(*range(1, 40)))
        subject.begin(index(2, 5))
        assert wait_and_take(subject).people == (2, 5)
        subject.begin(index(2, 5, 9))
        subject.begin(index(2))  # one person: nothing to classify
        assert not subject.pending
        assert subject.take() is None
        subject.begin(index())
        assert not subject.pending


def test_the_error_of_a_failed_training_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("gallery.recognition.retraining.train_gallery", fail)
    with closing(Retraining()) as subject:
        subject.begin(index(2, 5))
        subject.wait(60)
        with pytest.raises(RuntimeError, match="out of memory"):
            subject.take()
