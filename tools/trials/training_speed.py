"""Speed of a training step, compared with the same step in plain torch.

    python -m tools.trials.training_speed [--threads 1] [--seconds 60] [--device auto]

Both train on the same seeded synthetic windows with the default settings, alternately in one process, so that
other load on the machine affects both alike. The plain step is `encoder.model` under autograd in fp32, with
the same losses and an Adam that is not fused.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.table import Table

from encoder.attention import Attention, locality_mask
from encoder.inference import resolve_device
from encoder.model import GaitEncoder
from encoder.training.batch_losses import span_length_and_step
from encoder.training.contrast import Contrast, make_pairs, seeded_head
from encoder.training.losses import Losses, alignment_loss, contrastive_loss, reconstruction_loss
from encoder.training.precision import choose_precision
from encoder.training.pretext import make_pretext_batch
from encoder.training.spans import IntArray, Spans, epoch_batches
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import Trainer
from encoder.weights import seeded_state
from stream.errors import SgeError
from stream.terminal.consoles import plain_console

__all__ = ["PLAIN", "PlainStep", "Speed", "main", "measure", "speed_table", "synthetic_spans"]

PLAIN = "plain eager step, fp32"
AUTHORS_RATE = 413
"""Windows per second of the authors' TensorFlow code on one thread, X, Y and Z together; quoted."""

_MIN_ROUNDS = 3
_BATCHES_PER_ROUND = 4
out = plain_console()

