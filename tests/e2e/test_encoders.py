"""Custom weights through the real processes: one file, several, invalid ones, ones of another gallery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from encoder.model import EncoderConfig
from encoder.weights import load_encoder, save_weights, seeded_state
from gallery.scoring.backend import Projection
from gallery.scoring.backend_card import FittedOn, SensorCard
from stream import Live
from stream.errors import UserError
from tests.e2e.enrolled import enrol_recordings
from tests.e2e.program import Program, record_two
from tests.gallery.flat_visits import flat_visits
from tools.backend_fit.fit_backend import write_backend
from tools.backend_fit.sensor_fits import Fit

TINY = EncoderConfig(hidden=16)


def save(path: Path, seed: int, config: EncoderConfig = TINY) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(path, seeded_state(config, seed), config)
    return path


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Recordings of two simulated people: each alone on a first walk, both together on a second."""
    return record_two(tmp_path_factory.mktemp("walks"), seconds=5)


@pytest.fixture(scope="module")
def custom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Custom weights without a back-end."""
    return save(tmp_path_factory.mktemp("custom") / "custom.safetensors", 1)


@pytest.fixture(scope="module")
def gallery(walks: dict[str, Path], custom: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery that holds Ada and Ben, enrolled with these weights."""
    path = tmp_path_factory.mktemp("gallery") / "g.db"
    for name in ("Ada", "Ben"):
        enrol_recordings(path, name, walks[name.lower()], encoder=custom)
    return path


@pytest.fixture
def program(gallery: Path, tmp_path: Path) -> Program:
    return Program(gallery, tmp_path / "run")


def enrol(program: Program, name: str, walk: Path, *more: str) -> None:
    done = program.run("enroll", name, "--source", str(walk), "--speed", "0", "--yes", *more)
    assert done.returncode == 0, done.stderr
    assert f"{name} is enrolled: 1 walk" in done.stdout


def identify(program: Program, walk: Path, *more: str) -> tuple[dict[int, dict[str, Any]], str]:
    """Returns the final lines by track, and the text of stderr."""
    done = program.run("--source", str(walk), "--speed", "0", "--json", *more)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return {line["track"]: line for line in lines if line["final"]}, done.stderr


def refused(program: Program, *arguments: str) -> str:
    """Returns the one line of the error message of a command that exits with 2."""
    done = program.run(*arguments)
    assert done.returncode == 2, (done.stdout, done.stderr)
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("sge-stream: ")
    return sentence


def test_custom_weights_are_uncalibrated(program: Program, walks: dict[str, Path], custom: Path) -> None:
    finals, stderr = identify(program, walks["both"], "--encoder", str(custom), "--fpir", "off")
    assert {track: line["person"] for track, line in finals.items()} == {1: "Ada", 2: "Ben"}
    assert "encoder: weights of custom.safetensors, model " in stderr
    finals, stderr = identify(program, walks["both"], "--encoder", str(custom))
    for line in finals.values():
        assert (line["state"], line["threshold"]) == ("unknown", None)
        assert line["reason"] == "uncalibrated: no threshold is known for simulated"
    assert "uncalibrated: no back-end is fitted for this encoder" in stderr
    assert f"python -m tools.backend_fit.fit_backend DATA_DIR --encoder {custom}" in stderr


def test_a_backend_beside_the_weights_is_used(walks: dict[str, Path], tmp_path: Path) -> None:
    path = save(tmp_path / "run" / "encoder.safetensors", 1)
    identity = Projection(np.zeros(48, np.float32), np.eye(48, dtype=np.float32))
    fit = Fit(identity, SensorCard(FittedOn("test", 1, 1, 1), visits=flat_visits(-0.5)))
    write_backend(path.parent, load_encoder(path).contract.id, "test", {"simulated": fit})
    program = Program(tmp_path / "g.db", tmp_path / "sockets")
    enrol(program, "Ada", walks["ada"], "--encoder", str(path.parent))
    finals, stderr = identify(program, walks["ada"], "--encoder", str(path.parent))
    (line,) = finals.values()
    assert line["person"] == "Ada"
    assert line["threshold"] is not None
    assert "run/encoder.safetensors" in stderr
    assert "uncalibrated" not in stderr


