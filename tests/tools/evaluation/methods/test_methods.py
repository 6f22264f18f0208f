"""Methods without training, the catalogue of methods, and the protection against test leakage."""

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
from tests.tools.evaluation.synthetic_people import F, direct_draw, synthetic_walks, windows
from tools.evaluation.methods import (
    Description,
    FixedMethod,
    Method,
    MethodOptions,
    choose_methods,
    compute_features,
    data_set_of,
    person_key,
    refuse_overlap,
)
from tools.evaluation.methods.descriptors import D13, D16, d13_features, d16_features
from tools.evaluation.methods.encoder_descriptions import (
    build_encoder,
    encoder_descriptions,
    plus_description,
)
from tools.evaluation.methods.named_joints import adapt_to_layout
from tools.evaluation.methods.raw_and_bones import bone_lengths, raw_features
from tools.evaluation.protocols.measure import measure_methods

CLASSIFIER_KINDS = [f"{name}-{kind}" for name in ("d13", "d16") for kind in ("knn", "svm", "adaboost")]


def distance(skeleton: Any, a: int, b: int) -> float:
    return float(np.sqrt(((skeleton[a].astype("f8") - skeleton[b]) ** 2).sum()))


def test_bone_lengths_are_medians_over_the_window() -> None:
    skeletons = windows(3)
    skeletons[:, 0] *= 50  # one outlier of four skeletons hardly moves the median
    found = bone_lengths(skeletons)
    assert found.shape == (3, 19)
    for window, row in zip(skeletons, found, strict=True):
        for bone, length in zip(BONES, row, strict=True):
            each = [distance(skeleton, *bone) for skeleton in window]
            assert length == pytest.approx(np.median(each), rel=1e-5)
    assert sorted(joint for joint, _ in BONES) == list(range(1, 20))  # a tree: every joint but the root once


def test_d13_matches_its_definition() -> None:
    skeletons = windows(5)
    found = d13_features(skeletons)
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


def test_d16_matches_its_definition() -> None:
    pairs = [(3, 2), (1, 2), (1, 0), (8, 2), (8, 9), (9, 10), (2, 4), (4, 5), (5, 6), (16, 0), (16, 17),
             (17, 19), (12, 0), (12, 13), (13, 15)]  # fmt: skip
    skeletons = windows(5)
    found = d16_features(skeletons)
    assert found.shape == (5, len(D16)) == (5, 16)
    for window, row in zip(skeletons, found, strict=True):
        frames = [
            [*(distance(s, *pair) for pair in pairs), s[3][1] - (s[15][1] + s[19][1]) / 2] for s in window
        ]
        np.testing.assert_allclose(row, np.mean(frames, axis=0), rtol=1e-5)


def test_a_lost_thigh_keeps_d13_finite() -> None:
    skeletons = windows(2)
    skeletons[0, 1, 17] = skeletons[0, 1, 16]
    found = d13_features(skeletons)
    assert np.isfinite(found).all()
    assert found[0, 11] < 200


@pytest.mark.parametrize("features", [d13_features, d16_features, bone_lengths])
def test_features_of_other_layouts_use_joint_names(features: Any) -> None:
    layout = get_layout("kinect-v2")
    skeletons = windows(4, joints=25)
    canonical, _ = to_canonical(layout, skeletons, np.ones(skeletons.shape[:-1], "f4"))
    np.testing.assert_allclose(
        adapt_to_layout(features, "kinect-v2")(skeletons), features(canonical), rtol=1e-5
    )
    assert adapt_to_layout(features, "kinect-v1") is features


def test_encoder_descriptions_are_outputs_of_the_model() -> None:
    config = EncoderConfig(f=F, hidden=8)
    model = GaitEncoder(config)
    model.load_state_dict(seeded_state(config))
    skeletons = windows(300)  # more than a chunk
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


