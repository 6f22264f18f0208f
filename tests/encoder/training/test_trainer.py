"""Training: the optimiser step, the same bits after a kill, safe checkpoints, and early errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from encoder.attention import locality_mask
from encoder.model import GaitEncoder
from encoder.pretext_tasks import Pretext, parse_pretexts
from encoder.training.augment import Augmentation
from encoder.training.batch_losses import span_length_and_step
from encoder.training.checkpoint import load_checkpoint, save_checkpoint
from encoder.training.contrast import Contrast, load_head, make_pairs, seeded_head
from encoder.training.losses import (
    Losses,
    alignment_loss,
    contrastive_loss,
    reconstruction_loss,
    squared_norm,
)
from encoder.training.model_card import CARD, HEAD, DataSource, export, training_people
from encoder.training.precision import choose_precision
from encoder.training.spans import Spans, epoch_batches
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import CHECKPOINT, Trainer
from encoder.training.training_progress import BatchReport, EpochReport
from encoder.weights import load_encoder, load_weights, seeded_state, weights_digest
from encoder.weights_files import WEIGHTS
from stream.errors import DataError, RunError, UserError

ROOT = Path(__file__).resolve().parents[3]

TINY = TrainConfig(
    f=4, hidden=6, layers=2, batch=8, epochs=3, precision="fp32", device="cpu", threads=1, seed=5
)


@pytest.fixture(scope="module", autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def make_spans(config: TrainConfig = TINY, lengths: tuple[int, ...] = (9, 7, 6, 1)) -> Spans:
    """Returns random spans: a trainer does not depend on realistic skeletons."""
    (pretext,) = config.pretexts
    length, _ = span_length_and_step(config, pretext)
    recording = np.repeat(np.arange(len(lengths)), lengths)
    skeletons = np.random.RandomState(0).standard_normal((len(recording), length, 20, 3)) * 0.3
    names = tuple(f"walk {i}" for i in range(len(lengths)))
    return Spans(skeletons.astype("f4"), recording, names, ("1",) * len(names), 100)


def weights(trainer: Trainer) -> dict[str, Tensor]:
    state = {f"encoder.{n}": p.detach().clone() for n, p in trainer.model.named_parameters()}
    return state | {f"head.{n}": p.detach().clone() for n, p in trainer.head.named_parameters()}


def trained(config: TrainConfig, folder: Path) -> Trainer:
    trainer = Trainer(config, make_spans(config), folder)
    trainer.run()
    return trainer


def assert_same_bits(one: Trainer, other: Trainer) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name in first:
        assert torch.equal(first[name], second[name]), name


class RecordingCallback:
    """A callback that records all reports; it can interrupt the training after some batches."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.batches: list[BatchReport] = []
        self.epochs: list[EpochReport] = []
        self._remaining = stop_after

    def on_batch(self, report: BatchReport) -> None:
        self.batches.append(report)
        if self._remaining is not None:
            self._remaining -= 1
            if self._remaining == 0:
                raise KeyboardInterrupt

    def on_epoch(self, report: EpochReport) -> None:
        self.epochs.append(report)


