"""Choice of the gallery's database: URLs, paths, the environment, the default; the registry of engines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import platformdirs
import pytest

from gallery.store.engines import ENGINES, open_store
from gallery.store.gallery import open_gallery
from gallery.store.records import NewEnrolment
from stream.errors import GalleryError
from tests.gallery.store.plain_store import PlainStore


def walk() -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 4.5, 0.75, np.ones((3, 6, 8), np.float32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gallery.db"


def test_a_new_engine_is_one_entry_in_the_registry(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "plain", PlainStore)
    with open_gallery(f"plain://{path.as_posix()}") as opened:
        opened.enrol("Ada", [walk()], "asked")
        assert opened.url == f"plain://{path.as_posix()}"
    assert isinstance(open_store(opened.url, wait=5.0, create=False), PlainStore)


def test_the_package_loads_the_gallery_on_demand() -> None:
    script = (
        "import sys, gallery; assert 'sqlalchemy' not in sys.modules; "
        "from gallery import Gallery, open_gallery; assert 'sqlalchemy' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_url_opens_the_same_gallery_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with open_gallery("gallery.db") as opened:
        opened.enrol("Ada", [walk()], "asked")
        url = opened.url
    monkeypatch.chdir("/" if os.name == "posix" else path.anchor)
    for spelling in (url, str(path), f"sqlite:///{path.as_posix()}"):
        with open_gallery(spelling) as opened:
            assert opened.url == url
            assert opened.has("Ada")


def test_without_a_url_the_environment_and_then_the_data_folder_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def user_data_path(program: str, appauthor: bool) -> Path:
        return tmp_path / program

    monkeypatch.setattr(platformdirs, "user_data_path", user_data_path)
    monkeypatch.setenv("SGE_GALLERY", str(tmp_path / "other.db"))
    open_gallery(None).close()
    assert (tmp_path / "other.db").is_file()
    monkeypatch.setenv("SGE_GALLERY", "")
    open_gallery(None).close()
    assert (tmp_path / "sge-stream" / "gallery.db").is_file()


@pytest.mark.parametrize("name", ["g?mode=ro.db", "g#1 %41.db", "\u00fc\u674e.db", "file:x.db"])
def test_any_file_name_is_accepted(tmp_path: Path, name: str) -> None:
    with open_gallery(str(tmp_path / name)) as opened:
        opened.enrol("Ada", [walk()], "asked")
    assert (tmp_path / name).stat().st_size > 0
    with open_gallery(str(tmp_path / name)) as opened:
        assert opened.has("Ada")


@pytest.mark.parametrize(
    "url", ["postgresql://u:pass@host/db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "", "a\0b"]
)
def test_other_urls_are_refused_without_their_password(url: str) -> None:
    with pytest.raises(GalleryError, match="sqlite:///path or a path") as caught:
        open_gallery(url)
    assert "pass" not in str(caught.value)
