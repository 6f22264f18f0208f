from __future__ import annotations

import gzip
from importlib import metadata
from pathlib import Path

import pytest

from stream.errors import UserError
from tests.stream.sources.videos import write_video
from tools.trials import sample_videos
from tools.trials.sample_videos import pictures_of, plaza_video, walker_video


def test_a_missing_video_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_found(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", not_found)
    with pytest.raises(UserError, match=r"pip install --no-deps -c constraints\.txt sports2d"):
        walker_video()
    monkeypatch.setattr(sample_videos, "PLAZA_FOLDERS", (tmp_path, tmp_path / "none"))
    with pytest.raises(UserError, match="apt-get install --no-install-recommends opencv-doc"), plaza_video():
        pass


@pytest.mark.parametrize("packed", [False, True], ids=["as it is", "packed"])
def test_the_plaza_is_found_wherever_the_package_has_it(
    packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "examples" / "data"
    folder.mkdir(parents=True)
    raw = write_video(tmp_path / "plaza.avi", frames=7).read_bytes()
    if packed:
        (folder / "vtest.avi.gz").write_bytes(gzip.compress(raw))
    else:
        (folder / "vtest.avi").write_bytes(raw)
    monkeypatch.setattr(sample_videos, "PLAZA_FOLDERS", (tmp_path,))
    with plaza_video() as path:
        assert path.read_bytes() == raw
        assert len(pictures_of(path, 1, 6, 2)) == 3
        assert len(pictures_of(path, 0, 100)) == 7