def test_a_step_is_adam_on_equation_16(tmp_path: Path) -> None:
    config = replace(TINY, epochs=1, contrast="within", batch=64, l2_weight=0.05)
    spans = make_spans(config, lengths=(9,))
    trainer = Trainer(config, spans, tmp_path)
    trainer.run()

    model, head = GaitEncoder(config.encoder_config(Pretext.REVERSE)), seeded_head(4, 6, 5)
    model.load_state_dict(seeded_state(model.config, 5))
    parameters = [*model.parameters(), *head.parameters()]
    windows = torch.from_numpy(spans.skeletons)
    targets = windows.flip(1)
    encoding = model(windows, targets)
    pairs = make_pairs(Contrast.WITHIN, torch.zeros(9, dtype=torch.int64))
    losses = Losses(
        reconstruction_loss(encoding.reconstruction, targets),
        alignment_loss(encoding.alignment, locality_mask(4, 4)),
        contrastive_loss(head(encoding.contexts), pairs, config.temperature),
    )
    sums = [float(loss.detach().sum()) for loss in (losses.reconstruction, losses.alignment, losses.contrast)]
    of_losses = torch.autograd.grad(losses.weighted(config.weights), parameters, retain_graph=True)
    objective = losses.weighted(config.weights) + config.l2_weight * squared_norm(parameters)
    of_all = torch.autograd.grad(objective, parameters)
    names = [f"encoder.{name}" for name, _ in model.named_parameters()]
    names += [f"head.{name}" for name, _ in head.named_parameters()]
    saved = load_checkpoint(tmp_path / CHECKPOINT).tensors
    clipped = 0
    for name, part, gradient, start in zip(names, of_losses, of_all, parameters, strict=True):
        clipped += int((part.abs() > config.clip).sum())
        # Adam's first step: the moments are (1 - 0.9) g and (1 - 0.999) g^2, and corrected to g and g^2.
        g = saved[f"exp_avg.{name}"] / 0.1
        expected = gradient - part + part.clamp(-config.clip, config.clip)
        torch.testing.assert_close(g, expected, rtol=1e-3, atol=1e-4)
        step = config.learning_rate * g / (g.abs() + 1e-8)
        torch.testing.assert_close(weights(trainer)[name], start.detach() - step, rtol=1e-5, atol=1e-6)
    assert clipped > 0
    (report,) = trainer.history
    assert [report.reconstruction, report.alignment, report.contrast] == pytest.approx(sums, rel=1e-5)
    assert report.windows == 9


CONFIGS: list[dict[str, Any]] = [
    {},
    {"contrast": "within"},
    {"contrast": "within-masked", "interval": 2, "pretext": "plain"},
    {"contrast": "none", "attention": "none"},
    {"attention": "mbas", "alignment": "general"},
    {"attention": "mbas", "pretext": "plain"},
    {"pretext": "prediction"},
    {"pretext": "prediction-half", "f": 6},
    {
        "pretext": "sorting",
        "augment": Augmentation(
            rotation_deg=90, mirror=0.5, noise_m=0.01, dropout=0.1, rate_jitter=0.1, scale_jitter=0.1
        ),
    },
]


