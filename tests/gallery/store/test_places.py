"""Places of a gallery: without hard links, on network shares, read-only, nowhere."""

from __future__ import annotations

import errno
import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gallery.store import file_systems
from gallery.store.file_systems import refuse_network_share
from gallery.store.gallery import open_gallery
from gallery.store.records import NewEnrolment
from gallery.store.store_protocol import MissingGalleryError
from stream.errors import GalleryError

ROOT = Path(__file__).resolve().parents[3]
MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /mnt/share rw,relatime shared:1 - nfs4 host:/export rw,vers=4.2
31 30 8:2 / /mnt/share/local rw,relatime - ext4 /dev/sdb1 rw
32 22 0:41 / /mnt/with\\040space rw - cifs //host/share rw
33 22 0:42 / /mnt/home rw - fuse.sshfs me@host: rw
34 22 0:43 / /mnt/box rw - vboxsf box rw
"""


def walk() -> NewEnrolment:
    return NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, np.ones((3, 6, 8), np.float32))


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: object, target: object, **options: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("no_links")
def test_a_gallery_is_made_without_hard_links(tmp_path: Path) -> None:
    path = tmp_path / "new" / "gallery.db"
    with open_gallery(str(path)) as opened:
        opened.enrol("Ada", [walk()], "asked")
    assert [file.name for file in path.parent.iterdir()] == ["gallery.db"]
    assert path.stat().st_mode & 0o777 == 0o600
    with open_gallery(str(path), create=False) as opened:
        assert [person.name for person in opened.people()] == ["Ada"]


@pytest.mark.usefixtures("no_links")
def test_without_hard_links_the_first_of_several_makers_wins(tmp_path: Path) -> None:
    path, start, errors = tmp_path / "gallery.db", threading.Barrier(6), []

    def enrol(name: str) -> None:
        start.wait()
        try:
            with open_gallery(str(path), wait=60) as opened:
                opened.enrol(name, [walk()], "asked")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=enrol, args=(f"Person {k}",)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with open_gallery(str(path), create=False) as opened:
        assert len(opened.people()) == 6


@pytest.fixture
def preload(cases_dir: Path, tmp_path: Path) -> str:
    """A library that lets every hard link of a process fail."""
    compiler = shutil.which("gcc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs gcc and Linux")
    library = tmp_path / "nolink.so"
    source = cases_dir / "nolink.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return str(library)


def test_a_process_that_cannot_make_hard_links_makes_a_gallery(preload: str, tmp_path: Path) -> None:
    script = "import sys; from gallery.store.gallery import open_gallery; open_gallery(sys.argv[1]).close()"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LD_PRELOAD": preload}
    command = [sys.executable, "-c", script, str(tmp_path / "gallery.db")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    with open_gallery(str(tmp_path / "gallery.db"), create=False) as opened:
        assert opened.people() == []


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/mnt/share", "nfs4"),
        ("/mnt/share/deep/down", "nfs4"),
        ("/mnt/with space", "cifs"),
        ("/mnt/home", "fuse.sshfs"),
        ("/mnt/share/local", None),
        ("/mnt/shared", None),
        ("/mnt/box", None),
        ("/home/me", None),
    ],
)
def test_a_network_share_is_refused_with_its_kind(tmp_path: Path, folder: str, kind: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)
    path = Path(folder) / "gallery.db"
    if kind is None:
        refuse_network_share(path, mounts)
    else:
        with pytest.raises(
            GalleryError, match=rf"on a network share \({kind}\).*use a folder on a local disk"
        ):
            refuse_network_share(path, mounts)


def test_no_gallery_is_made_or_opened_on_a_network_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local, share, mounts = tmp_path / "local", tmp_path / "share", tmp_path / "mountinfo"
    for folder in (local, share):
        folder.mkdir()
    open_gallery(str(share / "old.db")).close()
    mounts.write_text(f"{MOUNTS}35 22 0:44 / {share} rw - nfs host:/export rw\n")
    monkeypatch.setattr(file_systems, "MOUNTS", mounts)
    for name in ("old.db", "new.db"):
        with pytest.raises(GalleryError, match=r"on a network share \(nfs\)"):
            open_gallery(str(share / name))
    assert [file.name for file in share.iterdir()] == ["old.db"]
    open_gallery(str(local / "new.db")).close()


def test_without_a_table_of_mounts_no_folder_is_refused(tmp_path: Path) -> None:
    refuse_network_share(tmp_path / "gallery.db", tmp_path / "none")


def test_looking_makes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "gallery.db"
    with pytest.raises(MissingGalleryError, match="there is no gallery") as caught:
        open_gallery(str(path), create=False)
    assert caught.value.url == f"sqlite:///{path.as_posix()}"
    assert list(tmp_path.iterdir()) == []


def test_a_path_below_a_file_is_refused_also_when_only_looking(tmp_path: Path) -> None:
    (tmp_path / "walk.mcap").touch()
    for create in (True, False):
        with pytest.raises(GalleryError, match=r"walk\.mcap is not a folder.*give another path") as caught:
            open_gallery(str(tmp_path / "walk.mcap" / "g" / "gallery.db"), create=create)
        assert not isinstance(caught.value, MissingGalleryError)


@pytest.fixture
def mounted_read_only(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder, and the same folder mounted so that nobody can write it there; only root can mount."""
    source, view = tmp_path / "source", tmp_path / "view"
    source.mkdir()
    view.mkdir()
    mount = shutil.which("mount")
    bind = [str(mount), "--bind", str(source), str(view)]
    if mount is None or subprocess.run(bind, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a folder")
    subprocess.run([mount, "-o", "remount,ro,bind", str(view)], check=True)
    yield source, view
    subprocess.run(["umount", "-l", str(view)], check=True)


def test_a_gallery_on_a_read_only_mount_follows_its_writer(mounted_read_only: tuple[Path, Path]) -> None:
    source, view = (folder / "gallery.db" for folder in mounted_read_only)
    with open_gallery(str(source)) as writer:
        writer.enrol("Ada", [walk()], "asked")
    with open_gallery(str(view)) as reader:
        before = reader.revision()
        assert [person.name for person in reader.people()] == ["Ada"]
        with pytest.raises(GalleryError, match="cannot be written; give yourself the right"):
            reader.enrol("Ben", [walk()], "asked")
    # Another process, as locks of one process do not exclude each other.
    context = multiprocessing.get_context("spawn")
    ready, go_on = context.Event(), context.Event()
    writing = context.Process(target=enrol_and_wait, args=(str(source), ready, go_on))
    with open_gallery(str(view)) as reader:
        writing.start()
        try:
            assert ready.wait(60)
            assert reader.revision() != before  # while the writer has it open
            assert [person.name for person in reader.people()] == ["Ada", "Ben"]
            assert len(reader.templates("model-1")) == 2
        finally:
            go_on.set()
            writing.join()
        assert [person.name for person in reader.people()] == ["Ada", "Ben"]  # and closed


def enrol_and_wait(path: str, ready: threading.Event, go_on: threading.Event) -> None:
    with open_gallery(path) as opened:
        opened.enrol("Ben", [walk()], "asked")
        ready.set()
        go_on.wait(60)
