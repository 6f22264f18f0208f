"""Tests of the `direct` protocol: distances against their definition, known results, leaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import UserError
from tests.tools.evaluation.synthetic_people import F, direct_draw, synthetic_walks, windows
from tools.datasets import Walk, find_walks
from tools.evaluation.methods import Description, FixedMethod, MethodOptions, choose_methods
from tools.evaluation.methods.raw_and_bones import bones_method, raw_features, raw_method
from tools.evaluation.metrics.identification import retrieve, walk_rank1
from tools.evaluation.protocols import window_matching as matching
from tools.evaluation.protocols.direct import run_direct
from tools.evaluation.protocols.draw import ProtocolDraw
from tools.evaluation.protocols.window_matching import distance_blocks, match

RAW = [raw_method(F)]


def figures_of(draw: ProtocolDraw) -> dict[str, float]:
    return dict(run_direct(draw, RAW).rows[0].figures)


def reference_distances(probes: Any, gallery: Any, metric: str) -> Any:
    """Returns each distance computed separately, in double precision."""

    def distance(p: Any, g: Any) -> Any:
        if metric == "euclidean":
            return ((p - g) ** 2).sum()
        return 1 - (p @ g) / np.sqrt((p @ p) * (g @ g))

    return np.array([[distance(p, g) for g in gallery.astype("f8")] for p in probes.astype("f8")])


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from(["euclidean", "cosine"]), st.integers(1, 99))
def test_distance_blocks_equal_separate_distances(n: int, m: int, metric: Any, numbers: int) -> None:
    # Far from the origin, squares are large compared with the distances.
    probes, gallery = raw_features(windows(n)) + 3, raw_features(windows(m, seed=1)) + 3
    expected = reference_distances(probes, gallery, metric)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_BLOCK_NUMBERS", numbers)
        blocks = list(distance_blocks(probes.copy(), gallery.copy(), metric))
    assert np.concatenate([np.arange(n)[part] for part, _ in blocks]).tolist() == list(range(n))
    assert all(len(found) <= max(1, numbers // m) for _, found in blocks)
    found = np.concatenate([found for _, found in blocks])
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-6)


def test_figures_equal_those_of_the_full_distance_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_BLOCK_NUMBERS", 1000)
    draw = direct_draw(synthetic_walks(9, noise=0.9), f=F)
    probes, gallery = draw.probes, draw.gallery
    assert gallery is not None
    distances = reference_distances(raw_features(probes.windows), raw_features(gallery.windows), "euclidean")
    found = retrieve(distances, gallery.people, probes.people)
    predicted = gallery.people[distances.argmin(axis=1)]
    reports: list[tuple[str, float]] = []
    result = run_direct(draw, RAW, progress=lambda name, done, text: reports.append((name, done)))
    (row,) = result.rows
    figures = row.figures
    assert figures["rank1"] == pytest.approx(100 * np.mean(predicted == probes.people))
    assert figures["rank5"] == pytest.approx(100 * np.mean(found.first_rank <= 5))
    assert figures["rank10"] == pytest.approx(100 * np.mean(found.first_rank <= 10))
    assert figures["map"] == pytest.approx(100 * found.map, abs=1e-3)
    assert figures["minp"] == pytest.approx(100 * found.minp, abs=1e-3)
    assert figures["rank1_walk"] == pytest.approx(100 * walk_rank1(predicted, probes.walks, probes.people))
    assert 10 < figures["rank1"] < 90  # extreme figures would make the equalities trivial
    assert row.predictions.ranks.tolist() == found.first_rank.tolist()
    assert row.predictions.predicted.tolist() == predicted.tolist()
    nearest = [
        [
            -min(d for d, owner in zip(line, gallery.people, strict=True) if owner == person)
            for person in range(9)
        ]
        for line in distances
    ]
    np.testing.assert_allclose(row.predictions.scores, nearest, rtol=1e-3)
    assert (result.people == probes.people).all()
    assert result.names == probes.names
    shares = [done for name, done in reports if name == "raw"]
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_people_of_different_build_are_identified() -> None:
    draw = direct_draw(synthetic_walks(12), f=F, seed=4)
    result = run_direct(draw, choose_methods(None, MethodOptions(f=F), features_required=True))
    assert [row.name for row in result.rows] == [
        "raw",
        "bones",
        "d13",
        "d16",
        "cage-untrained",
        "h-untrained",
    ]
    for row in result.rows:
        assert row.figures["rank1"] == row.figures["rank1_walk"] == 100
        assert row.figures["map"] > 99
        assert not row.supervised
    (cosine,) = run_direct(draw, RAW, metric="cosine").rows
    assert (cosine.variant, cosine.figures["rank1"]) == ("cosine", 100)


def test_a_descriptions_own_metric_is_the_default() -> None:
    draw = direct_draw(synthetic_walks(3), f=F)

    def scaled(windows: Any) -> Any:
        return raw_features(windows) * np.arange(1, 1 + len(windows), dtype="f4")[:, None]

    method = FixedMethod((Description("scaled", scaled, metric="cosine"),))
    (row,) = run_direct(draw, [method]).rows
    assert (row.variant, row.figures["rank1"]) == ("cosine", 100)


def test_shuffled_probe_names_give_chance() -> None:
    draw = direct_draw(synthetic_walks(8), f=F)
    figures = [figures_of(replace(draw, seed=seed).with_probes_shuffled()) for seed in range(60)]
    # A perfect matcher is right for fixed points of the permutation: 1 of 8, standard error 1.6.
    assert np.mean([f["rank1"] for f in figures]) == pytest.approx(100 / 8, abs=5)
    assert np.mean([f["rank1_walk"] for f in figures]) == pytest.approx(100 / 8, abs=5)
    assert max(f["rank1"] for f in figures) < 100


@pytest.mark.parametrize("seed", range(5))
def test_a_probe_is_never_compared_with_its_own_recording(seed: int) -> None:
    walks = synthetic_walks(6, walks=5)
    copy = next(w for w in walks if w.name == "synthetic/p03/1")
    walks.append(
        Walk(
            "p03",
            "9",
            "synthetic",
            "kinect-v1",
            copy.time_ns,
            copy.joints,
            copy.confidence,
            "synthetic/p03/9",
        )
    )
    draw = direct_draw(walks, f=F, seed=seed)
    assert draw.duplicates == ("synthetic/p03/9",)
    assert draw.gallery is not None
    assert draw.train is not None
    frames = {
        role: {frame.tobytes() for frame in part.windows.reshape(-1, 20, 3)}
        for role, part in (("probe", draw.probes), ("gallery", draw.gallery), ("train", draw.train))
    }
    assert not frames["probe"] & frames["gallery"]
    assert not frames["train"] & (frames["probe"] | frames["gallery"])
    assert len(draw.train.sequences) == 6 * 2


def test_excluded_pairs_of_walks_are_not_compared() -> None:
    draw = direct_draw(synthetic_walks(3, noise=0.5), f=F)
    assert draw.gallery is not None
    # The second of each person's two gallery walks has the probe's own windows.
    own = replace(draw.gallery, windows=draw.gallery.windows.copy())
    probe_of = {person: np.flatnonzero(draw.probes.people == person) for person in range(3)}
    for person in range(3):
        last = np.unique(own.walks[own.people == person])[-1]
        own.windows[own.walks == last] = draw.probes.windows[probe_of[person]]
    excluded_pairs = np.zeros((3, 6), bool)
    for walk in range(3):
        person = draw.probes.people[draw.probes.walks == walk][0]
        excluded_pairs[walk, np.unique(own.walks[own.people == person])[-1]] = True
    leaking = match(draw.probes, own, raw_features)
    found = match(draw.probes, own, raw_features, excluded_pairs=excluded_pairs)
    assert (leaking.ranks == 1).all()
    assert np.isfinite(found.scores).all()
    for row, window in enumerate(draw.probes.windows):
        person = draw.probes.people[row]
        kept = ~excluded_pairs[draw.probes.walks[row]][own.walks]
        distances = ((own.windows[kept] - window) ** 2).sum(axis=(1, 2, 3))
        right = own.people[kept] == person
        assert found.ranks[row] == 1 + (distances < distances[right].min()).sum()


def test_gallery_windows_may_overlap_and_probe_windows_do_not() -> None:
    draw = direct_draw(synthetic_walks(2, frames=40), f=F, gallery_step=F // 2)
    per_walk = 40 - 20
    assert draw.gallery is not None
    assert draw.gallery.names == draw.probes.names == ("p00", "p01")
    assert len(draw.probes) == 2 * (per_walk // F)
    assert len(draw.gallery) == 4 * ((per_walk - F) // (F // 2) + 1)
    first, second = draw.gallery.windows[:2]
    np.testing.assert_array_equal(first[F // 2 :], second[: F // 2])


def test_gallery_windows_start_as_far_apart_as_probe_windows() -> None:
    draw = direct_draw(synthetic_walks(2, frames=44), f=F)
    assert draw.gallery is not None
    assert len(draw.gallery) == 2 * len(draw.probes) == 4 * (24 // F)


def test_sets_with_different_names_are_rejected() -> None:
    one, other = (direct_draw(synthetic_walks(people), f=F) for people in (3, 4))
    assert other.gallery is not None
    with pytest.raises(ValueError, match="same names"):
        match(one.probes, other.gallery, raw_features)
    with pytest.raises(ValueError, match="same names"):
        replace(one, gallery=other.gallery)


def test_only_methods_that_learn_need_training_walks() -> None:
    draw = direct_draw(synthetic_walks(3, walks=2), f=F)
    assert draw.train is None
    assert figures_of(draw)["rank1"] == 100
    learns = choose_methods("raw,lstm-1", MethodOptions(f=F), features_required=True)
    with pytest.raises(UserError, match="leave out the methods that learn"):
        run_direct(draw, learns)


@pytest.mark.slow
def test_figures_on_a_part_of_kgbd(data_dir: Path) -> None:
    file = data_dir / "kgbd_kinect1_20j.npz"
    people = {str(number) for number in range(81, 93)}
    walks = [found.read() for found in find_walks(file) if found.person in people]
    draw = direct_draw(walks)
    (row,) = run_direct(draw, [raw_method(6)]).rows
    figures = row.figures
    assert figures["rank1"] > 60
    assert figures["rank1"] <= figures["rank5"] <= figures["rank10"] < 100
    shuffled = [
        run_direct(replace(draw, seed=seed).with_probes_shuffled(), [bones_method("kinect-v1")]).rows[0]
        for seed in range(8)
    ]
    assert np.mean([row.figures["rank1"] for row in shuffled]) < 25  # 8.3 expected
