"""Settings of a training: bounds, combinations, TOML round trip."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoder.attention import Attention, Decoding
from encoder.pretext_tasks import Pretext
from encoder.training.augment import Augmentation
from encoder.training.losses import LossWeights
from encoder.training.train_config import TrainConfig, read_train_config, train_config_from_dict
from stream.errors import DataError, UserError


def test_the_defaults() -> None:
    config = TrainConfig()
    assert (config.learning_rate, config.batch, config.clip, config.f) == (1e-3, 256, 5.0, 6)
    assert config.weights == LossWeights(1.0, 1.0, 1.0, 1e-6)
    assert config.augment == Augmentation()


@given(
    f=st.integers(2, 12),
    rate=st.floats(1e-6, 1.0),
    pretext=st.sampled_from(["reverse", "plain", "sorting", "reverse+prediction+sorting"]),
    contrast=st.sampled_from(["none", "within", "within-masked", "across"]),
    degrees=st.floats(0, 180),
)
def test_toml_round_trip(f: int, rate: float, pretext: str, contrast: str, degrees: float) -> None:
    import tomllib

    config = TrainConfig(
        f=f,
        learning_rate=rate,
        pretext=pretext,
        contrast=contrast,
        augment=Augmentation(rotation_deg=degrees),
    )
    assert train_config_from_dict(tomllib.loads(config.as_toml()), "toml") == config


def test_missing_settings_have_their_defaults(tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text("epochs = 3\ncontrast_weight = 2\n[augment]\nnoise_m = 0.01\n")
    expected = TrainConfig(epochs=3, contrast_weight=2.0, augment=Augmentation(noise_m=0.01))
    assert read_train_config(path) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3", "unknown setting epoch; possible: pretext"),
        ("[augment]\nblur = 1", "unknown setting blur; possible: rotation_deg"),
        ("augment = 1", "augment: expected a table"),
        ("epochs = 0", "epochs: expected a whole number from 1"),
        ("epochs = 2.5", "epochs: expected a whole number"),
        ("epochs = true", "epochs: expected a whole number"),
        ("temperature = 0", "temperature: expected a number from 0.001 to 100, got 0"),
        ("temperature = nan", "temperature: expected a number"),
        ('temperature = "hot"', "temperature: expected a number"),
        ('attention = "soft"', "attention: expected none, bas, mbas, las, got 'soft'"),
        ("attention = 3", "attention: expected none"),
        ('pretext = "forward"', "pretext: expected reverse"),
        ('pretext = "prediction-half"\nf = 5', "even number"),
        ("batch = 127", "batch: expected an even number"),
        ('contrast = "none"\nreconstruction_weight = 0', "nothing is trained"),
        ("[augment]\nmirror = 2", "mirror: expected a number from 0 to 1"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "train.toml"
    path.write_text(text)
    with pytest.raises(UserError, match=message) as raised:
        read_train_config(path)
    assert str(raised.value).startswith(str(path))


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the config"):
        read_train_config(tmp_path / "none.toml")
    path = tmp_path / "bad.toml"
    path.write_text("epochs = = 3")
    with pytest.raises(DataError, match="is not TOML"):
        read_train_config(path)


def test_each_task_has_its_own_encoder() -> None:
    config = TrainConfig(pretext="reverse+prediction+sorting", hidden=8)
    assert config.pretexts == (Pretext.REVERSE, Pretext.PREDICTION, Pretext.SORTING)
    assert config.encoder_config(Pretext.REVERSE).attention is Attention.LAS
    assert config.encoder_config(Pretext.SORTING).attention is Attention.BAS
    assert config.for_task(Pretext.SORTING) == replace(config, pretext="sorting")


def test_the_encoder_config_has_the_joints_and_the_decoding_order() -> None:
    config = TrainConfig(pretext="plain", attention="mbas")
    assert config.encoder_config(Pretext.PLAIN).decoding is Decoding.PLAIN
    assert config.encoder_config(Pretext.REVERSE).decoding is Decoding.REVERSE
    assert config.encoder_config(Pretext.PLAIN).joints == 20
    assert config.encoder_config(Pretext.PLAIN, 25).joints == 25


def test_every_setting_has_bounds() -> None:
    without_bounds = {"pretext", "augment", "device"}
    for one in fields(TrainConfig):
        if one.name not in without_bounds:
            with pytest.raises(UserError, match=one.name):
                replace(TrainConfig(), **cast(Any, {one.name: object()}))
