"""The `direct` protocol: literal distances, known answers, leaks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import UserError
from tests.tools.evaluation.made import F, draw_direct, made_walks, windows
from tools.datasets import Walk, find_walks
from tools.evaluation.methods import Description, Fixed, MethodOptions, choose_methods
from tools.evaluation.methods.raw_and_bones import bones, raw, raw_window
from tools.evaluation.metrics.identification import retrieve, vote
from tools.evaluation.protocols import window_matching as matching
from tools.evaluation.protocols.direct import run_direct
from tools.evaluation.protocols.draw import Trial
from tools.evaluation.protocols.window_matching import distance_blocks, match

RAW = [raw(F)]


def figures_of(trial: Trial) -> dict[str, float]:
    return dict(run_direct(trial, RAW).rows[0].figures)


def literal(probes: Any, gallery: Any, metric: str) -> Any:
    """Each distance by itself, in double precision."""

    def distance(p: Any, g: Any) -> Any:
        if metric == "euclidean":
            return ((p - g) ** 2).sum()
        return 1 - (p @ g) / np.sqrt((p @ p) * (g @ g))

    return np.array([[distance(p, g) for g in gallery.astype("f8")] for p in probes.astype("f8")])


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from(["euclidean", "cosine"]), st.integers(1, 99))
def test_blocks_are_the_literal_distances(n: int, m: int, metric: Any, numbers: int) -> None:
    # Far from the origin, where squares are large beside the distances.
    probes, gallery = raw_window(windows(n)) + 3, raw_window(windows(m, seed=1)) + 3
    expected = literal(probes, gallery, metric)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_BLOCK_NUMBERS", numbers)
        blocks = list(distance_blocks(probes.copy(), gallery.copy(), metric))
    assert np.concatenate([np.arange(n)[part] for part, _ in blocks]).tolist() == list(range(n))
    assert all(len(found) <= max(1, numbers // m) for _, found in blocks)
    found = np.concatenate([found for _, found in blocks])
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-6)


def test_figures_are_those_of_all_distances_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_BLOCK_NUMBERS", 1000)
    trial = draw_direct(made_walks(9, noise=0.9), f=F)
    probes, gallery = trial.probes, trial.gallery
    assert gallery is not None
    distances = literal(raw_window(probes.windows), raw_window(gallery.windows), "euclidean")
    found = retrieve(distances, gallery.people, probes.people)
    named = gallery.people[distances.argmin(axis=1)]
    told: list[tuple[str, float]] = []
    result = run_direct(trial, RAW, watch=lambda name, done, text: told.append((name, done)))
    (row,) = result.rows
    figures = row.figures
    assert figures["rank1"] == pytest.approx(100 * np.mean(named == probes.people))
    assert figures["rank5"] == pytest.approx(100 * np.mean(found.first_rank <= 5))
    assert figures["rank10"] == pytest.approx(100 * np.mean(found.first_rank <= 10))
    assert figures["map"] == pytest.approx(100 * found.map, abs=1e-3)
    assert figures["minp"] == pytest.approx(100 * found.minp, abs=1e-3)
    assert figures["rank1_walk"] == pytest.approx(100 * vote(named, probes.walks, probes.people))
    assert 10 < figures["rank1"] < 90  # neither all nor nothing, or the equalities would show little
    assert row.answers.ranks.tolist() == found.first_rank.tolist()
    assert row.answers.named.tolist() == named.tolist()
    nearest = [
        [
            -min(d for d, owner in zip(line, gallery.people, strict=True) if owner == person)
            for person in range(9)
        ]
        for line in distances
    ]
    np.testing.assert_allclose(row.answers.scores, nearest, rtol=1e-3)
    assert (result.people == probes.people).all()
    assert result.names == probes.names
    shares = [done for name, done in told if name == "raw"]
    assert len(shares) > 2
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_people_of_different_build_are_told_apart() -> None:
    trial = draw_direct(made_walks(12), f=F, seed=4)
    result = run_direct(trial, choose_methods(None, MethodOptions(f=F), described=True))
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
    (cosine,) = run_direct(trial, RAW, metric="cosine").rows
    assert (cosine.how, cosine.figures["rank1"]) == ("cosine", 100)


def test_a_description_has_a_metric_of_its_own() -> None:
    trial = draw_direct(made_walks(3), f=F)

    def scaled(windows: Any) -> Any:
        return raw_window(windows) * np.arange(1, 1 + len(windows), dtype="f4")[:, None]

    method = Fixed((Description("scaled", scaled, metric="cosine"),))
    (row,) = run_direct(trial, [method]).rows
    assert (row.how, row.figures["rank1"]) == ("cosine", 100)


def test_shuffled_probe_names_bring_chance() -> None:
    trial = draw_direct(made_walks(8), f=F)
    figures = [figures_of(replace(trial, seed=seed).with_probes_shuffled()) for seed in range(60)]
    # A perfect matcher is right for whom the permutation leaves in place: 1 of 8, standard error 1.6.
    assert np.mean([f["rank1"] for f in figures]) == pytest.approx(100 / 8, abs=5)
    assert np.mean([f["rank1_walk"] for f in figures]) == pytest.approx(100 / 8, abs=5)
    assert max(f["rank1"] for f in figures) < 100


@pytest.mark.parametrize("seed", range(5))
def test_a_probe_never_meets_its_own_recording(seed: int) -> None:
    walks = made_walks(6, walks=5)
    copy = next(w for w in walks if w.name == "made/p03/1")
    walks.append(
        Walk("p03", "9", "made", "kinect-v1", copy.time_ns, copy.joints, copy.confidence, "made/p03/9")
    )
    trial = draw_direct(walks, f=F, seed=seed)
    assert trial.copies == ("made/p03/9",)
    assert trial.gallery is not None
    assert trial.train is not None
    frames = {
        role: {frame.tobytes() for frame in part.windows.reshape(-1, 20, 3)}
        for role, part in (("probe", trial.probes), ("gallery", trial.gallery), ("train", trial.train))
    }
    assert not frames["probe"] & frames["gallery"]
    assert not frames["train"] & (frames["probe"] | frames["gallery"])
    assert len(trial.train.sequences) == 6 * 2


def test_windows_of_a_walk_left_out_are_not_compared() -> None:
    trial = draw_direct(made_walks(3, noise=0.5), f=F)
    assert trial.gallery is not None
    # The probes' own windows stand in the gallery, after those of the first of each person's two walks.
    own = replace(trial.gallery, windows=trial.gallery.windows.copy())
    probe_of = {person: np.flatnonzero(trial.probes.people == person) for person in range(3)}
    for person in range(3):
        last = np.unique(own.walks[own.people == person])[-1]
        own.windows[own.walks == last] = trial.probes.windows[probe_of[person]]
    left_out = np.zeros((3, 6), bool)
    for walk in range(3):
        person = trial.probes.people[trial.probes.walks == walk][0]
        left_out[walk, np.unique(own.walks[own.people == person])[-1]] = True
    leaking = match(trial.probes, own, raw_window)
    found = match(trial.probes, own, raw_window, left_out=left_out)
    assert (leaking.ranks == 1).all()
    assert np.isfinite(found.scores).all()
    for row, window in enumerate(trial.probes.windows):
        person = trial.probes.people[row]
        kept = ~left_out[trial.probes.walks[row]][own.walks]
        distances = ((own.windows[kept] - window) ** 2).sum(axis=(1, 2, 3))
        right = own.people[kept] == person
        assert found.ranks[row] == 1 + (distances < distances[right].min()).sum()


def test_gallery_windows_may_overlap_and_probe_windows_do_not() -> None:
    trial = draw_direct(made_walks(2, frames=40), f=F, gallery_step=F // 2)
    per_walk = 40 - 20
    assert trial.gallery is not None
    assert trial.gallery.names == trial.probes.names == ("p00", "p01")
    assert len(trial.probes) == 2 * (per_walk // F)
    assert len(trial.gallery) == 4 * ((per_walk - F) // (F // 2) + 1)
    first, second = trial.gallery.windows[:2]
    np.testing.assert_array_equal(first[F // 2 :], second[: F // 2])


def test_the_gallery_is_as_sparse_as_the_probes() -> None:
    trial = draw_direct(made_walks(2, frames=44), f=F)
    assert trial.gallery is not None
    assert len(trial.gallery) == 2 * len(trial.probes) == 4 * (24 // F)


def test_sets_with_other_names_are_refused() -> None:
    one, other = (draw_direct(made_walks(people), f=F) for people in (3, 4))
    assert other.gallery is not None
    with pytest.raises(ValueError, match="same names"):
        match(one.probes, other.gallery, raw_window)
    with pytest.raises(ValueError, match="same names"):
        replace(one, gallery=other.gallery)


def test_without_training_walks_only_what_learns_is_refused() -> None:
    trial = draw_direct(made_walks(3, walks=2), f=F)
    assert trial.train is None
    assert figures_of(trial)["rank1"] == 100
    learns = choose_methods("raw,lstm-1", MethodOptions(f=F), described=True)
    with pytest.raises(UserError, match="leave out the methods that learn"):
        run_direct(trial, learns)


def test_kgbd_in_small(data_dir: Path) -> None:
    file = data_dir / "kgbd_kinect1_20j.npz"
    people = {str(number) for number in range(81, 93)}
    walks = [found.read() for found in find_walks(file) if found.person in people]
    trial = draw_direct(walks)
    (row,) = run_direct(trial, [raw(6)]).rows
    figures = row.figures
    assert figures["rank1"] > 60
    assert figures["rank1"] <= figures["rank5"] <= figures["rank10"] < 100
    shuffled = [
        run_direct(replace(trial, seed=seed).with_probes_shuffled(), [bones("kinect-v1")]).rows[0]
        for seed in range(8)
    ]
    assert np.mean([row.figures["rank1"] for row in shuffled]) < 25  # 8.3 expected
