"""Damaged files in every reader; and the trial itself, which must notice what a reader lets through."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from random import Random

import pytest
import typer
from typer.testing import CliRunner

from stream.errors import DataError
from stream.sources.camera.video_file import VIDEO_SUFFIXES
from tools.trials import fuzz_readers
from tools.trials.fuzz_readers import damaged_files, fuzz
from tools.trials.readers import READERS, FuzzedReader

FILES, VIDEOS = 150, 40
"""Damaged files a reader; `python -m tools.trials.fuzz_readers --seconds N` tries more."""


def write(folder: Path, reader: FuzzedReader, content: bytes) -> Path:
    path = folder / "walk" / reader.file
    path.parent.mkdir()
    path.write_bytes(content)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_valid_file_is_read(reader: FuzzedReader, tmp_path: Path) -> None:
    reader.read(write(tmp_path, reader, reader.build(reader.parts())))


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_damaged_file_is_read_or_refused(reader: FuzzedReader, tmp_path: Path) -> None:
    errors: list[Exception] = []
    count = VIDEOS if reader.file.rpartition(".")[2] in VIDEO_SUFFIXES else FILES  # a video takes longer
    files = islice(damaged_files(reader, Random(5)), count)
    outcomes = fuzz(reader, files, tmp_path, lambda content, error: errors.append(error))
    assert not errors
    assert outcomes["refused"] > 0
    assert outcomes["read"] + outcomes["refused"] == count


def read_letters(path: Path) -> None:
    content = path.read_bytes()
    if len(content) < 3:
        raise DataError(f"{path} is too short")
    {97: 1}[content[0]]


LETTERS = FuzzedReader("letters", "a.txt", lambda: [b"aaaa"], b"".join, read_letters)


def test_a_foreign_exception_is_counted_and_its_file_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fuzz_readers, "READERS", (LETTERS,))
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(fuzz_readers.run)
    done = CliRunner().invoke(app, ["--seconds", "0.5", "--out", "out"])
    assert done.exit_code == 1, done.output
    assert "KeyError" in done.output
    (first, *_) = sorted((tmp_path / "out").iterdir())
    with pytest.raises(KeyError):
        read_letters(first)
    assert CliRunner().invoke(app, ["--reader", "numbers"]).exit_code == 2


def test_the_same_seed_gives_the_same_files() -> None:
    first, second, other = (list(islice(damaged_files(LETTERS, Random(seed)), 50)) for seed in (1, 1, 2))
    assert first == second
    assert first != other
