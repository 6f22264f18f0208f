"""SGELA: gait encoders trained within the command, without labels, on the trial's training walks."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from encoder.model import GaitEncoder
from encoder.training.batch_losses import spans_length
from encoder.training.checkpoint import EpochReport
from encoder.training.contrast import Contrast, ContrastHead
from encoder.training.spans import Spans
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import BatchReport, Trainer
from tools.evaluation.methods.encoder_descriptions import encoder_descriptions, plus_description
from tools.evaluation.methods.joined_spans import spans_of
from tools.evaluation.methods.method import Description, Material, Told

__all__ = ["PLUS", "REVERSE", "Sgela", "Workshop"]

REVERSE = "reverse"
PLUS = "reverse+prediction+sorting"

_FREE = ("device", "threads")
"""Settings that do not decide what is learned."""


@dataclass(frozen=True, slots=True, eq=False)
class Workshop:
    """Where encoders are trained, each once.

    Attributes:
        folder: keeps what was trained, a folder a training, for the next command; None keeps it in memory,
            for this command only.
    """

    folder: Path | None = None
    _made: dict[str, tuple[GaitEncoder, ContrastHead | None]] = field(default_factory=dict)

    def train(self, config: TrainConfig, spans: Spans, told: Told) -> tuple[GaitEncoder, ContrastHead | None]:
        """An encoder and its contrastive projection, if it has learned one.

        A training in the folder that was interrupted goes on where it was, and one that is done is read.

        Args:
            config: of one pretext task.
            spans: what it learns from.
            told: is told how it goes.

        Raises:
            UserError, DataError, RunError: as `encoder.training.trainer.Trainer`.
        """
        key = training_key(config, spans)
        if key not in self._made:
            if self.folder is None:
                with tempfile.TemporaryDirectory(prefix="sge-stream-") as folder:
                    self._made[key] = _train(config, spans, Path(folder), told)
            else:
                self._made[key] = _train(config, spans, self.folder / f"{config.pretext}-{key}", told)
        told(1.0, f"{config.pretext} trained")
        return self._made[key]


def training_key(config: TrainConfig, spans: Spans) -> str:
    """16 hexadecimal digits that tell trainings apart: by their data and settings, epochs among them."""
    settings = {name: value for name, value in config.as_dict().items() if name not in _FREE}
    text = json.dumps(settings, sort_keys=True) + spans.digest
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class Sgela:
    """The paper's encoder as a method.

    Attributes:
        config: how it is trained; f, seed and threads are the trial's. With several pretext tasks there is an
            encoder of each, and their CAGEs are put side by side.
        workshop: where.
        seen: nobody before the trial.
    """

    config: TrainConfig
    workshop: Workshop
    seen: frozenset[str] = frozenset()

    @property
    def gives(self) -> tuple[str, ...]:
        """`cage-plus` with several tasks; else `cage` (`age` without contrastive loss), `h`, and `z`."""
        if len(self.config.pretexts) > 1:
            return ("cage-plus",)
        return ("cage", "h", "z") if _contrasts(self.config) else ("age", "h")

    @property
    def learns(self) -> bool:
        """From windows, and from nobody's name."""
        return True

    def learn(self, material: Material | None, told: Told) -> tuple[Description, ...]:
        """Train."""
        assert material is not None
        config = replace(self.config, f=material.f, seed=material.seed, threads=material.threads)
        found = []
        for place, pretext in enumerate(config.pretexts):
            own = config.only(pretext)
            spans = spans_of(material.train, spans_length(own, pretext)[0])
            part = _Part(told, place, len(config.pretexts))
            found.append(self.workshop.train(own, spans, part))
        if len(found) > 1:
            return (plus_description([model for model, _ in found]),)
        ((model, head),) = found
        return encoder_descriptions(model, head, contexts=self.gives[0])


@dataclass(frozen=True, slots=True)
class _Part:
    """One of several things to do, told as a share of all."""

    told: Told
    place: int
    of: int

    def __call__(self, done: float, text: str) -> object:
        return self.told((self.place + done) / self.of, text)


@dataclass(frozen=True, slots=True)
class _Watcher:
    """Tells batches as shares of the whole training."""

    told: Told
    config: TrainConfig

    def on_batch(self, report: BatchReport) -> None:
        epochs = self.config.epochs
        done = (report.epoch - 1 + report.windows / report.of) / epochs
        self.told(done, f"{self.config.pretext}: epoch {report.epoch} of {epochs}")

    def on_epoch(self, report: EpochReport) -> None:
        """Nothing more than the batches told."""


def _train(
    config: TrainConfig, spans: Spans, folder: Path, told: Told
) -> tuple[GaitEncoder, ContrastHead | None]:
    trainer = Trainer(config, spans, folder, _Watcher(told, config))
    trainer.run()
    head = trainer.head.cpu().eval() if _contrasts(config) else None
    return trainer.model.cpu().eval(), head


def _contrasts(config: TrainConfig) -> bool:
    """Whether the contrastive projection learns anything."""
    return config.contrast != Contrast.NONE and config.contrast_weight > 0