@pytest.mark.slow
@pytest.mark.parametrize("settings", CONFIGS, ids=str)
def test_interrupted_and_resumed_training_gives_the_same_bits(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    config = replace(TINY, **settings)
    uninterrupted = trained(config, tmp_path / "uninterrupted")
    spans = make_spans(config)
    interrupted = Trainer(config, spans, tmp_path / "interrupted", RecordingCallback(stop_after=7))
    with pytest.raises(KeyboardInterrupt):
        interrupted.run()
    again = Trainer(config, spans, tmp_path / "interrupted")
    assert 0 < len(again.history) < config.epochs
    again.run()
    assert_same_bits(again, uninterrupted)
    assert [r.reconstruction for r in again.history] == [r.reconstruction for r in uninterrupted.history]
    start = {f"encoder.{n}": p for n, p in seeded_state(uninterrupted.model.config, 5).items()}
    assert all(not torch.equal(value, start[n]) for n, value in weights(uninterrupted).items() if n in start)


@pytest.mark.slow
@pytest.mark.parametrize("settings", CONFIGS, ids=str)
def test_a_stopped_training_continues_within_the_epoch_with_the_same_bits(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    config, spans = replace(TINY, **settings), make_spans(replace(TINY, **settings))
    uninterrupted = trained(config, tmp_path / "uninterrupted")
    first = RecordingCallback()
    stopped = Trainer(config, spans, tmp_path / "stopped", first, stop=lambda: len(first.batches) == 7)
    assert not stopped.run()
    assert len(first.batches) == 7
    second = RecordingCallback()
    again = Trainer(config, spans, tmp_path / "stopped", second)
    assert again.partial.batches > 0
    assert (len(again.history), again.partial.windows) == (len(first.epochs), first.batches[-1].windows)
    assert again.run()
    assert_same_bits(again, uninterrupted)
    assert [losses_of(r) for r in again.history] == [losses_of(r) for r in uninterrupted.history]
    whole = RecordingCallback()
    Trainer(config, spans, tmp_path / "whole", whole).run()
    assert [losses_of(r) for r in first.batches + second.batches] == [losses_of(r) for r in whole.batches]


def losses_of(report: BatchReport | EpochReport) -> tuple[float, ...]:
    return (report.epoch, report.windows, report.reconstruction, report.alignment, report.contrast)


def test_a_stop_with_the_last_batch_of_an_epoch_finishes_the_epoch(tmp_path: Path) -> None:
    callback = RecordingCallback()

    def stop() -> bool:
        return callback.batches[-1].windows == callback.batches[-1].total_windows

    trainer = Trainer(TINY, make_spans(), tmp_path, callback, stop=stop)
    for epoch in (1, 2):
        assert not trainer.run()
        assert (len(trainer.history), trainer.partial.batches) == (epoch, 0)
    assert trainer.run()  # the last epoch: nothing is left to do
    assert_same_bits(trainer, trained(TINY, tmp_path / "uninterrupted"))


CHILD = """
import sys, time
from dataclasses import replace
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_trainer as t
class SlowCallback(t.RecordingCallback):
    def on_batch(self, report):
        super().on_batch(report)
        if len([each for each in self.batches if each.epoch == 3]) == 3:
            print("in epoch 3", flush=True)
            time.sleep(60)
config = replace(t.TINY, checkpoint_minutes={minutes})
t.Trainer(config, t.make_spans(), Path({folder!r}), SlowCallback()).run()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("minutes", "batches"), [(0, 0), (1e-9, 2)])
def test_killed_and_resumed_training_gives_the_same_bits(
    minutes: float, batches: int, tmp_path: Path
) -> None:
    """In the third epoch's third batch, with checkpoints of whole epochs or after each batch."""
    code = CHILD.format(tests=str(Path(__file__).parent), folder=str(tmp_path / "killed"), minutes=minutes)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "in epoch 3\n"
        child.kill()
    again = Trainer(TINY, make_spans(), tmp_path / "killed")
    assert (len(again.history), again.partial.batches) == (2, batches)
    again.run()
    assert_same_bits(again, trained(TINY, tmp_path / "uninterrupted"))


def test_training_for_more_epochs_resumes_after_the_last(tmp_path: Path) -> None:
    trained(replace(TINY, epochs=1), tmp_path / "more")
    more = trained(TINY, tmp_path / "more")
    assert [r.epoch for r in more.history] == [1, 2, 3]
    assert_same_bits(more, trained(TINY, tmp_path / "uninterrupted"))


def test_fewer_epochs_than_were_trained_are_refused(tmp_path: Path) -> None:
    trained(replace(TINY, epochs=2), tmp_path)
    with pytest.raises(DataError, match="expected a training of 1 epochs or fewer, got one in epoch 2"):
        Trainer(replace(TINY, epochs=1), make_spans(), tmp_path)
    callback = RecordingCallback()
    Trainer(TINY, make_spans(), tmp_path, callback, stop=lambda: len(callback.batches) == 1).run()
    with pytest.raises(DataError, match=r"epochs or fewer, got one in epoch 3; .* --epochs 3"):
        Trainer(replace(TINY, epochs=2), make_spans(), tmp_path)


def test_checkpoints_without_progress_in_an_epoch_are_read(tmp_path: Path) -> None:
    """Version 1, of earlier releases."""
    trained(replace(TINY, epochs=1), tmp_path)
    path = tmp_path / CHECKPOINT
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    training = json.loads(metadata["training"])
    del training["partial"], training["config"]["checkpoint_minutes"]
    save_file(load_file(path), path, metadata | {"version": "1", "training": json.dumps(training)})
    assert_same_bits(trained(TINY, tmp_path), trained(TINY, tmp_path / "uninterrupted"))


def test_training_lowers_the_losses(tmp_path: Path) -> None:
    config = replace(TINY, epochs=30, learning_rate=5e-3, l2_weight=0.0, hidden=16)
    history = trained(config, tmp_path).history
    assert history[-1].reconstruction < 0.7 * history[0].reconstruction
    assert history[-1].contrast < 0.7 * history[0].contrast


def test_bf16_is_close_to_fp32(tmp_path: Path) -> None:
    first = trained(TINY, tmp_path / "fp32")
    second = trained(replace(TINY, precision="bf16"), tmp_path / "bf16")
    assert second.history[-1].reconstruction == pytest.approx(first.history[-1].reconstruction, rel=0.05)
    assert second.history[-1].reconstruction != first.history[-1].reconstruction


def test_auto_precision_is_chosen_only_once(tmp_path: Path) -> None:
    assert choose_precision("auto", torch.device("cpu")) in {"fp32", "bf16"}
    trained(replace(TINY, epochs=1, precision="bf16"), tmp_path)
    assert Trainer(replace(TINY, precision="auto"), make_spans(), tmp_path).precision == "bf16"
    with pytest.raises(DataError, match="started in bf16"):
        Trainer(replace(TINY, precision="fp32"), make_spans(), tmp_path)


def test_the_callback_gets_every_batch_and_epoch(tmp_path: Path) -> None:
    callback = RecordingCallback()
    spans = make_spans()
    Trainer(TINY, spans, tmp_path, callback).run()
    order = [
        len(rows)
        for epoch in (1, 2, 3)
        for rows in epoch_batches(spans, Contrast.ACROSS, size=8, reach=30, seed=5, epoch=epoch)
    ]
    assert len(callback.batches) == len(order)
    assert [r.epoch for r in callback.epochs] == [1, 2, 3]
    last = [b for b in callback.batches if b.epoch == 2][-1]
    assert last.windows == last.total_windows == callback.epochs[1].windows
    assert last.reconstruction == pytest.approx(callback.epochs[1].reconstruction)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"hidden": 7}, "hidden = 7"), ({"seed": 6}, "seed"), ({"augment": Augmentation(mirror=1)}, "augment")],
    ids=str,
)
def test_a_checkpoint_of_other_settings_is_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    trained(replace(TINY, epochs=1), tmp_path)
    with pytest.raises(DataError, match=f"expected a training with {message}"):
        Trainer(replace(TINY, **change), make_spans(), tmp_path)


