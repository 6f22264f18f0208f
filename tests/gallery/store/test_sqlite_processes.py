"""Several processes on one gallery, and what a process that is killed leaves behind."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np

from gallery.store.gallery import NewEnrolment, open_gallery
from stream.body import FloatArray
from stream.errors import GalleryError

ROOT = Path(__file__).resolve().parents[3]

ENROL = """
import sys
import numpy as np
from gallery.store.gallery.gallery import NewEnrolment, open_gallery

url, prefix, people = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open_gallery(url, wait=60) as store:
    for k in range(people):
        walks = [
            NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, np.full((n, 6, 96), 1 + k, np.float32))
            for n in (40, 50)
        ]
        store.enrol(f"{prefix}{k}", walks, "--yes")
        print(f"{prefix}{k}", flush=True)
"""


def enrolling(path: Path, prefix: str, people: int) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ENROL, str(path), prefix, str(people)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def whole(path: Path) -> dict[str, list[FloatArray]]:
    """The templates of each person; everyone must be there with all that `ENROL` gave them."""
    with open_gallery(str(path)) as store:
        stored: dict[str, list[FloatArray]] = {person.name: [] for person in store.people()}
        for item in store.templates("model-1"):
            stored[item.name].append(item.templates)
    for name, walks in stored.items():
        assert [templates.shape for templates in walks] == [(40, 6, 96), (50, 6, 96)], name
        assert all((templates == 1 + int(name[1:])).all() for templates in walks), name
    return stored


def test_whoever_was_acknowledged_outlives_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    acknowledged: set[str] = set()
    for prefix, at_least in (("a", 3), ("b", 8), ("c", 14)):
        with enrolling(path, prefix, 10_000) as process:
            assert process.stdout is not None
            for _ in range(at_least):
                acknowledged.add(process.stdout.readline().strip())
            process.kill()
            acknowledged.update(line.strip() for line in process.stdout if line.endswith("\n"))
        assert process.returncode != 0
    assert len(acknowledged) >= 25
    stored = whole(path)
    assert acknowledged <= stored.keys()
    assert len(stored.keys() - acknowledged) <= 3  # at most the one in hand at each kill
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_processes_that_enrol_at_once_lose_nobody(tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    with enrolling(path, "a", 12) as one, enrolling(path, "b", 12) as other:
        one.communicate()
        other.communicate()
    assert (one.returncode, other.returncode) == (0, 0)
    assert whole(path).keys() == {f"{prefix}{k}" for prefix in "ab" for k in range(12)}


def test_another_processs_change_shows_in_the_revision(tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    with open_gallery(str(path)) as store:
        before = store.revision()
        with enrolling(path, "a", 1) as process:
            process.communicate()
        assert store.revision() != before
        assert store.has("a0")


def test_of_many_who_take_a_name_at_once_one_gets_it(tmp_path: Path) -> None:
    path, start = tmp_path / "gallery.db", threading.Barrier(6)
    outcomes: list[str] = []

    def enrol(number: int) -> None:
        templates = np.full((20, 6, 96), number, np.float32)
        start.wait()
        try:
            with open_gallery(str(path), wait=60) as store:  # all make the file at once, too
                store.enrol("Ada", [NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, templates)], "--yes")
            outcomes.append("enrolled")
        except GalleryError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=enrol, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("enrolled") == 1
    assert sum("enrolled already" in outcome for outcome in outcomes) == 5
    with open_gallery(str(path)) as store:
        (stored,) = store.templates("model-1")
        assert len(set(stored.templates.ravel().tolist())) == 1


def test_threads_may_share_a_gallery(tmp_path: Path) -> None:
    templates = np.ones((5, 6, 96), np.float32)
    with open_gallery(str(tmp_path / "gallery.db"), wait=60) as store:

        def enrol(number: int) -> None:
            for k in range(5):
                walk = NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, templates)
                store.enrol(f"{number}-{k}", [walk], "--yes")

        threads = [threading.Thread(target=enrol, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.people()) == len(store.templates("model-1")) == 20
        assert store.revision() == 20
