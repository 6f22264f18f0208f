"""Settings of a training: one dataclass, which can be written to and read from TOML."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from encoder.attention import Alignment, Attention
from encoder.model import EncoderConfig
from encoder.pretext_tasks import Pretext, parse_pretexts
from encoder.training.augment import Augmentation
from encoder.training.contrast import Contrast
from encoder.training.losses import LossWeights
from encoder.training.pretext import span_length, suitable_attention
from stream.errors import DataError, UserError
from stream.skeleton import CANONICAL
from stream.user_text import decode_text

__all__ = ["MACHINE_SETTINGS", "TrainConfig", "read_train_config", "train_config_from_dict"]

MACHINE_SETTINGS = frozenset({"device", "threads", "checkpoint_minutes"})
"""Settings of the machine: trainings that differ only in these are the same but for rounding."""

_INTEGER_BOUNDS = {
    "f": (2, 64),
    "hidden": (1, 2048),
    "layers": (1, 8),
    "interval": (1, 16),
    "reach": (1, 1000),
    "epochs": (1, 100_000),
    "batch": (2, 65_536),
    "seed": (0, 2**32 - 1),
    "threads": (0, 1024),
}
_REAL_BOUNDS = {
    "temperature": (1e-3, 100.0),
    "reconstruction_weight": (0.0, 1e6),
    "alignment_weight": (0.0, 1e6),
    "contrast_weight": (0.0, 1e6),
    "l2_weight": (0.0, 1e3),
    "learning_rate": (1e-8, 1.0),
    "clip": (1e-6, 1e9),
    "checkpoint_minutes": (0.0, 1440.0),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "attention": tuple(Attention),
    "alignment": tuple(Alignment),
    "contrast": tuple(Contrast),
    "precision": ("auto", "fp32", "bf16"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """Settings of a training.

    The paper uses learning_rate 5e-4, batch 128, l2_weight 0.02 and contrast `within`. The defaults were
    chosen on KGBD's people 81-100, with encoders trained on people 1-80 for two epochs. Window Rank-1 of
    CAGEs in `direct`, three draws: raw windows 67.2, untrained 67.5. With learning_rate 1e-3, l2_weight 1e-6
    and `across`: reach 30 and batch 128 give 71.5; reach 200 and batch 256, the defaults, 78.8; reach 200,
    batch 128 and rotation by up to 30 degrees 76.9.

    Attributes:
        pretext: `reverse`, `plain`, `prediction`, `prediction-half`, `sorting`, or several joined by +: each
            trains a separate encoder, and their CAGEs are concatenated.
        attention: `none`, `bas`, `mbas` or `las`; prediction and sorting use `bas` instead of the last two.
        alignment: `dot` or `general`.
        f: skeletons of a window, 2..64; a window starts every f // 2 skeletons.
        hidden: K, size of a gait state of one dimension, 1..2048.
        layers: number of LSTM layers in the encoder, and in the decoder, 1..8.
        contrast: `none`, `within`, `within-masked` or `across`. The paper uses `within`; in a trial on KGBD
            its features were worse than those of random weights, and those of `across` were better.
        interval: distance of the two windows of a pair, 1..16, for `within` and `within-masked`.
        reach: largest distance of the two windows of a pair, 1..1000, for `across`.
        temperature: tau, 0.001..100.
        reconstruction_weight: lambda_S of Eq. 16, 0 or more.
        alignment_weight: lambda_A, 0 or more; only used with `las`.
        contrast_weight: lambda_C, 0 or more.
        l2_weight: beta, 0 or more. The paper's 0.02 shrinks the weights until nothing is learned.
        learning_rate: learning rate of Adam.
        batch: windows of a batch, 2..65536; even for `across`.
        clip: each component of the gradient is clipped to plus or minus this.
        epochs: 1 or more.
        seed: seed of the initial weights, the batches and the augmentation.
        precision: precision of the products with weights: `fp32`, `bf16`, or `auto` for bf16 if a trial
            product is faster with it on this device.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        threads: CPU threads; 0 for torch's default.
        checkpoint_minutes: time between two checkpoints within an epoch; 0 for none within an epoch. One is
            always written after each epoch, and when the training is stopped.
        augment: see `encoder.training.augment.Augmentation`.

    Raises:
        UserError: a value is out of bounds or conflicts with another.
    """

    pretext: str = "reverse"
    attention: str = "las"
    alignment: str = "dot"
    f: int = 6
    hidden: int = 256
    layers: int = 2
    contrast: str = "across"
    interval: int = 1
    reach: int = 200
    temperature: float = 0.1
    reconstruction_weight: float = 1.0
    alignment_weight: float = 1.0
    contrast_weight: float = 1.0
    l2_weight: float = 1e-6
    learning_rate: float = 1e-3
    batch: int = 256
    clip: float = 5.0
    epochs: int = 20
    seed: int = 0
    precision: str = "auto"
    device: str = "auto"
    threads: int = 0
    checkpoint_minutes: float = 5.0
    augment: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name, (low, high) in _INTEGER_BOUNDS.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise UserError(f"{name}: expected a whole number from {low} to {high}, got {value!r}")
        for name, (low_real, high_real) in _REAL_BOUNDS.items():
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not low_real <= value <= high_real:
                raise UserError(
                    f"{name}: expected a number from {low_real:g} to {high_real:g}, got {value!r}"
                )
            object.__setattr__(self, name, float(value))
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise UserError(f"{name}: expected {', '.join(choices)}, got {value!r}")
            object.__setattr__(self, name, str(value))
        self._check_combinations()

    def _check_combinations(self) -> None:
        try:
            for pretext in self.pretexts:
                span_length(pretext, self.f)
        except ValueError as error:
            raise UserError(str(error)) from error
        if self.contrast == Contrast.ACROSS and self.batch % 2:
            raise UserError(f"batch: expected an even number of windows for across, got {self.batch}")
        trains_contrast = self.contrast != Contrast.NONE and self.contrast_weight > 0
        if not (self.reconstruction_weight or trains_contrast):
            raise UserError(
                "reconstruction_weight: expected above 0, or contrastive learning with a contrast_weight "
                "above 0; otherwise nothing is trained"
            )

    @property
    def pretexts(self) -> tuple[Pretext, ...]:
        """The pretext tasks; each trains a separate encoder."""
        return parse_pretexts(self.pretext)

    @property
    def weights(self) -> LossWeights:
        """The loss weights of Eq. 16."""
        return LossWeights(
            self.reconstruction_weight, self.alignment_weight, self.contrast_weight, self.l2_weight
        )

    def encoder_config(self, pretext: Pretext, joints: int = len(CANONICAL)) -> EncoderConfig:
        """Returns the architecture of a task's encoder, for skeletons of the given number of joints."""
        return EncoderConfig(
            f=self.f,
            joints=joints,
            hidden=self.hidden,
            layers=self.layers,
            attention=suitable_attention(pretext, Attention(self.attention)),
            alignment=Alignment(self.alignment),
            decoding=pretext.decoding,
        )

    def for_task(self, pretext: Pretext) -> TrainConfig:
        """Returns the same settings with a single task."""
        return replace(self, pretext=pretext.value)

    def as_dict(self) -> dict[str, Any]:
        """Returns plain values by name; `augment` is a nested dictionary."""
        return asdict(self)

    def as_toml(self) -> str:
        """Returns TOML that `read_train_config` reads back as the same settings."""
        values = self.as_dict()
        augment = values.pop("augment")
        # For numbers and plain texts JSON and TOML have the same notation.
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        lines += ["", "[augment]", *(f"{name} = {json.dumps(value)}" for name, value in augment.items())]
        return "\n".join(lines) + "\n"


