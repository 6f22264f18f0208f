"""Methods that learn nothing, and the catalogue: literal definitions, names, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from encoder.attention import Attention
from encoder.model import EncoderConfig, GaitEncoder
from encoder.training.contrast import save_head, seeded_head
from encoder.training.model_card import HEAD
from encoder.weights import save_weights, seeded_state
from stream.errors import UserError
from stream.skeleton import BONES, get_layout, to_canonical
from tests.tools.evaluation.made import F, draw_direct, made_walks, windows
from tools.evaluation.methods import (
    Description,
    Fixed,
    Method,
    MethodOptions,
    choose_methods,
    data_set_of,
    describe,
    method_names,
    person_key,
    refuse_seen,
)
from tools.evaluation.methods.descriptors import D13, D16, d13_window, d16_window
from tools.evaluation.methods.encoder_descriptions import encoder_descriptions, model_of, plus_description
from tools.evaluation.methods.named_joints import through_canonical
from tools.evaluation.methods.raw_and_bones import bone_lengths, raw_window
from tools.evaluation.protocols.measure import measure

CLASSIFIERS = [f"{name}-{kind}" for name in ("d13", "d16") for kind in ("knn", "svm", "adaboost")]


def distance(skeleton: Any, a: int, b: int) -> float:
    return float(np.sqrt(((skeleton[a].astype("f8") - skeleton[b]) ** 2).sum()))


def test_bone_lengths_are_medians_of_lengths() -> None:
    skeletons = windows(3)
    skeletons[:, 0] *= 50  # one wild skeleton of four moves no median far
    found = bone_lengths(skeletons)
    assert found.shape == (3, 19)
    for window, row in zip(skeletons, found, strict=True):
        for bone, length in zip(BONES, row, strict=True):
            each = [distance(skeleton, *bone) for skeleton in window]
            assert length == pytest.approx(np.median(each), rel=1e-5)
    assert sorted(joint for joint, _ in BONES) == list(range(1, 20))  # a tree: every joint but the root, once


def test_d13_is_its_list() -> None:
    skeletons = windows(5)
    found = d13_window(skeletons)
    assert found.shape == (5, len(D13)) == (5, 13)
    for window, row in zip(skeletons, found, strict=True):
        frames = []
        for s in window:
            feet = (s[15][1] + s[19][1]) / 2
            thighs = distance(s, 16, 17), distance(s, 12, 13)
            torso = distance(s, 2, 1)
            frames.append(
                [
                    s[3][1] - feet,
                    s[2][1] - feet,
                    distance(s, 4, 2),
                    distance(s, 8, 2),
                    distance(s, 1, 8),
                    distance(s, 8, 9) + distance(s, 9, 10),
                    distance(s, 4, 5) + distance(s, 5, 6),
                    *thighs,
                    torso,
                    distance(s, 12, 16),
                    torso / thighs[0],
                    torso / thighs[1],
                ]
            )
        np.testing.assert_allclose(row, np.mean(frames, axis=0), rtol=1e-5)


def test_d16_is_its_list() -> None:
    pairs = [(3, 2), (1, 2), (1, 0), (8, 2), (8, 9), (9, 10), (2, 4), (4, 5), (5, 6), (16, 0), (16, 17),
             (17, 19), (12, 0), (12, 13), (13, 15)]  # fmt: skip
    skeletons = windows(5)
    found = d16_window(skeletons)
    assert found.shape == (5, len(D16)) == (5, 16)
    for window, row in zip(skeletons, found, strict=True):
        frames = [
            [*(distance(s, *pair) for pair in pairs), s[3][1] - (s[15][1] + s[19][1]) / 2] for s in window
        ]
        np.testing.assert_allclose(row, np.mean(frames, axis=0), rtol=1e-5)


def test_a_lost_thigh_does_not_drown_a_window() -> None:
    skeletons = windows(2)
    skeletons[0, 1, 17] = skeletons[0, 1, 16]
    found = d13_window(skeletons)
    assert np.isfinite(found).all()
    assert found[0, 11] < 200


@pytest.mark.parametrize("features", [d13_window, d16_window, bone_lengths])
def test_joints_of_other_layouts_go_by_their_names(features: Any) -> None:
    layout = get_layout("kinect-v2")
    skeletons = windows(4, joints=25)
    canonical, _ = to_canonical(layout, skeletons, np.ones(skeletons.shape[:-1], "f4"))
    np.testing.assert_allclose(
        through_canonical(features, "kinect-v2")(skeletons), features(canonical), rtol=1e-5
    )
    assert through_canonical(features, "kinect-v1") is features


def test_encoder_features_are_the_models() -> None:
    config = EncoderConfig(f=F, hidden=8)
    model = GaitEncoder(config)
    model.load_state_dict(seeded_state(config))
    skeletons = windows(300)  # more than are encoded at once
    with torch.inference_mode():
        whole = model(torch.from_numpy(skeletons))
    head = seeded_head(F, 8, seed=0)
    cage, h, z = encoder_descriptions(model, head)
    assert [(each.name, each.parts) for each in (cage, h, z)] == [("cage", F), ("h", F), ("z", 1)]
    with torch.inference_mode():
        projected = head.features(whole.contexts).numpy()
    expected = (whole.cages.flatten(1).numpy(), whole.encoded.flatten(1).numpy(), projected)
    for each, rows in zip((cage, h, z), expected, strict=True):
        assert each.features is not None
        np.testing.assert_allclose(each.features(skeletons), rows, rtol=1e-4, atol=1e-6)


def test_cages_of_several_encoders_stand_side_by_side_step_by_step() -> None:
    config = EncoderConfig(f=F, hidden=8)
    models = [model_of(config, seeded_state(config, seed)) for seed in range(3)]
    plus = plus_description(models)
    assert (plus.name, plus.parts) == ("cage-plus", F)
    assert plus.features is not None
    found = plus.features(windows(5)).reshape(5, F, 3, 24)
    for place, model in enumerate(models):
        with torch.inference_mode():
            alone = model.encode(torch.from_numpy(windows(5))).numpy()
        np.testing.assert_allclose(found[:, :, place], alone, rtol=1e-4, atol=1e-6)


def test_describe_works_in_blocks_and_refuses_what_is_not_finite() -> None:
    skeletons = windows(11)
    rows = describe(raw_window, skeletons, block=4)
    np.testing.assert_array_equal(rows, raw_window(skeletons))
    assert not np.shares_memory(rows, skeletons)
    with pytest.raises(ValueError, match="finite"):
        describe(lambda w: np.full((len(w), 2), np.nan, "f4"), skeletons)
    with pytest.raises(ValueError, match="at least one"):
        describe(raw_window, skeletons[:0])
    with pytest.raises(ValueError, match="neither"):
        Description("nothing")


def gives(methods: tuple[Method, ...]) -> list[str]:
    return [name for method in methods for name in method.gives]


def chosen(names: str | None, described: bool = True, **options: Any) -> list[str]:
    return gives(choose_methods(names, MethodOptions(f=F, **options), described=described))


def test_methods_are_chosen_by_name() -> None:
    default = ["raw", "bones", "d13", "d16", "cage-untrained", "h-untrained"]
    assert chosen(None) == chosen("default") == chosen(None, described=False) == default
    learned = ["lstm-1", "lstm-2", "posegait_like", "cage", "h", "z", "cage-plus"]
    learned += ["cage-pose", "fused-walks", "fused", "fused-known"]
    assert chosen("all") == default + learned
    assert chosen("all", described=False) == default + CLASSIFIERS + learned
    assert chosen("h-untrained, raw,h-untrained") == ["h-untrained", "raw"]
    assert chosen("z,sgela-plus,h") == ["z", "h", "cage-plus"]
    assert chosen("sgela") == ["cage", "h", "z"]
    names = method_names(described=True, files=True)
    assert names == ("raw", "bones", "d13", "d16", "untrained", "lstm-1", "lstm-2", "posegait_like", "sgela",
                     "sgela-plus", "fused", "encoder")  # fmt: skip


def test_unknown_methods_are_told_with_those_there_are() -> None:
    with pytest.raises(UserError, match="no 'lstm' here; there are default, all, raw, bones"):
        chosen("raw,lstm")
    with pytest.raises(UserError, match="no 'd13-knn' here"):
        chosen("d13-knn")  # `direct` has no use for what only classifies
    assert chosen("d13-knn", described=False) == ["d13-knn"]


def test_weights_for_other_joints_are_refused(tmp_path: Path) -> None:
    config = EncoderConfig(f=F, hidden=8, joints=25)
    file = tmp_path / "e.safetensors"
    save_weights(file, seeded_state(config), config, {"layout": "kinect-v2", "seen": "[]"})
    assert chosen("encoder", encoders=(file,), layout="kinect-v2") == ["cage", "h"]
    for layout in ("kinect-v1", "mpi-17"):
        with pytest.raises(UserError, match=r"25 joints \(kinect-v2\)"):
            chosen("encoder", encoders=(file,), layout=layout)


def seen(**sources: str | None) -> str:
    """What a training writes into its weights' metadata."""
    return json.dumps([{"source": source, "people": people} for source, people in sources.items()])