def test_a_checkpoint_of_other_data_is_refused(tmp_path: Path) -> None:
    trained(replace(TINY, epochs=1), tmp_path)
    with pytest.raises(DataError, match="expected a training on these data"):
        Trainer(TINY, make_spans(lengths=(9, 7)), tmp_path)


def test_an_invalid_checkpoint_is_refused(tmp_path: Path) -> None:
    trained(replace(TINY, epochs=1), tmp_path)
    path = tmp_path / CHECKPOINT
    checkpoint = load_checkpoint(path)
    save_checkpoint(path, replace(checkpoint, tensors={**checkpoint.tensors, "odd": torch.zeros(2)}))
    with pytest.raises(DataError, match="parameters are not those"):
        Trainer(TINY, make_spans(), tmp_path)
    save_file(load_file(path), path, metadata={"kind": "something else"})
    with pytest.raises(DataError, match="expected a training checkpoint"):
        Trainer(TINY, make_spans(), tmp_path)
    path.write_bytes(b"rubbish")
    with pytest.raises(DataError, match="it is unreadable"):
        Trainer(TINY, make_spans(), tmp_path)


def test_invalid_spans_are_refused(tmp_path: Path) -> None:
    spans = make_spans()
    invalid = spans.skeletons.copy()
    invalid[3, 1, 2, 0] = np.nan
    with pytest.raises(DataError, match="finite"):
        Trainer(TINY, replace(spans, skeletons=invalid), tmp_path)
    with pytest.raises(DataError, match=r"expected \(N, 8, J, 3\)"):
        Trainer(replace(TINY, pretext="prediction"), spans, tmp_path)
    with pytest.raises(DataError, match=r"expected \(N, 4, J, 3\)"):
        Trainer(TINY, replace(spans, skeletons=spans.skeletons[..., :2]), tmp_path)
    with pytest.raises(DataError, match="got 23 spans and 22 recordings"):
        Trainer(TINY, replace(spans, recording=spans.recording[1:]), tmp_path)
    with pytest.raises(DataError, match="expected at least one"):
        Trainer(TINY, replace(spans, skeletons=spans.skeletons[:0], recording=spans.recording[:0]), tmp_path)
    assert not (tmp_path / CHECKPOINT).exists()


