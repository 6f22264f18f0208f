"""The recognition network of a gallery: what it learns from, how it follows changes, what it forgets."""

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
    Abandoned,
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


def seen(person: int, walk: int) -> FloatArray:
    """Windows (PER_WALK, F, D) around a centre of the person's own."""
    centre = np.random.default_rng(person).standard_normal((1, 1, D))
    noise = np.random.default_rng(1000 * person + walk).standard_normal((PER_WALK, F, D))
    return (centre + 0.3 * noise).astype("f4")


def walks(*people: int) -> list[PersonTemplates]:
    return [
        PersonTemplates(person, f"p{person}", sensor, seen(person, walk))
        for walk, sensor in ((1, "near"), (2, "far"))
        for person in people
    ]


def index(*people: int) -> TemplateIndex:
    return TemplateIndex(walks(*people), BACKEND, ["near", "plain"])


def same(one: GalleryRecogniser, two: GalleryRecogniser) -> bool:
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
def test_it_learns_every_template_as_the_watching_sensor_sees_it(sensor: str) -> None:
    trained = train_gallery(index(5, 2, 9))
    assert trained.people == (2, 5, 9)
    rows = np.concatenate([entry.templates for p in (2, 5, 9) for entry in walks(p)])
    if sensor == "near":
        rows = (rows - PROJECTION.mean) @ PROJECTION.matrix
    rows = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    owners = np.repeat([0, 1, 2], 2 * PER_WALK)
    everything = np.ones(len(rows), bool)
    literal = train_recogniser(rows.astype("f4"), owners, everything, None, ("2", "5", "9")).recogniser
    new = seen(5, walk=3)
    given_rows = (new - PROJECTION.mean) @ PROJECTION.matrix if sensor == "near" else new
    given_rows = given_rows / np.linalg.norm(given_rows, axis=-1, keepdims=True)
    np.testing.assert_allclose(
        trained.predict(new, sensor), literal.predict(given_rows.astype("f4")), atol=1e-3
    )
    for place, person in enumerate(trained.people):
        assert (trained.predict(seen(person, walk=3), sensor).argmax(axis=1) == place).mean() > 0.8


def test_the_same_gallery_in_any_order_gives_the_same_bits() -> None:
    shuffled = TemplateIndex(walks(9, 2, 5), BACKEND, ["plain", "near"])
    assert same(train_gallery(index(2, 5, 9)), train_gallery(shuffled))
    assert not same(train_gallery(index(2, 5)), train_gallery(index(2, 9)))


@given(st.lists(st.integers(1, 300), min_size=1, max_size=40), st.integers(1, 3000))
def test_all_templates_are_learned_or_as_many_of_each_spread_evenly(sizes: list[int], limit: int) -> None:
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
def test_what_a_network_learns_from_is_bounded(
    monkeypatch: pytest.MonkeyPatch, name: str, value: int, expected: int
) -> None:
    monkeypatch.setattr("gallery.recognition.gallery_network.MIN_EACH", 1)
    monkeypatch.setattr(f"gallery.recognition.gallery_network.{name}", value)
    # As they are, two people's templates have 3 x 10 numbers each.
    gallery = TemplateIndex(walks(2, 5), BACKEND, ["plain"])
    few = [2 * PER_WALK * n // expected for n in range(expected)]
    chosen = [
        PersonTemplates(p, f"p{p}", "far", np.concatenate([walk.templates for walk in walks(p)])[few])
        for p in (2, 5)
    ]
    limited = train_gallery(gallery)
    monkeypatch.undo()
    assert same(limited, train_gallery(TemplateIndex(chosen, BACKEND, ["plain"])))


def test_a_training_can_be_abandoned() -> None:
    with pytest.raises(Abandoned):
        train_gallery(index(2, 5), lambda: True)


def taken(subject: Retraining) -> GalleryRecogniser:
    subject.wait(60)
    network = subject.take()
    assert network is not None
    return network


def test_every_change_of_the_gallery_is_learned_and_who_is_removed_is_gone() -> None:
    with closing(Retraining()) as subject:
        for people in ((2, 5), (2, 5, 9), (2, 9)):
            subject.begin(index(*people))
            assert subject.pending
            network = taken(subject)
            assert same(network, train_gallery(index(*people)))
            assert network.predict(seen(2, walk=3), "near").shape == (PER_WALK, len(people))
            assert not subject.pending
            assert subject.take() is None


def test_only_the_newest_gallery_is_learned() -> None:
    with closing(Retraining()) as subject:
        subject.begin(index(*range(1, 40)))
        subject.begin(index(2, 5))
        assert taken(subject).people == (2, 5)
        subject.begin(index(2, 5, 9))
        subject.begin(index(2))  # one person: nobody to tell apart
        assert not subject.pending
        assert subject.take() is None
        subject.begin(index())
        assert not subject.pending


def test_a_training_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr("gallery.recognition.retraining.train_gallery", fail)
    with closing(Retraining()) as subject:
        subject.begin(index(2, 5))
        subject.wait(60)
        with pytest.raises(RuntimeError, match="out of luck"):
            subject.take()