def train_config_from_dict(values: dict[str, Any], origin: str) -> TrainConfig:
    """Returns settings from plain values, such as those of a TOML file; missing ones have their defaults.

    Raises:
        UserError: a name is unknown, or a value out of bounds; the message begins with `origin`.
    """
    values = dict(values)
    augment = values.pop("augment", {})
    if not isinstance(augment, dict):
        raise UserError(f"{origin}: augment: expected a table, got {augment!r}")
    for kind, given in ((TrainConfig, values), (Augmentation, augment)):
        known = [one.name for one in fields(kind)]
        if unknown := sorted(given.keys() - set(known)):
            raise UserError(f"{origin}: unknown setting {unknown[0]}; possible: {', '.join(known)}")
    try:
        return TrainConfig(**values, augment=Augmentation(**augment))
    except (UserError, ValueError) as error:
        raise UserError(f"{origin}: {error}") from error


def read_train_config(path: Path) -> TrainConfig:
    """Reads settings from a TOML file.

    Raises:
        DataError: the file cannot be read or is not TOML.
        UserError: a name is unknown, or a value out of bounds.
    """
    try:
        values = tomllib.loads(decode_text(path.read_bytes()))
    except OSError as error:
        raise DataError(f"cannot read the config {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:  # the latter from deep nesting
        raise DataError(f"{path} is not TOML: {error}; fix that line") from error
    return train_config_from_dict(values, str(path))