@pytest.mark.parametrize("joints", [14, 25])
def test_skeletons_of_any_number_of_joints_are_trained_on(joints: int, tmp_path: Path) -> None:
    spans = make_spans()
    skeletons = np.resize(spans.skeletons, (len(spans), 4, joints, 3))
    other = replace(spans, skeletons=skeletons, layout="odd", rate_hz=25.0)
    trainer = Trainer(replace(TINY, epochs=1), other, tmp_path)
    trainer.run()
    loaded = load_weights(export(trainer, other, [], tmp_path))
    assert loaded.config.joints == joints
    assert (loaded.extra["layout"], loaded.extra["rate_hz"]) == ("odd", "25")
    card = (tmp_path / CARD).read_text()
    assert f"({joints} joints of odd, relative to the hip, metres,\n25 a second)" in card
    with pytest.raises(DataError, match="expected a training on these data"):
        Trainer(TINY, spans, tmp_path)


def test_only_joints_with_known_sides_are_mirrored(tmp_path: Path) -> None:
    config, spans = replace(TINY, augment=Augmentation(mirror=0.5)), make_spans()
    for other in (replace(spans, layout="odd"), replace(spans, skeletons=spans.skeletons[:, :, :17])):
        with pytest.raises(UserError, match="mirror: expected the canonical 20 joints"):
            Trainer(config, other, tmp_path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.write_text("")
    with pytest.raises(UserError, match="cannot be written to"):
        Trainer(TINY, make_spans(), occupied / "out")


def test_a_full_disk_is_reported_before_training_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 5, 5))
    with pytest.raises(UserError, match="expected room for two checkpoints"):
        Trainer(TINY, make_spans(), tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of file sizes")
def test_a_disk_that_fills_up_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    class DiskFillingCallback(RecordingCallback):
        def on_epoch(self, report: EpochReport) -> None:
            super().on_epoch(report)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))

    resource = pytest.importorskip("resource")

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    callback = DiskFillingCallback()
    try:
        with pytest.raises(RunError, match=r"epoch 2 cannot be written \(File too large"):
            Trainer(TINY, make_spans(), tmp_path, callback).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [r.epoch for r in callback.epochs] == [1]
    assert not list(tmp_path.glob("*.part")), "what was begun is gone"
    again = Trainer(TINY, make_spans(), tmp_path)
    assert len(again.history) == 1
    again.run()
    assert_same_bits(again, trained(TINY, tmp_path / "uninterrupted"))


LIMITED = """
import resource, sys
from pathlib import Path
import tests.encoder.training.test_trainer as t
folder, after = Path(sys.argv[1]), int(sys.argv[2])
def limit():
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
class LimitingCallback(t.RecordingCallback):
    def on_epoch(self, report):
        super().on_epoch(report)
        if report.epoch == after:
            limit()
callback = LimitingCallback()
trainer = t.Trainer(t.TINY, t.make_spans(), folder, callback)
if not after:
    limit()
try:
    trainer.run()
except t.RunError as error:
    print(len(callback.batches), error)
"""


