"""What a fusion is fitted to."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
import pytest

from encoder.pose import JOINTS, POSE
from gallery.scoring.segments import COORDINATION, SWING, segments_of
from tools.backend_fit.fusion_fit import LEAST_PEOPLE, DescribedWalk, fit_fusion

NUMBERS = POSE + 12


def walks(people: int, named: str = "12") -> list[DescribedWalk]:
    """Two walks of each, or more.

    People differ by where their numbers lie, and by which joints swing ahead of which: all as far, and once a
    second.
    """
    random = np.random.default_rng(people)
    found = []
    for person in range(people):
        place = random.standard_normal(NUMBERS)
        ahead = random.uniform(0, 1, 57)
        for walk in named:
            windows = place + 0.5 * random.standard_normal((60, NUMBERS))
            seconds = random.uniform() + np.arange(60)[:, None] / 10
            windows[:, JOINTS] += np.cos(2 * np.pi * (seconds + ahead))
            found.append(DescribedWalk(person, walk, windows.astype(np.float32)))
    return found


def test_the_cohort_is_everybodys_mean_and_covariance() -> None:
    seen = walks(LEAST_PEOPLE)
    model = fit_fusion(seen)
    windows = np.concatenate([model.windows(walk.windows) for walk in seen])
    probe = windows[:7]
    products = probe @ windows.T
    expected = products.mean(axis=1) + 2 * products.std(axis=1)
    np.testing.assert_allclose(model.commonness(probe), expected, atol=1e-4)

    segments = np.concatenate([segments_of(walk.windows) for walk in seen])
    means = np.stack([walk.windows[own].mean(axis=0) for walk in seen for own in (slice(50), slice(10, 60))])
    for what, rows in (
        (model.swing, segments[:, SWING]),
        (model.coordination, segments[:, COORDINATION]),
        (model.walks, means),
    ):
        places = what.places(rows)
        standings = what.standings(places)
        likenesses = standings.directions @ standings.directions.T
        np.testing.assert_allclose(standings.common, likenesses.mean(axis=1), atol=1e-4)
        np.testing.assert_allclose(standings.spread, likenesses.std(axis=1), atol=1e-4)


@pytest.mark.parametrize("part", ["walks", "segments.swing", "segments.coordination"])
def test_what_is_fitted_tells_people_apart(part: str) -> None:
    """Other people of the same kind, each by one walk, named by the other."""
    model = fit_fusion(walks(2 * LEAST_PEOPLE, "123"))
    others = walks(LEAST_PEOPLE + 1)
    statistics = [segments_of(walk.windows).mean(axis=0) for walk in others]
    enrolled = [model.enrolled(walk.windows, of) for walk, of in zip(others, statistics, strict=True)]
    people = model.portraits([[one] for one in enrolled[::2]])
    probes = model.portraits([[one] for one in enrolled[1::2]])
    which = attrgetter(part)
    likeness = which(probes).likeness(which(people))
    assert np.mean(likeness.argmax(axis=1) == np.arange(len(likeness))) >= 0.9


def test_too_few_people_are_refused() -> None:
    with pytest.raises(ValueError, match=f"at least {LEAST_PEOPLE} people, got {LEAST_PEOPLE - 1}"):
        fit_fusion(walks(LEAST_PEOPLE - 1))


def test_what_changes_from_walk_to_walk_counts_little() -> None:
    """People who differ in two numbers alike, of which one jumps from walk to walk: the other names them."""
    random = np.random.default_rng(3)

    def seen(people: int) -> list[DescribedWalk]:
        found = []
        for person in range(people):
            own = np.zeros(NUMBERS)
            own[[0, 1]] = 3 * random.standard_normal(2)
            for walk in "123":
                mood = np.zeros(NUMBERS)
                mood[1] = 3 * random.standard_normal()
                windows = own + mood + 0.5 * random.standard_normal((40, NUMBERS))
                found.append(DescribedWalk(person, walk, windows.astype(np.float32)))
        return found

    model = fit_fusion(seen(2 * LEAST_PEOPLE))
    lengths = [np.linalg.norm(model.directions.discriminants[number]) for number in (0, 1)]
    assert lengths[0] > 3 * lengths[1]
