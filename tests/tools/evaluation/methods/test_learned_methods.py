"""Methods that learn from the training walks: what they learn, and that no probe's name gets in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

from encoder.pose import POSE
from encoder.pose import pose_numbers as window_pose
from encoder.training.batch_losses import spans_length
from encoder.training.spans import TrainingWalk, cut_spans
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import Trainer
from gallery.recognition.network_training import RecognitionConfig, hold_out_ends
from stream.errors import DataError
from tests.tools.evaluation.made import F, Told, draw_direct, draw_rn, made_walks, windows
from tools.datasets import Walk
from tools.evaluation.methods import Description, Material, Method, MethodOptions, choose_methods
from tools.evaluation.methods.classifier_networks import lstm
from tools.evaluation.methods.classifiers import CLASSIFIERS, Classifier
from tools.evaluation.methods.descriptors import d13_window
from tools.evaluation.methods.encoder_descriptions import encoder_descriptions
from tools.evaluation.methods.fused import Fused
from tools.evaluation.methods.posegait_like import NUMBERS, pose_numbers, posegait_like
from tools.evaluation.methods.raw_and_bones import raw
from tools.evaluation.methods.sgela import PLUS, REVERSE, Sgela, Workshop
from tools.evaluation.protocols.direct import run_direct
from tools.evaluation.protocols.draw import Trial
from tools.evaluation.protocols.results import Result
from tools.evaluation.protocols.rn import run_rn
from tools.evaluation.splits.walk_split import WindowSet, rn_split

QUICK = TrainConfig(hidden=8, layers=1, epochs=2, batch=32, precision="fp32")


def sgela(pretext: str = REVERSE, folder: Path | None = None) -> Sgela:
    return Sgela(replace(QUICK, pretext=pretext), Workshop(folder))


MAKERS: dict[str, Callable[[], Method]] = {
    **{f"d13-{kind}": lambda kind=kind: Classifier("d13", d13_window, kind) for kind in CLASSIFIERS},  # type: ignore[misc]
    "lstm-1": lambda: lstm("lstm-1", 1),
    "lstm-2": lambda: lstm("lstm-2", 2),
    "posegait_like": lambda: posegait_like("kinect-v1"),
    "sgela": sgela,
    "sgela-plus": lambda: sgela(PLUS),
    "fused": lambda: Fused(sgela(), "kinect-v1"),
}
CLASSIFY = [name for name in MAKERS if not name.startswith(("sgela", "fused"))]
NAMED = {"fused", "fused-known"}
"""What a method that otherwise needs no labels learns from them."""
DESCRIBE = [name for name in MAKERS if not name.startswith("d13")]


def rn_walks(noise: float = 0.02) -> list[Walk]:
    return made_walks(5, walks=3, frames=60, noise=noise)


@cache
def rn_trial(noise: float = 0.02) -> Trial:
    return draw_rn(rn_walks(noise), f=F)


@cache
def direct_trial() -> Trial:
    return draw_direct(made_walks(5, walks=4, frames=60, noise=0.02), f=F)


FEW = RecognitionConfig(hidden=32, batch=32, epochs=20)
WATCHED: dict[tuple[str, str], Told] = {}


@cache
def learned(name: str, protocol: str) -> Result:
    """The result of a method; learned once for all tests, and `WATCHED` remembers what was told of it."""
    told = WATCHED[name, protocol] = Told()

    def watch(who: str, done: float, text: str) -> None:
        if who.endswith(" learns"):
            told(done, text)

    if protocol == "rn":
        return run_rn(rn_trial(), [MAKERS[name]()], FEW, watch=watch)
    return run_direct(direct_trial(), [MAKERS[name]()], watch=watch)


@pytest.mark.parametrize("name", MAKERS)
def test_people_of_different_build_are_told_apart(name: str) -> None:
    result = learned(name, "rn")
    assert {row.name for row in result.rows} == set(MAKERS[name]().gives)
    for row in result.rows:
        assert row.figures["rank1"] > 80, row.name
        assert row.supervised == (name in CLASSIFY or row.name in NAMED)
        assert (row.how == "own") == (name in CLASSIFY or row.name == "fused-known")


@pytest.mark.parametrize("name", DESCRIBE)
def test_features_match_people_of_different_build(name: str) -> None:
    for row in learned(name, "direct").rows:
        assert row.figures["rank1"] > 80, row.name
        assert row.supervised == (name in CLASSIFY or row.name in NAMED)


@pytest.mark.parametrize(
    ("name", "protocol"), [*((name, "rn") for name in MAKERS), ("lstm-1", "direct"), ("sgela", "direct")]
)
def test_shuffled_probe_names_change_no_answer_and_bring_chance(name: str, protocol: str) -> None:
    told = learned(name, protocol)
    if protocol == "rn":
        other = run_rn(rn_trial().with_probes_shuffled(), [MAKERS[name]()], FEW)
    else:
        other = run_direct(direct_trial().with_probes_shuffled(), [MAKERS[name]()])
    assert (told.people != other.people).any()
    for one, two in zip(told.rows, other.rows, strict=True):
        np.testing.assert_array_equal(one.answers.scores, two.answers.scores)
        # Over all rotations of the five names, whoever is named is right once.
        ranks = [np.mean((other.people + k) % 5 == two.answers.named) for k in range(5)]
        assert np.mean(ranks) == pytest.approx(1 / 5)
        assert two.figures["rank1"] == pytest.approx(100 * ranks[0])
        assert two.figures["rank1"] < 60
        assert one.figures["rank1"] > 60


@pytest.mark.parametrize("name", ["d13-svm", "lstm-1", "posegait_like"])
def test_scrambled_training_names_leave_nothing_to_learn(name: str) -> None:
    trial = rn_trial()
    assert trial.train is not None
    scrambled = np.random.default_rng(1).permutation(trial.train.people)
    train = replace(trial.train, people=scrambled)
    (row,) = run_rn(replace(trial, train=train), [MAKERS[name]()]).rows
    assert row.figures["rank1"] < 60  # 20 expected, and the few people's windows err together


def learn(method: Method, material: Material, told: Told | None = None) -> tuple[Description, ...]:
    return method.learn(material, told or Told())


@pytest.mark.parametrize("name", MAKERS)
def test_learning_is_told_from_beginning_to_end(name: str) -> None:
    result = learned(name, "rn")
    told = WATCHED[name, "rn"]
    assert tuple(dict.fromkeys(row.name for row in result.rows)) == MAKERS[name]().gives
    assert told.shares == sorted(told.shares)
    assert told.shares[0] < 0.5
    assert told.shares[-1] == 1.0
    assert all(told.texts)


@pytest.mark.parametrize("name", ["d13-knn", "d13-svm", "d13-adaboost", "lstm-1"])
def test_two_people_are_enough(name: str) -> None:
    trial = draw_rn(made_walks(2, walks=3, frames=60, noise=0.02), f=F)
    for row in run_rn(trial, [MAKERS[name]()]).rows:
        assert row.answers.scores.shape == (len(trial.probes), 2)
        assert row.figures["rank1"] > 80


def test_neighbours_are_scikit_learns_with_the_number_that_names_most_held_out_windows() -> None:
    trial = rn_trial(noise=0.3)
    assert trial.train is not None
    (row,) = run_rn(trial, [MAKERS["d13-knn"]()]).rows
    rows, asked = d13_window(trial.train.windows), d13_window(trial.probes.windows)
    train, held = hold_out_ends(trial.train.walks)
    scale = StandardScaler().fit(rows[train])
    people = trial.train.people
    best: dict[int, Any] = {}
    for neighbours in (1, 5, 20, 60):
        fitted = KNeighborsClassifier(neighbours, weights="distance").fit(
            scale.transform(rows[train]), people[train]
        )
        right = np.mean(fitted.predict(scale.transform(rows[held])) == people[held])
        best.setdefault(round(1e6 * right), fitted)
    expected = best[max(best)].predict_proba(scale.transform(asked))
    np.testing.assert_allclose(row.answers.scores, expected, rtol=1e-5)


def test_walks_too_short_to_hold_a_window_out_are_told() -> None:
    trial = draw_rn(made_walks(3, walks=2, frames=20 + F + 2), f=F)
    with pytest.raises(DataError, match="at least four windows"):
        learn(MAKERS["lstm-1"](), trial.material())
    with pytest.raises(DataError, match="at least four windows"):
        run_rn(trial, [raw(F)])


def test_a_networks_features_and_classes_belong_together() -> None:
    (found,) = learn(MAKERS["lstm-2"](), rn_trial().material())
    assert found.features is not None
    assert found.classify is not None
    asked = windows(1030)  # more than are asked at once
    rows, scores = found.features(asked), found.classify(asked)
    assert rows.shape == (1030, 256)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(found.classify(asked[1025:]), scores[1025:], rtol=1e-4, atol=1e-6)
    # Equal features, equal scores.
    assert len(np.unique(rows.round(3), axis=0)) == len(np.unique(scores, axis=0)) == 1030


def test_the_seed_decides_what_a_network_learns() -> None:
    material = rn_trial().material()
    asked = windows(3)

    def scores(seed: int) -> Any:
        (found,) = learn(MAKERS["posegait_like"](), replace(material, seed=seed))
        assert found.classify is not None
        return found.classify(asked)

    np.testing.assert_array_equal(scores(0), scores(0))
    assert (scores(0) != scores(1)).any()


def test_pose_numbers_are_81_and_what_they_say() -> None:
    skeletons = windows(3)
    skeletons[0, :, 4], skeletons[0, :, 5], skeletons[0, :, 6] = (0, 0.3, 0), (0, 0, 0), (0.2, 0, 0)
    skeletons[1, :, 4], skeletons[1, :, 5], skeletons[1, :, 6] = (0, 0.3, 0), (0, 0, 0), (0, -0.2, 0)
    found = pose_numbers(skeletons).reshape(3, F, NUMBERS)
    joints = [3, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18]
    np.testing.assert_array_equal(found[..., :42], skeletons[:, :, joints].reshape(3, F, 42))
    np.testing.assert_allclose(found[0, :, 42], np.pi / 2, rtol=1e-6)
    np.testing.assert_allclose(found[1, :, 42], np.pi, rtol=1e-6)
    corners = [
        (4, 5, 6),
        (2, 4, 5),
        (4, 12, 13),
        (12, 13, 14),
        (8, 9, 10),
        (2, 8, 9),
        (8, 16, 17),
        (16, 17, 18),
    ]
    for place, (a, b, c) in enumerate(corners):
        before, after = skeletons[2, 1, a] - skeletons[2, 1, b], skeletons[2, 1, c] - skeletons[2, 1, b]
        cosine = before @ after / np.linalg.norm(before) / np.linalg.norm(after)
        assert found[2, 1, 42 + place] == pytest.approx(np.arccos(cosine), rel=1e-3)
    assert found[2, 0, 50] == pytest.approx(np.linalg.norm(skeletons[2, 0, 1] - skeletons[2, 0, 0]), rel=1e-5)
    moved = np.linalg.norm(np.diff(skeletons[:, :, joints], axis=1), axis=-1)
    np.testing.assert_allclose(found[:, 1:, 67:], moved, rtol=1e-5)
    np.testing.assert_array_equal(found[:, 0, 67:], found[:, 1, 67:])


def test_sgela_trains_as_the_trainer_does_and_uses_no_name(tmp_path: Path) -> None:
    trial = rn_trial()
    found = learn(sgela(), trial.material())
    config = replace(QUICK, f=F)
    (pretext,) = config.pretexts
    cut = (walk.trimmed(10) for walk in rn_split(rn_walks(), 0).train)
    walks = [TrainingWalk(w.name, "", w.layout, w.time_ns, w.joints, w.confidence) for w in cut]
    trainer = Trainer(config, cut_spans(walks, *spans_length(config, pretext)), tmp_path)
    trainer.run()
    expected = encoder_descriptions(trainer.model.eval(), trainer.head.eval())
    assert trial.train is not None
    other = replace(trial.train, people=np.zeros_like(trial.train.people))
    nameless = learn(sgela(), replace(trial.material(), train=other))
    assert [each.name for each in found] == ["cage", "h", "z"]
    for one, two, three in zip(found, expected, nameless, strict=True):
        assert one.features is not None
        assert two.features is not None
        assert three.features is not None
        rows = one.features(windows(5))
        np.testing.assert_array_equal(rows, two.features(windows(5)))
        np.testing.assert_array_equal(rows, three.features(windows(5)))


def test_sgela_without_contrast_gives_ages() -> None:
    method = Sgela(replace(QUICK, contrast="none"), Workshop())
    assert method.gives == ("age", "h")
    assert [each.name for each in learn(method, rn_trial().material())] == ["age", "h"]


def without_the_last_walk(train: WindowSet) -> WindowSet:
    kept = train.walks < train.walks.max()
    return replace(train, windows=train.windows[kept], people=train.people[kept], walks=train.walks[kept])


def trainings(told: Told) -> int:
    return sum("epoch 1 " in text for text in told.texts)


def test_a_training_is_done_once(tmp_path: Path) -> None:
    material = rn_trial().material()
    counts = []
    for method, given in (
        (sgela(REVERSE, tmp_path), material),
        (sgela(REVERSE, tmp_path), material),  # another command, the same folder
        (sgela(PLUS, tmp_path), material),
        (sgela(PLUS, tmp_path), replace(material, seed=1)),
        (sgela(PLUS, tmp_path), replace(material, train=without_the_last_walk(material.train))),
    ):
        told = Told()
        learn(method, given, told)
        counts.append({text.partition(":")[0] for text in told.texts if ": epoch" in text})
    plus = {"reverse", "prediction", "sorting"}
    assert counts == [{"reverse"}, set(), plus - {"reverse"}, plus, plus]
    workshop = Workshop()
    first, second = Told(), Told()
    learn(Sgela(QUICK, workshop), material, first)
    learn(Sgela(QUICK, workshop), material, second)
    assert trainings(first)
    assert not trainings(second)


def test_an_interrupted_training_goes_on(tmp_path: Path) -> None:
    material = rn_trial().material()

    class StoppedError(Exception):
        pass

    def stop(done: float, text: str) -> None:
        if "epoch 2" in text:
            raise StoppedError

    with pytest.raises(StoppedError):
        sgela(REVERSE, tmp_path).learn(material, stop)
    told = Told()
    rest = learn(sgela(REVERSE, tmp_path), material, told)
    whole = learn(sgela(), material)
    assert not trainings(told)
    assert rest[0].features is not None
    assert whole[0].features is not None
    np.testing.assert_array_equal(rest[0].features(windows(4)), whole[0].features(windows(4)))


def test_the_catalogues_sgela_takes_its_options(tmp_path: Path) -> None:
    (method,) = choose_methods("z", MethodOptions(f=F, epochs=3, cache=tmp_path), described=True)
    assert method.gives == ("z",)
    assert method.learns
    assert not list(tmp_path.iterdir())


def test_fused_stands_on_cages_and_poses_and_says_what_used_names() -> None:
    material = direct_trial().material()
    cage_pose, walks, fused, known = Fused(sgela(), "kinect-v1").learn(material, Told())
    cage, *_ = sgela().learn(material, Told())
    asked = direct_trial().probes.windows[:7]
    assert cage_pose.features is not None
    assert cage.features is not None
    rows = cage_pose.features(asked).reshape(7, F, -1)
    np.testing.assert_array_equal(rows[:, :, :-POSE].reshape(7, -1), cage.features(asked))
    np.testing.assert_array_equal(rows[:, :, -POSE:], window_pose(asked))
    assert [each.supervised for each in (cage_pose, walks, fused, known)] == [False, False, True, True]
    assert Fused(sgela(), "kinect-v1").gives == tuple(each.name for each in (cage_pose, walks, fused, known))
    scrambled = replace(
        material,
        train=replace(material.train, people=np.random.default_rng(0).permutation(material.train.people)),
    )
    again = Fused(sgela(), "kinect-v1").learn(scrambled, Told())
    same = [
        np.array_equal(describe(a, asked), describe(b, asked))
        for a, b in zip((walks, fused, known), again[1:], strict=True)
    ]
    assert same == [True, False, False]


def test_what_is_known_of_people_names_them_and_stands_beside_what_tells_strangers_apart() -> None:
    material = direct_trial().material()
    *_, fused, known = Fused(sgela(), "kinect-v1").learn(material, Told())
    train = material.train
    assert known.classify is not None
    named = known.classify(train.windows)
    np.testing.assert_allclose(named.sum(axis=1), 1, rtol=1e-5)
    assert named.shape == (len(train), len(train.names))
    assert (named.argmax(axis=1) == train.people).mean() > 0.9
    rows, compared = describe(known, train.windows), describe(fused, train.windows)
    answers, beside = np.split(rows * np.sqrt(2), [len(train.names)], axis=1)
    np.testing.assert_allclose(beside, compared, atol=1e-5)
    # What names people is the network's answer, and 20 times the likeness of each one's most alike window.
    alike = np.stack(
        [(compared @ compared[train.people == n].T).max(axis=1) for n in range(len(train.names))]
    )
    network = np.exp(np.log(named.astype(np.float64)) - 20 * alike.T)
    softer = np.sqrt(network / network.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(answers, softer / np.linalg.norm(softer, axis=1, keepdims=True), atol=1e-4)


def test_a_window_that_was_learned_from_is_its_persons() -> None:
    """However unsure the network: nothing is more alike than the window itself."""
    material = direct_trial().material()
    *_, known = Fused(sgela(), "kinect-v1").learn(material, Told())
    train = material.train
    _, held = hold_out_ends(train.walks)
    assert known.classify is not None
    assert (known.classify(train.windows[held]).argmax(axis=1) == train.people[held]).all()


def describe(description: Description, asked: np.ndarray) -> np.ndarray:
    assert description.features is not None
    return description.features(asked)