def saved(path: Path, seed: int = 3, **extra: str) -> Path:
    config = EncoderConfig(f=F, hidden=8, attention=Attention.BAS)
    save_weights(path, seeded_state(config, seed), config, extra)
    return path


def test_weights_files_are_described(tmp_path: Path) -> None:
    file = saved(tmp_path / "e.safetensors", seen=seen(kgbd="1"))
    assert chosen("encoder", encoders=(file,)) == ["cage", "h"]
    save_head(tmp_path / HEAD, seeded_head(F, 8, seed=0))
    assert chosen(None, encoders=(file,))[-3:] == ["cage", "h", "z"]
    plain = saved(tmp_path / "plain.safetensors", contrast="none", seen="[]")
    assert chosen("encoder", encoders=(plain,)) == ["age", "h"]
    assert chosen("encoder", encoders=(file, plain)) == ["cage-plus"]
    # The file's are meant by a description's name, and `all` has no second source of the same.
    assert chosen("cage,h", encoders=(file,)) == ["cage", "h"]
    assert chosen("all", encoders=(file,)).count("cage") == 1
    assert chosen("all", encoders=(file, plain)).count("cage-plus") == 1
    with pytest.raises(UserError, match="sgela and encoder both give 'cage'"):
        chosen("sgela,encoder", encoders=(file,))
    with pytest.raises(UserError, match="give --f 4"):
        choose_methods("encoder", MethodOptions(f=6, encoders=(file,)), described=True)