def output_with_limited_file_size(folder: Path, after: int) -> str:
    """Returns the output of a training whose files cannot grow after the given number of epochs."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(folder), str(after)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs resource limits")
def test_a_file_size_limit_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    assert "epoch 2 cannot be written (File too large)" in output_with_limited_file_size(
        tmp_path / "later", 1
    )
    assert [p.name for p in (tmp_path / "later").glob("checkpoint*")] == [CHECKPOINT]
    again = Trainer(TINY, make_spans(), tmp_path / "later")
    assert len(again.history) == 1
    again.run()
    assert_same_bits(again, trained(TINY, tmp_path / "uninterrupted"))
    # Reported before the first batch.
    output = output_with_limited_file_size(tmp_path / "first", 0)
    assert output.startswith("0 ")
    assert "epoch 0 cannot be written (File too large); nothing is lost" in output


def test_two_trainings_in_one_folder_are_refused(tmp_path: Path) -> None:
    trainer = Trainer(TINY, make_spans(), tmp_path)
    with FileLock(tmp_path / ".lock"), pytest.raises(UserError, match="another training uses this folder"):
        trainer.run()


def test_a_loss_that_is_not_finite_keeps_the_last_checkpoint(tmp_path: Path) -> None:
    config = replace(TINY, epochs=1)
    trained(config, tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    trainer = Trainer(replace(config, epochs=2), make_spans(), tmp_path)
    with torch.no_grad():
        trainer.model.output_bias.fill_(float("inf"))
    with pytest.raises(RunError, match="epoch 2: the loss is not finite"):
        trainer.run()
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_a_loss_that_is_not_finite_replaces_no_checkpoint_within_an_epoch(tmp_path: Path) -> None:
    trained(replace(TINY, epochs=1), tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    trainer = Trainer(replace(TINY, checkpoint_minutes=1e-9), make_spans(), tmp_path)
    with torch.no_grad():
        trainer.model.output_bias.fill_(float("inf"))
    with pytest.raises(RunError, match=r"epoch 2: the loss is not finite; .* holds an earlier state"):
        trainer.run()
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_weights_and_card_are_written_and_can_be_loaded(tmp_path: Path) -> None:
    trainer = trained(TINY, tmp_path)
    source = DataSource("KGBD", "1-80", 4, 100, "none stated")
    path = export(trainer, make_spans(), [source], tmp_path)
    assert path == tmp_path / WEIGHTS
    loaded = load_encoder(path)
    assert loaded.trained
    assert loaded.contract.model == weights_digest(trainer.model.state_dict())
    head = load_head(tmp_path / HEAD, 4, 6)
    for name, value in trainer.head.state_dict().items():
        assert torch.equal(head.state_dict()[name], value)
    card = (tmp_path / CARD).read_text()
    for expected in (
        loaded.contract.model,
        "| KGBD | 1-80 | 4 | 100 | none stated |",
        'contrast = "across"',
        "| 3 |",
    ):
        assert expected in card
    assert "23 windows from 4 walks" in card
    assert training_people(load_weights(path).extra) == {"KGBD": frozenset(map(str, range(1, 81)))}
    with pytest.raises(DataError, match="expected a projection for f = 6"):
        load_head(tmp_path / HEAD, 6, 6)
    with pytest.raises(DataError, match="expected a readable safetensors"):
        load_head(tmp_path / CARD, 4, 6)


def test_training_people_are_in_the_metadata_of_the_weights(tmp_path: Path) -> None:
    trainer = trained(replace(TINY, epochs=1), tmp_path)

    def people_of(*sources: tuple[str, str, bool]) -> dict[str, frozenset[str]] | None:
        listed = [DataSource(name, people, 1, 1, "", named) for name, people, named in sources]
        return training_people(load_weights(export(trainer, make_spans(), listed, tmp_path)).extra)

    assert people_of(("a", "1-3, 7", False), ("b", "12", False)) == {
        "a": frozenset({"1", "2", "3", "7"}),
        "b": frozenset({"12"}),
    }
    unknown: frozenset[str] = frozenset()
    assert people_of(("a", "2", True), ("b", "unknown", False)) == {"a": unknown, "b": unknown}
    assert people_of(("a", "1", False), ("a", "3", False)) == {"a": frozenset({"1", "3"})}
    assert people_of(("a", "1", False), ("a", "3", True)) == {"a": unknown}
    assert people_of() == {}


@pytest.mark.parametrize(
    "text", [None, "rubbish", "3", '[{"source": "a"}]', '[{"source": "a", "people": "Anna"}]'], ids=str
)
def test_weights_without_training_people_give_none(text: str | None) -> None:
    assert training_people({} if text is None else {"seen": text}) is None


def test_a_trainer_takes_one_task(tmp_path: Path) -> None:
    config = replace(TINY, pretext="reverse+sorting")
    assert parse_pretexts(config.pretext) == (Pretext.REVERSE, Pretext.SORTING)
    with pytest.raises(ValueError, match="unpack"):
        Trainer(config, make_spans(), tmp_path)