def test_cages_of_several_encoders_are_concatenated_at_each_step() -> None:
    config = EncoderConfig(f=F, hidden=8)
    models = [build_encoder(config, seeded_state(config, seed)) for seed in range(3)]
    plus = plus_description(models)
    assert (plus.name, plus.parts) == ("cage-plus", F)
    assert plus.features is not None
    found = plus.features(windows(5)).reshape(5, F, 3, 24)
    for place, model in enumerate(models):
        with torch.inference_mode():
            single = model.encode(torch.from_numpy(windows(5))).numpy()
        np.testing.assert_allclose(found[:, :, place], single, rtol=1e-4, atol=1e-6)


def test_features_are_computed_in_blocks_and_must_be_finite() -> None:
    skeletons = windows(11)
    rows = compute_features(raw_features, skeletons, block=4)
    np.testing.assert_array_equal(rows, raw_features(skeletons))
    assert not np.shares_memory(rows, skeletons)
    with pytest.raises(ValueError, match="finite"):
        compute_features(lambda w: np.full((len(w), 2), np.nan, "f4"), skeletons)
    with pytest.raises(ValueError, match="at least one"):
        compute_features(raw_features, skeletons[:0])
    with pytest.raises(ValueError, match="neither"):
        Description("nothing")


def names_of(methods: tuple[Method, ...]) -> list[str]:
    return [name for method in methods for name in method.description_names]


def chosen(names: str | None, features_required: bool = True, **options: Any) -> list[str]:
    return names_of(choose_methods(names, MethodOptions(f=F, **options), features_required=features_required))


def test_methods_are_chosen_by_name() -> None:
    default = ["raw", "bones", "d13", "d16", "cage-untrained", "h-untrained"]
    assert chosen(None) == chosen("default") == chosen(None, features_required=False) == default
    learned = ["lstm-1", "lstm-2", "posegait_like", "cage", "h", "z", "cage-plus"]
    learned += ["cage-pose", "fused-walks", "fused", "fused-known"]
    assert chosen("all") == default + learned
    assert chosen("all", features_required=False) == default + CLASSIFIER_KINDS + learned
    assert chosen("h-untrained, raw,h-untrained") == ["h-untrained", "raw"]
    assert chosen("z,sgela-plus,h") == ["z", "h", "cage-plus"]
    assert chosen("sgela") == ["cage", "h", "z"]


def test_unknown_methods_are_refused_with_the_available_names() -> None:
    with pytest.raises(UserError, match="'lstm' is not available here; available: default, all, raw, bones"):
        chosen("raw,lstm")
    with pytest.raises(UserError, match="'d13-knn' is not available here"):
        chosen("d13-knn")  # it only classifies, and `direct` needs features
    assert chosen("d13-knn", features_required=False) == ["d13-knn"]


def test_weights_for_other_joints_are_refused(tmp_path: Path) -> None:
    config = EncoderConfig(f=F, hidden=8, joints=25)
    file = tmp_path / "e.safetensors"
    save_weights(file, seeded_state(config), config, {"layout": "kinect-v2", "seen": "[]"})
    assert chosen("encoder", encoders=(file,), layout="kinect-v2") == ["cage", "h"]
    for layout in ("kinect-v1", "mpi-17"):
        with pytest.raises(UserError, match=r"25 joints \(kinect-v2\)"):
            chosen("encoder", encoders=(file,), layout=layout)


def training_record(**sources: str | None) -> str:
    """Returns the record of training people in the metadata of weights."""
    return json.dumps([{"source": source, "people": people} for source, people in sources.items()])


def save_encoder(path: Path, seed: int = 3, **extra: str) -> Path:
    config = EncoderConfig(f=F, hidden=8, attention=Attention.BAS)
    save_weights(path, seeded_state(config, seed), config, extra)
    return path


