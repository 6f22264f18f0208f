"""Tests of random splits: one role for each walk; and of the windows cut from walks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import DataError
from stream.windows.cutting import cut_windows
from tools.datasets import Walk, find_walks
from tools.evaluation.splits.walk_split import Split, direct_split, drop_duplicates, rn_split
from tools.evaluation.splits.window_set import WindowSet

F = 4


def walk(person: str, number: int, frames: int = 40, seed: int | None = None) -> Walk:
    """Returns a walk of a standing person with unique joints."""
    random = np.random.default_rng([ord(person), number] if seed is None else seed)
    joints = random.normal(0, 0.3, (20, 3)) + random.normal(0, 0.01, (frames, 20, 3))
    joints[:, 0] = 0.01
    time_ns = np.arange(frames, dtype=np.int64) * 33_333_333
    name = f"synthetic/{person}/{number}"
    confidence = np.ones((frames, 20), np.float32)
    return Walk(person, str(number), "synthetic", "kinect-v1", time_ns, joints.astype("f4"), confidence, name)


def people(counts: dict[str, int]) -> list[Walk]:
    """Returns walks; `counts` gives each person's number."""
    return [walk(person, number) for person, count in counts.items() for number in range(count)]


def roles(split: Split, person: str) -> dict[str, set[str]]:
    """Returns a person's walks by role."""
    parts = {"train": split.train, "gallery": split.gallery, "probe": split.probe}
    return {role: {w.walk for w in walks if w.person == person} for role, walks in parts.items()}


COUNTS = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(2, 7), min_size=1)


@given(COUNTS, st.integers(0, 2**31))
def test_every_walk_has_one_role_and_every_person_a_probe(counts: dict[str, int], seed: int) -> None:
    walks = people(counts)
    for split, has_gallery in ((direct_split(walks, seed), True), (rn_split(walks, seed), False)):
        for person, count in counts.items():
            own = roles(split, person)
            gallery = (2 if count > 3 else 1) if has_gallery else 0
            assert {role: len(part) for role, part in own.items()} == {
                "probe": 1,
                "gallery": gallery,
                "train": count - 1 - gallery,
            }
            assert set().union(*own.values()) == {str(number) for number in range(count)}
    assert roles(direct_split(walks, seed), person)["probe"] == roles(rn_split(walks, seed), person)["probe"]


@given(st.integers(0, 2**31), st.randoms(use_true_random=False))
def test_a_persons_roles_depend_only_on_the_seed(seed: int, shuffle: object) -> None:
    walks = people({"a": 5, "b": 5, "c": 4})
    expected = roles(direct_split(walks, seed), "b")
    shuffled = list(walks)
    shuffle.shuffle(shuffled)  # type: ignore[attr-defined]
    assert roles(direct_split(shuffled, seed), "b") == expected
    alone = [w for w in walks if w.person == "b"]
    assert roles(direct_split(alone, seed), "b") == expected


def test_every_walk_is_the_probe_for_some_seed() -> None:
    walks = people({"a": 5})
    drawn = [next(iter(roles(direct_split(walks, seed), "a")["probe"])) for seed in range(400)]
    counts = [drawn.count(str(number)) for number in range(5)]
    assert min(counts) > 50  # 80 expected; the chance of less than 50 is 1 in 30 000, and seeds are fixed


def test_a_duplicate_has_no_role() -> None:
    walks = [*people({"a": 4}), walk("b", 1), walk("b", 2, seed=5), walk("b", 3, seed=5)]
    split = direct_split(walks, 0)
    assert [w.name for w in split.duplicates] == ["synthetic/b/3"]
    own = roles(split, "b")
    assert not own["train"]
    assert own["gallery"] | own["probe"] == {"1", "2"}
    kept, duplicates = drop_duplicates(walks)
    assert (len(kept), len(duplicates)) == (6, 1)


def test_a_recording_with_two_roles_is_rejected() -> None:
    one, copy = walk("a", 1, seed=1), walk("a", 2, seed=1)
    with pytest.raises(ValueError, match="synthetic/a/2 has the frames of synthetic/a/1"):
        Split((), (one,), (copy,))
    with pytest.raises(ValueError, match="expected one role a recording"):
        Split((one,), (), (one,))


@pytest.mark.parametrize("split", [direct_split, rn_split])
def test_too_few_walks_are_reported(split: type) -> None:
    with pytest.raises(DataError, match="synthetic/b/0 is the only walk of person b"):
        split(people({"a": 3, "b": 1}), 0)
    # A duplicate of the only walk does not count.
    with pytest.raises(DataError, match="synthetic/b/0 is the only walk"):
        split([*people({"a": 3}), walk("b", 0, seed=3), walk("b", 1, seed=3)], 0)
    with pytest.raises(DataError, match="no walks: expected a data set"):
        split([], 0)


def test_windows_equal_the_live_windows_without_the_ends() -> None:
    walks = [walk("b", 1), walk("a", 1, frames=33), walk("b", 2, frames=50)]
    cut = WindowSet.cut(walks, ("a", "b"), F, 2)
    expected = []
    for number, whole in enumerate(walks):
        kept = slice(10, len(whole.time_ns) - 10)
        for window in cut_windows(whole.time_ns[kept], whole.joints[kept], f=F, step=2):
            expected.append(("ab".index(whole.person), number, window.joints))
    assert cut.people.tolist() == [person for person, _, _ in expected]
    assert cut.walks.tolist() == [number for _, number, _ in expected]
    np.testing.assert_array_equal(cut.windows, [joints for _, _, joints in expected])
    assert len(cut) == len(expected) > 20


def test_a_person_without_a_window_is_reported() -> None:
    walks = [walk("a", 1), walk("b", 1, frames=23)]
    with pytest.raises(
        DataError, match=r"synthetic/b/1: expected 4 consecutive skeletons .* none in 23 frames"
    ):
        WindowSet.cut(walks, ("a", "b"), F, 2)


def test_shuffling_permutes_the_names_of_people() -> None:
    walks = [walk(person, 1) for person in "abcdefgh"]
    cut = WindowSet.cut(walks, tuple("abcdefgh"), F, F)
    shuffled = cut.with_people_shuffled(3)
    pairs = set(zip(cut.people.tolist(), shuffled.people.tolist(), strict=True))
    assert len(pairs) == 8  # one to one: all windows of a person get the same name
    assert sorted(new for _, new in pairs) == list(range(8))
    assert any(old != new for old, new in pairs)
    assert shuffled.windows is cut.windows


def test_kgbd_is_split_as_published(data_dir: Path) -> None:
    file = data_dir / "kgbd_kinect1_20j.npz"
    walks = [found.read() for found in find_walks(file) if found.person in {"1", "36", "15", "64"}]
    split = direct_split(walks, 0)
    assert [w.name for w in split.duplicates] == ["kgbd_kinect1_20j/64/5"]
    sizes = {p: {role: len(own) for role, own in roles(split, p).items()} for p in ("1", "36", "15", "64")}
    assert sizes["1"] == {"train": 2, "gallery": 2, "probe": 1}
    assert sizes["36"] == {"train": 3, "gallery": 2, "probe": 1}
    assert sizes["15"] == {"train": 1, "gallery": 1, "probe": 1}
    assert sizes["64"] == {"train": 1, "gallery": 2, "probe": 1}