def test_weights_that_do_not_say_whom_they_saw_are_refused_unless_trusted(tmp_path: Path) -> None:
    file = saved(tmp_path / "e.safetensors")
    with pytest.raises(UserError, match="does not say whom it was trained on"):
        chosen(None, encoders=(file,))
    assert chosen("encoder", encoders=(file,), trust_encoder=True) == ["cage", "h"]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (seen(kgbd="1-2, 90"), "taught on kgbd/1, who is to be recognised here, and on 1 others"),
        (seen(KGBD="4"), "taught on kgbd/4, who"),
        (seen(kgbd_kinect1_20j=None), "taught on kgbd/1, .* and on 3 others"),  # it does not say who
        (seen(biwi="1-4", kgbd="5-164"), None),
        (seen(biwi=None), None),
    ],
)
def test_an_encoder_is_not_measured_on_whom_it_saw(tmp_path: Path, text: str, refused: str | None) -> None:
    walks = [replace(w, person=f"{int(w.person[1:]) + 1:03}", name=f"kgbd/{w.name}") for w in made_walks(4)]
    trial = draw_direct(walks, f=F)
    file = saved(tmp_path / "e.safetensors", seen=text)
    methods = choose_methods("encoder", MethodOptions(f=F, encoders=(file,)), described=True)
    if refused is None:
        assert measure("direct", trial, methods, lambda description, watch: []).rows == ()
        return
    with pytest.raises(UserError, match=refused):
        measure("direct", trial, methods, lambda description, watch: [])
    with pytest.raises(UserError, match=refused):
        refuse_seen(methods, trial.probe_people)


def test_recordings_of_no_known_data_set_may_hold_anybody(tmp_path: Path) -> None:
    file = saved(tmp_path / "e.safetensors", seen=seen(walks="1-4"))
    with pytest.raises(UserError, match="trained on walks, which may hold anybody"):
        chosen("encoder", encoders=(file,))
    assert chosen("encoder", encoders=(file,), trust_encoder=True) == ["cage", "h"]


def test_data_sets_are_known_by_their_names() -> None:
    names = {"kgbd_kinect1_20j": "kgbd", "KGBD": "kgbd", "CASIA-B": "casia-b", "kinect2_patho_lurch": "patho"}
    assert {name: data_set_of(name) for name in names} == names
    assert data_set_of("made") is None
    assert person_key("kgbd", "007") == person_key("kgbd", "7") == "kgbd/7"


def test_what_learns_nothing_needs_no_material() -> None:
    method = Fixed((Description("raw", raw_window),))
    told: list[float] = []
    assert [each.name for each in method.learn(None, lambda done, text: told.append(done))] == ["raw"]
    assert told == [1.0]