def test_weights_files_provide_descriptions(tmp_path: Path) -> None:
    file = save_encoder(tmp_path / "e.safetensors", seen=training_record(kgbd="1"))
    assert chosen("encoder", encoders=(file,)) == ["cage", "h"]
    save_head(tmp_path / HEAD, seeded_head(F, 8, seed=0))
    assert chosen(None, encoders=(file,))[-3:] == ["cage", "h", "z"]
    plain = save_encoder(tmp_path / "plain.safetensors", contrast="none", seen="[]")
    assert chosen("encoder", encoders=(plain,)) == ["age", "h"]
    assert chosen("encoder", encoders=(file, plain)) == ["cage-plus"]
    # Descriptions of files have priority, and `all` contains each description once.
    assert chosen("cage,h", encoders=(file,)) == ["cage", "h"]
    assert chosen("all", encoders=(file,)).count("cage") == 1
    assert chosen("all", encoders=(file, plain)).count("cage-plus") == 1
    with pytest.raises(UserError, match="sgela and encoder both provide 'cage'"):
        chosen("sgela,encoder", encoders=(file,))
    with pytest.raises(UserError, match="give --f 4"):
        choose_methods("encoder", MethodOptions(f=6, encoders=(file,)), features_required=True)


def test_weights_without_training_people_are_refused_unless_trusted(tmp_path: Path) -> None:
    file = save_encoder(tmp_path / "e.safetensors")
    with pytest.raises(UserError, match="does not record its training people"):
        chosen(None, encoders=(file,))
    assert chosen("encoder", encoders=(file,), trust_encoder=True) == ["cage", "h"]


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        (training_record(kgbd="1-2, 90"), "trained on people to be recognised here: kgbd/1 and 1 more;"),
        (training_record(KGBD="4"), "trained on people to be recognised here: kgbd/4;"),
        (
            training_record(kgbd_kinect1_20j=None),
            "recognised here: kgbd/1 and 3 more",
        ),  # all of kgbd
        (training_record(biwi="1-4", kgbd="5-164"), None),
        (training_record(biwi=None), None),
    ],
)
def test_an_encoder_is_not_measured_on_training_people(
    tmp_path: Path, text: str, refused: str | None
) -> None:
    walks = [
        replace(w, person=f"{int(w.person[1:]) + 1:03}", name=f"kgbd/{w.name}") for w in synthetic_walks(4)
    ]
    draw = direct_draw(walks, f=F)
    file = save_encoder(tmp_path / "e.safetensors", seen=text)
    methods = choose_methods("encoder", MethodOptions(f=F, encoders=(file,)), features_required=True)
    if refused is None:
        assert measure_methods("direct", draw, methods, lambda description, watch: []).rows == ()
        return
    with pytest.raises(UserError, match=refused):
        measure_methods("direct", draw, methods, lambda description, watch: [])
    with pytest.raises(UserError, match=refused):
        refuse_overlap(methods, draw.probe_people)


def test_training_recordings_of_unknown_data_sets_are_refused(tmp_path: Path) -> None:
    file = save_encoder(tmp_path / "e.safetensors", seen=training_record(walks="1-4"))
    with pytest.raises(UserError, match="trained on walks, which is no known data set"):
        chosen("encoder", encoders=(file,))
    assert chosen("encoder", encoders=(file,), trust_encoder=True) == ["cage", "h"]


def test_data_sets_are_recognised_by_name() -> None:
    names = {
        "kgbd_kinect1_20j": "kgbd",
        "KGBD": "kgbd",
        "CASIA-B": "casia-b",
        "kinect2_patho_lurch": "patho",
        "kinect2_ucalgary_a_20j": "ucalgary",
    }
    assert {name: data_set_of(name) for name in names} == names
    assert data_set_of("made") is None
    assert person_key("kgbd", "007") == person_key("kgbd", "7") == "kgbd/7"


def test_fixed_methods_need_no_training_input() -> None:
    method = FixedMethod((Description("raw", raw_features),))
    shares: list[float] = []
    assert [each.name for each in method.fit(None, lambda done, text: shares.append(done))] == ["raw"]
    assert shares == [1.0]
