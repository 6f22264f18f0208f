"""`train`: reading walks from every kind of file, selecting people, and training up to the model card."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file

from encoder.training.checkpoint import load_checkpoint
from encoder.training.model_card import CARD, HEAD, training_people
from encoder.training.trainer import CHECKPOINT
from encoder.weights import load_encoder, load_weights
from stream.body import Body, BodyFrame, FloatArray, SourceInfo
from stream.errors import DataError, UserError
from stream.recording import RecordingWriter
from stream.skeleton import CANONICAL
from tools.training.train import train_command
from tools.training.training_data import parse_people_selection, read_training_data, require_several_walks

FRAMES = 60
STOPS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
SETTINGS: dict[str, Any] = {
    "f": 4, "hidden": 4, "layers": 1, "batch": 16, "epochs": 2,
    "device": "cpu", "threads": 1, "precision": "fp32",
}  # fmt: skip


def walk(seed: int) -> FloatArray:
    """Returns joints of a body in front of the sensor, at random places but with its head on top; noisy."""
    draw = np.random.RandomState(seed)
    body = draw.uniform(0.5, 2.5, (1, 20, 3)) + 0.02 * draw.standard_normal((FRAMES, 20, 3))
    body[:, CANONICAL.index("Head"), 1] += 2.5
    return body.astype("f4").round(4)


def write_packed(path: Path, people: list[str], walks: int = 2) -> Path:
    joints = np.concatenate([walk(1000 * int(p) + w) for p in people for w in range(walks)])
    count = len(people) * walks
    np.savez(
        path,
        joints=joints,
        offsets=np.arange(count + 1) * FRAMES,
        subject=np.repeat(np.array(people, int), walks),
        trial=np.tile(np.arange(1, walks + 1), len(people)),
        fps=np.float32(30),
        joint_names=np.array(CANONICAL),
        sensor_kind=np.array("kinect-v1"),
    )
    return path


def write_kgbd(root: Path, person: str, number: int, joints: FloatArray) -> None:
    names = [
        "Hip-centro" if n == "HipCenter"
        else n.replace("Left", "-Left").replace("Right", "-Right").replace("Center", "-Center")
        for n in CANONICAL
    ]  # fmt: skip
    path = root / person / f"{number}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{n};{x};{y};{z}" for frame in joints for n, (x, y, z) in zip(names, frame, strict=True)]
    path.write_text("\n".join(lines) + "\n")


def write_recording(path: Path, *bodies: FloatArray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    info = SourceInfo("door", "kinect-v1", "kinect-v1", live=False, finite=True)
    with RecordingWriter(path, info) as writer:
        for n in range(FRAMES):
            frame_bodies = [Body(7 + i, joints[n], np.ones(20, "f4")) for i, joints in enumerate(bodies)]
            writer.write(BodyFrame(n * 33_000_000, tuple(frame_bodies)))


def train(data: list[str], folder: Path, **given: Any) -> tuple[list[Path], str]:
    output = StringIO()
    settings = SETTINGS | given.pop("settings", {})
    paths = train_command(data, folder, settings=settings, out=Console(file=output, width=200), **given)
    return paths, output.getvalue()


def test_packed_walks_are_read_trimmed(tmp_path: Path) -> None:
    found = read_training_data([str(write_packed(tmp_path / "a.npz", ["1", "2", "3"]))], "1,3")
    assert [w.person for w in found.walks] == ["1", "1", "3", "3"]
    np.testing.assert_array_equal(found.walks[2].joints, walk(3000)[10:-10])
    (source,) = found.sources
    assert (source.people, source.walks, source.frames) == ("1, 3", 4, 4 * (FRAMES - 20))
    assert "unknown" in source.licence


def test_raw_kgbd_is_read(tmp_path: Path) -> None:
    root = tmp_path / "kgbd_raw"
    for number in (1, 2):
        write_kgbd(root, "Person007", number, walk(number))
    found = read_training_data([f"{root}#people=7"])
    assert [w.person for w in found.walks] == ["7", "7"]
    np.testing.assert_allclose(found.walks[0].joints, walk(1)[10:-10], atol=1e-6)
    assert "Andersson" in found.sources[0].licence


def test_recordings_are_read_body_by_body(tmp_path: Path) -> None:
    write_recording(tmp_path / "rec" / "Anna" / "1.mcap", walk(1))
    write_recording(tmp_path / "rec" / "Anna" / "2.mcap", walk(2))
    write_recording(tmp_path / "rec" / "crowd.mcap", walk(3), walk(4))
    found = read_training_data([str(tmp_path / "rec")])
    assert [w.person for w in found.walks] == ["Anna", "Anna", "", ""]
    np.testing.assert_array_equal(found.walks[3].joints, walk(4))
    assert found.sources[0].people == "2"
    only = read_training_data([str(tmp_path / "rec")], "Anna")
    assert len(only.walks) == 2
    alone = read_training_data([str(tmp_path / "rec" / "Anna" / "1.mcap")])
    assert [w.person for w in alone.walks] == [""]


def test_each_source_may_have_its_own_selection(tmp_path: Path) -> None:
    first, second = (
        write_packed(tmp_path / "a.npz", ["1", "2"]),
        write_packed(tmp_path / "b.npz", ["4", "5", "6"]),
    )
    found = read_training_data([f"{first}#people=2", str(second)], "5-6")
    assert [w.person for w in found.walks] == ["2", "2", "5", "5", "6", "6"]
    assert [s.people for s in found.sources] == ["2", "5-6"]


def test_a_duplicate_walk_is_omitted(tmp_path: Path) -> None:
    first, second = write_packed(tmp_path / "a.npz", ["1", "2"]), write_packed(tmp_path / "b.npz", ["2", "3"])
    found = read_training_data([str(first), str(second)])
    assert len(found.walks) == 6
    assert found.duplicates == ["b/2/1", "b/2/2"]


def test_people_are_selected_by_numbers_and_names() -> None:
    assert parse_people_selection("1-3,07") == {"1", "2", "3", "7"}
    assert parse_people_selection("Anna,Ben") == {"Anna", "Ben"}
    with pytest.raises(UserError, match="expected for example 1-80"):
        parse_people_selection(",")


def test_unusable_data_are_refused(tmp_path: Path) -> None:
    file = write_packed(tmp_path / "a.npz", ["1", "2"])
    with pytest.raises(UserError, match="no walk of person 9"):
        read_training_data([str(file)], "1,9")
    with pytest.raises(UserError, match="no such file or folder"):
        read_training_data([str(tmp_path / "none")])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="the folder is empty"):
        read_training_data([str(tmp_path / "empty")])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("nothing to walk on")
    with pytest.raises(DataError, match="no walk in a known format"):
        read_training_data([str(tmp_path / "other")])


def test_people_with_one_walk_are_refused_unless_accepted(tmp_path: Path) -> None:
    file = str(write_packed(tmp_path / "a.npz", ["1", "2"], walks=1))
    with pytest.raises(DataError, match=r"2 of 2 people have only one walk \(person 1, 2\)"):
        train([file], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    paths, _ = train([file], tmp_path / "out", single_walks=True)
    assert paths == [tmp_path / "out" / "encoder.safetensors"]
    write_recording(tmp_path / "rec" / "unknown.mcap", walk(1))
    require_several_walks(read_training_data([str(tmp_path / "rec")]).walks)


@pytest.mark.slow
def test_a_training_writes_weights_and_a_card(tmp_path: Path) -> None:
    config = tmp_path / "train.toml"
    config.write_text("epochs = 5\nseed = 3\n")
    file = str(write_packed(tmp_path / "a.npz", ["1", "2", "3"]))
    (path,), output = train([file], tmp_path / "out", config=config, people="1-2")
    assert load_encoder(path).contract.f == 4
    assert "epoch   2" in output
    assert "epoch   3" not in output
    card = (tmp_path / "out" / CARD).read_text()
    assert "seed = 3" in card
    assert "| a | 1-2 | 4 |" in card
    assert {CHECKPOINT, HEAD, CARD} <= {p.name for p in (tmp_path / "out").iterdir()}


def test_weights_record_their_training_people(tmp_path: Path) -> None:
    file = write_packed(tmp_path / "a.npz", ["1", "2", "3", "9"])
    for number in (1, 2):
        write_recording(tmp_path / "rec" / "Anna" / f"{number}.mcap", walk(number))
        write_recording(tmp_path / "rec" / "Ben" / f"{number}.mcap", walk(10 + number))
    settings = {"epochs": 1}
    (path,), _ = train([f"{file}#people=1-3", str(tmp_path / "rec")], tmp_path / "out", settings=settings)
    people = training_people(load_weights(path).extra)
    assert people == {"a": frozenset({"1", "2", "3"}), "rec": frozenset()}
    assert b"Anna" not in path.read_bytes()


@pytest.mark.slow
def test_the_same_command_resumes(tmp_path: Path) -> None:
    file = str(write_packed(tmp_path / "a.npz", ["1", "2"]))
    train([file], tmp_path / "out")
    (path,), output = train([file], tmp_path / "out", settings={"epochs": 3})
    assert "resuming after epoch 2" in output
    (uninterrupted,), _ = train([file], tmp_path / "whole", settings={"epochs": 3})
    assert load_encoder(path).contract.model == load_encoder(uninterrupted).contract.model


@pytest.mark.slow
def test_a_stopped_training_says_where_it_stopped_and_resumes_there(tmp_path: Path) -> None:
    file = str(write_packed(tmp_path / "a.npz", ["1", "2"]))
    output = SignallingOutput(after="epoch   1", number=signal.SIGTERM)
    former = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    settings = SETTINGS | {"epochs": 3, "batch": 8}
    with pytest.raises(KeyboardInterrupt):
        train_command([file], tmp_path / "out", settings=settings, out=Console(file=output, width=200))
    assert "out: stopped in epoch 2, after 8 windows; the same command continues" in output.getvalue()
    assert not (tmp_path / "out" / "encoder.safetensors").exists()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == former
    (path,), resumed = train([file], tmp_path / "out", settings=settings)
    assert "out: resuming in epoch 2, after 8 windows" in resumed
    (uninterrupted,), _ = train([file], tmp_path / "whole", settings=settings)
    assert load_file(path).keys() == load_file(uninterrupted).keys()
    for name, value in load_file(path).items():
        assert torch.equal(value, load_file(uninterrupted)[name]), name


class SignallingOutput(StringIO):
    """Text output that sends the process a signal once when a text is written."""

    def __init__(self, after: str, number: signal.Signals) -> None:
        super().__init__()
        self._after, self._number = after, number
        self._sent = False

    def write(self, text: str) -> int:
        if self._after in text and not self._sent:
            self._sent = True
            signal.raise_signal(self._number)
        return super().write(text)


@pytest.mark.slow
@pytest.mark.usefixtures("hang_up_ends_children")
@pytest.mark.parametrize("number", STOPS, ids=lambda n: n.name)
def test_signals_end_the_command_with_a_checkpoint(number: signal.Signals, tmp_path: Path) -> None:
    file = write_packed(tmp_path / "a.npz", ["1", "2"])
    config = tmp_path / "train.toml"
    settings = SETTINGS | {"batch": 2, "epochs": 100, "checkpoint_minutes": 0}
    config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()))
    command = [sys.executable, "-m", "stream", "train", str(file), "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        [*command, "--config", str(config)],
        env=os.environ | {"COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            while not process.stdout.readline().startswith("epoch   1"):
                assert process.poll() is None
            process.send_signal(number)
            output, errors = process.communicate(timeout=200)
        finally:
            process.kill()
    assert (process.returncode, errors) == (130, "")
    assert "stopped" in output
    checkpoint = load_checkpoint(tmp_path / "out" / CHECKPOINT)
    batches = checkpoint.steps - len(checkpoint.history) * -(-checkpoint.history[0].windows // 2)
    assert batches == checkpoint.partial.batches


@pytest.mark.slow
def test_each_of_several_tasks_has_its_folder(tmp_path: Path) -> None:
    file = str(write_packed(tmp_path / "a.npz", ["1", "2"]))
    paths, output = train([file], tmp_path / "out", settings={"pretext": "reverse+prediction+sorting"})
    assert [p.parent.name for p in paths] == ["reverse", "prediction", "sorting"]
    attention = [str(load_encoder(p).models[0].config.attention) for p in paths]
    assert attention == ["las", "bas", "bas"]
    assert "prediction: " in output


def test_the_duplicate_walk_of_kgbd_is_omitted(data_dir: Path) -> None:
    found = read_training_data([str(data_dir / "kgbd_kinect1_20j.npz")], "64")
    assert found.duplicates == ["kgbd_kinect1_20j/64/5"]
    assert found.sources[0].people == "64"
