"""What a training is told: one dataclass, and the same as TOML."""

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
from encoder.training.losses import Weights
from encoder.training.pretext import span_length, suitable_attention
from stream.errors import DataError, UserError
from stream.skeleton import CANONICAL

__all__ = ["TrainConfig", "config_from", "read_train_config"]

_WHOLE = {
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
_REAL = {
    "temperature": (1e-3, 100.0),
    "reconstruction_weight": (0.0, 1e6),
    "alignment_weight": (0.0, 1e6),
    "contrast_weight": (0.0, 1e6),
    "l2_weight": (0.0, 1e3),
    "learning_rate": (1e-8, 1.0),
    "clip": (1e-6, 1e9),
}
_CHOICES: dict[str, tuple[str, ...]] = {
    "attention": tuple(Attention),
    "alignment": tuple(Alignment),
    "contrast": tuple(Contrast),
    "precision": ("auto", "fp32", "bf16"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """The settings of a training.

    The paper's are learning_rate 5e-4, batch 128, l2_weight 0.02 and contrast `within`. The defaults were
    chosen on KGBD's people 81-100 with encoders trained on 1-80 for two epochs; window Rank-1 of CAGEs in
    `direct`, three draws: raw windows 67.2, untrained 67.5; with 1e-3, 1e-6 and `across`, a reach of 30 and a
    batch of 128 71.5; a reach of 200 and a batch of 256, the defaults, 78.8; a reach of 200, a batch of 128
    and rotation by up to 30 degrees 76.9.

    Attributes:
        pretext: `reverse`, `plain`, `prediction`, `prediction-half`, `sorting`, or several with + between:
            each trains an encoder of its own, and their CAGEs are put side by side.
        attention: `none`, `bas`, `mbas` or `las`; prediction and sorting take `bas` for the last two.
        alignment: `dot` or `general`.
        f: skeletons of a window, 2..64; windows begin every f // 2 skeletons.
        hidden: K, numbers of a gait state of one dimension, 1..2048.
        layers: LSTM layers of encoder and decoder each, 1..8.
        contrast: `none`, `within`, `within-masked` or `across`. The paper's is `within`; on KGBD its features
            fell below those of random weights in a trial, and those of `across` rose above them.
        interval: windows from one of a pair to the other, 1..16; for `within` and `within-masked`.
        reach: the most windows from one of a pair to the other, 1..1000; for `across`.
        temperature: tau, 0.001..100.
        reconstruction_weight: lambda_S of Eq. 16, 0 or more.
        alignment_weight: lambda_A, 0 or more; counts with `las` only.
        contrast_weight: lambda_C, 0 or more.
        l2_weight: beta, 0 or more. The paper's 0.02 shrinks the weights until nothing is learned.
        learning_rate: of Adam.
        batch: windows, 2..65536; even for `across`.
        clip: every number of the gradient is cut to plus or minus this.
        epochs: 1 or more.
        seed: decides first weights, batches and augmentation.
        precision: of the products with weights: `fp32`, `bf16`, or `auto` for bf16 where a trial product is
            quicker with it on this device.
        device: `auto`, `cpu`, `cuda`, `cuda:1`.
        threads: of the CPU; 0 leaves them to torch.
        augment: see `encoder.training.augment.Augmentation`.

    Raises:
        UserError: a value is out of bounds or does not go with another.
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
    augment: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        for name, (low, high) in _WHOLE.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise UserError(f"{name}: expected a whole number from {low} to {high}, got {value!r}")
        for name, (least, most) in _REAL.items():
            value = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not least <= value <= most:
                raise UserError(f"{name}: expected a number from {least:g} to {most:g}, got {value!r}")
            object.__setattr__(self, name, float(value))
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise UserError(f"{name}: expected {', '.join(choices)}, got {value!r}")
            object.__setattr__(self, name, str(value))
        self._check_together()

    def _check_together(self) -> None:
        try:
            for pretext in self.pretexts:
                span_length(pretext, self.f)
        except ValueError as error:
            raise UserError(str(error)) from error
        if self.contrast == Contrast.ACROSS and self.batch % 2:
            raise UserError(f"batch: expected an even number of windows for across, got {self.batch}")
        learns = self.contrast != Contrast.NONE and self.contrast_weight > 0
        if not (self.reconstruction_weight or learns):
            raise UserError("reconstruction_weight and contrast_weight are both 0: nothing would be learnt")

    @property
    def pretexts(self) -> tuple[Pretext, ...]:
        """The tasks, each with an encoder of its own."""
        return parse_pretexts(self.pretext)

    @property
    def weights(self) -> Weights:
        """The weights of Eq. 16."""
        return Weights(
            self.reconstruction_weight, self.alignment_weight, self.contrast_weight, self.l2_weight
        )

    def encoder(self, pretext: Pretext, joints: int = len(CANONICAL)) -> EncoderConfig:
        """The shape of a task's encoder that reads skeletons of so many joints."""
        return EncoderConfig(
            f=self.f,
            joints=joints,
            hidden=self.hidden,
            layers=self.layers,
            attention=suitable_attention(pretext, Attention(self.attention)),
            alignment=Alignment(self.alignment),
            decoding=pretext.decoding,
        )

    def only(self, pretext: Pretext) -> TrainConfig:
        """The same with one task."""
        return replace(self, pretext=pretext.value)

    def as_dict(self) -> dict[str, Any]:
        """Plain values by name; `augment` is a dictionary of its own."""
        return asdict(self)

    def as_toml(self) -> str:
        """A text that `read_train_config` gives back as this configuration."""
        values = self.as_dict()
        augment = values.pop("augment")
        # JSON writes these numbers and these plain texts as TOML does.
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        lines += ["", "[augment]", *(f"{name} = {json.dumps(value)}" for name, value in augment.items())]
        return "\n".join(lines) + "\n"


def config_from(values: dict[str, Any], origin: str) -> TrainConfig:
    """A configuration from plain values, such as a TOML file's; what is not named has its default.

    Raises:
        UserError: a name is unknown, or a value out of bounds; the text begins with `origin`.
    """
    values = dict(values)
    augment = values.pop("augment", {})
    if not isinstance(augment, dict):
        raise UserError(f"{origin}: augment: expected a table, got {augment!r}")
    for kind, given in ((TrainConfig, values), (Augmentation, augment)):
        known = [one.name for one in fields(kind)]
        if odd := sorted(given.keys() - set(known)):
            raise UserError(f"{origin}: unknown setting {odd[0]}; possible: {', '.join(known)}")
    try:
        return TrainConfig(**values, augment=Augmentation(**augment))
    except (UserError, ValueError) as error:
        raise UserError(f"{origin}: {error}") from error


def read_train_config(path: Path) -> TrainConfig:
    """Read a configuration from TOML.

    Raises:
        DataError: the file cannot be read or is no TOML.
        UserError: a name is unknown, or a value out of bounds.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read the config {path}: {error.strerror}; check the path") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not TOML: {error}; mend that line") from error
    return config_from(values, str(path))
