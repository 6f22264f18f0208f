"""Training with several processes: same losses and weights as one, one message per error, no deadlock."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from safetensors.torch import load_file

from encoder.training.augment import Augmentation
from encoder.training.checkpoint import load_checkpoint
from encoder.training.distributed import SINGLE_PROCESS, ProcessGroup, join_process_group
from encoder.training.trainer import CHECKPOINT, Trainer
from stream.errors import UserError
from tests.encoder.training.test_trainer import TINY, make_spans, trained
from tests.encoder.training.training_processes import ROOT, ProcessResult, run_processes
from tests.tools.training.test_train import write_packed
from tools.training.train import train_command

AUGMENTED = Augmentation(
    rotation_deg=90, mirror=0.5, noise_m=0.01, dropout=0.1, rate_jitter=0.1, scale_jitter=0.1
)
CASES: dict[str, dict[str, Any]] = {
    # Recordings of 9, 7, 6 and 1 windows: odd batch sizes, and a batch smaller than the number of processes.
    "within": {"contrast": "within"},
    "across": {"contrast": "across", "batch": 10, "clip": 0.01},
    "plain": {"contrast": "within-masked", "interval": 2, "pretext": "plain", "attention": "mbas"},
    "sorting": {"contrast": "none", "pretext": "sorting", "augment": AUGMENTED},
    "prediction": {"pretext": "prediction", "attention": "none", "alignment": "general"},
}

CHILD = f"""
import sys
from pathlib import Path
from dataclasses import replace
from encoder.training.augment import Augmentation
from encoder.training.distributed import join_process_group
import tests.encoder.training.test_trainer as t
with join_process_group() as group:
    for name, settings in {CASES!r}.items():
        config = replace(t.TINY, **settings)
        folder = Path(sys.argv[1]) / name
        t.Trainer(replace(config, epochs=1), t.make_spans(config), folder, group=group).run()
        t.Trainer(replace(config, epochs=2), t.make_spans(config), folder, group=group).run()
"""


def losses(folder: Path) -> list[list[float]]:
    history = load_checkpoint(folder / CHECKPOINT).history
    return [[r.reconstruction, r.alignment, r.contrast, r.l2, r.windows] for r in history]


THREAD_COUNT = """
import sys
from dataclasses import replace
from pathlib import Path
import psutil
from encoder.training.distributed import join_process_group
import tests.encoder.training.test_trainer as t
before = psutil.Process().num_threads()
with join_process_group() as group:
    config = replace(t.TINY, epochs=1)
    t.Trainer(config, t.make_spans(config), Path(sys.argv[1]), group=group).run()
print(psutil.Process().num_threads() - before)
"""


@pytest.mark.slow
def test_no_thread_outlives_the_process_group(tmp_path: Path) -> None:
    """Such a thread could abort a process at exit, after all its work is done."""
    ended = run_processes([["-c", THREAD_COUNT, str(tmp_path)]] * 2)
    assert [(code, out.strip()) for code, out, _ in ended] == [(0, "0")] * 2, ended


@pytest.mark.slow
def test_three_processes_train_the_same_weights_as_one(tmp_path: Path) -> None:
    ended = run_processes([["-c", CHILD, str(tmp_path / "several")]] * 3)
    assert [code for code, _, _ in ended] == [0] * 3, ended
    for name, settings in CASES.items():
        config = replace(TINY, **settings, epochs=2)
        trained(config, tmp_path / "single" / name)
        got, expected = losses(tmp_path / "several" / name), losses(tmp_path / "single" / name)
        np.testing.assert_allclose(got, expected, rtol=1e-4, err_msg=name)
        first, second = (
            load_checkpoint(tmp_path / side / name / CHECKPOINT).tensors for side in ("several", "single")
        )
        assert first.keys() == second.keys()
        for parameter, value in first.items():
            if not parameter.startswith("exp_avg"):
                torch.testing.assert_close(value, second[parameter], rtol=1e-4, atol=1e-4)
        # One process resumes a training of several.
        resumed = Trainer(replace(config, epochs=3), make_spans(config), tmp_path / "several" / name)
        assert len(resumed.history) == 2
        resumed.run()
        assert len(resumed.history) == 3


SETTINGS = """
f = 4
hidden = 4
layers = 1
batch = 16
epochs = 2
device = "cpu"
threads = 1
precision = "fp32"
"""


def train(data: Path, out: Path) -> list[str]:
    """Returns Python's arguments for a training from the command line."""
    config = out.with_suffix(".toml")
    config.write_text(SETTINGS)
    return ["-m", "stream", "train", str(data), "--out", str(out), "--config", str(config)]


