"""Tests of the published splits: roles of walks, independent of the order of the files."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import DataError, UserError
from tests.tools.evaluation.synthetic_datasets import casia, ks20, make_walk, sessions
from tools.datasets import Walk
from tools.evaluation.splits.published_splits import (
    CASIA_VIEWS,
    KS20_VIEWS,
    PUBLISHED_SPLITS,
    NamedSplit,
    condition_split,
    cross_view_split,
    neighbour_view_split,
    protocol_splits,
    random_take_split,
    session_split,
    take_split,
)
from tools.evaluation.splits.walk_split import Split

BIWI = {
    "000": ("Training", "Still", "Walking"),
    "001": ("Training",),
    "002": ("Training", "Still", "Walking"),
}
IAS = {str(person): ("Training", "TestingA", "TestingB") for person in range(4)}


def named(dataset: str, protocol: str, name: str) -> NamedSplit:
    (found,) = (split for split in protocol_splits(dataset, protocol) if split.name == name)
    return found


def labels(walks: tuple[Walk, ...]) -> list[str]:
    return sorted(f"{walk.person}/{walk.walk}" for walk in walks)


def roles(split: Split) -> tuple[list[str], list[str], list[str]]:
    return labels(split.train), labels(split.gallery), labels(split.probe)


def test_biwi_trains_on_all_people_and_probes_with_the_test_sessions() -> None:
    split = named("biwi", "rn", "biwi").draw(sessions(BIWI), 0)
    train = ["000/Training", "001/Training", "002/Training"]
    assert roles(split) == (train, [], ["000/Walking", "002/Walking"])
    split = named("biwi", "direct", "biwi-walking").draw(sessions(BIWI), 0)
    assert roles(split) == (train, ["000/Still", "002/Still"], ["000/Walking", "002/Walking"])
    split = named("biwi", "direct", "biwi-still").draw(sessions(BIWI), 0)
    assert roles(split) == (train, ["000/Walking", "002/Walking"], ["000/Still", "002/Still"])


def test_ias_probes_with_each_test_session() -> None:
    walks = sessions(IAS)
    for name, probe, gallery in (("ias-a", "TestingA", "TestingB"), ("ias-b", "TestingB", "TestingA")):
        classified, matched = (named("ias", protocol, name).draw(walks, 3) for protocol in ("rn", "direct"))
        assert labels(classified.probe) == labels(matched.probe) == [f"{person}/{probe}" for person in IAS]
        assert labels(matched.gallery) == [f"{person}/{gallery}" for person in IAS]
        assert labels(classified.train) == labels(matched.train) == [f"{person}/Training" for person in IAS]
        assert not classified.gallery


def test_incomplete_sessions_are_reported() -> None:
    with pytest.raises(DataError, match="no walk of session Still among 3 walks"):
        session_split(sessions({"0": ("Training", "Walking"), "1": ("Walking",)}), 0, probe="Still")
    with pytest.raises(DataError, match="synthetic/1/Walking is a probe, but person 1 has no training walk"):
        session_split(sessions({"0": ("Training", "Walking"), "1": ("Walking",)}), 0, probe="Walking")
    whole = sessions({"0": ("Training", "Walking", "Still"), "1": ("Training", "Walking")})
    with pytest.raises(DataError, match="person 1 has no gallery walk"):
        session_split(whole, 0, probe="Walking", gallery="Still")


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31))
def test_ks20_random_takes_probe_with_one_take_of_each_view_and_person(seed: int) -> None:
    walks = ks20(2)
    split = random_take_split(walks, seed)
    assert Counter((walk.person, walk.view) for walk in split.probe) == {
        (person, view): 1 for person in "12" for view in KS20_VIEWS
    }
    assert sorted(labels(split.train) + labels(split.probe)) == labels(tuple(walks))
    assert labels(random_take_split(walks[::-1], seed).probe) == labels(split.probe)
    alone = random_take_split([walk for walk in walks if walk.person == "2"], seed)
    assert labels(alone.probe) == [name for name in labels(split.probe) if name.startswith("2/")]


def test_every_take_is_the_probe_for_some_seed() -> None:
    walks = [walk for walk in ks20(1) if walk.view == "frontal"]
    drawn = Counter(random_take_split(walks, seed).probe[0].session for seed in range(300))
    assert min(drawn[take] for take in ("gc1", "gc2", "gc3")) > 60  # 100 expected


def test_a_view_with_one_take_trains() -> None:
    walks = [walk for walk in ks20(1) if walk.view == "frontal" or walk.session == "gc1"]
    split = random_take_split(walks, 0)
    assert [walk.view for walk in split.probe] == ["frontal"]
    assert len(split.train) == 6
    with pytest.raises(DataError, match="no probe walk: expected at least two takes"):
        random_take_split([walk for walk in walks if walk.session == "gc1"], 0)


@pytest.mark.parametrize(("view", "degrees"), KS20_VIEWS.items())
def test_ks20_cross_view_probes_with_one_view_and_trains_on_four(view: str, degrees: int) -> None:
    split = named("ks20", "rn", f"ks20-view-{degrees}").draw(ks20(2), 0)
    assert {walk.view for walk in split.probe} == {view}
    assert {walk.view for walk in split.train} == set(KS20_VIEWS) - {view}
    assert (len(split.probe), len(split.train), len(split.gallery)) == (6, 24, 0)
    with pytest.raises(DataError, match="no walk of view nowhere"):
        cross_view_split(ks20(1), 0, view="nowhere")


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31))
def test_ks20_direct_takes_one_take_as_gallery_and_another_as_probe(seed: int) -> None:
    split = take_split(ks20(2), seed)
    for person in "12":
        takes = [
            {walk.session for walk in part if walk.person == person}
            for part in (split.gallery, split.probe, split.train)
        ]
        assert [len(part) for part in takes] == [1, 1, 1]
        assert set().union(*takes) == {"gc1", "gc2", "gc3"}
    assert {walk.view for walk in split.probe} == {walk.view for walk in split.gallery} == set(KS20_VIEWS)
    assert labels(take_split(ks20(2)[::-1], seed).probe) == labels(split.probe)


def test_a_single_take_is_rejected() -> None:
    with pytest.raises(DataError, match="belongs to the only take of person 1"):
        take_split([walk for walk in ks20(1) if walk.session == "gc2"], 0)


@pytest.mark.parametrize(
    ("view", "neighbours"),
    [("000", {"018"}), ("018", {"000", "036"}), ("090", {"072", "108"}), ("180", {"162"})],
)
def test_cve_trains_on_the_neighbouring_views(view: str, neighbours: set[str]) -> None:
    walks = casia(2, views=CASIA_VIEWS)
    split = neighbour_view_split(walks, 0, view=view)
    assert {walk.view for walk in split.probe} == {view}
    assert {walk.view for walk in split.train} == neighbours
    assert len(split.probe) == 12
    assert len(split.train) == 12 * len(neighbours)
    assert not split.gallery


def test_cve_has_a_split_for_each_view() -> None:
    assert [split.name for split in protocol_splits("casia-b", "cve")] == [
        f"view-{view}" for view in CASIA_VIEWS
    ]
    with pytest.raises(DataError, match="no walk of view 018"):
        neighbour_view_split(casia(1, views=("000",)), 0, view="000")


@settings(max_examples=25)
@given(seed=st.integers(0, 2**31), people=st.integers(2, 5))
def test_cme_trains_on_half_of_the_people_and_tests_the_others(seed: int, people: int) -> None:
    walks = casia(people, views=("090",))
    split = condition_split(walks, seed, probe="cl", gallery="nm")
    trained, tested = ({walk.person for walk in part} for part in (split.train, split.probe))
    assert len(trained) == people // 2
    assert trained.isdisjoint(tested)
    assert {walk.person for walk in split.gallery} == tested
    assert {walk.condition for walk in split.probe} == {"cl"}
    assert {walk.condition for walk in split.gallery} == {"nm"}
    assert not split.exclude_same_recording
    other = condition_split(walks[::-1], seed, probe="nm", gallery="nm")
    assert {walk.person for walk in other.train} == trained, "the same people for all conditions"


def test_cme_with_equal_conditions_compares_each_walk_with_all_others() -> None:
    split = named("casia-b", "cme", "nm-nm").draw(casia(4), 1)
    assert split.exclude_same_recording
    assert labels(split.gallery) == labels(split.probe)
    assert len(split.probe) == 2 * 2 * 3
    names = [named.name for named in protocol_splits("casia-b", "cme")]
    assert names == ["nm-nm", "bg-bg", "cl-cl", "cl-nm", "bg-nm"]


def test_cme_needs_two_people_and_every_condition() -> None:
    with pytest.raises(DataError, match="expected at least two people, half of them for training, got 1"):
        condition_split(casia(1), 0, probe="nm", gallery="nm")
    with pytest.raises(DataError, match="no walk of condition cl"):
        condition_split([walk for walk in casia(2) if walk.condition != "cl"], 0, probe="cl", gallery="nm")


def test_halves_differ_by_seed() -> None:
    walks = casia(4, views=("000",))
    halves = {
        frozenset(walk.person for walk in condition_split(walks, seed, probe="nm", gallery="bg").train)
        for seed in range(40)
    }
    assert len(halves) == 6


WALKS = {
    "kgbd": [make_walk(str(person), str(number)) for person in range(3) for number in range(5)],
    "biwi": sessions(BIWI),
    "ias": sessions(IAS),
    "ks20": ks20(2),
    "casia-b": casia(4, views=CASIA_VIEWS),
}


@pytest.mark.parametrize(("dataset", "protocol"), PUBLISHED_SPLITS)
def test_every_published_split_can_be_drawn_with_disjoint_roles(dataset: str, protocol: str) -> None:
    splits = protocol_splits(dataset, protocol)
    assert len({split.name for split in splits}) == len(splits)
    for split in splits:
        drawn = split.draw(WALKS[dataset], 5)
        again = split.draw(WALKS[dataset], 5)
        assert roles(drawn) == roles(again)
        assert drawn.probe
        assert drawn.train
        assert bool(drawn.gallery) == (protocol in ("direct", "cme"))
        train, gallery, probe = (set(part) for part in roles(drawn))
        assert train.isdisjoint(gallery | probe)
        assert drawn.exclude_same_recording or gallery.isdisjoint(probe)


@pytest.mark.parametrize(("dataset", "protocol"), PUBLISHED_SPLITS)
def test_a_duplicate_walk_is_left_out_of_every_split(dataset: str, protocol: str) -> None:
    walks = WALKS[dataset]
    copy = replace(walks[-1], walk="copied", name="synthetic/copied")
    for split in protocol_splits(dataset, protocol)[:2]:
        drawn = split.draw([*walks, copy], 5)
        assert [walk.name for walk in drawn.duplicates] == ["synthetic/copied"]
        assert roles(drawn) == roles(split.draw(walks, 5))


def test_unknown_protocols_are_reported() -> None:
    with pytest.raises(UserError, match="kgbd has no protocol 'cme'; choose one of rn, direct"):
        protocol_splits("kgbd", "cme")
    with pytest.raises(UserError, match="patho has no protocol 'rn'; no protocol is published for it"):
        protocol_splits("patho", "rn")


def test_pixels_and_metres_in_one_split_are_rejected() -> None:
    flat, solid = casia(1, layout="coco17-2d", views=("000",)), casia(2, views=("000",))[6:]
    with pytest.raises(
        UserError, match=r"synthetic/001/.* is 2D, in pixels, and synthetic/002/.* is 3D, in metres"
    ):
        condition_split(flat + solid, 0, probe="nm", gallery="nm")
    assert np.isfinite(flat[0].joints).all()