Step = Callable[[IntArray, tuple[int, ...]], torch.Tensor]
"""Trains on rows of the spans with a seed; returns L_S, L_A and L_C (3, 3), axes [loss, dimension]."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Measured speed of a step.

    Attributes:
        name: name of the step.
        rates: windows per second in each round.
    """

    name: str
    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the rates, windows per second."""
        return float(np.median(self.rates))


def synthetic_spans(config: TrainConfig, recordings: int = 64, windows: int = 16, seed: int = 0) -> Spans:
    """Returns random skeletons for training with `config`: `windows` windows of each of the recordings."""
    (pretext,) = config.pretexts
    length, _ = span_length_and_step(config, pretext)
    rng = np.random.RandomState(seed)
    skeletons = 0.3 * rng.standard_normal((recordings * windows, length, 20, 3))
    recording = np.repeat(np.arange(recordings), windows)
    names = tuple(f"recording {number}" for number in range(recordings))
    return Spans(skeletons.astype(np.float32), recording, names, ("",) * recordings, 0)


class PlainStep:
    """The step of `encoder.training.trainer.Trainer.train_step` in plain torch, without augmentation.

    Args:
        config: settings with one pretext task.
        spans: training data.
        device: device of the model.
    """

    def __init__(self, config: TrainConfig, spans: Spans, device: torch.device) -> None:
        (self._pretext,) = config.pretexts
        self._config = config
        self._spans = spans
        self._device = device
        shape = config.encoder_config(self._pretext, spans.joints)
        self.model = GaitEncoder(shape)
        self.model.load_state_dict(seeded_state(shape, config.seed))
        self.model.train().to(device)
        self.head = seeded_head(config.f, config.hidden, config.seed).to(device)
        self._parameters = [*self.model.parameters(), *self.head.parameters()]
        self._optimiser = torch.optim.Adam(
            self._parameters, lr=config.learning_rate, weight_decay=2 * config.l2_weight, foreach=False
        )

    def train_step(self, rows: IntArray, seed: tuple[int, ...]) -> torch.Tensor:
        """See `Step`."""
        config = self._config
        rng = np.random.RandomState(list(seed))
        batch = make_pretext_batch(self._pretext, self._spans.skeletons[rows], config.f, rng)
        inputs = torch.tensor(batch.inputs.copy(), device=self._device)
        targets = torch.tensor(batch.targets.copy(), device=self._device)
        self._optimiser.zero_grad()
        encoding = self.model(inputs, None if batch.auxiliary is None else targets)
        alignment = contrast = targets.new_zeros(3)
        if self.model.config.attention is Attention.LAS:
            mask = locality_mask(config.f, config.f, self.model.config.decoding)
            alignment = alignment_loss(encoding.alignment, mask.to(self._device))
        if config.contrast != Contrast.NONE:
            recordings = torch.from_numpy(self._spans.recording[rows]).to(self._device)
            pairs = make_pairs(Contrast(config.contrast), recordings, config.interval)
            contrast = contrastive_loss(self.head(encoding.contexts), pairs, config.temperature)
        losses = Losses(reconstruction_loss(encoding.reconstruction, targets), alignment, contrast)
        torch.autograd.backward(losses.weighted(config.weights))
        torch.nn.utils.clip_grad_value_(self._parameters, config.clip)
        self._optimiser.step()
        return torch.stack((losses.reconstruction, losses.alignment, losses.contrast)).detach()


def measure(config: TrainConfig, seconds: float) -> list[Speed]:
    """Times the steps alternately, round by round, for at least `seconds` and three rounds.

    Args:
        config: settings with one pretext task and without augmentation; its threads and device are used.
        seconds: minimum duration.

    Returns:
        Our step in fp32, our step in bf16 where the device is faster with it, and the plain step.

    Raises:
        SgeError: the device does not exist, or there is no room for a checkpoint.
    """
    spans = synthetic_spans(config)
    device = resolve_device(config.device)
    with tempfile.TemporaryDirectory(prefix="sge-speed-") as folder:
        steps: dict[str, Step] = {}
        for precision in {"fp32": 0, choose_precision("auto", device): 0}:
            variant = replace(config, precision=precision)
            steps[f"our step, {precision}"] = Trainer(variant, spans, Path(folder) / precision).train_step
        steps[PLAIN] = PlainStep(config, spans, device).train_step
        rates: dict[str, list[float]] = {name: [] for name in steps}
        for step in steps.values():
            _round(step, [next(_batches(config, spans))])
        batches = _batches(config, spans)
        until = time.monotonic() + seconds
        while time.monotonic() < until or len(rates[PLAIN]) < _MIN_ROUNDS:
            rows = [next(batches) for _ in range(_BATCHES_PER_ROUND)]
            for name, step in steps.items():
                rates[name].append(_round(step, rows))
    return [Speed(name, tuple(values)) for name, values in rates.items()]


def _batches(config: TrainConfig, spans: Spans) -> Iterator[IntArray]:
    """Yields complete batches without end."""
    epoch = 0
    while True:
        epoch += 1
        contrast = Contrast(config.contrast)
        yield from epoch_batches(
            spans, contrast, size=config.batch, reach=config.reach, seed=config.seed, epoch=epoch
        )


def _round(step: Step, batches: list[IntArray]) -> float:
    """Returns the windows per second of one round."""
    started = time.perf_counter()
    for number, rows in enumerate(batches):
        float(step(rows, (0, number)).sum())  # reading a value waits for the device
    return sum(len(rows) for rows in batches) / (time.perf_counter() - started)


def speed_table(speeds: list[Speed], threads: int, device: str) -> Table:
    """Returns the table of speeds, relative to the plain step, with the authors' quoted speed."""
    plain = next(speed.median for speed in speeds if speed.name == PLAIN)
    table = Table(title=f"windows per second, {device}, threads: {threads}")
    for heading in ("step", "median", "range", "rounds", "relative to plain"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for speed in speeds:
        spread = f"{min(speed.rates):.0f} to {max(speed.rates):.0f}"
        times = f"{speed.median / plain:.2f}"
        table.add_row(speed.name, f"{speed.median:.0f}", spread, str(len(speed.rates)), times)
    table.add_section()
    table.add_row("quoted: the authors' TensorFlow code, 1 thread, X, Y and Z", str(AUTHORS_RATE), "", "", "")
    return table


def run(
    threads: Annotated[int, typer.Option(metavar="N", min=1, help="CPU threads of each step.")] = 1,
    seconds: Annotated[float, typer.Option(metavar="S", min=0, help="Duration of the measurement.")] = 60.0,
    device: Annotated[str, typer.Option(metavar="D", help="auto, cpu, cuda or cuda:1.")] = "auto",
) -> None:
    """Time a training step and a plain torch step alternately in one run."""
    try:
        speeds = measure(TrainConfig(threads=threads, device=device), seconds)
    except SgeError as error:
        typer.echo(f"training_speed: {error}", err=True)
        raise typer.Exit(error.exit_code) from None
    out.print(speed_table(speeds, threads, str(resolve_device(device))))


def main() -> None:
    """Runs the measurement from the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