def only_message(ended: list[ProcessResult], code: int) -> str:
    """Returns the only line that all processes together print to stderr."""
    assert [each for each, _, _ in ended] == [code] * len(ended), ended
    lines = [line for _, _, text in ended for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, ended
    return lines[0]


@pytest.mark.slow
def test_torchrun_trains_from_the_command_line(tmp_path: Path) -> None:
    data = write_packed(tmp_path / "a.npz", ["1", "2"])
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, *train(data, tmp_path / "out")],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("epoch   2") == 1
    assert done.stdout.count("wrote") >= 1
    train_command(
        [str(data)], tmp_path / "single", config=tmp_path / "out.toml", out=Console(file=StringIO())
    )
    first, second = (load_file(tmp_path / side / "encoder.safetensors") for side in ("out", "single"))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=1e-4, atol=1e-4)


@pytest.mark.slow
def test_an_error_in_one_process_ends_all_with_one_message(tmp_path: Path) -> None:
    data = write_packed(tmp_path / "a.npz", ["1", "2"])
    missing = train(tmp_path / "none.npz", tmp_path / "out")
    assert "no such file" in only_message(run_processes([train(data, tmp_path / "out"), missing]), 2)
    assert "no such file" in only_message(run_processes([missing, missing]), 2)


@pytest.mark.slow
def test_processes_with_different_data_are_refused(tmp_path: Path) -> None:
    first, second = write_packed(tmp_path / "a.npz", ["1", "2"]), write_packed(tmp_path / "b.npz", ["1", "3"])
    ended = run_processes([train(first, tmp_path / "out"), train(second, tmp_path / "out")])
    assert "process 1 has different data than process 0" in only_message(ended, 2)


@pytest.mark.slow
def test_a_folder_in_use_ends_all_processes(tmp_path: Path) -> None:
    data = write_packed(tmp_path / "a.npz", ["1", "2"])
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"):
        ended = run_processes([train(data, tmp_path / "out")] * 2)
    assert "another training uses this folder" in only_message(ended, 2)


CRASHING = """
import os, sys
from pathlib import Path
import tests.encoder.training.test_trainer as t
from encoder.training.distributed import join_process_group
class CrashingCallback(t.RecordingCallback):
    def on_batch(self, report):
        if report.epoch == 2:
            os._exit(9)
with join_process_group() as group:
    callback = CrashingCallback() if group.rank == 1 else None
    t.Trainer(t.TINY, t.make_spans(), Path(sys.argv[1]), callback, group).run()
"""


@pytest.mark.slow
def test_a_process_that_crashes_ends_the_others(tmp_path: Path) -> None:
    (code, _, errors), (other, _, _) = run_processes([["-c", CRASHING, str(tmp_path)]] * 2)
    assert (code, other) == (1, 9)
    assert "RunError: another process of this training has ended" in errors
    assert len(load_checkpoint(tmp_path / CHECKPOINT).history) == 1


STOPPED = """
import os, signal, sys
from pathlib import Path
from dataclasses import replace
import tests.encoder.training.test_trainer as t
from encoder.training.distributed import join_process_group
from tools.training.stop_signals import stop_on_signals
class SignallingCallback(t.RecordingCallback):
    def on_batch(self, report):
        super().on_batch(report)
        if len(self.batches) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
with join_process_group() as group, stop_on_signals(second_ends=False) as stop:
    callback = SignallingCallback() if group.rank == 1 else None
    folder = Path(sys.argv[1])
    print(t.Trainer(t.TINY, t.make_spans(), folder, callback, group, stop).run())
    print(t.Trainer(t.TINY, t.make_spans(), folder, None, group).partial.windows)
    print(t.Trainer(t.TINY, t.make_spans(), folder, None, group).run())
"""


@pytest.mark.slow
def test_a_signal_to_one_process_stops_all_with_a_checkpoint(tmp_path: Path) -> None:
    ended = run_processes([["-c", STOPPED, str(tmp_path / "several")]] * 2)
    assert [(code, out.split()) for code, out, _ in ended] == [
        (0, ["False", str(2 * TINY.batch), "True"])
    ] * 2, ended
    trained(TINY, tmp_path / "single")
    np.testing.assert_allclose(losses(tmp_path / "several"), losses(tmp_path / "single"), rtol=1e-4)


@given(count=st.integers(0, 40), size=st.integers(1, 9))
def test_shares_cover_all_rows_in_order(count: int, size: int) -> None:
    rows = list(range(count))
    shares = [rows[ProcessGroup(rank, size).share(count)] for rank in range(size)]
    assert [row for share in shares for row in share] == rows
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1


def test_one_process_is_a_process_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    rows = torch.ones(3, 2, 4)
    with join_process_group() as group:
        assert group == SINGLE_PROCESS
        assert group.is_main
        assert group.exchange("text") == ("text",)
        assert group.gather(rows, 2) is rows
        with pytest.raises(KeyError), group.raise_together():
            raise KeyError


@pytest.mark.parametrize("change", [{"MASTER_PORT": ""}, {"RANK": "first"}, {"MASTER_ADDR": ""}], ids=str)
def test_incomplete_environments_are_refused(change: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    complete = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    for name, value in {**complete, **change}.items():
        monkeypatch.setenv(name, value)
    with (
        pytest.raises(UserError, match="expected RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT"),
        join_process_group(),
    ):
        pass