def test_three_encoders_are_concatenated(walks: dict[str, Path], tmp_path: Path) -> None:
    tasks = ("reverse", "prediction", "sorting")
    paths = [save(tmp_path / "plus" / task / "encoder.safetensors", n) for n, task in enumerate(tasks)]
    program = Program(tmp_path / "g.db", tmp_path / "sockets")
    config = tmp_path / "live.toml"
    config.write_text(f'encoder = ["{tmp_path / "plus"}"]\nfpir = "off"\n')
    given = [word for path in paths for word in ("--encoder", str(path))]
    enrol(program, "Ada", walks["ada"], *given)
    enrol_recordings(tmp_path / "g.db", "Ben", walks["ben"], encoder=tmp_path / "plus")
    listed = program.run("people", "list").stdout
    assert load_encoder(*paths).contract.id in listed
    finals, stderr = identify(program, walks["both"], "--config", str(config))
    assert {track: line["person"] for track, line in finals.items()} == {1: "Ada", 2: "Ben"}
    assert "reverse/encoder.safetensors + prediction/encoder.safetensors + sorting/encoder" in stderr


def test_unusable_weights_are_refused(
    program: Program, walks: dict[str, Path], custom: Path, tmp_path: Path
) -> None:
    long = save(tmp_path / "long.safetensors", 1, EncoderConfig(f=8, hidden=16))
    kinect2 = save(tmp_path / "kinect2.safetensors", 1, EncoderConfig(joints=25, hidden=16))
    for given, message in (
        ([walks["ada"]], "ada.mcap: expected a safetensors file"),
        ([custom, long], "reads 6 skeletons of 20 joints"),
        ([kinect2], "these weights read 6 skeletons of 25"),
    ):
        options = [word for path in given for word in ("--encoder", str(path))]
        assert message in refused(program, "--source", str(walks["both"]), "--json", *options)
    assert "options of people go after" in refused(program, "--encoder", str(custom), "people", "list")


def test_a_gallery_of_another_encoder_is_refused_and_unchanged(
    program: Program, gallery: Path, walks: dict[str, Path], custom: Path, tmp_path: Path
) -> None:
    other = save(tmp_path / "other.safetensors", 2)
    before = program.run("people", "list").stdout
    enrolled, current = (load_encoder(path).contract.id for path in (custom, other))
    replay = ("--source", str(walks["ada"]), "--speed", "0", "--encoder", str(other))
    for command in (("--json",), ("enroll", "Eve", "--yes")):
        # Options of a command go after its name.
        arguments = (*command, *replay) if command[0] == "enroll" else (*replay, *command)
        sentence = refused(program, *arguments)
        assert f"no person in the gallery sqlite:///{gallery} can be recognised" in sentence
        assert f"its people (2) were enrolled with the encoder of contract {enrolled}" in sentence
        assert f"the encoder in use has contract {current} (weights of other.safetensors" in sentence
        assert "or enrol them again into another --gallery" in sentence
    assert program.run("people", "list").stdout == before
    assert "Ada" in before
    enrol(program, "Eve", walks["ada"], "--encoder", str(other), "--gallery", str(tmp_path / "new.db"))


def test_a_running_system_keeps_its_encoder(program: Program, custom: Path) -> None:
    with program.start("--source", "walkers:n=1,seed=4", "--json", "--encoder", str(custom)) as system:
        system.line()
        sentence = refused(program, "enroll", "Eve", "--yes", "--encoder", str(custom))
        assert "the running system has its own encoder; omit --encoder" in sentence
        system.interrupt()
        system.rest()
        assert system.wait() == 0


@pytest.mark.usefixtures("runtime_dir")
def test_weights_that_change_while_the_system_runs_end_it(tmp_path: Path) -> None:
    path = save(tmp_path / "custom.safetensors", 1)
    with Live(["walkers:n=1,seed=2"], str(tmp_path / "g.db"), fpir=None, encoder=[path]) as live:
        next(iter(live))
        save(path, 2)
        process = live.supervisor.find("encoder").process
        assert process is not None
        process.kill()
        with pytest.raises(UserError, match="weights changed while the system was running; restart it"):
            for _ in live:
                pass


def test_the_doctor_shows_the_weights(program: Program, custom: Path, tmp_path: Path) -> None:
    done = program.run("doctor", "--encoder", str(custom))
    assert done.returncode == 0, done.stdout
    output = " ".join(done.stdout.replace("│", " ").split())
    assert "weights of custom.safetensors, model" in output
    assert "python -m tools.backend_fit.fit_backend DATA_DIR --encoder" in output
    done = program.run("doctor", "--encoder", str(tmp_path / "none.safetensors"))
    assert done.returncode == 1
    assert "broken" in done.stdout


def test_the_demo_runs_with_custom_weights(program: Program, custom: Path) -> None:
    done = program.run("demo", "--seconds", "5", "--encoder", str(custom))
    assert done.returncode == 0, done.stderr
    assert "encoder: weights of custom.safetensors" in done.stderr
    assert "No threshold is known: every person gets the best matching name (--fpir off)." in done.stdout
    assert "of 5 correct" in done.stdout
