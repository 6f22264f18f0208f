"""Several processes train as one does: the same losses and weights, one message for an error, no deadlock."""

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
from encoder.training.distributed import ALONE, Team, join_team
from encoder.training.trainer import CHECKPOINT, Trainer
from stream.errors import UserError
from tests.encoder.training.teams import ROOT, Ended, run_team
from tests.encoder.training.test_trainer import TINY, make_spans, trained
from tests.tools.training.test_train import packed
from tools.training.train import train_command

AUGMENTED = Augmentation(
    rotation_deg=90, mirror=0.5, noise_m=0.01, dropout=0.1, rate_jitter=0.1, scale_jitter=0.1
)
CASES: dict[str, dict[str, Any]] = {
    # Recordings of 9, 7, 6 and 1 windows: odd batches, and one of fewer windows than processes.
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
from encoder.training.distributed import join_team
import tests.encoder.training.test_trainer as t
with join_team() as team:
    for name, settings in {CASES!r}.items():
        config = replace(t.TINY, **settings)
        folder = Path(sys.argv[1]) / name
        t.Trainer(replace(config, epochs=1), t.make_spans(config), folder, team=team).run()
        t.Trainer(replace(config, epochs=2), t.make_spans(config), folder, team=team).run()
"""


def losses(folder: Path) -> list[list[float]]:
    history = load_checkpoint(folder / CHECKPOINT).history
    return [[r.reconstruction, r.alignment, r.contrast, r.l2, r.windows] for r in history]


LEAVING = """
import sys
from dataclasses import replace
from pathlib import Path
import psutil
from encoder.training.distributed import join_team
import tests.encoder.training.test_trainer as t
before = psutil.Process().num_threads()
with join_team() as team:
    config = replace(t.TINY, epochs=1)
    t.Trainer(config, t.make_spans(config), Path(sys.argv[1]), team=team).run()
print(psutil.Process().num_threads() - before)
"""


def test_no_thread_of_a_team_outlives_it(tmp_path: Path) -> None:
    """One that did could abort a process that has done all its work, at its end."""
    ended = run_team([["-c", LEAVING, str(tmp_path)]] * 2)
    assert [(code, out.strip()) for code, out, _ in ended] == [(0, "0")] * 2, ended


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_together_learn_what_one_learns(processes: int, tmp_path: Path) -> None:
    ended = run_team([["-c", CHILD, str(tmp_path / "team")]] * processes)
    assert [code for code, _, _ in ended] == [0] * processes, ended
    for name, settings in CASES.items():
        config = replace(TINY, **settings, epochs=2)
        trained(config, tmp_path / "alone" / name)
        got, expected = losses(tmp_path / "team" / name), losses(tmp_path / "alone" / name)
        np.testing.assert_allclose(got, expected, rtol=1e-4, err_msg=name)
        first, second = (
            load_checkpoint(tmp_path / side / name / CHECKPOINT).tensors for side in ("team", "alone")
        )
        assert first.keys() == second.keys()
        for parameter, value in first.items():
            if not parameter.startswith("exp_avg"):
                torch.testing.assert_close(value, second[parameter], rtol=1e-4, atol=1e-4)
        # One process goes on with what several began.
        more = Trainer(replace(config, epochs=3), make_spans(config), tmp_path / "team" / name)
        assert len(more.history) == 2
        more.run()
        assert len(more.history) == 3


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
    """Python's arguments for a training from the command line."""
    config = out.with_suffix(".toml")
    config.write_text(SETTINGS)
    return ["-m", "stream", "train", str(data), "--out", str(out), "--config", str(config)]


def only_message(ended: list[Ended], code: int) -> str:
    """The one sentence that all processes together end with."""
    assert [each for each, _, _ in ended] == [code] * len(ended), ended
    told = [line for _, _, text in ended for line in text.splitlines() if line.strip()]
    assert len(told) == 1, ended
    return told[0]


def test_torchrun_trains_from_the_command_line(tmp_path: Path) -> None:
    data = packed(tmp_path / "a.npz", ["1", "2"])
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
    train_command([str(data)], tmp_path / "alone", config=tmp_path / "out.toml", out=Console(file=StringIO()))
    first, second = (load_file(tmp_path / side / "encoder.safetensors") for side in ("out", "alone"))
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=1e-4, atol=1e-4)


def test_an_error_of_one_ends_all_with_one_message(tmp_path: Path) -> None:
    data = packed(tmp_path / "a.npz", ["1", "2"])
    missing = train(tmp_path / "none.npz", tmp_path / "out")
    assert "no such file" in only_message(run_team([train(data, tmp_path / "out"), missing]), 2)
    assert "no such file" in only_message(run_team([missing, missing]), 2)


def test_processes_with_other_data_are_refused(tmp_path: Path) -> None:
    first, second = packed(tmp_path / "a.npz", ["1", "2"]), packed(tmp_path / "b.npz", ["1", "3"])
    ended = run_team([train(first, tmp_path / "out"), train(second, tmp_path / "out")])
    assert "process 1 has another data than process 0" in only_message(ended, 2)


def test_a_folder_that_is_in_use_ends_all(tmp_path: Path) -> None:
    data = packed(tmp_path / "a.npz", ["1", "2"])
    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"):
        ended = run_team([train(data, tmp_path / "out")] * 2)
    assert "another training works in this folder" in only_message(ended, 2)


DYING = """
import os, sys
from pathlib import Path
import tests.encoder.training.test_trainer as t
from encoder.training.distributed import join_team
class Die(t.Recorder):
    def on_batch(self, report):
        if report.epoch == 2:
            os._exit(9)
with join_team() as team:
    dying = Die() if team.rank == 1 else None
    t.Trainer(t.TINY, t.make_spans(), Path(sys.argv[1]), dying, team).run()
"""


def test_a_process_that_dies_ends_the_others(tmp_path: Path) -> None:
    (code, _, told), (other, _, _) = run_team([["-c", DYING, str(tmp_path)]] * 2)
    assert (code, other) == (1, 9)
    assert "RunError: another process of this training has ended" in told
    assert len(load_checkpoint(tmp_path / CHECKPOINT).history) == 1


@given(count=st.integers(0, 40), size=st.integers(1, 9))
def test_shares_are_all_rows_in_order(count: int, size: int) -> None:
    rows = list(range(count))
    shares = [rows[Team(rank, size).share(count)] for rank in range(size)]
    assert [row for share in shares for row in share] == rows
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1


def test_one_process_is_a_team(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    rows = torch.ones(3, 2, 4)
    with join_team() as team:
        assert team == ALONE
        assert team.leads
        assert team.tell("so") == ("so",)
        assert team.gather(rows, 2) is rows
        with pytest.raises(KeyError), team.together():
            raise KeyError


@pytest.mark.parametrize("change", [{"MASTER_PORT": ""}, {"RANK": "first"}, {"MASTER_ADDR": ""}], ids=str)
def test_half_an_environment_is_refused(change: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}
    for name, value in {**whole, **change}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="expected RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT"), join_team():
        pass
