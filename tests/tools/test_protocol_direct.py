"""The `direct` protocol: literal distances, known answers, leaks, and its command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from encoder.attention import Attention
from encoder.card import HEAD
from encoder.contrast import save_head, seeded_head
from encoder.model import EncoderConfig, GaitEncoder
from encoder.weights import save_weights, seeded_state
from stream.errors import UserError
from tools.datasets import Walk, find_walks
from tools.metrics import retrieve, vote
from tools.protocols import matching
from tools.protocols.direct import DirectTrial, direct
from tools.protocols.features import (
    BONES,
    Method,
    bone_lengths,
    choose_methods,
    describe,
    encoder_methods,
    raw_window,
)
from tools.protocols.matching import distance_blocks, match

F = 4
RAW = Method("raw", raw_window, F)


def made_walks(people: int, walks: int = 4, frames: int = 48, noise: float = 0.002) -> list[Walk]:
    """People of different build, each walking several times; numbers fixed by person and walk."""
    found = []
    for person in range(people):
        build = np.random.default_rng(person).normal(0, 0.3, (20, 3))
        for number in range(walks):
            random = np.random.default_rng([person, number])
            joints = (build + random.normal(0, noise, (frames, 20, 3))).astype("f4")
            joints[:, 0] = 0.01
            found.append(
                Walk(
                    f"p{person:02d}",
                    str(number),
                    "made",
                    "kinect-v1",
                    np.arange(frames, dtype=np.int64) * 33_333_333,
                    joints,
                    np.ones((frames, 20), np.float32),
                    f"made/p{person:02d}/{number}",
                )
            )
    return found


def windows(n: int, seed: int = 0) -> Any:
    """Windows (n, F, 20, 3) of noise."""
    return np.random.default_rng(seed).normal(0, 0.3, (n, F, 20, 3)).astype("f4")


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
    trial = DirectTrial.draw(made_walks(9, noise=0.9), f=F)
    probes, gallery = trial.probes, trial.gallery
    distances = literal(raw_window(probes.windows), raw_window(gallery.windows), "euclidean")
    found = retrieve(distances, gallery.people, probes.people)
    named = gallery.people[distances.argmin(axis=1)]
    advanced: list[int] = []
    figures = match(probes, gallery, raw_window, advance=advanced.append)
    assert figures.rank1 == pytest.approx(100 * np.mean(named == probes.people))
    assert figures.rank5 == pytest.approx(100 * np.mean(found.first_rank <= 5))
    assert figures.rank10 == pytest.approx(100 * np.mean(found.first_rank <= 10))
    assert figures.map == pytest.approx(100 * found.map, abs=1e-3)
    assert figures.minp == pytest.approx(100 * found.minp, abs=1e-3)
    assert figures.rank1_walk == pytest.approx(100 * vote(named, probes.walks, probes.people))
    assert 10 < figures.rank1 < 90  # neither all nor nothing, or the equalities would show little
    assert len(advanced) > 2
    assert sum(advanced) == len(probes)


def test_people_of_different_build_are_told_apart() -> None:
    trial = DirectTrial.draw(made_walks(12), f=F, seed=4)
    for method in choose_methods(F, 0, None, None):
        figures = trial.figures(method)
        assert figures.rank1 == figures.rank1_walk == 100
        assert figures.map > 99
    assert trial.figures(RAW, "cosine").rank1 == 100


def test_shuffled_probe_names_bring_chance() -> None:
    walks = made_walks(8)
    figures = [DirectTrial.draw(walks, f=F, seed=s).with_probes_shuffled().figures(RAW) for s in range(60)]
    # A perfect matcher is right for whom the permutation leaves in place: 1 of 8, standard error 1.6.
    assert np.mean([f.rank1 for f in figures]) == pytest.approx(100 / 8, abs=5)
    assert np.mean([f.rank1_walk for f in figures]) == pytest.approx(100 / 8, abs=5)
    assert max(f.rank1 for f in figures) < 100


@pytest.mark.parametrize("seed", range(5))
def test_a_probe_never_meets_its_own_recording(seed: int) -> None:
    walks = made_walks(6, walks=5)
    copy = next(w for w in walks if w.name == "made/p03/1")
    walks.append(
        Walk("p03", "9", "made", "kinect-v1", copy.time_ns, copy.joints, copy.confidence, "made/p03/9")
    )
    trial = DirectTrial.draw(walks, f=F, seed=seed)
    seen = {frames.tobytes() for frames in trial.gallery.windows.reshape(-1, 20, 3)}
    assert not any(frames.tobytes() in seen for frames in trial.probes.windows.reshape(-1, 20, 3))
    trained = {w.name for w in trial.split.train}
    assert not trained & {w.name for w in (*trial.split.gallery, *trial.split.probe)}


def test_gallery_windows_may_overlap_and_probe_windows_do_not() -> None:
    trial = DirectTrial.draw(made_walks(2, frames=40), f=F, gallery_step=F // 2)
    per_walk = 40 - 20
    assert trial.gallery.names == trial.probes.names == ("p00", "p01")
    assert len(trial.probes) == 2 * (per_walk // F)
    assert len(trial.gallery) == 4 * ((per_walk - F) // (F // 2) + 1)
    first, second = trial.gallery.windows[:2]
    np.testing.assert_array_equal(first[F // 2 :], second[: F // 2])


def test_bone_lengths_are_medians_of_lengths() -> None:
    skeletons = windows(3)
    skeletons[:, 0] *= 50  # one wild skeleton of four moves no median far
    lengths = bone_lengths(skeletons)
    assert lengths.shape == (3, 19)
    for window, row in zip(skeletons, lengths, strict=True):
        for (joint, parent), length in zip(BONES, row, strict=True):
            each = [float(np.sqrt(((s[joint] - s[parent]) ** 2).sum())) for s in window]
            assert length == pytest.approx(np.median(each), rel=1e-5)
    assert sorted(joint for joint, _ in BONES) == list(range(1, 20))  # a tree: every joint but the root, once


def test_encoder_features_are_the_models() -> None:
    config = EncoderConfig(f=F, hidden=8)
    model = GaitEncoder(config)
    model.load_state_dict(seeded_state(config))
    skeletons = windows(300)  # more than are encoded at once
    with torch.inference_mode():
        whole = model(torch.from_numpy(skeletons))
    head = seeded_head(F, 8, seed=0)
    cage, h, z = encoder_methods(model, head)
    assert [(method.name, method.parts) for method in (cage, h, z)] == [("cage", F), ("h", F), ("z", 1)]
    np.testing.assert_allclose(cage.features(skeletons), whole.cages.flatten(1).numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(h.features(skeletons), whole.encoded.flatten(1).numpy(), rtol=1e-4, atol=1e-6)
    with torch.inference_mode():
        projected = head.features(whole.contexts).numpy()
    np.testing.assert_allclose(z.features(skeletons), projected, rtol=1e-4, atol=1e-6)
    assert z.features(skeletons).shape == (300, 24)


def test_describe_works_in_blocks_and_refuses_what_is_not_finite() -> None:
    skeletons = windows(11)
    rows = describe(raw_window, skeletons, block=4)
    np.testing.assert_array_equal(rows, raw_window(skeletons))
    assert not np.shares_memory(rows, skeletons)
    with pytest.raises(ValueError, match="finite"):
        describe(lambda w: np.full((len(w), 2), np.nan, "f4"), skeletons)
    with pytest.raises(ValueError, match="at least one"):
        describe(raw_window, skeletons[:0])


def test_sets_with_other_names_are_refused() -> None:
    one = DirectTrial.draw(made_walks(3), f=F)
    other = DirectTrial.draw(made_walks(4), f=F)
    with pytest.raises(ValueError, match="same names"):
        match(one.probes, other.gallery, raw_window)


def test_methods_are_chosen_by_name(tmp_path: Path) -> None:
    file = tmp_path / "e.safetensors"
    config = EncoderConfig(f=F, hidden=8, attention=Attention.BAS)
    save_weights(file, seeded_state(config, 3), config)
    names = [method.name for method in choose_methods(F, 0, file, None)]
    untrained = ["raw", "bones", "cage-untrained", "h-untrained"]
    assert names == [*untrained, "cage", "h"]
    save_head(tmp_path / HEAD, seeded_head(F, 8, seed=0))
    assert [method.name for method in choose_methods(F, 0, file, None)] == [*untrained, "cage", "h", "z"]
    plain = tmp_path / "plain.safetensors"
    save_weights(plain, seeded_state(config, 3), config, {"contrast": "none"})
    assert [method.name for method in choose_methods(F, 0, plain, None)] == [*untrained, "age", "h"]
    assert [m.name for m in choose_methods(F, 0, file, "h, raw,h")] == ["h", "raw"]
    with pytest.raises(UserError, match="no 'lstm' here; there are raw, bones"):
        choose_methods(F, 0, None, "raw,lstm")
    with pytest.raises(UserError, match="give --f 4"):
        choose_methods(6, 0, file, None)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as people do, in a process of its own."""
    command = [sys.executable, "-m", "tools.protocols.direct", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def packed(path: Path, walks: list[Walk]) -> Path:
    """Write walks as a packed file."""
    from stream.skeleton import CANONICAL

    np.savez(
        path,
        joints=np.concatenate([w.joints for w in walks]),
        offsets=np.cumsum([0, *(len(w.time_ns) for w in walks)]),
        subject=[w.person for w in walks],
        trial=[int(w.walk) for w in walks],
        fps=30.0,
        joint_names=np.array(CANONICAL),
        sensor_kind="kinect-v1",
    )
    return path


def test_the_command_prints_a_table_and_writes_what_it_prints(tmp_path: Path) -> None:
    data, out = packed(tmp_path / "kgbd_made.npz", made_walks(5)), tmp_path / "figures.json"
    done = run(str(data), "--f", "6", "--seed", "2", "--method", "raw,bones", "--out", str(out))
    assert done.returncode == 0, done.stderr
    content = json.loads(out.read_text())
    assert (content["dataset"], content["protocol"], content["f"], content["seed"]) == (
        "kgbd",
        "direct",
        6,
        2,
    )
    assert (content["people"], content["windows"]) == (5, 5 * (28 // 6))
    assert list(content["methods"]) == ["raw", "bones"]
    assert content["methods"]["raw"]["rank1"] == 100
    for shown in ("5 people", "raw", "bones", "100.0", "MoCos", "62.0"):
        assert shown in done.stdout


def test_the_command_tells_errors_in_one_line(tmp_path: Path) -> None:
    data = packed(tmp_path / "kgbd_made.npz", made_walks(3, walks=1))
    app = typer.Typer()
    app.command()(direct)
    for arguments, text in (
        ([str(data)], "is the only walk of person"),
        ([str(tmp_path / "gone")], "gone"),
        ([str(data), "--method", "nothing"], "there is no 'nothing'"),
    ):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2
        assert text in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_kgbd_in_small(data_dir: Path) -> None:
    file = data_dir / "kgbd_kinect1_20j.npz"
    people = {str(number) for number in range(81, 93)}
    walks = [found.read() for found in find_walks(file) if found.person in people]
    trial = DirectTrial.draw(walks)
    figures = trial.figures(RAW)
    assert figures.rank1 > 60
    assert figures.rank1 <= figures.rank5 <= figures.rank10 < 100
    shuffled = [
        DirectTrial.draw(walks, seed=seed).with_probes_shuffled().figures(Method("bones", bone_lengths))
        for seed in range(8)
    ]
    assert np.mean([f.rank1 for f in shuffled]) < 25  # 8.3 expected


def test_the_gallery_is_as_sparse_as_the_probes() -> None:
    trial = DirectTrial.draw(made_walks(2, frames=44), f=F)
    assert len(trial.gallery) == 2 * len(trial.probes) == 4 * (24 // F)
