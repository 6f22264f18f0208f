"""Files that ship: a changed one is refused by what reads it; the tools write the checksums too."""

from __future__ import annotations

import io
import shutil
from importlib.resources import files
from pathlib import Path

import pytest
from rich.console import Console

from encoder.weights import load_encoder
from gallery.scoring.backend import load_backend
from stream.errors import DataError
from stream.shipped_files import CHECKSUMS, read_shipped, write_checksums
from tools.backend_fit.fit_backend import write_backend
from tools.doctor.examine import examine

FOLDERS = {
    "encoder": Path(str(files("encoder").joinpath("pretrained"))),
    "backends": Path(str(files("gallery.scoring").joinpath("backends"))),
    "trees": Path(str(files("stream.windows").joinpath("fitted"))),
}


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-40] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("folder", FOLDERS.values(), ids=FOLDERS)
def test_every_shipped_file_has_its_checksum(folder: Path) -> None:
    named = {line.split()[1] for line in (folder / CHECKSUMS).read_text().splitlines()}
    assert named == {file.name for file in folder.iterdir() if file.suffix in (".json", ".safetensors")}
    for name in named:
        assert read_shipped(folder, name) == (folder / name).read_bytes()


def test_a_file_is_refused_if_it_or_its_checksum_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with pytest.raises(DataError, match=r"the file a is missing in .*: install sge-stream again"):
        read_shipped(tmp_path, "a")
    write_checksums(tmp_path, "a")
    assert read_shipped(tmp_path, "a") == b"1"
    (tmp_path / "b").write_bytes(b"2")
    write_checksums(tmp_path, "b")
    assert [read_shipped(tmp_path, name) for name in "ab"] == [b"1", b"2"]
    (tmp_path / "a").unlink()
    with pytest.raises(DataError, match="the file a is missing"):
        read_shipped(tmp_path, "a")
    (tmp_path / CHECKSUMS).write_text("only-one-word\n")
    with pytest.raises(DataError, match="the file b is missing"):
        read_shipped(tmp_path, "b")


@pytest.fixture
def copied_backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = Path(shutil.copytree(FOLDERS["backends"], tmp_path / "backends"))
    monkeypatch.setattr("gallery.scoring.backend.files", lambda _: tmp_path)
    return copy


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_a_changed_backend_is_refused(suffix: str, copied_backends: Path, tmp_path: Path) -> None:
    contract = load_encoder().contract.id
    assert load_backend(contract).projections
    own = Path(shutil.copytree(copied_backends, tmp_path / "own"))
    for folder in (copied_backends, own):
        flip_a_bit(folder / f"{contract}{suffix}")
    with pytest.raises(DataError, match=r"is damaged or was replaced: install sge-stream again"):
        load_backend(contract)
    if suffix == ".safetensors":
        assert load_backend(contract, [own]).projections, "only files that ship are compared"


@pytest.mark.slow
def test_the_doctor_shows_a_changed_backend(
    copied_backends: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SGE_RUNTIME_DIR", str(tmp_path / "run"))
    flip_a_bit(copied_backends / f"{load_encoder().contract.id}.safetensors")
    text = io.StringIO()
    assert examine(str(tmp_path / "g.db"), out=Console(file=text, width=400)) == 1
    (line,) = (line for line in text.getvalue().splitlines() if "back-end" in line)
    assert "broken" in line
    assert "is damaged or was replaced: install sge-stream again" in line


def test_a_backend_written_into_the_folder_that_ships_has_its_checksum(tmp_path: Path) -> None:
    write_backend(tmp_path, "abc", "an encoder", {})
    assert not (tmp_path / CHECKSUMS).exists(), "the folder of a user's own weights"
    (tmp_path / CHECKSUMS).touch()
    write_backend(tmp_path, "abc", "another encoder", {})
    for name in ("abc.json", "abc.safetensors"):
        assert read_shipped(tmp_path, name) == (tmp_path / name).read_bytes()
