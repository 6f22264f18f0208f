"""SGELA, the method of the paper: gait encoders trained without labels on the training walks of a draw."""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from encoder.model import GaitEncoder
from encoder.training.batch_losses import span_length_and_step
from encoder.training.contrast import Contrast, ContrastHead
from encoder.training.spans import Spans
from encoder.training.train_config import MACHINE_SETTINGS, TrainConfig
from encoder.training.trainer import Trainer
from encoder.training.training_progress import BatchReport, EpochReport
from tools.evaluation.methods.encoder_descriptions import encoder_descriptions, plus_description
from tools.evaluation.methods.joined_spans import join_spans
from tools.evaluation.methods.method import Description, Progress, TrainingInput
from tools.training.stop_signals import stop_on_signals

__all__ = ["PLUS", "REVERSE", "EncoderCache", "Sgela"]

REVERSE = "reverse"
PLUS = "reverse+prediction+sorting"


@dataclass(frozen=True, slots=True, eq=False)
class EncoderCache:
    """Trains encoders, each only once.

    Attributes:
        folder: folder that keeps the trainings for the next command, one subfolder each; None keeps them in
            memory for this command only.
    """

    folder: Path | None = None
    _trained: dict[str, tuple[GaitEncoder, ContrastHead | None]] = field(default_factory=dict)

    def train(
        self, config: TrainConfig, spans: Spans, progress: Progress
    ) -> tuple[GaitEncoder, ContrastHead | None]:
        """Returns a trained encoder and its contrastive projection, None if it has none.

        A finished training in the folder is loaded; an interrupted one is continued.

        Args:
            config: settings with one pretext task.
            spans: training spans.
            progress: receives the progress.

        Raises:
            UserError, DataError, RunError: as for `encoder.training.trainer.Trainer`.
            KeyboardInterrupt: a signal ended the training; the folder keeps its checkpoint.
        """
        key = training_key(config, spans)
        if key not in self._trained:
            if self.folder is None:
                with tempfile.TemporaryDirectory(prefix="sge-stream-") as folder:
                    self._trained[key] = _train(config, spans, Path(folder), progress)
            else:
                self._trained[key] = _train(config, spans, self.folder / f"{config.pretext}-{key}", progress)
        progress(1.0, f"{config.pretext} trained")
        return self._trained[key]


def training_key(config: TrainConfig, spans: Spans) -> str:
    """Returns the key of a training: 16 hexadecimal digits, a hash of its data and settings."""
    settings = {name: value for name, value in config.as_dict().items() if name not in MACHINE_SETTINGS}
    text = json.dumps(settings, sort_keys=True) + spans.digest
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, eq=False)
class Sgela:
    """Method that trains the encoder of the paper, without labels.

    Attributes:
        config: training settings; f, seed and threads are replaced by those of the draw. With several pretext
            tasks, one encoder is trained for each, and their CAGEs are concatenated.
        cache: trains the encoders.
        training_people: empty; it is trained within the draw only.
    """

    config: TrainConfig
    cache: EncoderCache
    training_people: frozenset[str] = frozenset()

    @property
    def description_names(self) -> tuple[str, ...]:
        """`cage-plus` with several tasks; else `cage`, `h`, `z`, or without contrastive loss `age`, `h`."""
        if len(self.config.pretexts) > 1:
            return ("cage-plus",)
        return ("cage", "h", "z") if _uses_contrast(self.config) else ("age", "h")

    @property
    def needs_training(self) -> bool:
        """Always True; labels are not used."""
        return True

    def fit(self, data: TrainingInput | None, progress: Progress) -> tuple[Description, ...]:
        """Trains an encoder for each pretext task."""
        assert data is not None
        config = replace(self.config, f=data.f, seed=data.seed, threads=data.threads)
        trained = []
        for place, pretext in enumerate(config.pretexts):
            task_config = config.for_task(pretext)
            spans = join_spans(data.train, span_length_and_step(task_config, pretext)[0])
            task_progress = _TaskProgress(progress, place, len(config.pretexts))
            trained.append(self.cache.train(task_config, spans, task_progress))
        if len(trained) > 1:
            return (plus_description([model for model, _ in trained]),)
        ((model, head),) = trained
        return encoder_descriptions(model, head, contexts_name=self.description_names[0])


@dataclass(frozen=True, slots=True)
class _TaskProgress:
    """Progress of one of several trainings, reported as a share of all."""

    progress: Progress
    place: int
    count: int

    def __call__(self, done: float, text: str) -> object:
        return self.progress((self.place + done) / self.count, text)


@dataclass(frozen=True, slots=True)
class _BatchProgress:
    """Training observer that reports each batch as a share of the training."""

    progress: Progress
    config: TrainConfig

    def on_batch(self, report: BatchReport) -> None:
        epochs = self.config.epochs
        done = (report.epoch - 1 + report.windows / report.total_windows) / epochs
        self.progress(done, f"{self.config.pretext}: epoch {report.epoch} of {epochs}")

    def on_epoch(self, report: EpochReport) -> None:
        """Does nothing; the batches are reported."""


def _train(
    config: TrainConfig, spans: Spans, folder: Path, progress: Progress
) -> tuple[GaitEncoder, ContrastHead | None]:
    with stop_on_signals() as stop:
        trainer = Trainer(config, spans, folder, _BatchProgress(progress, config), stop=stop)
        if not trainer.run():
            raise KeyboardInterrupt
    head = trainer.head.cpu().eval() if _uses_contrast(config) else None
    return trainer.model.cpu().eval(), head


def _uses_contrast(config: TrainConfig) -> bool:
    """Returns whether the training includes the contrastive loss."""
    return config.contrast != Contrast.NONE and config.contrast_weight > 0
