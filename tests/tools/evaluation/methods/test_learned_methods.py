"""Methods trained on the training walks: their results, and that no probe label leaks into training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]
from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

from encoder.pose import POSE_WIDTH
from encoder.pose import pose_features as window_pose
from encoder.training.batch_losses import span_length_and_step
from encoder.training.spans import TrainingWalk, cut_spans
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import Trainer
from gallery.recognition.network_training import RecognitionConfig, split_walk_ends
from stream.errors import DataError
from tests.tools.evaluation.synthetic_people import (
    F,
    ProgressLog,
    direct_draw,
    rn_draw,
    synthetic_walks,
    windows,
)
from tools.datasets import Walk
from tools.evaluation.methods import Description, Method, MethodOptions, TrainingInput, choose_methods
from tools.evaluation.methods.classifier_networks import lstm_method
from tools.evaluation.methods.classifiers import CLASSIFIER_KINDS, DescriptorClassifier
from tools.evaluation.methods.descriptors import d13_features
from tools.evaluation.methods.encoder_descriptions import encoder_descriptions
from tools.evaluation.methods.fused import FusionMethod
from tools.evaluation.methods.posegait_like import FEATURES, posegait_features, posegait_like_method
from tools.evaluation.methods.raw_and_bones import raw_method
from tools.evaluation.methods.sgela import PLUS, REVERSE, EncoderCache, Sgela
from tools.evaluation.protocols.direct import run_direct
from tools.evaluation.protocols.draw import ProtocolDraw
from tools.evaluation.protocols.results import Result
from tools.evaluation.protocols.rn import run_rn
from tools.evaluation.splits.walk_split import rn_split
from tools.evaluation.splits.window_set import WindowSet

QUICK = TrainConfig(hidden=8, layers=1, epochs=2, batch=32, precision="fp32")


def sgela(pretext: str = REVERSE, folder: Path | None = None) -> Sgela:
    return Sgela(replace(QUICK, pretext=pretext), EncoderCache(folder))


METHODS: dict[str, Callable[[], Method]] = {
    **{f"d13-{kind}": partial(DescriptorClassifier, "d13", d13_features, kind) for kind in CLASSIFIER_KINDS},
    "lstm-1": lambda: lstm_method("lstm-1", 1),
    "lstm-2": lambda: lstm_method("lstm-2", 2),
    "posegait_like": lambda: posegait_like_method("kinect-v1"),
    "sgela": sgela,
    "sgela-plus": lambda: sgela(PLUS),
    "fused": lambda: FusionMethod(sgela(), "kinect-v1"),
}
CLASSIFIERS = [name for name in METHODS if not name.startswith(("sgela", "fused"))]
SUPERVISED_FUSED = {"fused", "fused-known"}
"""Supervised descriptions of the method `fused`, whose others are unsupervised."""
FUSED = pytest.param("fused", marks=pytest.mark.slow)
ALL = [*(name for name in METHODS if name != "fused"), FUSED]
WITH_FEATURES = [name for name in METHODS if not name.startswith("d13") and name != "fused"]


def rn_walks(noise: float = 0.02) -> list[Walk]:
    return synthetic_walks(5, walks=3, frames=60, noise=noise)


@cache
def five_person_rn_draw(noise: float = 0.02) -> ProtocolDraw:
    return rn_draw(rn_walks(noise), f=F)


@cache
def five_person_direct_draw() -> ProtocolDraw:
    return direct_draw(synthetic_walks(5, walks=4, frames=60, noise=0.02), f=F)


QUICK_NETWORK = RecognitionConfig(hidden=32, batch=32, epochs=20)
PROGRESS: dict[tuple[str, str], ProgressLog] = {}


@cache
def result_of(name: str, protocol: str) -> Result:
    """Returns the result of a method, measured once for all tests; `PROGRESS` keeps its training progress."""
    log = PROGRESS[name, protocol] = ProgressLog()

    def progress(task: str, done: float, text: str) -> None:
        if task.endswith(" trains"):
            log(done, text)

    if protocol == "rn":
        return run_rn(five_person_rn_draw(), [METHODS[name]()], QUICK_NETWORK, progress=progress)
    return run_direct(five_person_direct_draw(), [METHODS[name]()], progress=progress)


@pytest.mark.slow
@pytest.mark.parametrize("name", ALL)
def test_methods_classify_people_of_different_build(name: str) -> None:
    result = result_of(name, "rn")
    assert {row.name for row in result.rows} == set(METHODS[name]().description_names)
    for row in result.rows:
        assert row.figures["rank1"] > 80, row.name
        assert row.supervised == (name in CLASSIFIERS or row.name in SUPERVISED_FUSED)
        assert (row.variant == "own") == (name in CLASSIFIERS or row.name == "fused-known")


@pytest.mark.parametrize("name", [*WITH_FEATURES, FUSED])
def test_features_match_people_of_different_build(name: str) -> None:
    for row in result_of(name, "direct").rows:
        assert row.figures["rank1"] > 80, row.name
        assert row.supervised == (name in CLASSIFIERS or row.name in SUPERVISED_FUSED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "protocol"), [*((name, "rn") for name in METHODS), ("lstm-1", "direct"), ("sgela", "direct")]
)
def test_shuffled_probe_labels_keep_scores_and_give_chance(name: str, protocol: str) -> None:
    result = result_of(name, protocol)
    if protocol == "rn":
        shuffled = run_rn(five_person_rn_draw().with_probes_shuffled(), [METHODS[name]()], QUICK_NETWORK)
    else:
        shuffled = run_direct(five_person_direct_draw().with_probes_shuffled(), [METHODS[name]()])
    assert (result.people != shuffled.people).any()
    for original, row in zip(result.rows, shuffled.rows, strict=True):
        np.testing.assert_array_equal(original.predictions.scores, row.predictions.scores)
        # Over all rotations of the five labels, each prediction is correct once.
        rank1 = [np.mean((shuffled.people + k) % 5 == row.predictions.predicted) for k in range(5)]
        assert np.mean(rank1) == pytest.approx(1 / 5)
        assert row.figures["rank1"] == pytest.approx(100 * rank1[0])
        assert row.figures["rank1"] < 60
        assert original.figures["rank1"] > 60


@pytest.mark.parametrize("name", ["d13-svm", "lstm-1", "posegait_like"])
def test_shuffled_training_labels_give_chance(name: str) -> None:
    draw = five_person_rn_draw()
    assert draw.train is not None
    shuffled = np.random.default_rng(1).permutation(draw.train.people)
    train = replace(draw.train, people=shuffled)
    (row,) = run_rn(replace(draw, train=train), [METHODS[name]()]).rows
    assert row.figures["rank1"] < 60  # 20 expected; errors within a walk are correlated


def fit(method: Method, data: TrainingInput, progress: ProgressLog | None = None) -> tuple[Description, ...]:
    return method.fit(data, progress or ProgressLog())


@pytest.mark.parametrize("name", ALL)
def test_training_progress_is_reported_from_start_to_end(name: str) -> None:
    result = result_of(name, "rn")
    log = PROGRESS[name, "rn"]
    assert tuple(dict.fromkeys(row.name for row in result.rows)) == METHODS[name]().description_names
    assert log.shares == sorted(log.shares)
    assert log.shares[0] < 0.5
    assert log.shares[-1] == 1.0
    assert all(log.texts)


@pytest.mark.parametrize("name", ["d13-knn", "d13-svm", "d13-adaboost", "lstm-1"])
def test_methods_work_with_two_people(name: str) -> None:
    draw = rn_draw(synthetic_walks(2, walks=3, frames=60, noise=0.02), f=F)
    for row in run_rn(draw, [METHODS[name]()]).rows:
        assert row.predictions.scores.shape == (len(draw.probes), 2)
        assert row.figures["rank1"] > 80


def test_number_of_neighbours_is_chosen_by_validation_rank1() -> None:
    draw = five_person_rn_draw(noise=0.3)
    assert draw.train is not None
    (row,) = run_rn(draw, [METHODS["d13-knn"]()]).rows
    rows, probes = d13_features(draw.train.windows), d13_features(draw.probes.windows)
    train, validation = split_walk_ends(draw.train.walks)
    scale = StandardScaler().fit(rows[train])
    people = draw.train.people
    best: dict[int, Any] = {}
    for neighbours in (1, 5, 20, 60):
        fitted = KNeighborsClassifier(neighbours, weights="distance").fit(
            scale.transform(rows[train]), people[train]
        )
        rank1 = np.mean(fitted.predict(scale.transform(rows[validation])) == people[validation])
        best.setdefault(round(1e6 * rank1), fitted)
    expected = best[max(best)].predict_proba(scale.transform(probes))
    np.testing.assert_allclose(row.predictions.scores, expected, rtol=1e-5)


def test_walks_too_short_for_validation_are_refused() -> None:
    draw = rn_draw(synthetic_walks(3, walks=2, frames=20 + F + 2), f=F)
    with pytest.raises(DataError, match="at least four windows"):
        fit(METHODS["lstm-1"](), draw.training_input())
    with pytest.raises(DataError, match="at least four windows"):
        run_rn(draw, [raw_method(F)])


@pytest.mark.slow
def test_network_features_and_scores_agree() -> None:
    (description,) = fit(METHODS["lstm-2"](), five_person_rn_draw().training_input())
    assert description.features is not None
    assert description.classify is not None
    probes = windows(1030)  # more than a block
    rows, scores = description.features(probes), description.classify(probes)
    assert rows.shape == (1030, 256)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(description.classify(probes[1025:]), scores[1025:], rtol=1e-4, atol=1e-6)
    # Equal features, equal scores.
    assert len(np.unique(rows.round(3), axis=0)) == len(np.unique(scores, axis=0)) == 1030


@pytest.mark.slow
def test_the_seed_determines_the_network() -> None:
    data = five_person_rn_draw().training_input()
    probes = windows(3)

    def scores(seed: int) -> Any:
        (description,) = fit(METHODS["posegait_like"](), replace(data, seed=seed))
        assert description.classify is not None
        return description.classify(probes)

    np.testing.assert_array_equal(scores(0), scores(0))
    assert (scores(0) != scores(1)).any()


def test_posegait_features_match_their_definition() -> None:
    skeletons = windows(3)
    skeletons[0, :, 4], skeletons[0, :, 5], skeletons[0, :, 6] = (0, 0.3, 0), (0, 0, 0), (0.2, 0, 0)
    skeletons[1, :, 4], skeletons[1, :, 5], skeletons[1, :, 6] = (0, 0.3, 0), (0, 0, 0), (0, -0.2, 0)
    features = posegait_features(skeletons).reshape(3, F, FEATURES)
    joints = [3, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 16, 17, 18]
    np.testing.assert_array_equal(features[..., :42], skeletons[:, :, joints].reshape(3, F, 42))
    np.testing.assert_allclose(features[0, :, 42], np.pi / 2, rtol=1e-6)
    np.testing.assert_allclose(features[1, :, 42], np.pi, rtol=1e-6)
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
        assert features[2, 1, 42 + place] == pytest.approx(np.arccos(cosine), rel=1e-3)
    assert features[2, 0, 50] == pytest.approx(
        np.linalg.norm(skeletons[2, 0, 1] - skeletons[2, 0, 0]), rel=1e-5
    )
    motion = np.linalg.norm(np.diff(skeletons[:, :, joints], axis=1), axis=-1)
    np.testing.assert_allclose(features[:, 1:, 67:], motion, rtol=1e-5)
    np.testing.assert_array_equal(features[:, 0, 67:], features[:, 1, 67:])


def test_sgela_trains_like_the_trainer_and_without_labels(tmp_path: Path) -> None:
    draw = five_person_rn_draw()
    descriptions = fit(sgela(), draw.training_input())
    config = replace(QUICK, f=F)
    (pretext,) = config.pretexts
    cut = (walk.trimmed(10) for walk in rn_split(rn_walks(), 0).train)
    walks = [TrainingWalk(w.name, "", w.layout, w.time_ns, w.joints, w.confidence) for w in cut]
    trainer = Trainer(config, cut_spans(walks, *span_length_and_step(config, pretext)), tmp_path)
    trainer.run()
    expected = encoder_descriptions(trainer.model.eval(), trainer.head.eval())
    assert draw.train is not None
    zero_labels = replace(draw.train, people=np.zeros_like(draw.train.people))
    unlabelled = fit(sgela(), replace(draw.training_input(), train=zero_labels))
    assert [each.name for each in descriptions] == ["cage", "h", "z"]
    for one, two, three in zip(descriptions, expected, unlabelled, strict=True):
        assert one.features is not None
        assert two.features is not None
        assert three.features is not None
        rows = one.features(windows(5))
        np.testing.assert_array_equal(rows, two.features(windows(5)))
        np.testing.assert_array_equal(rows, three.features(windows(5)))


def test_sgela_without_contrast_provides_ages() -> None:
    method = Sgela(replace(QUICK, contrast="none"), EncoderCache())
    assert method.description_names == ("age", "h")
    assert [each.name for each in fit(method, five_person_rn_draw().training_input())] == ["age", "h"]


def without_last_walk(train: WindowSet) -> WindowSet:
    kept = train.walks < train.walks.max()
    return replace(train, windows=train.windows[kept], people=train.people[kept], walks=train.walks[kept])


def trainings_started(log: ProgressLog) -> int:
    return sum("epoch 1 " in text for text in log.texts)


@pytest.mark.slow
def test_encoders_are_trained_once(tmp_path: Path) -> None:
    data = five_person_rn_draw().training_input()
    trained = []
    for method, training_input in (
        (sgela(REVERSE, tmp_path), data),
        (sgela(REVERSE, tmp_path), data),  # another command, the same folder
        (sgela(PLUS, tmp_path), data),
        (sgela(PLUS, tmp_path), replace(data, seed=1)),
        (sgela(PLUS, tmp_path), replace(data, train=without_last_walk(data.train))),
    ):
        log = ProgressLog()
        fit(method, training_input, log)
        trained.append({text.partition(":")[0] for text in log.texts if ": epoch" in text})
    plus = {"reverse", "prediction", "sorting"}
    assert trained == [{"reverse"}, set(), plus - {"reverse"}, plus, plus]
    encoder_cache = EncoderCache()
    first, second = ProgressLog(), ProgressLog()
    fit(Sgela(QUICK, encoder_cache), data, first)
    fit(Sgela(QUICK, encoder_cache), data, second)
    assert trainings_started(first)
    assert not trainings_started(second)


def test_interrupted_trainings_are_continued(tmp_path: Path) -> None:
    data = five_person_rn_draw().training_input()

    class StoppedError(Exception):
        pass

    def stop(done: float, text: str) -> None:
        if "epoch 2" in text:
            raise StoppedError

    with pytest.raises(StoppedError):
        sgela(REVERSE, tmp_path).fit(data, stop)
    log = ProgressLog()
    continued = fit(sgela(REVERSE, tmp_path), data, log)
    uninterrupted = fit(sgela(), data)
    assert not trainings_started(log)
    assert continued[0].features is not None
    assert uninterrupted[0].features is not None
    np.testing.assert_array_equal(continued[0].features(windows(4)), uninterrupted[0].features(windows(4)))


def test_catalogue_passes_options_to_sgela(tmp_path: Path) -> None:
    (method,) = choose_methods("z", MethodOptions(f=F, epochs=3, cache=tmp_path), features_required=True)
    assert method.description_names == ("z",)
    assert method.needs_training
    assert not list(tmp_path.iterdir())


@cache
def fused_of_five_people() -> tuple[Description, ...]:
    """Returns the descriptions of `fused`, fitted once for the tests below."""
    return fit(METHODS["fused"](), five_person_direct_draw().training_input())


@pytest.mark.slow
def test_fused_combines_cages_and_poses_and_marks_supervised_descriptions() -> None:
    data = five_person_direct_draw().training_input()
    cage_pose, walks, fused, known = fused_of_five_people()
    cage, *_ = sgela().fit(data, ProgressLog())
    probes = five_person_direct_draw().probes.windows[:7]
    assert cage_pose.features is not None
    assert cage.features is not None
    rows = cage_pose.features(probes).reshape(7, F, -1)
    np.testing.assert_array_equal(rows[:, :, :-POSE_WIDTH].reshape(7, -1), cage.features(probes))
    np.testing.assert_array_equal(rows[:, :, -POSE_WIDTH:], window_pose(probes))
    assert [each.supervised for each in (cage_pose, walks, fused, known)] == [False, False, True, True]
    assert FusionMethod(sgela(), "kinect-v1").description_names == tuple(
        each.name for each in (cage_pose, walks, fused, known)
    )
    shuffled = replace(
        data,
        train=replace(data.train, people=np.random.default_rng(0).permutation(data.train.people)),
    )
    again = FusionMethod(sgela(), "kinect-v1").fit(shuffled, ProgressLog())
    same = [
        np.array_equal(features_of(a, probes), features_of(b, probes))
        for a, b in zip((walks, fused, known), again[1:], strict=True)
    ]
    assert same == [True, False, False]


@pytest.mark.slow
def test_fused_known_adds_network_probabilities_to_fused() -> None:
    *_, fused, known = fused_of_five_people()
    train = five_person_direct_draw().training_input().train
    assert known.classify is not None
    probabilities = known.classify(train.windows)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert probabilities.shape == (len(train), len(train.names))
    assert (probabilities.argmax(axis=1) == train.people).mean() > 0.9
    rows, projected = features_of(known, train.windows), features_of(fused, train.windows)
    network_part, projected_part = np.split(rows * np.sqrt(2), [len(train.names)], axis=1)
    np.testing.assert_allclose(projected_part, projected, atol=1e-5)
    # Logits of the network, plus 20 times the similarity to each person's most similar training window.
    similarity = np.stack(
        [(projected @ projected[train.people == n].T).max(axis=1) for n in range(len(train.names))]
    )
    network = np.exp(np.log(probabilities.astype(np.float64)) - 20 * similarity.T)
    softened = np.sqrt(network / network.sum(axis=1, keepdims=True))
    np.testing.assert_allclose(
        network_part, softened / np.linalg.norm(softened, axis=1, keepdims=True), atol=1e-4
    )


@pytest.mark.slow
def test_fused_known_classifies_training_windows_correctly() -> None:
    """Whatever the network says: no window is more similar than the window itself."""
    *_, known = fused_of_five_people()
    train = five_person_direct_draw().training_input().train
    _, validation = split_walk_ends(train.walks)
    assert known.classify is not None
    assert (known.classify(train.windows[validation]).argmax(axis=1) == train.people[validation]).all()


def features_of(description: Description, probes: np.ndarray) -> np.ndarray:
    assert description.features is not None
    return description.features(probes)
