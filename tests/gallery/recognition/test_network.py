"""The recognition network: literal AP and SC, training, selection of the epoch, files, determinism."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from gallery.recognition.network import Recogniser, RecognitionNetwork, Strategy
from gallery.recognition.network_training import (
    RecognitionConfig,
    TrainingResult,
    split_walk_ends,
    train_recogniser,
)
from stream.errors import DataError

F, D, PEOPLE, PER_WALK = 3, 10, ("ann", "bo", "cy", "di"), 12
BOTH = pytest.mark.parametrize("strategy", list(Strategy))


def synthetic_cages(noise: float = 0.3, walks: int = 2, seed: int = 0) -> tuple[Any, Any, Any]:
    """Returns CAGEs (n, F, D), their people (n,) and their walks (n,).

    CAGEs are noise around a centre of each person, far from 0.
    """
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(0, 0.02, (len(PEOPLE), 1, D)) + 5
    walk = np.repeat(np.arange(len(PEOPLE) * walks), PER_WALK)
    owners = walk // walks
    cages = centres[owners] + random.normal(0, 0.02 * noise, (len(walk), F, D))
    return cages.astype("f4"), owners, walk


def trained(strategy: Strategy, **settings: Any) -> TrainingResult:
    """Returns a network trained on `synthetic_cages`."""
    cages, owners, walk = synthetic_cages()
    config = RecognitionConfig(strategy=strategy, hidden=32, batch=8, **settings)
    return train_recogniser(cages, owners, *split_walk_ends(walk), PEOPLE, config)


@BOTH
def test_separable_people_are_recognised(strategy: Strategy) -> None:
    training = trained(strategy)
    cages, owners, _ = synthetic_cages(seed=1)
    predicted = training.recogniser.predict(cages)
    assert predicted.shape == (len(cages), len(PEOPLE))
    np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=1e-5)
    assert (predicted.argmax(axis=1) == owners).mean() > 0.97
    assert training.history[-1].loss < training.history[0].loss


@BOTH
def test_labels_independent_of_the_cages_give_chance(strategy: Strategy) -> None:
    cages, owners, walk = synthetic_cages(noise=50)
    config = RecognitionConfig(strategy=strategy, batch=8)
    recogniser = train_recogniser(cages, owners, *split_walk_ends(walk), PEOPLE, config).recogniser
    unseen, unseen_owners, _ = synthetic_cages(noise=50, walks=20, seed=1)
    assert (recogniser.predict(unseen).argmax(axis=1) == unseen_owners).mean() == pytest.approx(
        1 / 4, abs=0.06
    )


def literal(network: RecognitionNetwork, rows: Any) -> Any:
    """Returns the output of f_RN for one input, step by step in double precision."""
    state = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}
    scaled = ((rows.astype("f8") - state["centre"]) / state["scale"]).ravel()
    hidden = np.maximum(state["hidden.weight"] @ scaled + state["hidden.bias"], 0)
    powers = np.exp(state["output.weight"] @ hidden + state["output.bias"])
    return powers / powers.sum()


def test_average_prediction_is_the_mean_of_the_skeletons_probabilities() -> None:
    recogniser = trained(Strategy.AP, epochs=1).recogniser
    cages = synthetic_cages(noise=3, seed=2)[0][:5]
    expected = [np.mean([literal(recogniser.network, v) for v in window], axis=0) for window in cages]
    np.testing.assert_allclose(recogniser.predict(cages), expected, rtol=1e-4, atol=1e-6)
    # The order of the skeletons has no effect.
    np.testing.assert_allclose(recogniser.predict(cages[:, ::-1].copy()), expected, rtol=1e-4, atol=1e-6)


def test_concatenation_predicts_once_from_all_skeletons() -> None:
    recogniser = trained(Strategy.SC, epochs=1).recogniser
    cages = synthetic_cages(noise=3, seed=2)[0][:5]
    expected = [literal(recogniser.network, window) for window in cages]
    np.testing.assert_allclose(recogniser.predict(cages), expected, rtol=1e-4, atol=1e-6)
    assert not np.allclose(recogniser.predict(cages[:, ::-1].copy()), expected, rtol=1e-3)


@BOTH
def test_predictions_of_many_windows_equal_those_of_single_windows(
    strategy: Strategy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gallery.recognition.network._BLOCK", 4)
    recogniser = trained(strategy, epochs=1).recogniser
    cages = synthetic_cages(seed=3)[0][:11]
    alone = np.concatenate([recogniser.predict(window[None]) for window in cages])
    np.testing.assert_allclose(recogniser.predict(cages), alone, rtol=1e-5)
    assert recogniser.predict(cages[:0]).shape == (0, len(PEOPLE))
    with pytest.raises(ValueError, match=r"expected shape \(n, 3, 10\), got \(2, 10, 3\)"):
        recogniser.predict(np.zeros((2, 10, 3), "f4"))


@BOTH
def test_the_best_epoch_on_validation_windows_is_kept(strategy: Strategy) -> None:
    cages, owners, walk = synthetic_cages(noise=2)
    train, validation = split_walk_ends(walk)
    config = RecognitionConfig(strategy=strategy, batch=8, epochs=12)
    reported: list[Any] = []
    training = train_recogniser(cages, owners, train, validation, PEOPLE, config, progress=reported.append)
    assert tuple(reported) == training.history
    assert [epoch.epoch for epoch in reported] == list(range(1, 13))
    best = max(reported, key=lambda epoch: (epoch.rank1, -epoch.validation_loss))
    assert training.kept == best.epoch
    predicted = training.recogniser.predict(cages[validation])
    assert (predicted.argmax(axis=1) == owners[validation]).mean() == pytest.approx(best.rank1)
    loss = -np.log(predicted[np.arange(len(predicted)), owners[validation]]).mean()
    assert loss == pytest.approx(best.validation_loss, rel=1e-4)
    assert 0.4 < best.rank1 < 1


@BOTH
def test_without_validation_windows_the_last_epoch_is_kept(strategy: Strategy) -> None:
    cages, owners, walk = synthetic_cages()
    train, validation = split_walk_ends(walk)
    config = RecognitionConfig(strategy=strategy, batch=8, epochs=3)
    training = train_recogniser(cages, owners, train, None, PEOPLE, config)
    assert training.kept == 3
    assert all(np.isnan([epoch.rank1, epoch.validation_loss]).all() for epoch in training.history)
    chosen = train_recogniser(cages, owners, train, validation, PEOPLE, config)
    # Validation does not affect the training.
    assert [e.loss for e in training.history] == [e.loss for e in chosen.history]


@BOTH
def test_windows_outside_training_and_validation_have_no_effect(strategy: Strategy) -> None:
    cages, owners, walk = synthetic_cages()
    train, validation = split_walk_ends(walk)
    other = cages.copy()
    other[~train & ~validation] = 1e3
    config = RecognitionConfig(strategy=strategy, batch=8, epochs=2)
    one = train_recogniser(cages, owners, train, validation, PEOPLE, config).recogniser.predict(cages)
    two = train_recogniser(other, owners, train, validation, PEOPLE, config).recogniser.predict(cages)
    np.testing.assert_array_equal(one, two)


@BOTH
def test_the_same_seed_gives_the_same_bits(strategy: Strategy) -> None:
    torch.manual_seed(1)
    one = trained(strategy, seed=5).recogniser.network.state_dict()
    torch.manual_seed(2)
    two = trained(strategy, seed=5).recogniser.network.state_dict()
    other = trained(strategy, seed=6).recogniser.network.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["hidden.weight"], other["hidden.weight"])


def test_inputs_are_standardised_over_the_training_windows() -> None:
    cages, owners, walk = synthetic_cages()
    cages[..., 3] = 0.1  # a number that never changes
    train, validation = split_walk_ends(walk)
    config = RecognitionConfig(hidden=4, epochs=1)
    network = train_recogniser(cages, owners, train, validation, PEOPLE, config).recogniser.network
    rows = cages[train].reshape(-1, D).astype("f8")
    scale = np.where(np.arange(D) == 3, 1, rows.std(axis=0))
    np.testing.assert_allclose(network.centre, rows.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(network.scale, scale, rtol=1e-4)
    plain = RecognitionConfig(hidden=4, epochs=1, standardise=False)
    network = train_recogniser(cages, owners, train, validation, PEOPLE, plain).recogniser.network
    assert not network.centre.any()
    assert bool((network.scale == 1).all())


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=5),
    st.sampled_from([0.0, 0.2, 0.5]),
    st.integers(0, 1),
    st.randoms(use_true_random=False),
)
def test_the_ends_of_walks_are_validation_windows(
    lengths: list[int], share: float, overlap: int, shuffle: Any
) -> None:
    numbers = list(range(len(lengths)))
    shuffle.shuffle(numbers)
    walks = np.repeat(numbers, lengths)
    train, validation = split_walk_ends(walks, share, overlap)
    assert not (train & validation).any()
    for number in numbers:
        own = walks == number
        marks = "".join(
            "t" if t else "v" if v else "-" for t, v in zip(train[own], validation[own], strict=True)
        )
        count = max(1, round(share * len(marks))) if len(marks) >= 4 else 0
        between = overlap if count else 0
        assert marks == "t" * (len(marks) - count - between) + "-" * between + "v" * count
        assert "t" in marks


@BOTH
def test_a_saved_network_is_read_back(strategy: Strategy, tmp_path: Path) -> None:
    cages, owners, walk = synthetic_cages()
    config = RecognitionConfig(strategy=strategy, hidden=8, epochs=1)
    training = train_recogniser(
        cages, owners, *split_walk_ends(walk), PEOPLE, config, extra={"contract": "abc"}
    )
    path = tmp_path / "people.safetensors"
    training.recogniser.save(path)
    loaded = Recogniser.load(path)
    assert (loaded.people, loaded.network.strategy, loaded.network.f) == (PEOPLE, strategy, F)
    assert dict(loaded.extra) == {"contract": "abc"}
    np.testing.assert_array_equal(loaded.predict(cages), training.recogniser.predict(cages))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_invalid_network_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.safetensors"
    recogniser = trained(Strategy.AP, epochs=1).recogniser
    with pytest.raises(DataError, match="cannot be written"):
        recogniser.save(tmp_path / "no" / "folder.safetensors")
    with pytest.raises(DataError, match="there is no such"):
        Recogniser.load(path)
    recogniser.save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="something unreadable"):
        Recogniser.load(path)
    save_file({"layer": torch.zeros(2)}, path)
    with pytest.raises(DataError, match="expected a recognition network"):
        Recogniser.load(path)
    Recogniser(PEOPLE[:3], recogniser.network, {}).save(path)
    with pytest.raises(DataError, match="does not match the metadata"):
        Recogniser.load(path)
    recogniser.network.centre[0] = float("nan")
    recogniser.save(path)
    with pytest.raises(DataError, match="not finite"):
        Recogniser.load(path)


def test_invalid_training_data_and_settings_are_refused() -> None:
    cages, owners, walk = synthetic_cages()
    train, validation = split_walk_ends(walk)
    without_cy = train & (owners != 2)
    train_with: Any = train_recogniser
    nan = cages.copy()
    nan[0, 0, 0] = np.nan
    cases: Any = (
        ((cages[:, 0], owners, train, validation), r"expected cages \(n, f, D\)"),
        ((cages, owners[1:], train, validation), r"expected cages \(n, f, D\)"),
        ((nan, owners, train, validation), "finite"),
        ((cages, owners, train, train), "none that is trained on"),
        ((cages, owners, train, np.zeros_like(validation)), "at least one window"),
        ((cages, owners + 1, train, validation), "expected 0 to 3, got 1 to 4"),
        ((cages, owners, without_cy, validation), "none of cy"),
    )
    for arguments, message in cases:
        with pytest.raises(ValueError, match=message):
            train_with(*arguments, PEOPLE)
    assert [RecognitionConfig(strategy=s).trained_epochs for s in (Strategy.AP, Strategy.SC)] == [6, 12]
    assert RecognitionConfig(epochs=3).trained_epochs == 3
    for name in ("hidden", "batch", "epochs"):
        wrong: dict[str, Any] = {name: -1}
        with pytest.raises(ValueError, match=name):
            replace(RecognitionConfig(), **wrong)
    with pytest.raises(ValueError, match="learning_rate"):
        RecognitionConfig(learning_rate=0)
