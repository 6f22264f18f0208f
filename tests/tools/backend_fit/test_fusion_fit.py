"""Fitting of a fusion: cohorts, discriminants and evidence, on synthetic people."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.pose import JOINT_COLUMNS, POSE_WIDTH
from gallery.scoring.cohort import Discriminants
from gallery.scoring.evidence.coordination import Coordination
from gallery.scoring.evidence.discriminant_evidence import DiscriminantEvidence
from gallery.scoring.evidence.protocol import EvidenceKind
from gallery.scoring.evidence.registry import EVIDENCE, statistics_slice
from gallery.scoring.evidence.swing import Swing
from gallery.scoring.fusion import FusionModel, fusion_weights
from gallery.scoring.segments import segments_of
from tools.backend_fit.fusion_fit import MIN_PEOPLE, DescribedWalk, fit_fusion

NUMBERS = POSE_WIDTH + 12


def walks(people: int, named: str = "12") -> list[DescribedWalk]:
    """Returns walks of people who differ in the means of their numbers and in the phases of their joints."""
    random = np.random.default_rng(people)
    found = []
    for person in range(people):
        means = random.standard_normal(NUMBERS)
        phases = random.uniform(0, 1, 57)
        for walk in named:
            windows = means + 0.5 * random.standard_normal((60, NUMBERS))
            seconds = random.uniform() + np.arange(60)[:, None] / 10
            windows[:, JOINT_COLUMNS] += np.cos(2 * np.pi * (seconds + phases))
            found.append(DescribedWalk(person, walk, windows.astype(np.float32)))
    return found


def discriminants(model: FusionModel, name: str) -> Discriminants:
    (evidence,) = (each for each in model.evidence if each.name == name)
    assert isinstance(evidence, DiscriminantEvidence)
    return evidence.discriminants


@pytest.mark.slow
def test_cohorts_are_the_mean_and_covariance_of_all_people() -> None:
    training = walks(MIN_PEOPLE)
    model = fit_fusion(training)
    windows = np.concatenate([model.windows.project(walk.windows) for walk in training])
    probe = windows[:7]
    products = probe @ windows.T
    expected = products.mean(axis=1) + 2 * products.std(axis=1)
    np.testing.assert_allclose(model.windows.background(probe), expected, atol=1e-4)

    segments = np.concatenate([segments_of(walk.windows) for walk in training])
    means = np.stack(
        [walk.windows[own].mean(axis=0) for walk in training for own in (slice(50), slice(10, 60))]
    )
    rows_of = {"walks": means} | {
        kind.name: segments[:, statistics_slice(kind)] for kind in (Swing, Coordination)
    }
    for name, rows in rows_of.items():
        fitted = discriminants(model, name)
        found = fitted.statistics(fitted.project(rows))
        similarities = found.directions @ found.directions.T
        np.testing.assert_allclose(found.mean, similarities.mean(axis=1), atol=1e-4)
        np.testing.assert_allclose(found.spread, similarities.std(axis=1), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("kind", EVIDENCE, ids=lambda kind: kind.name)
def test_each_kind_of_evidence_identifies_people(kind: EvidenceKind) -> None:
    """The people are not training people; one walk enrols them, the other is the probe."""
    model = fit_fusion(walks(2 * MIN_PEOPLE, "123"), fusion_weights(**{kind.name: 1.0}))
    others = walks(MIN_PEOPLE + 1)
    statistics = [segments_of(walk.windows).mean(axis=0) for walk in others]
    enrolled = [model.enrol(walk.windows, of) for walk, of in zip(others, statistics, strict=True)]
    place = EVIDENCE.index(kind)
    evidence = model.evidence[place]
    reference = evidence.reference([[walk.evidence[place]] for walk in enrolled[::2]])
    similarity = np.concatenate(
        [evidence.similarity(evidence.as_track(walk.evidence[place]), reference) for walk in enrolled[1::2]]
    )
    assert np.mean(similarity.argmax(axis=1) == np.arange(len(similarity))) >= 0.9


def test_too_few_people_are_refused() -> None:
    with pytest.raises(ValueError, match=f"at least {MIN_PEOPLE} people, got {MIN_PEOPLE - 1}"):
        fit_fusion(walks(MIN_PEOPLE - 1))


@pytest.mark.slow
def test_variation_between_walks_of_a_person_gets_a_low_weight() -> None:
    """People differ equally in two numbers; one of them also varies between the walks of a person."""
    random = np.random.default_rng(3)

    def varying_walks(people: int) -> list[DescribedWalk]:
        found = []
        for person in range(people):
            own = np.zeros(NUMBERS)
            own[[0, 1]] = 3 * random.standard_normal(2)
            for walk in "123":
                of_walk = np.zeros(NUMBERS)
                of_walk[1] = 3 * random.standard_normal()
                windows = own + of_walk + 0.5 * random.standard_normal((40, NUMBERS))
                found.append(DescribedWalk(person, walk, windows.astype(np.float32)))
        return found

    model = fit_fusion(varying_walks(2 * MIN_PEOPLE))
    lengths = [np.linalg.norm(model.windows.directions.discriminants[number]) for number in (0, 1)]
    assert lengths[0] > 3 * lengths[1]
