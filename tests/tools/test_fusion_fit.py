"""What a fusion is fitted to."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.pose import POSE
from gallery.segments import segments_of
from tools.fusion_fit import LEAST_PEOPLE, DescribedWalk, fit_fusion

NUMBERS = POSE + 12


def walks(people: int, named: str = "12") -> list[DescribedWalk]:
    """Two walks of each, or more, in which they are told apart."""
    random = np.random.default_rng(people)
    own = random.standard_normal((people, 1, NUMBERS))
    return [
        DescribedWalk(person, walk, (place + 0.5 * random.standard_normal((60, NUMBERS))).astype(np.float32))
        for person, place in enumerate(own)
        for walk in named
    ]


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
    for what, rows in ((model.segments, segments), (model.walks, means)):
        places = what.places(rows)
        standings = what.standings(places)
        likenesses = standings.directions @ standings.directions.T
        np.testing.assert_allclose(standings.common, likenesses.mean(axis=1), atol=1e-4)
        np.testing.assert_allclose(standings.spread, likenesses.std(axis=1), atol=1e-4)


@pytest.mark.parametrize("part", ["walks", "segments"])
def test_what_is_fitted_tells_people_apart(part: str) -> None:
    """Other people of the same kind, each by one walk, named by the other."""
    model = fit_fusion(walks(2 * LEAST_PEOPLE, "123"))
    others = walks(LEAST_PEOPLE + 1)
    statistics = [segments_of(walk.windows).mean(axis=0) for walk in others]
    enrolled = [model.enrolled(walk.windows, of) for walk, of in zip(others, statistics, strict=True)]
    people = model.portraits([[one] for one in enrolled[::2]])
    probes = model.portraits([[one] for one in enrolled[1::2]])
    likeness = getattr(probes, part).likeness(getattr(people, part))
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
